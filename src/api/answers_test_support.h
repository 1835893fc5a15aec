// Every question that a store answers, asked of a snapshot, with the answers as texts: to hold one
// store against another, or against what it once said.
#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <tracestore/store.h>

#include "model/span_batch.h"
#include "store/engine/batch_codec.h"

namespace tracestore::api::testing {

// What to ask about, taken from a store that is known to be right.
struct Questions {
  std::vector<TraceId> traces;
  std::vector<std::string> services;
  std::vector<std::string> operations;
  std::vector<std::pair<std::string, std::string>> tags;
};

struct Answer {
  bool ok = false;
  std::string text;  // the answer, or the error's sentence
};
using Answers = std::map<std::string, Answer>;

inline std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// One a line, in the order of their bytes: every field of every span.
inline std::string Told(const SpanList& spans) {
  std::vector<std::string> lines;
  if (spans.batch() == nullptr) return "";
  for (std::uint32_t row = 0; row < spans.batch()->size(); ++row) {
    model::SpanBatch one;
    model::BatchAppender appender(one);
    appender.SetSource(*spans.batch());
    appender.Append(row);
    lines.push_back(Hex(store::EncodeBatch(one)));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + " ";
  return text;
}

inline std::string Told(const SearchPage& page) {
  std::string text;
  for (const FoundTrace& found : page.traces)
    text += found.trace_id.ToHex() + "@" + std::to_string(found.order_key) + " ";
  return text;
}

inline std::string Told(const TraceSummary& s) {
  std::string text = s.trace_id.ToHex() + " " + std::to_string(s.start_ns) + " " +
                     std::to_string(s.end_ns) + " " + Hex(s.root_service) + "/" +
                     Hex(s.root_operation) + " " + std::to_string(s.span_count) + " " +
                     std::to_string(s.error_count) + " " + std::to_string(s.orphan_count);
  for (const auto& service : s.services)
    text += " " + Hex(service.name) + ":" + std::to_string(service.span_count) + ":" +
            std::to_string(service.error_count);
  return text + "; ";
}
inline std::string Told(const SummaryPage& page) {
  std::string text;
  for (const TraceSummary& summary : page.summaries) text += Told(summary);
  return text;
}
inline std::string Told(const std::vector<NamedCount>& counts) {
  std::string text;
  for (const NamedCount& c : counts) text += Hex(c.name) + ":" + std::to_string(c.count) + " ";
  return text;
}
inline std::string Told(const std::vector<OperationInfo>& operations) {
  std::string text;
  for (const OperationInfo& o : operations)
    text += Hex(o.name) + "/" + std::to_string(static_cast<int>(o.kind)) + ":" +
            std::to_string(o.spans) + " ";
  return text;
}
inline std::string Told(const std::vector<DependencyLink>& links) {
  std::string text;
  for (const DependencyLink& l : links)
    text += Hex(l.parent) + ">" + Hex(l.child) + ":" + std::to_string(l.calls) + ":" +
            std::to_string(l.errors) + " ";
  return text;
}
inline std::string Told(const std::vector<OperationMetrics>& metrics) {
  std::string text;
  for (const OperationMetrics& m : metrics) {
    text += Hex(m.service) + "/" + Hex(m.operation) + "/" +
            std::to_string(static_cast<int>(m.kind)) + "@" + std::to_string(m.step_begin_ns) + ":" +
            std::to_string(m.calls) + ":" + std::to_string(m.errors) + ":" +
            std::to_string(m.timed);
    for (const std::uint64_t latency : m.latency_ns) text += "," + std::to_string(latency);
    text += " ";
  }
  return text;
}
inline std::string Told(const StoreStats& stats) {
  return std::to_string(stats.spans) + " " + std::to_string(stats.deleted_spans);
}
inline std::string Told(const std::vector<TraceId>& ids) {
  std::string text;
  for (const TraceId id : ids) text += id.ToHex() + " ";
  return text;
}
inline std::string Told(bool yes) { return yes ? "yes" : "no"; }

class Asker {
 public:
  explicit Asker(Answers& answers) : answers_(answers) {}
  template <typename T>
  void Keep(const std::string& question, const Result<T>& result) {
    Answer& answer = answers_[question];
    answer.ok = result.has_value();
    answer.text = result.has_value() ? Told(*result) : result.error().message();
  }

 private:
  Answers& answers_;
};

inline Questions QuestionsOf(const Snapshot& snapshot) {
  Questions questions;
  Query all;
  all.limit = 0;
  const auto found = snapshot.Find(all);
  for (const FoundTrace& trace : found.value().traces) questions.traces.push_back(trace.trace_id);
  questions.traces.push_back({0xABCDEF, 0x123456789});  // which isn't there
  const auto services = snapshot.Services();
  for (const NamedCount& service : services.value()) questions.services.push_back(service.name);
  const auto operations = snapshot.Operations("");
  for (const OperationInfo& operation : operations.value())
    questions.operations.push_back(operation.name);
  const auto keys = snapshot.Keys();
  for (const NamedCount& key : keys.value()) {
    const auto values = snapshot.Values(key.name, 3);
    for (const NamedCount& value : values.value())
      questions.tags.emplace_back(key.name, value.name);
  }
  if (questions.operations.size() > 6) questions.operations.resize(6);
  if (questions.tags.size() > 24) questions.tags.resize(24);
  return questions;
}

inline void AskSearches(const Snapshot& snapshot, const Questions& questions, Asker& asker) {
  const auto ask = [&](const std::string& name, Query query) {
    query.limit = 0;
    asker.Keep("find " + name, snapshot.Find(query));
    query.count_total = true;
    query.limit = 3;
    asker.Keep("summaries " + name, snapshot.FindSummaries(query));
    asker.Keep("spans " + name, snapshot.FindSpans(query));
  };
  ask("all", Query());
  Query longest;
  longest.order = Order::kLongest;
  ask("longest", longest);
  ask("errors", Query().ErrorsOnly());
  ask("slow", Query().MinDuration(std::chrono::milliseconds(5)));
  for (const std::string& service : questions.services)
    ask("service " + Hex(service), Query().Service(service));
  for (const std::string& operation : questions.operations)
    ask("operation " + Hex(operation), Query().Operation(operation));
  for (const auto& [key, value] : questions.tags)
    ask("tag " + Hex(key) + "=" + Hex(value), Query().Tag(key, value));
}

inline Answers Ask(const Snapshot& snapshot, const Questions& questions) {
  Answers answers;
  Asker asker(answers);
  AskSearches(snapshot, questions, asker);
  for (const TraceId id : questions.traces) {
    asker.Keep("get " + id.ToHex(), snapshot.Get(id));
    asker.Keep("has " + id.ToHex(), snapshot.Has(id));
    asker.Keep("summarize " + id.ToHex(), snapshot.Summarize(id));
    asker.Keep("low " + id.ToHex(), snapshot.TracesWithLowId(id.low));
  }
  asker.Keep("services", snapshot.Services());
  asker.Keep("operations", snapshot.Operations(""));
  asker.Keep("keys", snapshot.Keys());
  for (const auto& [key, value] : questions.tags)
    asker.Keep("values " + Hex(key), snapshot.Values(key, 100));
  asker.Keep("dependencies", snapshot.Dependencies({}));
  MetricsQuery steps;
  steps.step_ns = 60'000'000'000;
  asker.Keep("metrics", snapshot.Metrics({}));
  asker.Keep("metrics a minute", snapshot.Metrics(steps));
  asker.Keep("stats", snapshot.Stats(false));
  std::string every;
  const auto visited = snapshot.ForEachBatch([&](const SpanList& spans) {
    every += Told(spans);
    return true;
  });
  answers["every span"] = {visited.has_value(),
                           visited.has_value() ? every : visited.error().message()};
  return answers;
}

}  // namespace tracestore::api::testing
