#include "codec/tchannel/call.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/tchannel/payload.h"

namespace tracestore::codec {
namespace {

// What it reads of frames that stand one behind the other; all of one call.
struct Read {
  Status status;
  bool complete = false;
  std::size_t frames = 0;
  TchannelCall call;
};

Read ReadAll(std::string_view bytes, const TchannelLimits& limits = {}) {
  Read out;
  TchannelCallReader reader(limits);
  while (!bytes.empty()) {
    const auto rest = TchannelPayloadSize(bytes.substr(0, kTchannelHeaderBytes));
    EXPECT_TRUE(rest.has_value());
    const auto frame = DecodeTchannelFrame(bytes.substr(0, kTchannelHeaderBytes + *rest));
    EXPECT_TRUE(frame.has_value());
    bytes.remove_prefix(kTchannelHeaderBytes + *rest);
    out.status = reader.Add(*frame);
    if (!out.status.has_value()) return out;
    ++out.frames;
  }
  out.complete = reader.complete();
  out.call = std::move(reader.call());
  return out;
}

void ExpectSame(const TchannelCall& a, const TchannelCall& b) {
  EXPECT_EQ(a.is_answer, b.is_answer);
  EXPECT_EQ(a.ttl_ms, b.ttl_ms);
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.service, b.service);
  EXPECT_EQ(a.headers, b.headers);
  EXPECT_EQ(a.checksum, b.checksum);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(a.args[i] == b.args[i]) << i;
}

std::string RandomBytes(std::mt19937_64& random, std::size_t size) {
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

TchannelCall ArbitraryCall(std::mt19937_64& random) {
  TchannelCall call;
  call.is_answer = random() % 2 == 0;
  if (call.is_answer) {
    call.code = static_cast<std::uint8_t>(random() % 2);
  } else {
    call.ttl_ms = static_cast<std::uint32_t>(random());
    call.service = RandomBytes(random, random() % 256);
  }
  for (auto count = random() % 5; count > 0; --count)
    call.headers.emplace_back(RandomBytes(random, random() % 20),
                              RandomBytes(random, random() % 256));
  constexpr TchannelChecksum kTypes[] = {TchannelChecksum::kNone, TchannelChecksum::kCrc32,
                                         TchannelChecksum::kCrc32c};
  call.checksum = kTypes[random() % 3];
  call.args[0] = RandomBytes(random, random() % 3 == 0 ? 0 : random() % 100);
  // Around the end of a frame, where an argument's end is easily lost.
  const auto size = [&random]() -> std::size_t {
    switch (random() % 3) {
      case 0: return random() % 10;
      case 1: return 65'200 + random() % 400;
      default: return random() % 200'000;
    }
  };
  call.args[1] = RandomBytes(random, size());
  call.args[2] = RandomBytes(random, size());
  return call;
}

TEST(TchannelCall, ReadsBackWhatItWrote) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const TchannelCall call = ArbitraryCall(random);
    std::string bytes;
    AppendTchannelCall(9, call, bytes);
    const Read read = ReadAll(bytes);
    ASSERT_TRUE(read.status.has_value()) << read.status.error().message();
    ASSERT_TRUE(read.complete);
    ExpectSame(read.call, call);
  }
}

// Every place where the second argument can end near the end of its frame.
TEST(TchannelCall, KeepsArgumentsApartAtEveryEndOfAFrame) {
  for (std::size_t size = 65'450; size < 65'540; ++size) {
    TchannelCall call;
    call.args = {"m", std::string(size, 'a'), "b"};
    std::string bytes;
    AppendTchannelCall(1, call, bytes);
    const Read read = ReadAll(bytes);
    ASSERT_TRUE(read.complete) << size;
    ExpectSame(read.call, call);
  }
}

// Another writer may cut where it likes: also pieces of no bytes, also single bytes.
TEST(TchannelCall, TakesPiecesOfAnySize) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TchannelCall call;
    call.checksum = random() % 2 == 0 ? TchannelChecksum::kCrc32 : TchannelChecksum::kNone;
    for (std::string& arg : call.args) arg = RandomBytes(random, random() % 40);
    std::string bytes;
    std::uint32_t running = 0;
    std::size_t argument = 0;
    std::string_view rest = call.args[0];
    for (bool first = true, more = true; more; first = false) {
      std::string pieces;
      for (bool next = true; next;) {  // only the end of a frame cuts an argument
        next = argument < 2 && random() % 2 == 0;
        const std::string_view piece = next ? rest : rest.substr(0, random() % (rest.size() + 1));
        tchannel::AppendText(piece, 2, pieces);
        running = ContinueTchannelChecksum(call.checksum, running, piece);
        rest.remove_prefix(piece.size());
        if (next) rest = call.args[++argument];
      }
      more = argument != 2 || !rest.empty();
      const auto type = first ? TchannelType::kCallReq : TchannelType::kCallReqContinue;
      const std::size_t begin = tchannel::BeginFrame(type, 4, bytes);
      tchannel::AppendNumber(more ? 1 : 0, 1, bytes);
      if (first) bytes.append(4 + 25 + 1 + 1, '\0');
      tchannel::AppendNumber(static_cast<std::uint8_t>(call.checksum), 1, bytes);
      if (call.checksum != TchannelChecksum::kNone) tchannel::AppendNumber(running, 4, bytes);
      bytes += pieces;
      tchannel::EndFrame(begin, bytes);
    }
    const Read read = ReadAll(bytes);
    ASSERT_TRUE(read.status.has_value()) << read.status.error().message();
    ASSERT_TRUE(read.complete);
    ExpectSame(read.call, call);
  }
}

