// GrpcBacklog: when gRPC reads on before anybody sees what it has read, and what is to be done
// about it. Its few threads read a connection for as long as bytes are there and run what has come
// to pass only then: as many connections as threads, of clients that begin calls and reset them at
// once, and calls pile up, some 5 KB each. So a question is put at the end of gRPC's queue from
// time to time; how late its answer is says how much lies before it. Private to the gRPC server.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>

namespace tracestore::net {

// Next() by one thread.
class GrpcBacklog {
 public:
  // Both count: a machine with many cores has much time of the CPU in little time, a process that
  // gets no CPU is late without having done anything.
  struct Now {
    std::chrono::nanoseconds wall{0};
    std::chrono::nanoseconds cpu{0};  // of this process
  };
  static Now Read();

  enum class Step {
    kNothing,
    kAsk,     // put a question into the queue; Answered() when it was run
    kMark,    // note how far each connection has been read
    kPause,   // no more is to come on those that were read since
    kClose,   // close those that are still being read: only calls take so long
    kResume,  // the answer is there: what was paused goes on
  };
  // What is to be done now; then ask again, after Patience().
  Step Next(Now now);
  std::chrono::milliseconds Patience() const;
  // The last question is late.
  bool behind() const noexcept { return asked_ && last_ != Step::kAsk; }

  // Fulfilled by any thread, also past the life of this.
  std::shared_ptr<std::atomic<bool>> answered() const { return answered_; }

 private:
  // Without work there is no backlog, and no question.
  static constexpr std::chrono::milliseconds kWorthAsking{20};
  // A question that late isn't one of an honest rush; see docs/benchmarks.md, "Floods".
  static constexpr std::chrono::milliseconds kLate{10}, kPause{50}, kClose{150};

  std::chrono::nanoseconds Late(Now now) const;

  const std::shared_ptr<std::atomic<bool>> answered_ = std::make_shared<std::atomic<bool>>(false);
  bool asked_ = false;
  bool paused_ = false;
  Now since_;  // of the question, or of the last step kClose; without one, of the last answer
  Step last_ = Step::kNothing;
};

}  // namespace tracestore::net
