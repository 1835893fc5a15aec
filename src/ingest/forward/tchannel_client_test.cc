// What a collector may answer to one call of TChannel, frame by frame.
#include "ingest/forward/tchannel_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tracestore::ingest {
namespace {

using codec::TchannelCall;
using codec::TchannelErrorCode;
using codec::TchannelType;
using Outcome = TchannelReply::Outcome;
using testing::HasSubstr;

std::vector<std::string> Frames(std::string_view bytes) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    const auto rest = codec::TchannelPayloadSize(bytes.substr(0, codec::kTchannelHeaderBytes));
    EXPECT_TRUE(rest.has_value());
    out.emplace_back(bytes.substr(0, codec::kTchannelHeaderBytes + *rest));
    bytes.remove_prefix(codec::kTchannelHeaderBytes + *rest);
  }
  return out;
}

std::vector<std::string> Answer(std::uint32_t id, std::string result, std::uint8_t code = 0) {
  TchannelCall call;
  call.is_answer = true;
  call.code = code;
  call.headers = {{"as", "thrift"}};
  call.checksum = codec::TchannelChecksum::kCrc32;
  call.args = {"", std::string(codec::kNoTchannelHeaders), std::move(result)};
  std::string bytes;
  codec::AppendTchannelCall(id, call, bytes);
  return Frames(bytes);
}

std::string ErrorFrame(std::uint32_t id, TchannelErrorCode code, std::string_view message) {
  std::string out;
  codec::AppendTchannelError(id, {code, message}, out);
  return out;
}

TEST(TchannelAnswerReader, PutsFramesTogetherAndPassesOverOthers) {
  const std::string result(200'000, 'r');
  const auto frames = Answer(7, result);
  ASSERT_GT(frames.size(), 2U);
  TchannelAnswerReader reader(7);
  std::string ping;
  codec::AppendTchannelPing(TchannelType::kPingReq, 3, ping);
  std::string pong;
  codec::AppendTchannelPing(TchannelType::kPingRes, 3, pong);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(reader.Take(ping)->reply, pong);
    EXPECT_FALSE(reader.Take(Answer(8, "another's").front())->last);
    EXPECT_FALSE(reader.Take(ErrorFrame(8, TchannelErrorCode::kBusy, "another's"))->last);
    const auto step = reader.Take(frames[i]);
    ASSERT_TRUE(step.has_value()) << step.error().message();
    EXPECT_EQ(step->last, i + 1 == frames.size());
  }
  EXPECT_EQ(reader.reply().outcome, Outcome::kAnswered);
  EXPECT_EQ(reader.reply().result, result);
}

TEST(TchannelAnswerReader, ErrorsOfTheCallAndOfTheConnection) {
  TchannelAnswerReader busy(2);
  const auto step = busy.Take(ErrorFrame(2, TchannelErrorCode::kBusy, "full"));
  ASSERT_TRUE(step.has_value());
  EXPECT_TRUE(step->last && step->keep);
  EXPECT_EQ(busy.reply().outcome, Outcome::kRefused);
  EXPECT_EQ(busy.reply().code, TchannelErrorCode::kBusy);
  EXPECT_EQ(busy.reply().text, "busy: full");
  TchannelAnswerReader fatal(2);
  const auto end =
      fatal.Take(ErrorFrame(codec::kNoTchannelId, TchannelErrorCode::kFatal,
                            std::string(9'999, 'x')));
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(end->last && !end->keep);
  EXPECT_LT(fatal.reply().text.size(), 1'100U);
  TchannelAnswerReader thrown(2);
  EXPECT_TRUE(thrown.Take(Answer(2, "", 1).front())->last);
  EXPECT_EQ(thrown.reply().text, "the method failed with an exception");
}

TEST(TchannelAnswerReader, RefusesWhatIsBroken) {
  const auto problem = [](std::string_view frame) {
    TchannelAnswerReader reader(2);
    const auto step = reader.Take(frame);
    return step.has_value() ? "" : step.error().message();
  };
  EXPECT_THAT(problem("short"), HasSubstr("not TChannel"));
  EXPECT_THAT(problem(ErrorFrame(2, TchannelErrorCode::kBusy, "m").substr(0, 20)),
              HasSubstr("not TChannel"));
  std::string wrong = Answer(2, "result").front();
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  EXPECT_THAT(problem(wrong), HasSubstr("checksum"));
  // An answer that never ends is bounded.
  TchannelAnswerReader endless(2);
  const auto frames = Answer(2, std::string(8 << 20, 'x'));
  std::string last;
  for (const std::string& frame : frames) {
    const auto step = endless.Take(frame);
    if (!step.has_value()) {
      last = step.error().message();
      break;
    }
  }
  EXPECT_THAT(last, HasSubstr("the answer is too long"));
}

TEST(TchannelAnswerReader, DamagedBytesNeverGiveAnotherResult) {
  const std::string good = Answer(2, "a result that is known").front();
  std::mt19937 random(4711);
  SCOPED_TRACE("seed 4711");
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = good;
    for (unsigned i = random() % 4; i-- > 0;)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    if (random() % 4 == 0) damaged.resize(random() % (damaged.size() + 1));
    TchannelAnswerReader reader(2);
    const auto step = reader.Take(damaged);
    if (!step.has_value() || !step->last) continue;
    if (reader.reply().outcome == Outcome::kAnswered && damaged != good) {
      // The checksum covers the arguments; its type may have become "none".
      EXPECT_LE(reader.reply().result.size(), damaged.size());
    }
  }
}

TEST(TchannelGreeting, IsAnInitAndItsAnswerIsRead) {
  const std::string greeting = TchannelGreeting();
  const auto frame = codec::DecodeTchannelFrame(greeting);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->type, TchannelType::kInitReq);
  const auto init = codec::DecodeTchannelInit(frame->payload);
  ASSERT_TRUE(init.has_value());
  EXPECT_EQ(init->version, 2);
  EXPECT_EQ(init->headers.front().first, "host_port");

  const auto answered = [](TchannelType type, std::uint16_t version) -> std::string {
    std::string bytes;
    codec::AppendTchannelInit(type, 1, {version, {}}, bytes);
    const auto step = ReadTchannelGreeting(bytes);
    return step.has_value() ? "good" : step.error().message();
  };
  EXPECT_EQ(answered(TchannelType::kInitRes, 2), "good");
  EXPECT_EQ(answered(TchannelType::kInitRes, 3), "the server speaks version 3 of TChannel");
  EXPECT_EQ(answered(TchannelType::kInitReq, 2),
            "not TChannel: expected messageTypeInitRes, got messageTypeInitReq");
  EXPECT_EQ(ReadTchannelGreeting(ErrorFrame(1, TchannelErrorCode::kFatal,
                                            "go away")).error().message(),
            "the server refuses the connection: fatal protocol error: go away");
  EXPECT_THAT(ReadTchannelGreeting("HTTP/1.1 400 Bad").error().message(),
              HasSubstr("not TChannel"));
}

}  // namespace
}  // namespace tracestore::ingest
