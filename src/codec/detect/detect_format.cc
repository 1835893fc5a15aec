#include "codec/detect/detect_format.h"

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace tracestore::codec {
namespace {

// Skims JSON: finds keys and the ends of values without checking what it skips. Every step ends at
// the end of the text at the latest, and none goes back.
class Skimmer {
 public:
  explicit Skimmer(std::string_view text) : text_(text) {}

  std::string_view content() const noexcept { return text_; }

  // The next byte that is no space, '\0' at the end.
  char Peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' ||
                                  text_[at_] == '\t')) {
      ++at_;
    }
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool Take(char c) {
    if (Peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  // The inside of the string that begins here, escapes as they stand.
  std::string_view TakeString() {
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ > text_.size()) at_ = text_.size();
    const std::string_view inside = text_.substr(begin, at_ - begin);
    if (at_ < text_.size()) ++at_;
    return inside;
  }
  // A whole value of any depth.
  void SkipValue() {
    std::uint64_t depth = 0;
    while (Peek() != '\0') {
      const char c = text_[at_];
      if (c == '"') {
        TakeString();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
        continue;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return;
        --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        if (depth == 0) return;
        ++at_;
        continue;
      } else {
        SkipWord();
      }
      if (depth == 0) return;
    }
  }

 private:
  void SkipWord() {
    while (at_ < text_.size() &&
           std::string_view("{}[]\",: \n\r\t").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

enum class Kind { kUnknown, kOtlp, kOtherSignal, kJaeger, kZipkin };

Kind KindOfKey(std::string_view key) {
  if (key == "resourceSpans" || key == "resource_spans") return Kind::kOtlp;
  for (const char* other : {"resourceLogs", "resource_logs", "resourceMetrics", "resource_metrics",
                            "resourceProfiles", "resource_profiles"}) {
    if (key == other) return Kind::kOtherSignal;
  }
  if (key == "data" || key == "spans" || key == "processes" || key == "traceID")
    return Kind::kJaeger;
  if (key == "traceId" || key == "id" || key == "localEndpoint") return Kind::kZipkin;
  return Kind::kUnknown;
}

// Reads an object up to its first telling key; an OTLP one to its end, since what follows it tells
// lines from one text.
Kind SkimObject(Skimmer& text) {
  Kind found = Kind::kUnknown;
  text.Take('{');
  while (text.Peek() == '"') {
    const Kind kind = KindOfKey(text.TakeString());
    if (found == Kind::kUnknown) found = kind;
    if (found != Kind::kUnknown && found != Kind::kOtlp) return found;
    if (!text.Take(':')) return found;
    text.SkipValue();
    if (!text.Take(',')) break;
  }
  text.Take('}');
  return found;
}

Error NoFormat(const std::string& why) {
  return {ErrorCode::kInvalidArgument,
          why + ": OTLP (protobuf, JSON, JSON Lines), Jaeger (JSON, protobuf, Thrift) and Zipkin "
                "(v2 JSON, protobuf, v1 JSON, Thrift) are read"};
}

// Of JSON that is Zipkin's: version 1 has hosts in its annotations, version 2 the endpoints and
// tags of a span.
Format ZipkinVersionOf(std::string_view content) {
  const auto has = [content](std::string_view text) {
    return content.find(text) != std::string_view::npos;
  };
  if (has("Endpoint\"") || has("\"tags\"")) return Format::kZipkinJson;
  return has("\"binaryAnnotations\"") || has("\"endpoint\"") ? Format::kZipkinV1Json
                                                             : Format::kZipkinJson;
}

Error OtherSignal() {
  return Error(ErrorCode::kInvalidArgument, "OTLP of another signal than traces");
}

Result<Format> DetectObject(Skimmer& text) {
  bool lines = false;
  bool any = false;
  while (text.Peek() == '{') {
    if (any) lines = true;
    switch (SkimObject(text)) {
      case Kind::kJaeger: return Format::kJaegerJson;
      case Kind::kZipkin: return ZipkinVersionOf(text.content());
      case Kind::kOtherSignal: return OtherSignal();
      case Kind::kOtlp:
        lines = lines || text.Peek() == '{';
        return lines ? Format::kOtlpJsonLines : Format::kOtlpJson;
      case Kind::kUnknown: any = true;
    }
  }
  return NoFormat("a JSON object without a key of any trace format");
}

Result<Format> DetectArray(Skimmer& text) {
  text.Take('[');
  if (text.Take('[')) {
    const char next = text.Peek();
    if (next == '{' || next == ']') return ZipkinVersionOf(text.content());
    return NoFormat("a JSON list that holds no spans");
  }
  const char next = text.Peek();
  if (next == ']') return Format::kZipkinJson;
  if (next != '{') return NoFormat("a JSON list that holds no spans");
  switch (SkimObject(text)) {
    case Kind::kJaeger: return Format::kJaegerJson;
    case Kind::kZipkin: return ZipkinVersionOf(text.content());
    default: return NoFormat("a JSON list of objects without a key of any trace format");
  }
}

// Whether the bytes are one protobuf message to the end, and those of its field 1 in turn.
bool IsMessage(std::string_view bytes, bool nested) {
  base::ByteReader in(bytes);
  while (in.remaining() != 0) {
    const std::uint64_t tag = in.Varint();
    const std::uint64_t number = tag >> 3;
    if (!in.ok() || number == 0 || number > 0x1FFFFFFF) return false;
    switch (tag & 7) {
      case 0: in.Varint(); break;
      case 1: in.U64(); break;
      case 5: in.U32(); break;
      case 2: {
        const std::string_view inner = in.Bytes();
        if (!in.ok() || (nested && number == 1 && !IsMessage(inner, false))) return false;
        break;
      }
      default: return false;
    }
    if (!in.ok()) return false;
  }
  return true;
}

// Whether a message's first field 1 is a span of Zipkin's: ids of their lengths, 8 or 16 bytes and
// 8, and no others under those numbers. In OTLP they are a resource and a schema url.
bool IsZipkinProtobuf(std::string_view content) {
  base::ByteReader list(content);
  if (list.Varint() != (1 << 3 | 2)) return false;
  base::ByteReader in(list.Bytes());
  bool trace_id = false;
  bool id = false;
  while (list.ok() && in.remaining() != 0) {
    const std::uint64_t tag = in.Varint();
    std::size_t size = 0;
    switch (tag & 7) {
      case 0: in.Varint(); break;
      case 1: in.U64(); break;
      case 2: size = in.Bytes().size(); break;
      default: return false;
    }
    if (!in.ok() || tag >> 3 == 0 || tag >> 3 > 13) return false;
    if (tag == (1 << 3 | 2)) trace_id = size == 8 || size == 16;
    if (tag == (2 << 3 | 2) && size != 8) return false;
    if (tag == (3 << 3 | 2)) id = size == 8;
  }
  return trace_id && id;
}

// A list of structs of Thrift's binary protocol: the element's type and the count, big-endian,
// which is no more than the bytes that follow.
bool IsThriftList(std::string_view content) {
  if (content.size() < 5 || content[0] != 12) return false;
  std::uint64_t count = 0;
  for (std::size_t i = 1; i < 5; ++i) count = count << 8 | static_cast<std::uint8_t>(content[i]);
  return count <= content.size() - 5;
}

// A PostSpansRequest: a batch that begins with a span, and that with its two ids. OTLP's bytes in
// this place are an attribute of a resource, behind which no field 2 has a length.
bool IsJaegerProtobuf(std::string_view content) {
  base::ByteReader request(content);
  if (request.Varint() != (1 << 3 | 2)) return false;
  base::ByteReader batch(request.Bytes());
  if (!request.ok() || batch.Varint() != (1 << 3 | 2)) return false;
  const std::string_view span = batch.Bytes();
  return batch.ok() && span.size() >= 28 && span.substr(0, 2) == "\x0A\x10" &&
         span.substr(18, 2) == "\x12\x08";
}

// A call of one of Jaeger's methods, or a Batch that begins with a process that begins with its
// name. Its bytes are no Zipkin list's: the sixth would be the type of a field.
bool IsJaegerThrift(std::string_view content) {
  const auto begins = [content](std::string_view with) { return content.starts_with(with); };
  const std::string_view head = content.substr(0, 32);
  const bool call = begins("\x82\x21") || begins("\x82\x81") ||
                    begins(std::string_view("\x80\x01\0", 3));
  if (call) {
    return head.find("emitBatch") != std::string_view::npos ||
           head.find("submitBatches") != std::string_view::npos;
  }
  return begins(std::string_view("\x0C\0\1\x0B\0\1", 6)) || begins("\x1C\x18");
}

}  // namespace

Result<Format> DetectFormat(std::string_view content) {
  if (content.empty()) return Error(ErrorCode::kInvalidArgument, "the input is empty");
  // 0x0A is protobuf's field 1, but a line feed too.
  const bool field_one = content[0] == '\n';
  if (field_one && IsJaegerProtobuf(content)) return Format::kJaegerProtobuf;
  if (field_one && IsZipkinProtobuf(content)) return Format::kZipkinProtobuf;
  if (field_one && IsMessage(content, true)) return Format::kOtlpProtobuf;
  if (IsJaegerThrift(content)) return Format::kJaegerThrift;
  if (IsThriftList(content)) return Format::kZipkinV1Thrift;
  if (content.substr(0, 3) == "\xEF\xBB\xBF") content.remove_prefix(3);
  Skimmer text(content);
  const char first = text.Peek();
  if (first == '{') return DetectObject(text);
  if (first == '[') return DetectArray(text);
  if (field_one) return Format::kOtlpProtobuf;
  return NoFormat("content of no known trace format");
}

}  // namespace tracestore::codec
