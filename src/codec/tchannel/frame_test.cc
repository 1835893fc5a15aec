#include "codec/tchannel/frame.h"

#include <gtest/gtest.h>

#include "base/testing/hex_of_page.h"
#include "codec/tchannel/checksum.h"

namespace tracestore::codec {
namespace {

TEST(TchannelFrame, RefusesASizeThatIsNone) {
  std::string ping;
  AppendTchannelPing(TchannelType::kPingReq, 7, ping);
  ASSERT_EQ(ping.size(), kTchannelHeaderBytes);
  EXPECT_EQ(TchannelPayloadSize(ping), 0U);
  const auto frame = DecodeTchannelFrame(ping);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->type, TchannelType::kPingReq);
  EXPECT_EQ(frame->id, 7U);
  EXPECT_EQ(frame->payload, "");
  EXPECT_EQ(TchannelPayloadSize(std::string(16, '\0')), std::nullopt);
  EXPECT_EQ(TchannelPayloadSize("\x00\x0F..............\0"), std::nullopt);
  EXPECT_EQ(TchannelPayloadSize(std::string(16, '\xFF')), 65535U - 16);
  EXPECT_FALSE(DecodeTchannelFrame(ping + "x").has_value());
  for (std::size_t cut = 0; cut < ping.size(); ++cut)
    EXPECT_FALSE(DecodeTchannelFrame(std::string_view(ping).substr(0, cut)).has_value());
}

TEST(TchannelFrame, ReadsAnInitBackAndRefusesEveryTruncation) {
  const TchannelInit init{2, {{"host_port", "0.0.0.0:0"}, {"process_name", "agent"}, {"", ""}}};
  std::string bytes;
  AppendTchannelInit(TchannelType::kInitReq, 1, init, bytes);
  const auto frame = DecodeTchannelFrame(bytes);
  ASSERT_TRUE(frame.has_value());
  const auto again = DecodeTchannelInit(frame->payload);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->version, 2);
  EXPECT_EQ(again->headers, init.headers);
  for (std::size_t cut = 0; cut < frame->payload.size(); ++cut)
    EXPECT_FALSE(DecodeTchannelInit(frame->payload.substr(0, cut)).has_value());
  // A count of headers that aren't there takes no room.
  EXPECT_FALSE(DecodeTchannelInit(std::string_view("\0\2\xFF\xFF", 4)).has_value());
}

TEST(TchannelFrame, CutsWhatDoesNotFitIntoAFrame) {
  const std::string endless(100'000, 'x');
  TchannelInit init;
  for (int i = 0; i < 200; ++i) init.headers.emplace_back(endless, endless);
  std::string bytes;
  AppendTchannelInit(TchannelType::kInitRes, 1, init, bytes);
  auto frame = DecodeTchannelFrame(bytes);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(DecodeTchannelInit(frame->payload)->headers.size(), kMaxTchannelHeaders);
  bytes.clear();
  AppendTchannelError(3, {TchannelErrorCode::kBusy, endless}, bytes);
  frame = DecodeTchannelFrame(bytes);
  ASSERT_TRUE(frame.has_value());
  const auto error = DecodeTchannelError(frame->payload);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, TchannelErrorCode::kBusy);
  EXPECT_EQ(error->message, endless.substr(0, 16 * 1024));
  for (std::size_t cut = 0; cut < frame->payload.size(); cut += 7)
    EXPECT_FALSE(DecodeTchannelError(frame->payload.substr(0, cut)).has_value());
}

TEST(TchannelFrame, IsAsTheFormatPageSays) {
  std::string bytes;
  AppendTchannelInit(TchannelType::kInitReq, 1, {2, {{"host_port", "0.0.0.0:0"}}}, bytes);
  EXPECT_EQ(base::testing::BytesOfPage("docs/format/tchannel.md"), bytes);
}

// The check values of the catalogue of parametrised CRCs: of "123456789".
TEST(TchannelChecksum, IsTheOneOfTheCatalogueInAnyPieces) {
  const std::string_view digits = "123456789";
  for (std::size_t cut = 0; cut <= digits.size(); ++cut) {
    const auto in_two = [&](TchannelChecksum type) {
      return ContinueTchannelChecksum(
          type, ContinueTchannelChecksum(type, 0, digits.substr(0, cut)), digits.substr(cut));
    };
    EXPECT_EQ(in_two(TchannelChecksum::kCrc32), 0xCBF43926U);
    EXPECT_EQ(in_two(TchannelChecksum::kCrc32c), 0xE3069283U);
    EXPECT_EQ(in_two(TchannelChecksum::kNone), 0U);
  }
}

}  // namespace
}  // namespace tracestore::codec
