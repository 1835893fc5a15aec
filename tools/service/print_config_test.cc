// What --print-config writes is read back as what it was, of every setting of every service.
#include "service/print_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "service/check.h"
#include "service/config_file.h"
#include "service/resolve.h"
#include "service/structured.h"

namespace tracestore::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Given Flag(std::string name, std::string value) { return {name, std::move(value), "--" + name}; }

// Texts for settings of every type: each gets those that it takes. What is hard in YAML, then
// numbers, sizes, durations, addresses and lists.
const std::vector<std::string>& Texts() {
  static const std::vector<std::string> kTexts = {
      "",
      " ",
      "a",
      " a",
      "a ",
      "\ta",
      "a\t",
      "a\nb",
      "a\n",
      "a\r\nb",
      std::string("a\0b", 3),
      "\x01\x1b\x7f",
      "null",
      "Null",
      "NULL",
      "~",
      "true",
      "no",
      "0x1F",
      "0o17",
      "1_000",
      "2026-11-28",
      ".inf",
      "<<",
      "=",
      "#",
      "a #b",
      "a# b",
      ":",
      "a:",
      ":a",
      "a: b",
      "A: b, c",
      "A: b: c",
      "a:b",
      "-",
      "- a",
      "-a",
      "---",
      "...",
      "?",
      "? a",
      "'",
      "'a'",
      "\"",
      "\"a\"",
      "\\",
      "\\n",
      "a\\",
      "[a",
      "]",
      "{a}",
      "a,b",
      "a, b,c",
      ",",
      "&a",
      "*a",
      "!a",
      "!!int 1",
      "|",
      ">",
      "%a",
      "@a",
      "`a",
      "${HOME:a}",
      "ü",
      "日本",
      "😀",
      "\xc2\x85",  // YAML's further ends of lines
      "\xe2\x80\xa8",
      "\xef\xbb\xbfz",  // a byte order mark
      std::string(3'000, 'x'),
      std::string(3'000, ':') + " " + std::string(3'000, '#'),
      "0",
      "1",
      "7",
      "64",
      "1000",
      "1023",
      "65536",
      "100000",
      "100000001",
      "0.25",
      "1e-9",
      "0.1234567890123456",
      "1e8",
      "99KiB",
      "64000001",
      "3MiB",
      "2GiB",
      "5kB",
      "16777216TiB",
      "1ns",
      "1500us",
      "1ms",
      "1.5s",
      "90s",
      "1h30m",
      "36h",
      "30d",
      "off",
      "on",
      ":0",
      ":80",
      "[::1]:80",
      "[fe80::1%eth0]:80",
      "a.example:65535",
      "file",
      "static",
      "adaptive",
      "none",
      "grpc",
      "otlp-grpc",
      "otlp-http",
      "tchannel",
      "full",
      "debug",
      "WARN",
      "fatal",
      "1.0",
      "1.1",
      "1.3",
      "[{action: drop, key: a}]",
      "- action: drop\n  key: a\n"};
  return kTexts;
}

std::string WithoutOrigins(Role role, Resolved resolved) {
  resolved.origins.clear();
  return PrintConfig(role, resolved);
}

// The settings of the role that are not as they were, after a way through the printed text.
std::vector<std::string> Changed(Role role, const Resolved& first) {
  const std::string text = PrintConfig(role, first);
  const auto given = ParseConfig(text, "printed");
  if (!given.has_value()) return {given.error().message()};
  const auto second = Resolve(role, {.file = *given});
  if (!second.has_value()) return {second.error().message()};
  std::vector<std::string> changed;
  for (const Setting& setting : Settings()) {
    if ((setting.roles & role) != 0 &&
        ValuesOf(setting, second->config) != ValuesOf(setting, first.config)) {
      changed.push_back(std::string(setting.name) + " is " +
                        testing::PrintToString(ValuesOf(setting, second->config)));
    }
  }
  if (changed.empty() && WithoutOrigins(role, *second) != WithoutOrigins(role, first))
    changed.push_back("another print: " + WithoutOrigins(role, *second));
  if (second->warnings.size() != first.warnings.size())
    changed.push_back("told of: " + testing::PrintToString(second->warnings));
  if (UnheededSettings(*second).size() != UnheededSettings(first).size())
    changed.push_back("told of as unheeded: " + testing::PrintToString(UnheededSettings(*second)));
  return changed;
}

// The texts that a setting takes and that make it other than it is by itself.
std::vector<std::string> TextsOf(Role role, const Setting& setting) {
  const ServiceConfig defaults = DefaultsOf(role);
  const auto before = ValuesOf(setting, defaults);
  std::vector<std::string> texts;
  for (const std::string& text : Texts()) {
    ServiceConfig config = defaults;
    ClearValue(setting, config);
    if (SetValue(setting, text, config).has_value() && ValuesOf(setting, config) != before)
      texts.push_back(text);
  }
  return texts;
}

TEST(PrintConfig, ReadsBackToTheSame) {
  Sources sources;
  sources.flags = {Flag("host", ""),
                   Flag("data", "/a \"b\"\\ c: #d\n\x01"),
                   Flag("query.host-port", ":0"),
                   Flag("admin-port", "off"),
                   Flag("cors-origin", "http://a"),
                   Flag("query.additional-headers", "A: b"),
                   Flag("keep-age", "90m"),
                   Flag("keep-bytes", "3MiB")};
  const auto file = ParseConfig("processors:\n  - action: drop\n    key: \"a: b\"\n", "a.yaml");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  sources.file = *file;
  const auto first = Resolve(kAllInOne, sources);
  ASSERT_TRUE(first.has_value()) << first.error().message();
  const std::string text = PrintConfig(kAllInOne, *first);
  const auto given = ParseConfig(text, "printed");
  ASSERT_TRUE(given.has_value()) << given.error().message() << '\n' << text;
  const auto second = Resolve(kAllInOne, {.file = *given});
  ASSERT_TRUE(second.has_value()) << second.error().message() << '\n' << text;
  for (const Setting& setting : Settings()) {
    EXPECT_EQ(ValuesOf(setting, second->config), ValuesOf(setting, first->config)) << text;
  }
  EXPECT_THAT(text, HasSubstr("keep-age: 90m  # --keep-age\n"));
}

TEST(PrintConfig, ASecretIsNotReadBackAsWhatStandsInItsPlace) {
  constexpr const char* kName = "collector.zipkin.tls.key-store-password";
  const auto resolved = Resolve(kCollector, {.flags = {Flag(kName, "x")}});
  const auto given = ParseConfig(PrintConfig(kCollector, *resolved), "printed");
  ASSERT_TRUE(given.has_value());
  const auto again = Resolve(kCollector, {.file = *given});
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error().message(),
              HasSubstr(std::string("'") + kName +
                        "' is hidden where --print-config wrote it: write what it is"));
}

