#include "net/grpc_client_stream.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/grpc_gathered.h"

namespace tracestore::net {
namespace {

// Of what a handler is given, or messages unpack to: so much more is told to those who look at
// what all calls hold.
constexpr std::size_t kToldBytes = std::size_t{64} << 10;

class ClientStream;

// The way from an alarm to its stream, which may be gone by then. Its mutex is locked before the
// stream's own.
struct AlarmsWay {
  std::mutex mutex;
  ClientStream* stream = nullptr;  // guarded by mutex
};

// One call of GrpcServerOptions::client_streams. A read is out as long as there is room; one worker
// at most has the messages that came, so that the handler gets them in order. They are handed over
// once they are enough (GatheredMessages), by an alarm at the latest.
//
// Handlers ask who a client is with its first message. Until that has come, within peer_timeout, a
// stream takes no place of max_client_streams but one of the silent calls.
class ClientStream final : public grpc::ServerGenericBidiReactor {
 public:
  ClientStream(GrpcCalls& shared, grpc::GenericCallbackServerContext& context,
               const RawHandler& handler)
      : shared_(shared), context_(context), connection_(shared, context), handler_(handler) {
    way_->stream = this;
    shared_.peers.Add(context_, awaited_);
    {
      const std::lock_guard lock(shared_.streams_mutex);
      shared_.streams.insert(&context_);
    }
    silent_ = shared_.silent.Add(connection_.number(), awaited_);
    reading_ = true;
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    connection_.Touch(ok);
    if (awaited_) {  // the first message; no others are waited for
      if (shared_.peers.Remove(awaited_) && !ok) shared_.Tell("too-slow");
      shared_.silent.Remove(silent_);
      if (ok && !Begin()) return End(shared_.Busy("too-many-calls", "too many streams"));
    }
    const grpc::Status length = ok ? shared_.CheckLength(request_) : grpc::Status::OK;
    bool read = false;
    Then then = Then::kNothing;
    {
      const std::lock_guard lock(mutex_);
      reading_ = false;
      if (finished_) return;
      if (ok && length.ok()) {
        Hold(held_ + request_.Length());
        waiting_.Add(std::move(request_));
        request_.Clear();
        read = reading_ = waiting_.HasRoom();
      } else {
        ended_ = true;
        failure_ = length;
        request_.Clear();
        waiting_.TakeAtOnce();
      }
      if (!running_) then = WhatNext();
    }
    if (read) StartRead(&request_);
    Do(then, way_);
  }

  // What waits has waited for long enough. Under the way's mutex, so that the stream stays.
  void OnAlarm() {
    bool submit = false;
    {
      const std::lock_guard lock(mutex_);
      alarm_set_ = false;
      if (finished_ || running_ || waiting_.empty()) return;
      waiting_.TakeAtOnce();
      submit = WhatNext() == Then::kSubmit;
    }
    if (submit) Submit();
  }

  void OnWriteDone(bool) override { shared_.peers.Remove(awaited_); }
  void OnCancel() override { stop_.request_stop(); }

  void OnDone() override {
    {
      const std::lock_guard lock(way_->mutex);
      way_->stream = nullptr;
    }
    shared_.peers.Remove(awaited_);
    shared_.silent.Remove(silent_);
    {
      const std::lock_guard lock(shared_.streams_mutex);
      shared_.streams.erase(&context_);
      if (begun_) --shared_.begun_streams;
    }
    Hold(0);
    connection_.End(stop_.stop_requested());
    delete this;
  }

 private:
  // Whether there is room for one more that is not silent.
  bool Begin() {
    const std::lock_guard lock(shared_.streams_mutex);
    begun_ = shared_.begun_streams < shared_.options.max_client_streams;
    if (begun_) ++shared_.begun_streams;
    return begun_;
  }

  void Hold(std::size_t bytes) {
    shared_.bytes += bytes - held_;
    held_ = bytes;
  }

  // Of a stream that no worker has: what it has to be done with it.
  enum class Then : unsigned char { kNothing, kSubmit, kSetAlarm };
  // Under mutex_; whoever asks does it.
  Then WhatNext() {
    if (ended_ || waiting_.IsEnough()) {
      running_ = true;
      return Then::kSubmit;
    }
    if (waiting_.empty() || alarm_set_) return Then::kNothing;
    alarm_set_ = true;
    return Then::kSetAlarm;
  }
  // `way` is this one's. With an alarm to set nothing holds the stream any more but a callback of
  // gRPC's: a worker has to have the way from before.
  void Do(Then then, const std::shared_ptr<AlarmsWay>& way) {
    if (then == Then::kSubmit) Submit();
    if (then == Then::kSetAlarm) SetAlarm(way);
  }

  void Submit() {
    if (!shared_.pool.Submit([this] { Run(); })) End(StoppingStatus());
  }

  // It goes off, whatever becomes of the stream, and lets go of itself.
  static void SetAlarm(const std::shared_ptr<AlarmsWay>& way) {
    const auto alarm = std::make_shared<grpc::Alarm>();
    alarm->Set(std::chrono::system_clock::now() + GatheredMessages::kWait,
               [way, self = alarm](bool) mutable {
                 {
                   const std::lock_guard lock(way->mutex);
                   if (way->stream != nullptr) way->stream->OnAlarm();
                 }
                 self.reset();
               });
  }

