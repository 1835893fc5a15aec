#include <bit>
#include <charconv>
#include <deque>
#include <utility>

#include "base/bytes.h"
#include "base/stop.h"
#include "base/try.h"
#include "codec/json/json_writer.h"
#include "codec/zipkin/zipkin_v1.h"
#include "codec/zipkin/zipkin_v1_thrift.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

// AnnotationType of zipkincore.thrift.
constexpr std::int32_t kBool = 0, kBytes = 1, kI16 = 2, kI32 = 3, kI64 = 4, kDouble = 5,
                       kString = 6;

// What Zipkin's own reader says of a list that is none. It takes any head for a list's, passes over
// the field headers of types that it doesn't know, and so often finds a span's end before it finds
// that nothing fits.
std::string SentenceOnBrokenList(std::string_view list) {
  base::ByteReader in(list);
  in.Raw(5);
  while (in.remaining() >= 3) {
    const auto type = static_cast<ThriftType>(in.U8());
    if (type == ThriftType::kStop) return "traceId == 0 reading List<Span> from TBinary";
    const std::string_view id = in.Raw(2);
    switch (type) {
      case ThriftType::kBool:
      case ThriftType::kByte: in.Raw(1); break;
      case ThriftType::kI16: in.Raw(2); break;
      case ThriftType::kI32: in.Raw(4); break;
      case ThriftType::kDouble: in.Raw(8); break;
      case ThriftType::kI64:
        if (id == std::string_view("\0\1", 2)) return "";  // it has a trace id
        in.Raw(8);
        break;
      case ThriftType::kString: {
        const std::uint32_t size = __builtin_bswap32(in.U32());
        in.Raw(size);
        break;
      }
      case ThriftType::kStruct:
      case ThriftType::kMap:
      case ThriftType::kSet:
      case ThriftType::kList: return "";
      default: break;
    }
    if (!in.ok()) return "";
  }
  return "";
}

class Decoder {
 public:
  Decoder(SpanBatch& out, const ZipkinThriftOptions& options)
      : appender_(out), strict_(options.strict), stop_(options.stop) {}

  Result<model::DecodeReport> List(ThriftReader& in);
  Result<model::DecodeReport> Each(std::span<const std::string_view> messages);

 private:
  Status Take(const char* what);
  void ReadSpan();
  bool CheckSpan();
  void ReadAnnotation();
  void ReadBinary();
  std::uint32_t ReadHost();
  void AddBinary(ZipkinV1Binary& binary, std::string_view value, std::int32_t type);
  // A binary annotation's value as text.
  std::string_view TextOf(std::string_view bytes, std::int32_t type);
  bool CheckTime(std::int64_t value, const char* what, std::uint64_t& out);
  template <typename Read>
  void ReadList(Read read) {
    for (std::uint32_t left = in_->List().size; left > 0 && in_->ok(); --left) read();
  }
  Error Broken(const char* what) const {
    return strict_ ? Error(ErrorCode::kInvalidArgument,
                           std::string("Malformed reading ") + what + " from TBinary")
                   : in_->error();
  }

  ThriftReader* in_ = nullptr;
  std::deque<std::string> kept_;  // before the appender, which borrows its texts
  ZipkinAppender appender_;
  bool strict_;
  ZipkinV1Converter converter_;
  ZipkinV1Span span_;
  ZipkinEndpoint host_;
  bool bad_time_ = false;
  ZipkinRefusal refusal_;
  std::uint64_t index_ = 0;
  StopCheck stop_;
  model::DecodeReport report_;
};

// What is negative is absent.
bool Decoder::CheckTime(std::int64_t value, const char* what, std::uint64_t& out) {
  out = value < 0 ? 0 : static_cast<std::uint64_t>(value);
  if (out <= kMaxZipkinMicros || bad_time_) return true;
  bad_time_ = true;
  const std::string text = std::to_string(value);
  refusal_ = {std::string(what) + " is no number of microseconds",
              std::string(what) + " '" + text + "' is no number of microseconds",
              "For input string: \"" + text + "\""};
  return false;
}

std::uint32_t Decoder::ReadHost() {
  host_.Clear();
  ThriftField field;
  while (in_->Next(field)) {
    switch (field.tag()) {
      case ThriftTag(1, ThriftType::kI32): {
        char bytes[4];
        base::StoreLe(bytes, __builtin_bswap32(static_cast<std::uint32_t>(in_->I32())));
        host_.SetAddressBytes({bytes, sizeof bytes});
        break;
      }
      case ThriftTag(2, ThriftType::kI16):
        host_.port = static_cast<std::uint16_t>(in_->I16());
        break;
      case ThriftTag(3, ThriftType::kString): host_.SetService(in_->Bytes()); break;
      case ThriftTag(4, ThriftType::kString): host_.SetAddressBytes(in_->Bytes()); break;
      default: in_->Skip(field);
    }
  }
  return span_.AddEndpoint(host_);
}

