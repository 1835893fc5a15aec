// From Result<T> to Python: one exception class per error code (tracestore/_errors.py), and work
// that runs without the interpreter's lock and stops on Ctrl-C.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <utility>

#include <nanobind/nanobind.h>
#include <tracestore/query.h>
#include <tracestore/status.h>

namespace tracestore::python {

namespace nb = nanobind;

// Raises the error as the exception of its code; where a signal handler has raised one already, as
// KeyboardInterrupt, that one. The interpreter's lock is held.
[[noreturn]] void Raise(const Error& error);

template <typename T>
T Take(Result<T> result) {
  if (!result.has_value()) Raise(result.error());
  return std::move(*result);
}
inline void Take(Status status) {
  if (!status.has_value()) Raise(status.error());
}

// Runs `work`, which gives a Result and touches no Python object, without the interpreter's lock.
template <typename Work>
auto Run(const Work& work) {
  auto result = [&] {
    const nb::gil_scoped_release release;
    return work();
  }();
  return Take(std::move(result));
}

// Looks for signals while work runs on the main thread, every 50 ms. One thread; `timeout_s` counts
// from now.
class Interrupts {
 public:
  explicit Interrupts(std::optional<double> timeout_s = std::nullopt);
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // True when a signal handler has raised. Called without the interpreter's lock.
  bool Poll();
  // What calls of a snapshot stop by. Refers to this.
  StopWhen stop();

 private:
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::chrono::steady_clock::time_point next_;
  bool raised_ = false;
};

// The process that made an object: another one, after fork(), must not use it.
class Owner {
 public:
  bool here() const noexcept { return pid_ == Current(); }
  // Raises InvalidArgumentError in a process that came of it by fork().
  void Check() const;

 private:
  const pid_t pid_ = Current();
  static pid_t Current() noexcept;
};

void BindErrors(nb::module_& module);

}  // namespace tracestore::python
