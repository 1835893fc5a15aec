#include "empty_values.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstddef>

namespace tracestore::tools {

Result<std::vector<std::string>> WithEmptyValues(const CLI::App& app,
                                                 const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  bool is_value = false;  // of the flag before
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!is_value && argument == "--") {
      out.insert(out.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      return out;
    }
    out.push_back(argument);
    const bool is_flag = !is_value && argument.starts_with("--");
    is_value = false;
    if (!is_flag) continue;
    const std::size_t equals = argument.find('=');
    const std::string flag = argument.substr(0, equals);
    const CLI::Option* option = app.get_option_no_throw(flag);
    if (option == nullptr) continue;
    const bool is_switch = option->get_items_expected_max() == 0;
    if (equals == std::string::npos) {
      is_value = !is_switch;
    } else if (equals + 1 == argument.size()) {
      if (is_switch)
        return Error(ErrorCode::kInvalidArgument,
                     argument + " has no value: it takes true or false");
      out.back() = flag;
      out.emplace_back();
    }
  }
  return out;
}

}  // namespace tracestore::tools
