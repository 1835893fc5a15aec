#include "nezha.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <vector>

#include "base/try.h"
#include "codec/detect/decompress.h"
#include "fs/posix_file_system.h"

namespace tracestore::bench {
namespace {

std::uint64_t Number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The pod's name without its last two parts.
std::string_view ServiceOf(std::string_view pod) {
  for (int i = 0; i < 2; ++i) {
    const std::size_t dash = pod.rfind('-');
    if (dash == std::string_view::npos) break;
    pod = pod.substr(0, dash);
  }
  return pod;
}

class Reader {
 public:
  Reader(std::size_t batch_spans, const std::function<void(model::SpanBatch&&)>& take)
      : batch_spans_(batch_spans), take_(take) {}

  void Line(std::string_view line) {
    std::string_view fields[8];
    for (auto& field : fields) {
      const std::size_t comma = line.find(',');
      field = line.substr(0, comma);
      line = comma == std::string_view::npos ? std::string_view{} : line.substr(comma + 1);
    }
    const auto trace = TraceId::FromHex(fields[0]);
    const auto span = SpanId::FromHex(fields[1]);
    if (!trace || !span) return;
    model::SpanRecord record;
    record.trace_id = *trace;
    record.span_id = *span;
    if (const auto parent = SpanId::FromHex(fields[2])) record.parent_id = *parent;
    record.name = batch_.strings.Intern(fields[4]);
    record.start_ns = Number(fields[5]);
    record.duration_ns = Number(fields[6]) - record.start_ns;
    record.presence = model::kHasStart | model::kHasDuration;
    record.resource = Resource(fields[3]);
    if (batch_.scopes.empty()) batch_.scopes.emplace_back();
    batch_.spans.push_back(record);
    if (batch_.size() >= batch_spans_) Flush();
  }
  void Flush() {
    if (batch_.empty()) return;
    take_(std::move(batch_));
    batch_ = {};
    pods_.clear();
  }

 private:
  std::uint32_t Resource(std::string_view pod) {
    const auto [at, fresh] =
        pods_.try_emplace(std::string(pod), static_cast<std::uint32_t>(batch_.resources.size()));
    if (!fresh) return at->second;
    model::ResourceRecord resource;
    resource.attributes = {static_cast<std::uint32_t>(batch_.attributes.size()), 2};
    batch_.AddString(batch_.strings.Intern("service.name"), ServiceOf(pod));
    batch_.AddString(batch_.strings.Intern("k8s.pod.name"), pod);
    batch_.resources.push_back(resource);
    return at->second;
  }

  std::size_t batch_spans_;
  const std::function<void(model::SpanBatch&&)>& take_;
  model::SpanBatch batch_;
  std::map<std::string, std::uint32_t> pods_;
};

}  // namespace

Status ReadNezha(const std::string& directory, std::size_t batch_spans,
                 const std::function<void(model::SpanBatch&&)>& take) {
  auto& files = fs::PosixFileSystem::Shared();
  TS_TRY_ASSIGN(const auto entries, files.List(directory));
  Reader reader(batch_spans, take);
  for (const auto& entry : entries) {
    TS_TRY_ASSIGN(const std::string packed,
                  fs::ReadWholeFile(files, fs::JoinPath(directory, entry.name), 1ULL << 30));
    TS_TRY_ASSIGN(const std::string text, codec::Decompress(packed, 1ULL << 32));
    std::string_view rest = text;
    bool header = true;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (!header && !line.empty()) reader.Line(line);
      header = false;
    }
  }
  reader.Flush();
  return {};
}

}  // namespace tracestore::bench
