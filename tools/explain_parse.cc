#include "explain_parse.h"

#include <cstddef>
#include <string_view>
#include <vector>

#include "suggest.h"

namespace tracestore::tools {
namespace {

// "--limit = -1"
std::string OfNumber(std::string_view text) {
  const std::size_t equal = text.find(" = ");
  if (equal == std::string_view::npos) return std::string(text);
  return std::string(text.substr(0, equal)) + " takes a number such as 20, not '" +
         std::string(text.substr(equal + 3)) + "'";
}

// "--order", "shortest", "newest,longest}"
std::string OfChoice(std::string_view flag, const std::string& value, std::string_view choices) {
  std::vector<std::string> words;
  std::string list;
  while (!choices.empty()) {
    const std::size_t end = choices.find_first_of(",}");
    words.emplace_back(choices.substr(0, end));
    list += (list.empty() ? "" : ", ") + words.back();
    choices.remove_prefix(end == std::string_view::npos ? choices.size() : end + 1);
  }
  return std::string(flag) + ": '" + value + "' is none of " + list + DidYouMean(value, words);
}

}  // namespace

std::string ExplainParse(const CLI::ParseError& error) {
  const std::string text = error.what();
  constexpr std::string_view kConvert = "Could not convert: ";
  constexpr std::string_view kNotIn = " not in {";
  constexpr std::string_view kMissing = " missing";
  constexpr std::string_view kOneRequired = ": 1 required ";
  if (text.starts_with(kConvert)) return OfNumber(std::string_view(text).substr(kConvert.size()));
  const std::size_t colon = text.find(": ");
  if (colon == std::string::npos) return text;
  const std::string_view flag = std::string_view(text).substr(0, colon);
  if (const std::size_t choices = text.rfind(kNotIn); choices != std::string::npos) {
    return OfChoice(flag, text.substr(colon + 2, choices - colon - 2),
                    std::string_view(text).substr(choices + kNotIn.size()));
  }
  if (const std::size_t one = text.find(kOneRequired);
      one != std::string::npos && text.ends_with(kMissing)) {
    const std::size_t begin = one + kOneRequired.size();
    return std::string(flag) + " needs a value: " +
           text.substr(begin, text.size() - begin - kMissing.size());
  }
  return text;
}

}  // namespace tracestore::tools
