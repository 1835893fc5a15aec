#include "net/grpc_client_stream.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracestore::net {
namespace {

// Of a client's stream: no further message is read while so much waits for the handler. About what a
// batch of an exporter has.
constexpr std::size_t kGatheredBytes = std::size_t{1} << 20;
constexpr std::size_t kGatheredMessages = 8192;

// One call of GrpcServerOptions::client_streams. A read is out as long as there is room; one worker
// at most has the messages that came, so that the handler gets them in order.
//
// Handlers ask who a client is with its first message. Until that has come, within peer_timeout, a
// stream takes no place of max_client_streams but one of the silent calls.
class ClientStream final : public grpc::ServerGenericBidiReactor {
 public:
  ClientStream(GrpcCalls& shared, grpc::GenericCallbackServerContext& context,
               const RawHandler& handler)
      : shared_(shared), context_(context), connection_(shared, context), handler_(handler) {
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
    connection_.Touch();
    if (awaited_) {  // the first message; no others are waited for
      shared_.peers.Remove(awaited_);
      shared_.silent.Remove(silent_);
      if (ok && !Begin()) return End(BusyStatus("too many streams"));
    }
    bool read = false;
    bool submit = false;
    {
      const std::lock_guard lock(mutex_);
      reading_ = false;
      if (finished_) return;
      if (ok) {
        Hold(held_ + request_.Length());
        waiting_bytes_ += request_.Length();
        waiting_.push_back(std::move(request_));
        request_.Clear();
        read = reading_ = HasRoom();
      } else {
        ended_ = true;
      }
      submit = !running_;
      running_ = true;
    }
    if (read) StartRead(&request_);
    if (submit) Submit();
  }

  void OnWriteDone(bool) override { shared_.peers.Remove(awaited_); }
  void OnCancel() override { stop_.request_stop(); }

  void OnDone() override {
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

  bool HasRoom() const {
    return waiting_bytes_ < kGatheredBytes && waiting_.size() < kGatheredMessages;
  }

  void Hold(std::size_t bytes) {
    shared_.bytes -= held_;
    held_ = bytes;
    shared_.bytes += bytes;
  }

  void Submit() {
    if (!shared_.pool.Submit([this] { Run(); })) End(StoppingStatus());
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
    bool ended = false;
    bool read = false;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(waiting_);
      Hold(waiting_bytes_);
      waiting_bytes_ = 0;
      ended = ended_;
      read = !reading_ && !ended_;
      reading_ = reading_ || read;
    }
    if (shared_.bytes > shared_.options.max_bytes_in_flight) {
      End(BusyStatus("too many request bytes in flight"));
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
    bool answer = false;
    {
      const std::lock_guard lock(mutex_);
      unpacked_bytes_ = 0;
      Hold(waiting_bytes_);
      if (waiting_.empty() && !ended_) {
        running_ = false;
        return;
      }
      answer = waiting_.empty() && called_;
    }
    if (answer) {
      Answer();
    } else {
      Submit();
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
    RawReply taken = one.Take(message, shared_.options.max_message_bytes);
    if (taken.code != GrpcCode::kOk) return taken;
    HoldUnpacked(one.message.size());
    return Call(one.message);
  }

  // Joins as many of them at a time as one message may have bytes.
  RawReply Handle(const std::vector<grpc::ByteBuffer>& messages) {
    const std::size_t most = shared_.options.max_message_bytes;
    std::string joined;
    Unpacked one;
    for (const grpc::ByteBuffer& message : messages) {
      RawReply reply = one.Take(message, most);
      if (reply.code != GrpcCode::kOk) return reply;
      if (!joined.empty() && joined.size() + one.message.size() > most) {
        reply = Call(joined);
        if (reply.code != GrpcCode::kOk) return reply;
        joined.clear();
      }
      joined += one.message;
      HoldUnpacked(joined.size() + one.message.size());
    }
    return Call(joined);
  }

  RawReply Call(std::string_view message) {
    return CallHandler(handler_, message, context_, stop_.get_token());
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
  std::vector<grpc::ByteBuffer> waiting_;  // guarded by mutex_, as what follows
  std::size_t waiting_bytes_ = 0;
  std::size_t unpacked_bytes_ = 0;  // of what a worker has
  std::size_t held_ = 0;            // of shared_.bytes
  bool reading_ = false;   // a read is out
  bool running_ = false;   // a worker has what waits, or will
  bool ended_ = false;     // the client has no more
  bool finished_ = false;
  std::stop_source stop_;
  PeerWatch::Place awaited_;  // while the client has to send a first message, or take the answer
};

}  // namespace

grpc::ServerGenericBidiReactor* NewClientStream(GrpcCalls& shared,
                                                grpc::GenericCallbackServerContext& context,
                                                const RawHandler& handler) {
  return new ClientStream(shared, context, handler);
}

}  // namespace tracestore::net
