// A connection of HTTP/2, over nghttp2. Private to the HTTP server; included after its inside.
//
// Two coroutines a connection, one that reads and one that writes and looks at the clock, and one a
// request that is being answered. All of them, and nghttp2, on the I/O thread.
#pragma once
#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http2_first_request.h"
#include "net/http_server_impl.h"

namespace tracestore::net {

class HttpServer::Impl::Http2Connection final
    : public OpenConnection,
      public std::enable_shared_from_this<HttpServer::Impl::Http2Connection> {
 public:
  Http2Connection(Impl& owner, tcp::socket socket, Http2Start start);

  static void Begin(Impl& owner, tcp::socket socket, Http2Start start);
  void Close() override;
  void PutOff() override;
  void Finish() override;

 private:
  using Clock = std::chrono::steady_clock;
  using Self = std::shared_ptr<Http2Connection>;

  // A request and its answer.
  struct Stream {
    Stream(Impl& server, std::int32_t number)
        : id(number),
          share(server.bodies, [this, &server] { TakeAway(server); }),
          drained(server.io, boost::asio::steady_timer::time_point::max()) {}

    // Others need the room: the clock ends it soon.
    void TakeAway(const Impl& server) {
      server.Tell("too-slow");
      std::string().swap(request.body);
      reserved = 0;
      due = Clock::now();
    }

    const std::int32_t id;
    bool open = true;    // nghttp2 has it
    bool whole = false;  // the request has come
    bool refused = false;
    HttpRequest request;
    std::size_t head_bytes = 0;
    std::size_t body_limit = 0;
    std::size_t reserved = 0;  // of the body
    std::size_t renew_at = 0;  // bytes of the body, or of the answer, at which `due` is put off
    MessageRoom::Share share;
    WireResponse response;
    std::size_t sent = 0;                  // of response.body
    std::size_t sent_in_all = 0;           // of the answer
    bool wants_more = false;               // response.body is sent, and is not the last piece
    boost::asio::steady_timer drained;     // cancelled when wants_more, or no longer open
    std::optional<Clock::time_point> due;  // what it waits for of the client must come
  };
  using Streams = std::map<std::int32_t, std::shared_ptr<Stream>>;

  // nghttp2's callbacks: user_data is the connection.
  static nghttp2_session* MakeSession(Http2Connection* connection);
  int OnBegin(const nghttp2_frame& frame);
  int OnField(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int OnFrame(const nghttp2_frame& frame);
  int OnData(std::int32_t id, std::string_view bytes);
  int OnSent(const nghttp2_frame& frame);
  int OnClosed(std::int32_t id);
  ssize_t OnPull(std::int32_t id, char* into, std::size_t room, std::uint32_t& flags);

  std::shared_ptr<Stream> Find(std::int32_t id) const;
  void HeadIsWhole(Stream& stream);
  bool Reserve(Stream& stream, std::size_t body_bytes);
  void Begin(const std::shared_ptr<Stream>& stream);
  void Refuse(Stream& stream, const Refusal& refusal);
  void Submit(Stream& stream);
  void Reset(Stream& stream, std::uint32_t code);
  void GiveUp();
  void Renew(Stream& stream, std::chrono::milliseconds patience);
  void LookAtClock();
  void SetIdleIfSo();
  bool Over();
  void Wake() { wake_.cancel(); }
  std::string TakeOutput();
  std::size_t SendNow(std::string_view bytes);

  static Task<void> Read(Self self);
  static Task<void> Write(Self self);
  static Task<void> Answer(Self self, std::shared_ptr<Stream> stream);
  Task<void> SendAll();
  Task<void> SayEnd();
  Task<void> SendRest(const std::shared_ptr<Stream>& stream);

  const std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)> session_;
  Streams streams_;           // those that nghttp2 has
  std::string output_;        // of the session, and not yet written
  std::size_t handlers_ = 0;  // that run, those of streams that were reset too
  int resets_ = 0;            // by the client, less the answers that were sent
  Clock::time_point idle_since_ = Clock::now();
  bool finishing_ = false;
  bool closed_ = false;
  bool read_ended_ = false;         // the client sends no more
  bool deaf_ = false;               // what it sends is dropped
  bool writing_ = false;            // a write is out
  boost::asio::steady_timer wake_;  // of the writer
};

}  // namespace tracestore::net