std::string Written(const TchannelCall& call) {
  std::string bytes;
  AppendTchannelCall(1, call, bytes);
  return bytes;
}

TchannelCall SmallCall() {
  TchannelCall call;
  call.service = "jaeger-collector";
  call.headers = {{"as", "thrift"}, {"cn", "agent"}};
  call.checksum = TchannelChecksum::kCrc32;
  call.args = {"Collector::submitBatches", std::string(kNoTchannelHeaders), "bytes"};
  return call;
}

TEST(TchannelCall, RefusesEveryTruncationAndEveryFlippedBitOfItsArguments) {
  const std::string bytes = Written(SmallCall());
  const auto add = [](std::string_view payload) {
    return TchannelCallReader().Add({TchannelType::kCallReq, 1, payload});
  };
  const std::string_view payload = std::string_view(bytes).substr(kTchannelHeaderBytes);
  ASSERT_TRUE(add(payload).has_value());
  for (std::size_t cut = 0; cut < payload.size(); ++cut)
    EXPECT_FALSE(add(payload.substr(0, cut)).has_value()) << cut;
  for (std::size_t at = payload.size() - 5; at < payload.size(); ++at) {
    std::string flipped(payload);
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    const Status refused = add(flipped);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message(), "not TChannel: a call's checksum is another");
  }
}

TEST(TchannelCall, IsBounded) {
  TchannelCall call = SmallCall();
  call.args[2] = std::string(200'000, 'x');
  const Status too_long = ReadAll(Written(call), {.max_argument_bytes = 150'000}).status;
  ASSERT_FALSE(too_long.has_value());
  EXPECT_EQ(too_long.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(too_long.error().message(), "a call's arguments are longer than 150000 bytes");
  const Status too_many = ReadAll(Written(call), {.max_frames = 3}).status;
  ASSERT_FALSE(too_many.has_value());
  EXPECT_EQ(too_many.error().message(), "a call has more than 3 frames");
  EXPECT_EQ(ReadAll(Written(call), {.max_frames = 4}).frames, 4U);
  call.args[0] = std::string(kMaxTchannelMethodBytes + 1, 'x');
  EXPECT_FALSE(ReadAll(Written(call)).status.has_value());
  call.args[0].pop_back();
  EXPECT_TRUE(ReadAll(Written(call)).complete);
}

TEST(TchannelCall, RefusesFramesOutOfOrder) {
  TchannelCall call = SmallCall();
  call.args[2] = std::string(100'000, 'x');
  const std::string bytes = Written(call);
  const std::size_t first = kTchannelHeaderBytes + *TchannelPayloadSize(bytes);
  const auto frame_at = [&](std::size_t begin, std::size_t size) {
    return *DecodeTchannelFrame(std::string_view(bytes).substr(begin, size));
  };
  const TchannelFrame begin = frame_at(0, first);
  TchannelFrame rest = frame_at(first, bytes.size() - first);
  EXPECT_FALSE(TchannelCallReader().Add(rest).has_value());
  TchannelCallReader reader;
  ASSERT_TRUE(reader.Add(begin).has_value());
  EXPECT_FALSE(reader.complete());
  EXPECT_GT(reader.bytes(), 65'000U);
  rest.type = TchannelType::kCallResContinue;
  EXPECT_FALSE(reader.Add(rest).has_value());
  TchannelCallReader again;
  ASSERT_TRUE(again.Add(begin).has_value());
  EXPECT_FALSE(again.Add(begin).has_value());
  TchannelCallReader whole;
  rest.type = TchannelType::kCallReqContinue;
  ASSERT_TRUE(whole.Add(begin).has_value());
  ASSERT_TRUE(whole.Add(rest).has_value());
  EXPECT_TRUE(whole.complete());
  EXPECT_FALSE(whole.Add(rest).has_value());
}

TEST(TchannelCall, DoesNotVerifyFarmHash) {
  std::string bytes = Written(SmallCall());
  const std::size_t at = bytes.find("\x00\x18"
                                    "Collector",
                                    0, 5) -
                         5;
  bytes[at] = 2;  // the type, before the value and the first argument's length
  EXPECT_TRUE(ReadAll(bytes).complete);
  bytes[at] = 4;
  EXPECT_FALSE(ReadAll(bytes).status.has_value());
}

}  // namespace
}  // namespace tracestore::codec
