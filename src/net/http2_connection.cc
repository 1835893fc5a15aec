#include "net/http_server_impl.h"  // before all of Boost

#include "net/http2_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <utility>
#include <vector>

#include "net/http2_fields.h"

// GCC 12 takes Asio's allocation of a coroutine's frame, inlined, for another than its own.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kReadStep = 16 * 1024;
constexpr std::size_t kBodyStep = 64 * 1024;    // of a body a read timeout
constexpr std::size_t kWriteStep = 256 * 1024;  // of an answer a write timeout
// What a client may send ahead, of one body and of all. It is taken as it comes, and bounded by
// max_body_bytes_in_flight: this is for speed over long ways.
constexpr std::int32_t kWindow = 1 << 20;
constexpr std::size_t kFieldOverhead = 32;  // of a field beside its bytes, as HTTP/2 counts
// Handlers can't be ended: who resets requests and sends others has a few more, then is sent away.
constexpr std::size_t kMaxHandlers = std::size_t{2} * kHttp2Streams;
constexpr int kMaxResets = 100;
constexpr std::chrono::seconds kLingerTime{2};

nghttp2_nv ToNv(std::string_view name, std::string_view value) {
  // nghttp2 copies what it gets, and takes pointers that aren't const.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// Nothing may be thrown through nghttp2.
template <typename Act>
int Guarded(Act&& act) {
  try {
    return act();
  } catch (const std::exception&) {
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

std::string_view View(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

nghttp2_session* HttpServer::Impl::Http2Connection::MakeSession(Http2Connection* connection) {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
  const std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)>
      callbacks(made, nghttp2_session_callbacks_del);
  using Connection = Http2Connection;
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      made, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        return Guarded([&] { return static_cast<Connection*>(self)->OnBegin(*frame); });
      });
  nghttp2_session_callbacks_set_on_header_callback(
      made, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
               std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
               std::uint8_t, void* self) {
        return Guarded([&] {
          return static_cast<Connection*>(self)->OnField(*frame, View(name, name_size),
                                                         View(value, value_size));
        });
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      made, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        return Guarded([&] { return static_cast<Connection*>(self)->OnFrame(*frame); });
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, [](nghttp2_session*, std::uint8_t,
                                                                     std::int32_t id,
                                                                     const std::uint8_t* data,
                                                                     std::size_t size, void* self) {
    return Guarded([&] { return static_cast<Connection*>(self)->OnData(id, View(data, size)); });
  });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      made, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        return Guarded([&] { return static_cast<Connection*>(self)->OnSent(*frame); });
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      made, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
        return Guarded([&] { return static_cast<Connection*>(self)->OnClosed(id); });
      });
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new(&session, made, connection) != 0) throw std::bad_alloc();
  return session;
}

HttpServer::Impl::Http2Connection::Http2Connection(Impl& owner, tcp::socket socket,
                                                   Http2Start start)
    : OpenConnection(owner, std::move(socket)),
      session_(MakeSession(this), nghttp2_session_del),
      wake_(owner.io) {
  if (!start.client.empty()) peer_ = std::move(start.client);
  // The first SETTINGS are the greeting's, sent already or not, so that nghttp2 knows of them.
  const nghttp2_settings_entry greeting{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kHttp2Streams};
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &greeting, 1);
  std::string first = TakeOutput();
  if (!start.greeted) output_ = std::move(first);
  const std::array<nghttp2_settings_entry, 2> settings{{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, owner.options.max_header_bytes},
  }};
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, kWindow);
}

void HttpServer::Impl::Http2Connection::Begin(Impl& owner, tcp::socket socket, Http2Start start) {
  const auto self = std::make_shared<Http2Connection>(owner, std::move(socket), std::move(start));
  asio::co_spawn(owner.io, Read(self), asio::detached);
  asio::co_spawn(owner.io, Write(self), asio::detached);
}

void HttpServer::Impl::Http2Connection::Close() {
  closed_ = true;
  OpenConnection::Close();
  Wake();
}

// Who is closed while idle is told so where that takes no waiting: what it asks meanwhile was not
// begun, and it may ask it again.
void HttpServer::Impl::Http2Connection::PutOff() {
  if (streams_.empty() && !writing_ && !closed_) {
    Finish();
    SendNow(TakeOutput());
  }
  OpenConnection::PutOff();
}

void HttpServer::Impl::Http2Connection::Finish() {
  if (std::exchange(finishing_, true)) return;
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  Wake();
}

std::shared_ptr<HttpServer::Impl::Http2Connection::Stream> HttpServer::Impl::Http2Connection::Find(
    std::int32_t id) const {
  const auto found = streams_.find(id);
  return found != streams_.end() ? found->second : nullptr;
}

