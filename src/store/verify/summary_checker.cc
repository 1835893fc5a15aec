#include "store/verify/summary_checker.h"

#include <string>
#include <string_view>

namespace tracestore::store {

SummaryChecker::SummaryChecker(const SegmentReader& segment,
                               const column::StringDictionary& dictionary,
                               std::map<SectionKind, std::uint64_t>& section_at, VerifyRun& run)
    : segment_(segment), dictionary_(dictionary), section_at_(section_at), run_(run) {
  if (const auto links = segment.links(); links.has_value() && *links != nullptr) {
    links_ = *links;
    link_counter_.emplace(links_->steps);
  }
  if (const auto metrics = segment.metrics(); metrics.has_value() && *metrics != nullptr) {
    metrics_ = *metrics;
    metric_counter_.emplace(metrics_->steps);
  }
}

void SummaryChecker::AddPage(const model::SpanBatch& rows) {
  if (!link_counter_ && !metric_counter_) return;
  std::optional<model::BatchAppender> appender;
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    if (!trace_.empty() && trace_.spans.front().trace_id != rows.spans[row].trace_id) {
      AddTrace();
      appender.reset();
    }
    if (!appender) appender.emplace(trace_).SetSource(rows);
    appender->Append(row);
  }
}

void SummaryChecker::AddTrace() {
  const auto id_of = [this](std::string_view text) {
    return dictionary_.Find(text).value_or(static_cast<std::uint32_t>(dictionary_.size()));
  };
  if (link_counter_) link_counter_->AddTrace(trace_, id_of, false);
  if (metric_counter_) metric_counter_->AddTrace(trace_, id_of, true);
  trace_ = {};
}

void SummaryChecker::Finish(bool whole) {
  if (!whole) return;
  if (!trace_.empty()) AddTrace();
  if (link_counter_ && link_counter_->Links().Encode() != links_->Encode())
    Say(SectionKind::kLinks, "its calls are not those of the rows");
  if (metric_counter_ && metric_counter_->Metrics().Encode() != metrics_->Encode())
    Say(SectionKind::kSpanMetrics, "its counts are not those of the rows");
}

void SummaryChecker::Say(SectionKind kind, const char* what) {
  run_.Damage(segment_.name(), section_at_[kind], SegmentSectionName(kind), what);
}

}  // namespace tracestore::store
