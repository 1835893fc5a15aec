// figures: bytes a span by column and CPU by stage, beside yardsticks of the same run.
//   figures --nezha DIRECTORY | --rich SPANS
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <optional>

#include <zstd.h>

#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "fs/memory_file_system.h"
#include "nezha.h"
#include "store/engine/batch_codec.h"
#include "store/log/log_writer.h"
#include "store/segment/segment_reader.h"
#include "store/segment/segment_writer.h"

namespace {

using namespace tracestore;

// Exact where getrusage counts by ticks: a stage of one request is shorter than one.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Figures {
  std::uint64_t spans = 0;
  std::uint64_t otlp_bytes = 0, log_bytes = 0, segment_bytes = 0;
  double decode = 0, log = 0, head = 0, seal = 0;
  std::map<std::string, std::uint64_t> columns;
  std::string otlp;  // all requests, for the zstd yardstick
};

class Run {
 public:
  void Take(model::SpanBatch&& made) {
    std::string request;
    codec::EncodeOtlpProtobuf(made, request);
    figures_.otlp_bytes += request.size();
    figures_.otlp += request;
    double at = CpuSeconds();
    const auto lap = [&](double& stage) {
      const double now = CpuSeconds();
      stage += now - at;
      at = now;
    };
    model::SpanBatch batch;
    const auto report = codec::DecodeOtlpProtobuf(request, batch);
    if (!report.has_value()) std::exit(1);
    lap(figures_.decode);
    const auto record = store::PrepareLogRecord(1, store::EncodeBatch(batch), true);
    figures_.log_bytes += record->stored.size() + 32;
    lap(figures_.log);
    appender_->SetSource(batch);
    for (std::uint32_t row = 0; row < batch.size(); ++row) appender_->Append(row);
    lap(figures_.head);
    if (head_.size() >= 65'536) Seal();
  }
  void Seal() {
    if (head_.empty()) return;
    const double at = CpuSeconds();
    const auto built = store::BuildSegment(head_);
    figures_.seal += CpuSeconds() - at;
    if (!built.has_value()) std::exit(1);
    figures_.spans += head_.size();
    figures_.segment_bytes += built->bytes.size();
    fs::MemoryFileSystem files;
    (void)(*files.CreateExclusive("s"))->Append(built->bytes);
    const auto reader = store::SegmentReader::Open(*files.OpenForRead("s"), "s");
    const auto bytes = (*reader)->BytesByColumn();
    for (const auto& [name, count] : *bytes) figures_.columns[name] += count;
    head_ = {};
    appender_.emplace(head_);
  }
  const Figures& figures() const { return figures_; }

 private:
  Figures figures_;
  model::SpanBatch head_;
  std::optional<model::BatchAppender> appender_{head_};
};

void Print(const Figures& f) {
  const auto a_span = [&](double v) { return v / static_cast<double>(f.spans); };
  const auto a_million = [&](double s) { return s * 1e6 / static_cast<double>(f.spans); };
  std::printf("%llu spans, %.1f bytes a span as OTLP\n",
              static_cast<unsigned long long>(f.spans), a_span(static_cast<double>(f.otlp_bytes)));
  std::printf("segments %.2f bytes a span, log %.2f\n",
              a_span(static_cast<double>(f.segment_bytes)),
              a_span(static_cast<double>(f.log_bytes)));
  std::string packed(ZSTD_compressBound(f.otlp.size()), '\0');
  const std::size_t zstd3 =
      ZSTD_compress(packed.data(), packed.size(), f.otlp.data(), f.otlp.size(), 3);
  std::printf("yardstick: all OTLP bytes through zstd -3: %.2f bytes a span\n",
              a_span(static_cast<double>(zstd3)));
  std::printf("CPU seconds a million spans: decode %.2f, log %.2f, head %.2f, seal %.2f, sum %.2f\n",
              a_million(f.decode), a_million(f.log), a_million(f.head), a_million(f.seal),
              a_million(f.decode + f.log + f.head + f.seal));
  std::multimap<std::uint64_t, std::string, std::greater<>> sorted;
  for (const auto& [name, bytes] : f.columns) sorted.emplace(bytes, name);
  for (const auto& [bytes, name] : sorted)
    std::printf("  %8.3f  %s\n", a_span(static_cast<double>(bytes)), name.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Run run;
  if (argc == 3 && std::strcmp(argv[1], "--nezha") == 0) {
    const auto read = bench::ReadNezha(argv[2], 1000, [&](auto&& b) { run.Take(std::move(b)); });
    if (!read.has_value()) {
      std::fprintf(stderr, "figures: %s\n", read.error().message().c_str());
      return 1;
    }
  } else if (argc == 3 && std::strcmp(argv[1], "--rich") == 0) {
    bench::RichOptions options;
    options.spans = std::strtoull(argv[2], nullptr, 10);
    bench::MakeRich(options, [&](auto&& b) { run.Take(std::move(b)); });
  } else {
    std::fprintf(stderr, "usage: figures --nezha DIRECTORY | --rich SPANS\n");
    return 2;
  }
  run.Seal();
  Print(run.figures());
  return 0;
}
