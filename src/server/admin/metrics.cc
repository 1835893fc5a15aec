// The text format: https://prometheus.io/docs/instrumenting/exposition_formats/.
#include "server/admin/metrics.h"

#include <array>
#include <charconv>

namespace tracestore::server {
namespace {

std::string CleanName(std::string_view name) {
  std::string out(name);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = out[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
    if (!letter && !(i > 0 && c >= '0' && c <= '9')) out[i] = '_';
  }
  return out;
}

void AppendEscaped(std::string_view text, bool quotes, std::string& out) {
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\\')
      out += "\\\\";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
}

std::string Rendered(const MetricLabels& labels) {
  if (labels.empty()) return {};
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ',';
    out += CleanName(name) + "=\"";
    AppendEscaped(value, true, out);
    out += '"';
  }
  return out + '}';
}

void AppendNumber(double value, std::string& out) {
  if (value != value) {
    out += "NaN";
    return;
  }
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

}  // namespace

void MetricRegistry::Describe(std::string_view name, std::string_view help) {
  const std::lock_guard lock(mutex_);
  families_[CleanName(name)].help = help;
}

// Caller holds mutex_.
double& MetricRegistry::Sample(std::string_view name, const MetricLabels& labels, bool counter) {
  Family& family = families_[CleanName(name)];
  family.counter = counter;
  return family.samples[Rendered(labels)];
}

void MetricRegistry::Add(std::string_view name, const MetricLabels& labels, double value) {
  const std::lock_guard lock(mutex_);
  Sample(name, labels, true) += value;
}

void MetricRegistry::Set(std::string_view name, const MetricLabels& labels, double value) {
  const std::lock_guard lock(mutex_);
  Sample(name, labels, name.ends_with("_total")) = value;
}

std::string MetricRegistry::Text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    if (family.samples.empty()) continue;
    if (!family.help.empty()) {
      out += "# HELP " + name + ' ';
      AppendEscaped(family.help, false, out);
      out += '\n';
    }
    out += "# TYPE " + name + (family.counter ? " counter\n" : " gauge\n");
    for (const auto& [labels, value] : family.samples) {
      out += name + labels + ' ';
      AppendNumber(value, out);
      out += '\n';
    }
  }
  return out;
}

}  // namespace tracestore::server
