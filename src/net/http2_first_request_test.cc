#include "net/http2_first_request.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <string>
#include <vector>

#include "net/http.h"

namespace tracestore::net {
namespace {

std::string FrameOf(int type, int flags, std::uint32_t stream, const std::string& payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  return frame + payload;
}

std::string BlockOf(NamedValues fields) {
  std::vector<nghttp2_nv> values;
  for (auto& [name, value] : fields)
    values.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                      reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE});
  nghttp2_hd_deflater* deflater = nullptr;
  nghttp2_hd_deflate_new(&deflater, 4096);
  std::string block(nghttp2_hd_deflate_bound(deflater, values.data(), values.size()), '\0');
  const auto size = nghttp2_hd_deflate_hd(deflater, reinterpret_cast<std::uint8_t*>(block.data()),
                                          block.size(), values.data(), values.size());
  nghttp2_hd_deflate_del(deflater);
  block.resize(static_cast<std::size_t>(size));
  return block;
}

std::string RequestBlock(const std::string& type) {
  return BlockOf({{":method", "POST"}, {":path", "/x"}, {"content-type", type}, {"a", "b"}});
}

const std::string kSettings = FrameOf(NGHTTP2_SETTINGS, 0, 0, "");

std::string Request(const std::string& type) {
  return kSettings + FrameOf(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string("\0\0\1\0", 4)) +
         FrameOf(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "") +
         FrameOf(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, RequestBlock(type));
}

TEST(Http2FirstRequest, IsWhatItsContentTypeSays) {
  for (const char* type :
       {"application/grpc", "application/grpc+proto", "application/grpc;a=b", "Application/GRPC"})
    EXPECT_EQ(ReadFirstRequest(Request(type)), FirstRequest::kGrpc) << type;
  for (const char* type : {"application/json", "application/grpc-web", "application/grpc-web+proto",
                           "application/gr", "", "application/x-protobuf"})
    EXPECT_EQ(ReadFirstRequest(Request(type)), FirstRequest::kOther) << type;
  EXPECT_EQ(ReadFirstRequest(kSettings + FrameOf(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
                                                 BlockOf({{":method", "GET"}, {":path", "/"}}))),
            FirstRequest::kOther);
}

TEST(Http2FirstRequest, WaitsUntilItsHeadIsWhole) {
  for (const char* type : {"application/grpc", "text/plain"}) {
    const std::string request = Request(type);
    for (std::size_t cut = 0; cut < request.size(); ++cut)
      EXPECT_EQ(ReadFirstRequest(request.substr(0, cut)), FirstRequest::kIncomplete) << cut;
    EXPECT_EQ(ReadFirstRequest(request + "more"), ReadFirstRequest(request));
  }
}

TEST(Http2FirstRequest, ReadsContinuationsPaddingAndPriority) {
  const std::string block = RequestBlock("application/grpc");
  const auto continued = [&](int type, std::uint32_t stream) {
    return kSettings + FrameOf(NGHTTP2_HEADERS, 0, 1, block.substr(0, 5)) +
           FrameOf(type, 0, stream, block.substr(5, 3)) +
           FrameOf(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, block.substr(8));
  };
  EXPECT_EQ(ReadFirstRequest(continued(NGHTTP2_CONTINUATION, 1)), FirstRequest::kGrpc);
  EXPECT_EQ(ReadFirstRequest(continued(NGHTTP2_CONTINUATION, 3)), FirstRequest::kMalformed);
  EXPECT_EQ(ReadFirstRequest(continued(NGHTTP2_PING, 1)), FirstRequest::kMalformed);
  const std::string filled = std::string(1, '\3') + "pppww" + block + std::string(3, '\0');
  const int flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_PRIORITY;
  EXPECT_EQ(ReadFirstRequest(kSettings + FrameOf(NGHTTP2_HEADERS, flags, 1, filled)),
            FirstRequest::kGrpc);
  EXPECT_EQ(ReadFirstRequest(kSettings + FrameOf(NGHTTP2_HEADERS, flags, 1, "\xFFppp")),
            FirstRequest::kMalformed);
  EXPECT_EQ(ReadFirstRequest(kSettings + FrameOf(NGHTTP2_HEADERS, flags, 1, "")),
            FirstRequest::kMalformed);
}

TEST(Http2FirstRequest, OutlivesDamage) {
  const std::string request = Request("application/grpc");
  for (std::size_t bit = 0; bit < request.size() * 8; ++bit) {
    std::string flipped = request;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    (void)ReadFirstRequest(flipped);
  }
  const auto headers = [](std::uint32_t stream, const std::string& block) {
    return FrameOf(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, block);
  };
  for (const std::string& bytes :
       {headers(1, RequestBlock("a")), FrameOf(NGHTTP2_PING, 0, 0, "12345678"),
        kSettings + headers(0, RequestBlock("a")), kSettings + headers(2, RequestBlock("a")),
        kSettings + headers(1, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), kSettings + headers(1, "\xBF"),
        kSettings + headers(1, RequestBlock("a").substr(0, 3)),
        kSettings + FrameOf(NGHTTP2_DATA, 0, 1, "a"), kSettings + std::string(9, '\xFF'),
        kSettings + FrameOf(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "")})
    EXPECT_EQ(ReadFirstRequest(bytes), FirstRequest::kMalformed);
  // An unknown frame is passed over, as the protocol wants.
  EXPECT_EQ(
      ReadFirstRequest(kSettings + FrameOf(0x7B, 0xFF, 9, "abc") + headers(1, RequestBlock("a"))),
      FirstRequest::kOther);
}

TEST(Http2FirstRequest, GreetsWithSettings) {
  EXPECT_EQ(Http2Greeting(), FrameOf(NGHTTP2_SETTINGS, 0, 0, std::string("\0\3\0\0\0\x10", 6)));
}

}  // namespace
}  // namespace tracestore::net
