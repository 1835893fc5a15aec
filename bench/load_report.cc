#include "load_report.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace tracestore::bench {
namespace {

template <typename T, typename Figure>
std::vector<double> SortedFigures(std::span<const T> of, Figure&& figure) {
  std::vector<double> figures;
  figures.reserve(of.size());
  for (const T& one : of) figures.push_back(figure(one));
  std::sort(figures.begin(), figures.end());
  return figures;
}

double Median(const std::vector<double>& sorted) {
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
double Least(const std::vector<double>& sorted) { return sorted.front(); }

bool IsUdp(LoadProtocol protocol) { return protocol == LoadProtocol::kJaegerUdp; }

double YardsticksOf(LoadProtocol protocol) { return protocol == LoadProtocol::kZipkinJson ? 4 : 2; }

// CPU seconds of as many spans as the stages had.
double CpuOf(LoadProtocol protocol, const LoadMessages& load, const LoadRun& run) {
  const double spans = IsUdp(protocol) ? run.received : static_cast<double>(run.sent);
  return run.cpu_seconds * static_cast<double>(load.total_spans) / spans;
}

double AimOf(LoadProtocol protocol, const StageSeconds& stages) {
  return stages.store + YardsticksOf(protocol) * stages.yardstick;
}

// One figure of all repeats' figures, for each of them.
using Choose = double (*)(const std::vector<double>& sorted);

// CPU seconds.
struct Cpu {
  double all = 0;
  StageSeconds stages;
};
Cpu ChooseOf(LoadProtocol protocol, const LoadMessages& load, std::span<const LoadRun> runs,
             std::span<const StageSeconds> stages, Choose choose) {
  Cpu out;
  out.all =
      choose(SortedFigures(runs, [&](const LoadRun& run) { return CpuOf(protocol, load, run); }));
  for (double StageSeconds::*stage : {&StageSeconds::decode, &StageSeconds::sanitize,
                                      &StageSeconds::store, &StageSeconds::yardstick}) {
    out.stages.*stage =
        choose(SortedFigures(stages, [&](const StageSeconds& of) { return of.*stage; }));
  }
  return out;
}

void PrintCpu(LoadProtocol protocol, const LoadMessages& load, const Cpu& cpu) {
  const StageSeconds& of = cpu.stages;
  const double aim = AimOf(protocol, of);
  const auto micro = [&](double seconds) {
    return seconds * 1e6 / static_cast<double>(load.total_spans);
  };
  std::printf("  CPU a span, us: all %.2f = decode %.2f + sanitize %.2f + store %.2f + rest %.2f\n",
              micro(cpu.all), micro(of.decode), micro(of.sanitize), micro(of.store),
              micro(cpu.all - of.decode - of.sanitize - of.store));
  std::printf("  yardstick %.2f us a span; aim store + %.0f x yardstick = %.2f: %s (x %.2f)\n",
              micro(of.yardstick), YardsticksOf(protocol), micro(aim),
              cpu.all <= aim ? "met" : "NOT met", cpu.all / aim);
}

void PrintRepeats(LoadProtocol protocol, const LoadMessages& load, std::span<const LoadRun> runs,
                  std::span<const StageSeconds> stages) {
  std::printf("  the least of each of %zu repeats, which others' work adds least to:\n",
              runs.size());
  PrintCpu(protocol, load, ChooseOf(protocol, load, runs, stages, Least));
  std::printf("  all to its aim, by each repeat:");
  for (std::size_t i = 0; i < runs.size(); ++i)
    std::printf(" %.2f", CpuOf(protocol, load, runs[i]) / AimOf(protocol, stages[i]));
  std::printf("\n");
}

void PrintMemory(const LoadRun& run) {
  if (run.memory.empty()) return;
  const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1048576; };
  const auto middle = run.memory.begin() + static_cast<std::ptrdiff_t>(run.memory.size() / 2);
  std::printf("  memory, MiB: most of the first half %.0f, of the second %.0f\n",
              mib(*std::max_element(run.memory.begin(), middle + 1)),
              mib(*std::max_element(middle, run.memory.end())));
}

bool PrintBalance(LoadProtocol protocol, const LoadMessages& load, const LoadRun& run) {
  const auto sent = static_cast<double>(run.sent);
  const bool udp = IsUdp(protocol);
  // Dropped packets are counted by the kernel and by the receiver; all have as many spans.
  const double lost = udp ? sent - run.received : sent - static_cast<double>(run.acknowledged);
  const bool balanced = run.received == run.accepted + run.rejected &&
                        run.accepted == run.stored + run.dropped + run.waiting;
  const double packets = static_cast<double>(run.kernel_drops) + run.receiver_drops;
  const bool explained = lost == (udp ? packets * load.spans[0] : 0);
  std::printf("  sent %.0f, received %.0f = accepted %.0f + rejected %.0f; stored %.0f", sent,
              run.received, run.accepted, run.rejected, run.stored);
  if (run.dropped + run.waiting != 0)
    std::printf(", dropped by rules %.0f, waiting %.0f", run.dropped, run.waiting);
  if (udp) {
    std::printf("; packets of %u spans dropped by the kernel %" PRIu64 ", by the receiver %.0f",
                load.spans[0], run.kernel_drops, run.receiver_drops);
  }
  std::printf(": %s\n", balanced && explained ? "every span accounted for" : "NOT accounted for");
  return balanced && explained;
}

}  // namespace

bool ReportLoad(LoadProtocol protocol, const LoadMessages& load, std::span<const LoadRun> runs,
                std::span<const StageSeconds> stages) {
  const auto spans = static_cast<double>(load.total_spans);
  std::printf("\n%s: %" PRIu64 " spans, %.0f a message, %.0f bytes a span\n",
              LoadProtocolName(protocol), runs[0].sent,
              spans / static_cast<double>(load.messages.size()),
              static_cast<double>(load.total_bytes) / spans);
  const auto median = [&](auto&& figure) { return Median(SortedFigures(runs, figure)); };
  std::printf("  %.0f spans/s on the clock (%.1f s)\n",
              median([](const LoadRun& run) { return run.accepted / run.wall_seconds; }),
              median([](const LoadRun& run) { return run.wall_seconds; }));
  PrintCpu(protocol, load, ChooseOf(protocol, load, runs, stages, Median));
  if (runs.size() > 1) PrintRepeats(protocol, load, runs, stages);
  bool good = true;
  for (const LoadRun& run : runs) {
    PrintMemory(run);
    good &= PrintBalance(protocol, load, run);
  }
  return good;
}

}  // namespace tracestore::bench