int HttpServer::Impl::Http2Connection::OnBegin(const nghttp2_frame& frame) {
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
  const auto stream = std::make_shared<Stream>(server_, frame.hd.stream_id);
  stream->body_limit = server_.options.max_body_bytes;
  Renew(*stream, server_.options.read_timeout);
  streams_.emplace(stream->id, stream);
  return 0;
}

int HttpServer::Impl::Http2Connection::OnField(const nghttp2_frame& frame, std::string_view name,
                                               std::string_view value) {
  const auto stream = Find(frame.hd.stream_id);
  if (stream == nullptr || stream->refused) return 0;
  stream->head_bytes += name.size() + value.size() + kFieldOverhead;
  if (stream->head_bytes > server_.options.max_header_bytes) {
    Refuse(*stream, {431, "the header is larger than the limit of " +
                              std::to_string(server_.options.max_header_bytes) + " bytes"});
  } else if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    TakeField(name, value, stream->request);
  }
  return 0;
}

int HttpServer::Impl::Http2Connection::OnFrame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_RST_STREAM && ++resets_ > kMaxResets) GiveUp();
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  const auto stream = Find(frame.hd.stream_id);
  if (stream == nullptr) return 0;
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST)
    HeadIsWhole(*stream);
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  stream->whole = true;
  stream->share.Whole();
  if (!stream->refused) Begin(stream);
  return 0;
}

void HttpServer::Impl::Http2Connection::HeadIsWhole(Stream& stream) {
  SetIdleIfSo();
  if (stream.refused) return;
  const std::string target = std::move(stream.request.raw_target);
  const auto known = stream.request.SetTarget(target);
  if (!known.has_value()) return Refuse(stream, {400, known.error().message()});
  // nghttp2 has seen to it that it is a number, and that the body is as long.
  const std::string length(stream.request.header("content-length"));
  if (!length.empty()) {
    const auto bytes = std::strtoull(length.c_str(), nullptr, 10);
    if (bytes > stream.body_limit) return (void)Reserve(stream, stream.body_limit + 1);
    stream.body_limit = static_cast<std::size_t>(bytes);
  }
  const auto expected = stream.request.header("expect");
  if (expected.empty()) return;
  if (!EqualsIgnoreCase(expected, "100-continue"))
    return Refuse(stream, {417, "unknown expectation \"" + std::string(expected) + "\""});
  const nghttp2_nv go_on = ToNv(":status", "100");
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream.id, nullptr, &go_on, 1, nullptr);
}

// Room for a body of so many bytes; it grows as it arrives. False: it was refused.
bool HttpServer::Impl::Http2Connection::Reserve(Stream& stream, std::size_t body_bytes) {
  const std::size_t most = server_.options.max_body_bytes;
  if (body_bytes > most) {
    Refuse(stream,
           {413, "the body is larger than the limit of " + std::to_string(most) + " bytes"});
    return false;
  }
  if (body_bytes <= stream.reserved) return true;
  const std::size_t next =
      std::max(body_bytes, std::min(stream.body_limit, std::max(kBodyStep, stream.reserved * 2)));
  if (!stream.share.GrowTo(next, Clock::now())) {
    Refuse(stream, {429, "too many request bodies in flight"});
    return false;
  }
  stream.reserved = next;
  stream.request.body.reserve(next);
  return true;
}

int HttpServer::Impl::Http2Connection::OnData(std::int32_t id, std::string_view bytes) {
  const auto stream = Find(id);
  if (stream == nullptr || stream->refused) return 0;
  std::string& body = stream->request.body;
  if (!Reserve(*stream, body.size() + bytes.size())) return 0;
  body += bytes;
  stream->share.Came(body.size(), Clock::now());
  if (body.size() >= stream->renew_at) {
    Renew(*stream, server_.options.read_timeout);
    stream->renew_at = body.size() + kBodyStep;
  }
  return 0;
}

// After an answer to half a request the rest of it isn't wanted.
int HttpServer::Impl::Http2Connection::OnSent(const nghttp2_frame& frame) {
  const bool answers = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (!answers || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  if (resets_ > 0) --resets_;
  const auto stream = Find(frame.hd.stream_id);
  if (stream != nullptr && !stream->whole) Reset(*stream, NGHTTP2_NO_ERROR);
  return 0;
}

int HttpServer::Impl::Http2Connection::OnClosed(std::int32_t id) {
  const auto stream = Find(id);
  if (stream == nullptr) return 0;
  stream->open = false;
  stream->drained.cancel();
  streams_.erase(id);
  SetIdleIfSo();
  return 0;
}

// Idle is who waits for no answer: such a connection may be closed for a new one.
void HttpServer::Impl::Http2Connection::SetIdleIfSo() {
  if (streams_.empty()) idle_since_ = Clock::now();
  Set(streams_.empty() ? Does::kIdle : Does::kBusy);
}

void HttpServer::Impl::Http2Connection::Renew(Stream& stream, std::chrono::milliseconds patience) {
  stream.due = Clock::now() + patience;
}

void HttpServer::Impl::Http2Connection::Reset(Stream& stream, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, code);
  stream.due.reset();
  Wake();
}

