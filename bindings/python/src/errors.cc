#include "errors.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "convert.h"

namespace tracestore::python {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{50};

// By code; the module keeps them for the life of the process.
std::array<PyObject*, 8> classes{};

}  // namespace

void Raise(const Error& error) {
  if (PyErr_Occurred() == nullptr) {
    const auto code = static_cast<std::size_t>(error.code());
    PyObject* type = code < classes.size() && classes[code] != nullptr ? classes[code] : classes[0];
    // As an object: a caller's text that it repeats may have a zero byte.
    PyErr_SetObject(type, Text(error.message()).ptr());
  }
  throw nb::python_error();
}

Interrupts::Interrupts(std::optional<double> timeout_s)
    : next_(std::chrono::steady_clock::now() + kBetweenLooks) {
  if (!timeout_s) return;
  constexpr double kLongest = 1e9;  // seconds: beyond it the clock's type would overflow
  if (!(*timeout_s >= 0)) {
    Raise(Error(ErrorCode::kInvalidArgument, "a timeout is a number of seconds, not negative"));
  }
  deadline_ = std::chrono::steady_clock::now() +
              std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                  std::chrono::duration<double>(std::min(*timeout_s, kLongest)));
}

bool Interrupts::Poll() {
  const auto now = std::chrono::steady_clock::now();
  if (raised_ || now < next_) return raised_;
  next_ = now + kBetweenLooks;
  const nb::gil_scoped_acquire acquire;
  raised_ = PyErr_CheckSignals() != 0;
  return raised_;
}

StopWhen Interrupts::stop() {
  StopWhen stop;
  stop.deadline = deadline_;
  stop.poll = [this] { return Poll(); };
  return stop;
}

pid_t Owner::Current() noexcept { return ::getpid(); }

void Owner::Check() const {
  if (here()) return;
  Raise(Error(ErrorCode::kInvalidArgument,
              "this store was opened before fork(): open it again in the child process"));
}

void BindErrors(nb::module_&) {
  const nb::module_ errors = nb::module_::import_("tracestore._errors");
  const nb::object by_code = errors.attr("BY_CODE");
  for (std::size_t code = 0; code < classes.size(); ++code)
    classes[code] = nb::object(by_code[code]).release().ptr();
}

}  // namespace tracestore::python