void Decoder::ReadAnnotation() {
  ZipkinV1Annotation annotation;
  std::int64_t timestamp = 0;
  ThriftField field;
  while (in_->Next(field)) {
    switch (field.tag()) {
      case ThriftTag(1, ThriftType::kI64): timestamp = in_->I64(); break;
      case ThriftTag(2, ThriftType::kString): annotation.value = in_->Bytes(); break;
      case ThriftTag(3, ThriftType::kStruct): annotation.endpoint = ReadHost(); break;
      default: in_->Skip(field);
    }
  }
  CheckTime(timestamp, "annotation timestamp", annotation.timestamp_us);
  span_.annotations.push_back(annotation);
}

std::string_view Decoder::TextOf(std::string_view bytes, std::int32_t type) {
  std::uint64_t bits = 0;
  for (const char byte : bytes) bits = bits << 8 | static_cast<std::uint8_t>(byte);
  const auto is = [&](std::int32_t number, std::size_t size) {
    return type == number && bytes.size() == size;
  };
  const auto integer = [this](std::int64_t value) {
    return std::string_view(kept_.emplace_back(std::to_string(value)));
  };
  if (is(kBool, 1)) return bits != 0 ? "true" : "false";
  if (is(kI16, 2)) return integer(static_cast<std::int16_t>(bits));
  if (is(kI32, 4)) return integer(static_cast<std::int32_t>(bits));
  if (is(kI64, 8)) return integer(static_cast<std::int64_t>(bits));
  std::string text;
  JsonWriter json(text);
  if (is(kDouble, 8)) {
    json.Double(std::bit_cast<double>(bits));
  } else if (type == kBytes) {
    json.Base64(bytes);
  } else {
    return bytes;
  }
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return kept_.emplace_back(std::move(text));
}

void Decoder::AddBinary(ZipkinV1Binary& binary, std::string_view value, std::int32_t type) {
  if (IsZipkinAddressKey(binary.key)) {
    // A bool should be one byte of 1; some libraries send the text "0x01". Of type STRING Zipkin
    // takes any text, for zipkin-ruby sends "1".
    const bool host = type == kBool && binary.endpoint != kNoZipkinEndpoint &&
                      (value == "\x01" || value == "0x01" || value == "true");
    if (type != kString && !host) return;
    binary.address = true;
  } else {
    binary.value = TextOf(value, type);
  }
  span_.binaries.push_back(binary);
}

void Decoder::ReadBinary() {
  ZipkinV1Binary binary;
  std::string_view value;
  std::int32_t type = -1;
  bool has_key = false;
  bool has_value = false;
  ThriftField field;
  while (in_->Next(field)) {
    switch (field.tag()) {
      case ThriftTag(1, ThriftType::kString):
        binary.key = in_->Bytes();
        has_key = true;
        break;
      case ThriftTag(2, ThriftType::kString):
        value = in_->Bytes();
        has_value = true;
        break;
      case ThriftTag(3, ThriftType::kI32): type = in_->I32(); break;
      case ThriftTag(4, ThriftType::kStruct): binary.endpoint = ReadHost(); break;
      default: in_->Skip(field);
    }
  }
  if (has_key && has_value) AddBinary(binary, value, type);
}

void Decoder::ReadSpan() {
  span_.Clear();
  bad_time_ = false;
  ThriftField field;
  while (in_->Next(field)) {
    switch (field.tag()) {
      case ThriftTag(1, ThriftType::kI64):
        span_.trace_id.low = static_cast<std::uint64_t>(in_->I64());
        break;
      case ThriftTag(3, ThriftType::kString): span_.name = in_->Bytes(); break;
      case ThriftTag(4, ThriftType::kI64):
        span_.id = {static_cast<std::uint64_t>(in_->I64())};
        break;
      case ThriftTag(5, ThriftType::kI64):
        span_.parent_id = {static_cast<std::uint64_t>(in_->I64())};
        break;
      case ThriftTag(6, ThriftType::kList): ReadList([this] { ReadAnnotation(); }); break;
      case ThriftTag(8, ThriftType::kList): ReadList([this] { ReadBinary(); }); break;
      case ThriftTag(9, ThriftType::kBool): span_.debug = in_->Bool(field); break;
      case ThriftTag(10, ThriftType::kI64):
        CheckTime(in_->I64(), "timestamp", span_.timestamp_us);
        break;
      case ThriftTag(11, ThriftType::kI64):
        CheckTime(in_->I64(), "duration", span_.duration_us);
        break;
      case ThriftTag(12, ThriftType::kI64):
        span_.trace_id.high = static_cast<std::uint64_t>(in_->I64());
        break;
      default: in_->Skip(field);
    }
  }
}