void HttpServer::Impl::Http2Connection::GiveUp() {
  nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
  deaf_ = true;
}

void HttpServer::Impl::Http2Connection::Refuse(Stream& stream, const Refusal& refusal) {
  server_.Tell(RefusalCause(refusal.status));
  stream.refused = true;
  std::string().swap(stream.request.body);
  ExchangeContext context;
  context.head_only = stream.request.method == "HEAD";
  context.http_1_1 = false;
  stream.response = server_.RefusalResponse(refusal, context);
  Submit(stream);
}

void HttpServer::Impl::Http2Connection::Begin(const std::shared_ptr<Stream>& stream) {
  if (handlers_ >= kMaxHandlers) return GiveUp();
  stream->due.reset();
  stream->request.peer = peer_;
  stream->request.stop = server_.stop_source.get_token();
  ++handlers_;
  asio::co_spawn(server_.io, Answer(shared_from_this(), stream), asio::detached);
}

Task<void> HttpServer::Impl::Http2Connection::Answer(Self self, std::shared_ptr<Stream> stream) {
  try {
    ExchangeContext context;
    context.http_1_1 = false;  // a stream's pieces as they are: frames tell their sizes
    Impl& server = self->server_;
    const std::function<void()> work = [&] {
      if (server.stop_source.stop_requested()) return;
      stream->response =
          net::Answer(server.handler, server.options.gate, server.options.error_response,
                      server.options.max_body_bytes, context, stream->request);
      std::string().swap(stream->request.body);
    };
    const bool ran = co_await self->Offload(work);
    server.Tell(stream->response.refusal);
    --self->handlers_;
    if (!stream->open) co_return;
    if (!ran || stream->response.head.empty()) {
      self->Reset(*stream, NGHTTP2_INTERNAL_ERROR);
      co_return;
    }
    self->Submit(*stream);
    co_await self->SendRest(stream);
  } catch (const std::exception&) {
    self->Close();  // out of memory
  }
}

void HttpServer::Impl::Http2Connection::Submit(Stream& stream) {
  const NamedValues fields = ResponseFields(stream.response.head);
  std::vector<nghttp2_nv> values;
  values.reserve(fields.size());
  for (const auto& [name, value] : fields) values.push_back(ToNv(name, value));
  nghttp2_data_provider body{};
  body.source.ptr = this;
  body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t room,
                          std::uint32_t* flags, nghttp2_data_source* source, void*) {
    return static_cast<Http2Connection*>(source->ptr)
        ->OnPull(id, reinterpret_cast<char*>(into), room, *flags);
  };
  const bool empty = stream.response.body.empty() && !stream.response.more;
  nghttp2_submit_response(session_.get(), stream.id, values.data(), values.size(),
                          empty ? nullptr : &body);
  stream.renew_at = kWriteStep;
  Renew(stream, server_.options.write_timeout);
  Wake();
}

// Room is there for the bytes: the client takes them.
ssize_t HttpServer::Impl::Http2Connection::OnPull(std::int32_t id, char* into, std::size_t room,
                                                  std::uint32_t& flags) {
  const auto stream = Find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::string& body = stream->response.body;
  const std::size_t size = std::min(room, body.size() - stream->sent);
  std::memcpy(into, body.data() + stream->sent, size);
  stream->sent += size;
  stream->sent_in_all += size;
  if (stream->sent_in_all >= stream->renew_at) {
    Renew(*stream, server_.options.write_timeout);
    stream->renew_at = stream->sent_in_all + kWriteStep;
  }
  if (stream->sent < body.size()) return static_cast<ssize_t>(size);
  if (!stream->response.more) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }
  if (size > 0) return static_cast<ssize_t>(size);
  stream->wants_more = true;
  stream->due.reset();
  stream->drained.cancel();
  return NGHTTP2_ERR_DEFERRED;
}

