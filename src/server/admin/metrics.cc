// The text format: https://prometheus.io/docs/instrumenting/exposition_formats/.
#include "server/admin/metrics.h"

#include <array>
#include <charconv>

#include "model/text.h"

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
    AppendEscaped(LabelText(value), true, out);
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

// `labels` as rendered, with the bound as one more.
std::string WithBound(const std::string& labels, const std::string& bound) {
  const std::string le = "le=\"" + bound + "\"}";
  return labels.empty() ? "{" + le : labels.substr(0, labels.size() - 1) + "," + le;
}

}  // namespace

std::string LabelText(std::string_view value) {
  constexpr std::string_view kEllipsis = "…";
  std::string text = model::MendUtf8(model::CutText(value, kMostLabelBytes));
  if (value.size() <= kMostLabelBytes && text.size() <= kMostLabelBytes) return text;
  text.resize(model::CutText(text, kMostLabelBytes - kEllipsis.size()).size());
  text += kEllipsis;
  return text;
}

MetricHistogram::MetricHistogram(const std::vector<double>& bounds)
    : bounds_(bounds), counts_(bounds.size() + 1) {}

void MetricHistogram::Observe(double value) noexcept {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  const auto at = static_cast<std::size_t>(bound - bounds_.begin());
  counts_[at].fetch_add(1, std::memory_order_relaxed);
  sum_.Add(value);
}

std::vector<std::uint64_t> MetricHistogram::Cumulative() const {
  std::vector<std::uint64_t> counts;
  std::uint64_t total = 0;
  for (const auto& count : counts_) {
    total += count.load(std::memory_order_relaxed);
    counts.push_back(total);
  }
  return counts;
}

const std::vector<double>& MetricRegistry::LatencyBounds() {
  static const std::vector<double> kBounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
  return kBounds;
}

void MetricRegistry::Describe(std::string_view name, std::string_view help) {
  const std::lock_guard lock(mutex_);
  families_[CleanName(name)].help = help;
}

void MetricRegistry::DescribeHistogram(std::string_view name, std::string_view help,
                                       std::vector<double> bounds) {
  const std::lock_guard lock(mutex_);
  Family& family = families_[CleanName(name)];
  family.help = help;
  family.bounds = std::move(bounds);
}

void MetricRegistry::Alias(std::string_view name, std::string_view also) {
  const std::lock_guard lock(mutex_);
  families_[CleanName(name)].aliases.push_back(CleanName(also));
}

MetricValue& MetricRegistry::Value(std::string_view name, const MetricLabels& labels,
                                   const char* type) {
  const std::lock_guard lock(mutex_);
  Family& family = families_[CleanName(name)];
  if (*family.type == '\0') family.type = type;
  auto& value = family.values[Rendered(labels)];
  if (!value) value = std::make_unique<MetricValue>();
  return *value;
}

MetricValue& MetricRegistry::Counter(std::string_view name, const MetricLabels& labels) {
  return Value(name, labels, "counter");
}

MetricValue& MetricRegistry::Gauge(std::string_view name, const MetricLabels& labels) {
  return Value(name, labels, "gauge");
}

MetricHistogram& MetricRegistry::Histogram(std::string_view name, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  Family& family = families_[CleanName(name)];
  if (*family.type == '\0') family.type = "histogram";
  if (family.bounds.empty()) family.bounds = LatencyBounds();
  auto& histogram = family.histograms[Rendered(labels)];
  if (!histogram) histogram = std::make_unique<MetricHistogram>(family.bounds);
  return *histogram;
}

void MetricRegistry::Add(std::string_view name, const MetricLabels& labels, double value) {
  Counter(name, labels).Add(value);
}

void MetricRegistry::Set(std::string_view name, const MetricLabels& labels, double value) {
  Value(name, labels, name.ends_with("_total") ? "counter" : "gauge").Set(value);
}

void MetricRegistry::Observe(std::string_view name, const MetricLabels& labels, double value) {
  Histogram(name, labels).Observe(value);
}

void MetricRegistry::AppendHistograms(const std::string& name, const Family& family,
                                      std::string& out) {
  for (const auto& [labels, histogram] : family.histograms) {
    const std::vector<std::uint64_t> counts = histogram->Cumulative();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      std::string bound;
      if (i < family.bounds.size()) AppendNumber(family.bounds[i], bound);
      out += name + "_bucket" + WithBound(labels, i < family.bounds.size() ? bound : "+Inf") + ' ';
      out += std::to_string(counts[i]) + '\n';
    }
    out += name + "_sum" + labels + ' ';
    AppendNumber(histogram->sum(), out);
    out += '\n' + name + "_count" + labels + ' ' + std::to_string(counts.back()) + '\n';
  }
}

void MetricRegistry::AppendFamily(const std::string& name, const Family& family, std::string& out) {
  if (!family.help.empty()) {
    out += "# HELP " + name + ' ';
    AppendEscaped(family.help, false, out);
    out += '\n';
  }
  out += "# TYPE " + name + ' ' + family.type + '\n';
  for (const auto& [labels, value] : family.values) {
    out += name + labels + ' ';
    AppendNumber(value->value(), out);
    out += '\n';
  }
  AppendHistograms(name, family, out);
}

std::string MetricRegistry::Text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    if (family.values.empty() && family.histograms.empty()) continue;
    AppendFamily(name, family, out);
    for (const std::string& alias : family.aliases) AppendFamily(alias, family, out);
  }
  return out;
}

}  // namespace tracestore::server