bool Decoder::CheckSpan() {
  // Zipkin looks at the lower half only.
  if (span_.trace_id.empty() || (strict_ && span_.trace_id.low == 0)) {
    refusal_ = {"span without trace id", "it has no trace id, or one of zeros", "traceId == 0"};
    return false;
  }
  if (span_.id.empty()) {
    refusal_ = {"span without id", "it has no span id, or one of zeros", "id == 0"};
    return false;
  }
  return !bad_time_;
}

Status Decoder::Take(const char* what) {
  if (stop_.Step()) return stop_.status();
  const std::uint64_t index = index_++;
  ReadSpan();
  if (!in_->ok()) return Broken(what);
  if (CheckSpan()) {
    for (ZipkinSpan& span : converter_.Convert(span_)) {
      appender_.Append(span);
      ++report_.accepted;
    }
    return {};
  }
  if (strict_) {
    return Error(ErrorCode::kInvalidArgument,
                 refusal_.zipkin + " reading " + what + " from TBinary");
  }
  report_.Reject(refusal_.reason, NameZipkinSpan(index, span_.trace_id, refusal_.sentence));
  return {};
}

Result<model::DecodeReport> Decoder::List(ThriftReader& in) {
  in_ = &in;
  constexpr const char* kWhat = "List<Span>";
  const ThriftList list = in_->List();
  if (in_->ok() && list.size != 0 && list.element != ThriftType::kStruct)
    in_->Fail("a list of spans holds no structs");
  if (!in_->ok()) return Broken(kWhat);
  for (std::uint32_t i = 0; i < list.size; ++i) {
    const Status taken = Take(kWhat);
    if (!taken.has_value()) return taken.error();
  }
  return std::move(report_);
}

Result<model::DecodeReport> Decoder::Each(std::span<const std::string_view> messages) {
  for (const std::string_view message : messages) {
    ThriftReader in(message, ThriftProtocol::kBinary);
    in_ = &in;
    const Status taken = Take("Span");
    if (!taken.has_value()) return taken.error();
  }
  return std::move(report_);
}

}  // namespace

Result<model::DecodeReport> DecodeZipkinThriftSpans(ThriftReader& in, SpanBatch& out,
                                                    const ZipkinThriftOptions& options) {
  const auto mark = out.mark();
  auto result = Decoder(out, options).List(in);
  if (!result.has_value()) out.Rollback(mark);
  return result;
}

Result<model::DecodeReport> DecodeZipkinThriftArguments(ThriftReader& in, model::SpanBatch& out,
                                                        std::uint32_t* listed) {
  const auto mark = out.mark();
  model::DecodeReport report;
  ThriftField field;
  while (in.Next(field)) {
    if (field.tag() != ThriftTag(1, ThriftType::kList)) {
      in.Skip(field);
      continue;
    }
    out.Rollback(mark);
    const std::uint32_t size = ThriftReader(in).List().size;
    if (size > kMaxZipkinCallSpans) {
      return Error(ErrorCode::kInvalidArgument,
                   "a call lists more than " + std::to_string(kMaxZipkinCallSpans) + " spans");
    }
    if (listed != nullptr) *listed = size;
    TS_TRY_ASSIGN(report, DecodeZipkinThriftSpans(in, out));
  }
  if (in.ok()) return report;
  out.Rollback(mark);
  return in.error();
}

Result<model::DecodeReport> DecodeZipkinV1Thrift(std::string_view message, SpanBatch& out,
                                                 const ZipkinThriftOptions& options) {
  ThriftReader in(message, ThriftProtocol::kBinary);
  auto result = DecodeZipkinThriftSpans(in, out, options);
  if (result.has_value() || in.ok() || !options.strict) return result;
  const std::string sentence = SentenceOnBrokenList(message);
  return sentence.empty() ? result : Error(ErrorCode::kInvalidArgument, sentence);
}

Result<model::DecodeReport> DecodeZipkinV1ThriftSpans(std::span<const std::string_view> messages,
                                                      SpanBatch& out,
                                                      const ZipkinThriftOptions& options) {
  const auto mark = out.mark();
  auto result = Decoder(out, options).Each(messages);
  if (!result.has_value()) out.Rollback(mark);
  return result;
}

}  // namespace tracestore::codec