  void End(const grpc::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    Finish(status);
  }

  void Answer() {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    const grpc::Slice slice(answer_);
    response_ = grpc::ByteBuffer(&slice, 1);
    shared_.peers.Add(context_, awaited_);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  // Hands what waits to the handler; then again in its turn, so that no stream keeps a worker.
  void Run() {
    std::vector<grpc::ByteBuffer> taken;
    bool ended = false;  // well
    bool read = false;
    {
      const std::lock_guard lock(mutex_);
      Hold(waiting_.bytes());
      taken = waiting_.Take();
      ended = ended_ && failure_.ok();
      read = !reading_ && !ended_;
      reading_ = reading_ || read;
    }
    if (shared_.bytes > shared_.options.max_bytes_in_flight) {
      End(shared_.Busy("no-room", "too many request bytes in flight"));
      return;
    }
    if (read) StartRead(&request_);
    if (!taken.empty() || (ended && !called_)) {
      const RawReply reply = Handled(taken);
      if (reply.code != GrpcCode::kOk) {
        End(ToStatus(reply));
        return;
      }
      answer_ = reply.bytes;
    }
    taken.clear();
    Next();
  }

  void Next() {
    const std::shared_ptr<AlarmsWay> way = way_;
    bool answer = false;
    grpc::Status failure;
    Then then = Then::kNothing;
    {
      const std::lock_guard lock(mutex_);
      unpacked_bytes_ = 0;
      Hold(waiting_.bytes());
      if (waiting_.empty()) failure = failure_;
      answer = waiting_.empty() && ended_ && called_ && failure.ok();
      running_ = answer || !failure.ok();
      if (!running_) then = WhatNext();
    }
    if (!failure.ok()) {
      End(failure);
    } else if (answer) {
      Answer();
    } else {
      Do(then, way);
    }
  }

  RawReply Handled(const std::vector<grpc::ByteBuffer>& messages) {
    called_ = true;
    try {
      return messages.size() == 1 ? HandleOne(messages.front()) : Handle(messages);
    } catch (const std::exception& error) {
      return ThrownReply(error);
    }
  }

  RawReply HandleOne(const grpc::ByteBuffer& message) {
    Unpacked one;
    RawReply taken = shared_.Unpack(message, one);
    if (taken.code != GrpcCode::kOk) return taken;
    HoldUnpacked(one.message.size());
    return Call(one.message);
  }

  // Joins as many of them at a time as one message may have bytes.
  RawReply Handle(const std::vector<grpc::ByteBuffer>& messages) {
    const std::size_t most = shared_.options.max_message_bytes;
    std::string joined;
    std::size_t sent = 0;
    for (const grpc::ByteBuffer& message : messages) sent += message.Length();
    joined.reserve(std::min(sent, most));
    HoldUnpacked(joined.capacity());
    std::size_t told = joined.capacity();
    Unpacked one;
    for (const grpc::ByteBuffer& message : messages) {
      RawReply reply = shared_.Unpack(message, one);
      if (reply.code != GrpcCode::kOk) return reply;
      if (!joined.empty() && joined.size() + one.message.size() > most) {
        reply = Call(joined);
        if (reply.code != GrpcCode::kOk) return reply;
        joined.clear();
      }
      joined += one.message;
      const std::size_t now = joined.capacity() + one.message.size();
      if (now > told + kToldBytes) HoldUnpacked(told = now);
    }
    return Call(joined);
  }

  RawReply Call(std::string_view message) {
    return CallHandler(handler_, message, connection_.peer(), context_, stop_.get_token());
  }

  // What messages have come to beside what was sent; others see that there is less room.
  void HoldUnpacked(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    Hold(held_ - unpacked_bytes_ + bytes);
    unpacked_bytes_ = bytes;
  }

  GrpcCalls& shared_;
  grpc::GenericCallbackServerContext& context_;
  ConnectionInUse connection_;
  const RawHandler& handler_;
  grpc::ByteBuffer request_;   // of the read that is out
  grpc::ByteBuffer response_;
  SilentCalls::Number silent_;
  bool begun_ = false;         // counted in shared_.begun_streams; guarded by its mutex
  std::string answer_;         // of the worker, as what follows
  bool called_ = false;
  std::mutex mutex_;
  GatheredMessages waiting_;  // guarded by mutex_, as what follows
  std::size_t unpacked_bytes_ = 0;  // of what a worker has
  std::size_t held_ = 0;            // of shared_.bytes
  bool reading_ = false;   // a read is out
  bool running_ = false;   // a worker has what waits, or will
  bool ended_ = false;     // the client has no more
  grpc::Status failure_;   // or what it had was too long
  bool finished_ = false;
  bool alarm_set_ = false;  // and has not gone off
  std::stop_source stop_;
  PeerWatch::Place awaited_;  // while the client has to send a first message, or take the answer
  const std::shared_ptr<AlarmsWay> way_ = std::make_shared<AlarmsWay>();
};

}  // namespace

grpc::ServerGenericBidiReactor* NewClientStream(GrpcCalls& shared,
                                                grpc::GenericCallbackServerContext& context,
                                                const RawHandler& handler) {
  return new ClientStream(shared, context, handler);
}

}  // namespace tracestore::net
