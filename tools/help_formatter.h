// How --help looks: usage in one line, descriptions wrapped, no notes on what excludes what.
#pragma once
#include <string>

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>

namespace tracestore::tools {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();

  std::string make_usage(const CLI::App* app, std::string name) const override;
  // CLI11's own counts bytes where columns are meant.
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace tracestore::tools
