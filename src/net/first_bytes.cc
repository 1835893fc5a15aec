// record      { u8 type = 22; u16 version; u16 size; fragment }, a ClientHello may span several
// handshake   { u8 type = 1; u24 size; body }
// ClientHello { u16 version; random[32]; u8 session<>; u16 ciphers<>; u8 compressions<>;
//               u16 extensions<{ u16 type; u16 data<> }> }
#include "net/first_bytes.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tracestore::net {
namespace {

constexpr std::size_t kMaxProtocols = 16;
constexpr int kHandshakeRecord = 22;
constexpr int kClientHello = 1;
constexpr int kAlpn = 16;
constexpr int kSupportedVersions = 43;

// Big-endian numbers and counted parts; after a read beyond the end everything is empty and 0.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  bool good() const { return good_; }
  bool empty() const { return left_.empty(); }
  std::size_t Number(std::size_t bytes) {
    std::size_t value = 0;
    for (const char c : Take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view Take(std::size_t bytes) {
    if (bytes > left_.size()) {
      good_ = false;
      left_ = {};
      return {};
    }
    const auto taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }
  // A part with its length before it, in `width` bytes.
  std::string_view Part(std::size_t width) { return Take(Number(width)); }

 private:
  std::string_view left_;
  bool good_ = true;
};

bool IsVersion(std::size_t version) { return version >= 0x0301 && version <= 0x0304; }

void ReadExtension(std::size_t type, std::string_view data, ClientHello& hello) {
  Reader reader(data);
  if (type == kAlpn) {
    for (Reader list(reader.Part(2)); !list.empty() && hello.protocols.size() < kMaxProtocols;) {
      hello.protocols.emplace_back(list.Part(1));
    }
  }
  if (type == kSupportedVersions) {
    for (Reader list(reader.Part(1)); !list.empty();) {
      const std::size_t version = list.Number(2);
      if (IsVersion(version)) {
        hello.newest_version = std::max(hello.newest_version, static_cast<int>(version));
      }
    }
  }
}

std::optional<ClientHello> ReadHello(std::string_view body) {
  Reader reader(body);
  ClientHello hello;
  const std::size_t version = reader.Number(2);
  if (IsVersion(version)) hello.newest_version = static_cast<int>(version);
  reader.Take(32);
  reader.Part(1);
  reader.Part(2);
  reader.Part(1);
  if (!reader.good()) return std::nullopt;
  if (reader.empty()) return hello;  // TLS 1.0 may have no extensions
  for (Reader extensions(reader.Part(2)); !extensions.empty();) {
    const std::size_t type = extensions.Number(2);
    const std::string_view data = extensions.Part(2);
    if (!extensions.good()) return std::nullopt;
    ReadExtension(type, data, hello);
  }
  if (!reader.good()) return std::nullopt;
  return hello;
}

FirstBytes ReadTls(std::string_view bytes) {
  const FirstBytes none{FirstBytesKind::kOther};
  std::string handshake;
  Reader records(bytes);
  for (;;) {
    if (handshake.size() >= 4) {
      Reader head(handshake);
      if (head.Number(1) != kClientHello) return none;
      const std::size_t size = head.Number(3);
      if (size > kMaxFirstBytes) return none;
      if (handshake.size() - 4 >= size) {
        auto hello = ReadHello(head.Take(size));
        if (!hello) return none;
        return {FirstBytesKind::kTls, std::move(*hello)};
      }
    }
    if (records.empty()) return {};
    const std::size_t type = records.Number(1);
    const std::size_t version = records.Number(2);
    const std::string_view fragment = records.Part(2);
    if (!records.good()) return {};
    if (type != kHandshakeRecord || version >> 8 != 3 || fragment.empty()) return none;
    handshake += fragment;
  }
}

}  // namespace

bool ClientHello::only_http2() const {
  const auto has = [this](std::string_view name) {
    return std::find(protocols.begin(), protocols.end(), name) != protocols.end();
  };
  return has("h2") && !has("http/1.1");
}

FirstBytes ReadFirstBytes(std::string_view bytes) {
  if (bytes.empty()) return {};
  FirstBytes read;
  if (bytes.front() == static_cast<char>(kHandshakeRecord)) {
    read = ReadTls(bytes);
  } else if (const auto size = std::min(bytes.size(), kHttp2Preface.size());
             bytes.substr(0, size) != kHttp2Preface.substr(0, size)) {
    read.kind = FirstBytesKind::kOther;
  } else if (size == kHttp2Preface.size()) {
    read.kind = FirstBytesKind::kHttp2;
  }
  if (read.kind == FirstBytesKind::kIncomplete && bytes.size() >= kMaxFirstBytes) {
    read.kind = FirstBytesKind::kOther;
  }
  return read;
}

}  // namespace tracestore::net
