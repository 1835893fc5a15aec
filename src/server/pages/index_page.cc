#include "server/pages/index_page.h"

#include <utility>

#include "base/try.h"
#include "codec/json/json_dom.h"
#include "codec/json/json_writer.h"

namespace tracestore::server {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// JSON in a script element: no text of it may end the element. Outside of strings JSON has none of
// these signs.
std::string ForScript(std::string_view json) {
  std::string out;
  for (const char c : json) {
    switch (c) {
      case '<': out += "\\u003c"; break;
      case '>': out += "\\u003e"; break;
      case '&': out += "\\u0026"; break;
      default: out += c;
    }
  }
  return out;
}

// "function UIConfig() {" with blanks anywhere a script may have them.
bool DefinesUiConfig(std::string_view script) {
  constexpr std::string_view kName = "UIConfig";
  for (auto at = script.find(kName); at != std::string_view::npos;
       at = script.find(kName, at + 1)) {
    std::size_t before = at;
    while (before > 0 && IsBlank(script[before - 1])) --before;
    if (before == at || !script.substr(0, before).ends_with("function")) continue;
    std::size_t after = at + kName.size();
    bool all = true;
    for (const char wanted : {'(', ')', '{'}) {
      while (after < script.size() && IsBlank(script[after])) ++after;
      all = all && after < script.size() && script[after++] == wanted;
    }
    if (all) return true;
  }
  return false;
}

// Replaces NAME, blanks, "=", blanks, DEFAULT, ";" wherever it stands by "NAME = value;".
void SetConstant(std::string& html, std::string_view name, std::string_view standard,
                 std::string_view value) {
  std::string put(name);
  put += " = ";
  put += value;
  put += ';';
  for (auto at = html.find(name); at != std::string::npos; at = html.find(name, at + 1)) {
    std::size_t end = at + name.size();
    const auto skip = [&html, &end] {
      while (end < html.size() && html[end] == ' ') ++end;
    };
    const auto take = [&html, &end](std::string_view text) {
      if (html.compare(end, text.size(), text) != 0) return false;
      end += text.size();
      return true;
    };
    skip();
    if (!take("=")) continue;
    skip();
    if (!take(standard) || !take(";")) continue;
    html.replace(at, end - at, put);
    at += put.size() - 1;
  }
}

std::size_t EndOfLine(std::string_view text, std::size_t at) {
  const auto end = text.find('\n', at);
  return end == std::string_view::npos ? text.size() : end;
}

// The line that is nothing but the comment JAEGER_CONFIG_JS, and the one after it.
void SetScript(std::string& html, std::string_view script) {
  for (std::size_t begin = 0; begin < html.size(); begin = EndOfLine(html, begin) + 1) {
    std::size_t at = begin;
    while (at < html.size() && html[at] != '\n' && IsBlank(html[at])) ++at;
    if (html.compare(at, 2, "//") != 0) continue;
    at += 2;
    while (at < html.size() && html[at] != '\n' && IsBlank(html[at])) ++at;
    if (html.compare(at, 16, "JAEGER_CONFIG_JS") != 0) continue;
    const std::size_t first = EndOfLine(html, at);
    if (first == html.size()) return;
    html.replace(begin, EndOfLine(html, first + 1) - begin, script);
    return;
  }
}

void SetBasePath(std::string& html, std::string_view base) {
  constexpr std::string_view kBase = "<base href=\"/\"";
  const auto at = html.find(kBase);
  if (at == std::string::npos || base == "/") return;
  std::string put = "<base href=\"";
  for (const char c : base) {
    if (c == '"') {
      put += "&quot;";
    } else if (c == '&') {
      put += "&amp;";
    } else {
      put += c;
    }
  }
  html.replace(at, kBase.size(), put + (base.ends_with('/') ? "\"" : "/\""));
}

std::string Object(std::initializer_list<std::pair<std::string_view, bool>> members) {
  std::string out;
  codec::JsonWriter json(out);
  json.BeginObject();
  for (const auto& [key, value] : members) {
    json.Key(key);
    json.Bool(value);
  }
  json.EndObject();
  return out;
}

std::string VersionObject(std::string_view version) {
  std::string out;
  codec::JsonWriter json(out);
  json.BeginObject();
  json.Key("gitCommit");
  json.String("");
  json.Key("gitVersion");
  json.String(version);
  json.Key("buildDate");
  json.String("");
  json.EndObject();
  return out;
}

}  // namespace

Result<JaegerUiConfig> ParseJaegerUiConfig(std::string_view path, std::string_view text) {
  const std::string name(path);
  if (path.ends_with(".js")) {
    if (!DefinesUiConfig(text)) {
      return Error(ErrorCode::kInvalidArgument,
                   "UI config file must define function UIConfig(): " + name);
    }
    return JaegerUiConfig{JaegerUiConfig::Kind::kScript, std::string(text)};
  }
  if (!path.ends_with(".json")) {
    return Error(ErrorCode::kInvalidArgument,
                 "unrecognized UI config file format, expecting .js or .json file: " + name);
  }
  codec::JsonTree tree;
  const auto parsed = tree.Parse(text);
  if (!parsed.has_value())
    return Error(ErrorCode::kInvalidArgument, name + ": " + parsed.error().message());
  if (!parsed->is_object())
    return Error(ErrorCode::kInvalidArgument,
                 name + ": a UI config is an object, not " + codec::TypeNameOf(*parsed));
  return JaegerUiConfig{JaegerUiConfig::Kind::kJson, ForScript(codec::PlainTextOf(*parsed))};
}

std::string JaegerIndexPage(std::string_view html, const JaegerIndexValues& values) {
  std::string page(html);
  SetBasePath(page, values.base_path);
  SetConstant(page, "JAEGER_VERSION", "DEFAULT_VERSION", VersionObject(values.version));
  SetConstant(page, "JAEGER_STORAGE_CAPABILITIES", "DEFAULT_STORAGE_CAPABILITIES",
              Object({{"archiveStorage", values.archive}, {"metricsStorage", values.metrics}}));
  SetConstant(page, "JAEGER_BACKEND_CAPABILITIES", "DEFAULT_BACKEND_CAPABILITIES",
              Object({{"archiveStorage", values.archive},
                      {"metricsStorage", values.metrics},
                      {"searchWithoutServiceName", true},
                      {"aiAssistant", false}}));
  // The user's own last: nothing of it is taken for a mark.
  if (values.config.kind == JaegerUiConfig::Kind::kJson)
    SetConstant(page, "JAEGER_CONFIG", "DEFAULT_CONFIG", values.config.text);
  if (values.config.kind == JaegerUiConfig::Kind::kScript) SetScript(page, values.config.text);
  return page;
}

}  // namespace tracestore::server