// The pieces of a streamed answer, each made once the one before was taken.
Task<void> HttpServer::Impl::Http2Connection::SendRest(const std::shared_ptr<Stream>& stream) {
  const std::function<void()> pull = [&] {
    if (server_.stop_source.stop_requested()) {
      stream->response.broken = true;
    } else {
      PullNext(stream->response);
    }
  };
  while (stream->response.more) {
    error_code ec;
    while (stream->open && !stream->wants_more) co_await stream->drained.async_wait(Into(ec));
    if (!stream->open) co_return;
    const bool ran = co_await Offload(pull);
    if (!stream->open) co_return;
    if (!ran || stream->response.broken) {
      Reset(*stream, NGHTTP2_INTERNAL_ERROR);
      co_return;
    }
    stream->wants_more = false;
    stream->sent = 0;
    Renew(*stream, server_.options.write_timeout);
    nghttp2_session_resume_data(session_.get(), stream->id);
    Wake();
  }
}

Task<void> HttpServer::Impl::Http2Connection::Read(Self self) {
  try {
    std::array<std::uint8_t, kReadStep> bytes;
    error_code ec;
    while (!ec) {
      const std::size_t size =
          co_await self->stream_.tcp().socket().async_read_some(asio::buffer(bytes), Into(ec));
      if (self->deaf_) continue;
      if (nghttp2_session_mem_recv(self->session_.get(), bytes.data(), size) < 0)
        self->GiveUp();  // no memory, or a flood of frames that want answers
      self->Wake();
    }
  } catch (const std::exception&) {
    self->Close();
  }
  self->read_ended_ = true;
  self->Wake();
}

// Of what the session would send now, a write's worth.
std::string HttpServer::Impl::Http2Connection::TakeOutput() {
  std::string output = std::exchange(output_, {});
  while (output.size() < kWriteStep) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size <= 0) break;
    output += View(bytes, static_cast<std::size_t>(size));
  }
  return output;
}

// What the kernel takes at once; gives how much that is.
std::size_t HttpServer::Impl::Http2Connection::SendNow(std::string_view bytes) {
  const ssize_t sent = send(stream_.tcp().socket().native_handle(), bytes.data(), bytes.size(),
                            MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

bool HttpServer::Impl::Http2Connection::Over() {
  if (closed_ || (read_ended_ && streams_.empty())) return true;
  if (deaf_) return nghttp2_session_want_write(session_.get()) == 0;
  return nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

void HttpServer::Impl::Http2Connection::LookAtClock() {
  const auto now = Clock::now();
  for (const auto& [id, stream] : streams_)
    if (stream->due && *stream->due <= now) {
      if (!stream->whole && !stream->share.taken_away()) server_.Tell("too-slow");
      Reset(*stream, NGHTTP2_CANCEL);
    }
  if (streams_.empty() && now - idle_since_ >= server_.options.idle_timeout) Finish();
}

Task<void> HttpServer::Impl::Http2Connection::SendAll() {
  const HttpServerOptions& options = server_.options;
  const auto look = std::clamp<std::chrono::milliseconds>(
      std::min({options.read_timeout, options.idle_timeout, options.write_timeout}) / 8,
      std::chrono::milliseconds(5), std::chrono::milliseconds(500));
  error_code ec;
  for (;;) {
    LookAtClock();
    std::string output = TakeOutput();
    if (!output.empty()) {
      // Little goes out without a wait, so that it isn't halfway out when PutOff() comes.
      if (output.size() <= kReadStep) output.erase(0, SendNow(output));
      if (output.empty()) continue;
      stream_.tcp().expires_after(options.write_timeout);
      writing_ = true;
      co_await asio::async_write(stream_.tcp(), asio::buffer(output), Into(ec));
      writing_ = false;
      if (ec) co_return Close();
      continue;
    }
    if (Over()) co_return;
    wake_.expires_after(look);
    co_await wake_.async_wait(Into(ec));
  }
}

// The client is to see the last words: a reset would take them from one that still sends.
Task<void> HttpServer::Impl::Http2Connection::SayEnd() {
  error_code ec;
  deaf_ = true;
  Set(Does::kIdle);  // may be closed for a new connection
  stream_.tcp().socket().shutdown(tcp::socket::shutdown_send, ec);
  const auto until = Clock::now() + kLingerTime;
  while (!read_ended_ && !closed_ && !server_.stopping && Clock::now() < until) {
    wake_.expires_at(until);
    co_await wake_.async_wait(Into(ec));
  }
}

Task<void> HttpServer::Impl::Http2Connection::Write(Self self) {
  try {
    self->SetIdleIfSo();
    co_await self->SendAll();
    if (!self->closed_) co_await self->SayEnd();
  } catch (const std::exception&) {
    // Out of memory: this connection ends, the server goes on.
  }
  self->Close();
  for (const auto& [id, stream] : self->streams_) {
    stream->open = false;
    stream->drained.cancel();
  }
  self->streams_.clear();
}

}  // namespace tracestore::net
