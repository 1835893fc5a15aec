// A blocking client of HTTP/2 for the tests of this room, over nghttp2.
#pragma once
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http.h"
#include "net/loopback_test_client.h"

namespace tracestore::net {

// Of a Socket like LoopbackClient.
template <typename Socket>
class BasicHttp2TestClient {
 public:
  struct Answer {
    int status = 0;
    NamedValues fields;
    std::string body;
    bool ended = false;       // its stream is closed
    std::uint32_t error = 0;  // with which it is

    std::string Field(std::string_view name) const {
      for (const auto& [known, value] : fields)
        if (known == name) return value;
      return {};
    }
  };

  // `where`: the socket, or what it is made of. `patient`: sends nothing but preface and SETTINGS
  // before it has the server's. `window`: of each answer, which is not renewed where it isn't the
  // default; a larger one is the connection's, too.
  template <typename Where>
  explicit BasicHttp2TestClient(Where&& where, bool patient = false, int window = 65535)
      : client_(std::forward<Where>(where)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    SetCallbacks(callbacks);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, window != 65535 ? 1 : 0);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new2(&session, callbacks, this, option);
    session_.reset(session);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                       static_cast<std::uint32_t>(window)};
    nghttp2_submit_settings(session_.get(), 0, &entry, 1);
    if (window > 65535) nghttp2_session_set_local_window_size(session_.get(), 0, 0, window);
    if (patient) {
      Flush();
      ReadFrame();
    }
  }

  // Begins a request. `whole` false: more of the body is never sent.
  std::int32_t Ask(const std::string& method, const std::string& path, std::string body = "",
                   NamedValues fields = {}, bool whole = true) {
    fields.insert(
        fields.begin(),
        {{":method", method}, {":scheme", "http"}, {":authority", "test"}, {":path", path}});
    std::vector<nghttp2_nv> values;
    for (auto& [name, value] : fields) values.push_back(Nv(name, value));
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into,
                                std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                                void* self) -> ssize_t {
      auto& [left, ends] = static_cast<BasicHttp2TestClient*>(self)->bodies_[id];
      const std::size_t size = std::min(room, left.size());
      std::memcpy(into, left.data(), size);
      left.erase(0, size);
      if (left.empty() && ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (size == 0 && !ends) return NGHTTP2_ERR_DEFERRED;
      return static_cast<ssize_t>(size);
    };
    const bool none = body.empty() && whole;
    const std::int32_t id = nghttp2_submit_request(
        session_.get(), nullptr, values.data(), values.size(), none ? nullptr : &provider, nullptr);
    bodies_[id] = {std::move(body), whole};
    Flush();
    return id;
  }
  void Reset(std::int32_t id) {
    nghttp2_submit_rst_stream(session_.get(), 0, id, NGHTTP2_CANCEL);
    Flush();
  }

  // Reads until its stream is closed, or the connection.
  Answer Await(std::int32_t id) {
    while (!answers_[id].ended && ReadFrame()) {
    }
    return answers_[id];
  }
  Answer Get(const std::string& path) { return Await(Ask("GET", path)); }
  // Reads to the end of the connection; gives the last GOAWAY's code, or -1.
  int AwaitEnd() {
    while (ReadFrame()) {
    }
    return goaway_;
  }
  bool ReadFrame() {
    std::string frame = client_.ReadBytes(9);
    if (frame.size() < 9) return false;
    std::size_t size = 0;
    for (int i = 0; i < 3; ++i)
      size = size << 8 | static_cast<unsigned char>(frame[static_cast<std::size_t>(i)]);
    if (size > 0) frame += client_.ReadBytes(size);
    const auto read = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size());
    Flush();
    return read >= 0 && frame.size() == 9 + size;
  }
  Socket& socket() { return client_; }
  Answer& answer(std::int32_t id) { return answers_[id]; }

 private:
  static nghttp2_nv Nv(std::string& name, std::string& value) {
    return {reinterpret_cast<std::uint8_t*>(name.data()),
            reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
  }
  static void SetCallbacks(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* self) {
          Answer& answer = static_cast<BasicHttp2TestClient*>(self)->answers_[frame->hd.stream_id];
          const std::string key(reinterpret_cast<const char*>(name), name_size);
          const std::string text(reinterpret_cast<const char*>(value), value_size);
          if (key == ":status") answer.status = std::atoi(text.c_str());
          answer.fields.emplace_back(key, text);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                      std::size_t size, void* self) {
          static_cast<BasicHttp2TestClient*>(self)->answers_[id].body.append(
              reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* self) {
          Answer& answer = static_cast<BasicHttp2TestClient*>(self)->answers_[id];
          answer.ended = true;
          answer.error = error;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          if (frame->hd.type == NGHTTP2_GOAWAY)
            static_cast<BasicHttp2TestClient*>(self)->goaway_ =
                static_cast<int>(frame->goaway.error_code);
          return 0;
        });
  }
  void Flush() {
    const std::uint8_t* bytes = nullptr;
    std::string out;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_.get(), &bytes)) > 0;)
      out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    client_.Send(out);
  }

  struct Body {
    std::string left;
    bool ends = true;
  };

  Socket client_;
  std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)> session_{nullptr,
                                                                            nghttp2_session_del};
  std::map<std::int32_t, Body> bodies_;
  std::map<std::int32_t, Answer> answers_;
  int goaway_ = -1;
};
using Http2TestClient = BasicHttp2TestClient<LoopbackClient>;

}  // namespace tracestore::net
