// GatheredMessages: what of a client's stream waits for its handler, and whether that is enough for
// a call of it. Private to the server.
#pragma once
#include <grpcpp/support/byte_buffer.h>

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace tracestore::net {

// Threads: one at a time.
class GatheredMessages {
 public:
  // No further message is read while so much waits. About what a batch of an exporter has.
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMostMessages = 8192;
  // The handler is called for so much, or for less once it has waited that long, for nobody waits
  // for an answer before the end. A call costs as much as tens of messages of a span each: a worker
  // that wakes up, a batch of its own, a record of the log.
  static constexpr std::size_t kCallBytes = std::size_t{128} << 10;
  static constexpr std::size_t kCallMessages = 256;
  static constexpr std::chrono::milliseconds kWait{10};

  void Add(grpc::ByteBuffer message) {
    bytes_ += message.Length();
    messages_.push_back(std::move(message));
  }
  // All that waits.
  std::vector<grpc::ByteBuffer> Take() {
    bytes_ = 0;
    at_once_ = false;
    return std::exchange(messages_, {});
  }
  // Whatever waits is enough: the first of the call, by which handlers see who it is, are, so are
  // the last, and those that have waited for long enough.
  void TakeAtOnce() { at_once_ = true; }

  bool empty() const noexcept { return messages_.empty(); }
  std::size_t bytes() const noexcept { return bytes_; }
  bool HasRoom() const noexcept { return bytes_ < kMostBytes && messages_.size() < kMostMessages; }
  bool IsEnough() const noexcept {
    return !empty() &&
           (at_once_ || bytes_ >= kCallBytes || messages_.size() >= kCallMessages);
  }

 private:
  std::vector<grpc::ByteBuffer> messages_;
  std::size_t bytes_ = 0;
  bool at_once_ = true;
};

}  // namespace tracestore::net
