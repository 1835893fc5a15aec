// Status and Result<T>: how every call of this library reports failure. No exception crosses the
// API.
//
// Member names follow std::expected, so that a later move to it is an alias.
#pragma once
#include <cassert>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace tracestore {

// Stable numbers: they cross the C ABI, the CLI's exit status and the Python exception map.
enum class ErrorCode : unsigned char {
  kInvalidArgument = 1,  // the caller's fault; the same call can't succeed later
  kNotFound = 2,         // id, attribute or file absent; often not an error to the user
  kCorruption = 3,       // bytes break docs/format; the message names file and byte offset
  kIo = 4,               // the operating system refused; the message carries errno's name
  kBusy = 5,             // another writer, or a full queue; retry with back-off
  kUnsupported = 6,      // newer format version, or a feature compiled out
  kCancelled = 7,        // deadline passed, or the caller stopped the query
};

// The lower-case name of a code as it appears in JSON answers and logs ("invalid_argument", …).
const char* ErrorCodeName(ErrorCode code) noexcept;

// What went wrong: a code for programs and one sentence for people. Copyable, no hidden state.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }

  // Puts what the caller knows in front: "flush segment 42: footer checksum mismatch at byte 8188".
  Error WithContext(const std::string& context) && {
    return {code_, context + ": " + message_};
  }

 private:
  ErrorCode code_;
  std::string message_;
};

// A T or an Error, never empty. Reading the side that isn't there is a bug in the caller (assert).
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}        // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}    // NOLINT: implicit

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { assert(has_value()); return *std::get_if<0>(&state_); }
  const T& value() const& { assert(has_value()); return *std::get_if<0>(&state_); }
  T&& value() && { assert(has_value()); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & { assert(!has_value()); return *std::get_if<1>(&state_); }
  const Error& error() const& { assert(!has_value()); return *std::get_if<1>(&state_); }
  Error&& error() && { assert(!has_value()); return std::move(*std::get_if<1>(&state_)); }

  template <typename U>
  T value_or(U&& fallback) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  std::variant<T, Error> state_;
};

// Success or an Error. `return {};` is success.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: implicit

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  Error& error() & { assert(!has_value()); return *std::get_if<1>(&state_); }
  const Error& error() const& { assert(!has_value()); return *std::get_if<1>(&state_); }
  Error&& error() && { assert(!has_value()); return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

}  // namespace tracestore