// All settings at once have another text in each round, of all-in-one until each has had all of its
// own; the others have the same types.
TEST(PrintConfig, EveryTextOfEverySettingReadsBack) {
  for (const Role role : kRoles) {
    std::vector<std::pair<std::string, std::vector<std::string>>> texts_of;
    std::size_t rounds = 0;
    for (const Setting& setting : Settings()) {
      if ((setting.roles & role) == 0 || setting.secret) continue;
      texts_of.emplace_back(setting.name, TextsOf(role, setting));
      ASSERT_FALSE(texts_of.back().second.empty()) << setting.name;
      rounds = std::max(rounds, texts_of.back().second.size());
    }
    const std::size_t step = role == kAllInOne ? 1 : 7;
    for (std::size_t round = 0; round < rounds; round += step) {
      Sources sources;
      for (const auto& [name, texts] : texts_of)
        sources.flags.push_back(Flag(name, texts[round % texts.size()]));
      const auto resolved = Resolve(role, sources);
      ASSERT_TRUE(resolved.has_value()) << resolved.error().message();
      EXPECT_THAT(Changed(role, *resolved), ElementsAre()) << RoleName(role) << ", round " << round;
    }
  }
}

// As a user does it who keeps what was printed for a file.
std::vector<std::string> ToldOfPrinted(Role role, const Sources& sources) {
  const auto first = Resolve(role, sources);
  EXPECT_THAT(first->warnings, ElementsAre());
  const auto given = ParseConfig(PrintConfig(role, *first), "printed");
  EXPECT_TRUE(given.has_value()) << given.error().message();
  const auto second = Resolve(role, {.file = given.value_or(std::vector<Given>())});
  EXPECT_EQ(CheckConfig(role, *second).has_value(), CheckConfig(role, *first).has_value());
  std::vector<std::string> told = second->warnings;
  for (std::string& unheeded : UnheededSettings(*second)) told.push_back(std::move(unheeded));
  return told;
}

TEST(PrintConfig, NothingIsToldOfWhatNobodyAskedFor) {
  for (const Role role : kRoles) EXPECT_THAT(ToldOfPrinted(role, {}), ElementsAre());
  for (const char* type : {"grpc", "otlp-grpc", "otlp-http", "tchannel"}) {
    const Sources sends = {.flags = {Flag("reporter.type", type),
                                     Flag("reporter.grpc.host-port", "a:1"),
                                     Flag("reporter.tchannel.host-port", "a:1"),
                                     Flag("reporter.otlp.host-port", "a:1")}};
    EXPECT_THAT(ToldOfPrinted(kCollector, sends), ElementsAre());
    EXPECT_THAT(ToldOfPrinted(kAgent, sends), ElementsAre());
  }
}

TEST(PrintConfig, AFilesNameIsAComment) {
  const auto file = ParseConfig("sync: full\n", "a\ndata: b\r\x80.yaml");
  const auto resolved = Resolve(kCollector, {.file = *file});
  EXPECT_THAT(Changed(kCollector, *resolved), ElementsAre());
}

TEST(PrintConfig, AListOfMapsIsAsAFileHasItWhereItCanBe) {
  const auto printed = [](const Sources& sources) {
    return PrintConfig(kCollector, *Resolve(kCollector, sources));
  };
  constexpr const char* kText = "- action: drop  # no card\n  key: card\n";
  const auto file = ParseConfig(std::string("processors:\n") + kText, "a.yaml");
  EXPECT_THAT(printed({.file = *file}),
              HasSubstr("processors:\n  - action: drop\n    key: card\n"));
  EXPECT_THAT(printed({.flags = {Flag("processors", "[{action: drop, key: card}]")}}),
              HasSubstr("processors:\n  [{action: drop, key: card}]\n"));
  EXPECT_THAT(printed({.flags = {Flag("processors", kText)}}),
              HasSubstr("processors: \"- action: drop  # no card\\x0a  key: card\\x0a\"\n"));
}

}  // namespace
}  // namespace tracestore::tools
