#include "codec/jaeger/query_requests.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/try.h"
#include "codec/jaeger/jaeger_fields.h"
#include "codec/jaeger/query_fields.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace field = jaeger_query_field;

constexpr std::int64_t kNanos = 1'000'000'000;

constexpr std::uint32_t Bytes(std::uint32_t number) { return WireTag(number, kWireBytes); }
constexpr std::uint32_t Number(std::uint32_t number) { return WireTag(number, kWireVarint); }

Status EndOf(const WireReader& reader) {
  if (reader.ok()) return {};
  return Error{ErrorCode::kInvalidArgument,
               std::string("the request can't be read: ") + reader.problem()};
}

// A Timestamp or Duration; a field that comes again adds to it, as protobuf merges messages.
struct Time {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;

  Status Read(std::string_view message) {
    WireReader reader(message);
    while (reader.Next()) {
      switch (reader.tag()) {
        case Number(jaeger_field::kTimeSeconds):
          seconds = static_cast<std::int64_t>(reader.Varint());
          break;
        case Number(jaeger_field::kTimeNanos):
          nanos = static_cast<std::int32_t>(reader.Varint());
          break;
        default: reader.Skip();
      }
    }
    return EndOf(reader);
  }

  // Go's time that nobody set, which its clients send: the beginning of the year 1.
  bool IsGoZero() const { return seconds == -62'135'596'800 && nanos == 0; }

  std::uint64_t UnixNs() const {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    constexpr auto kNanosEach = static_cast<std::uint64_t>(kNanos);
    if (seconds < 0) return 0;
    const auto whole = static_cast<std::uint64_t>(seconds);
    if (whole >= kMost / kNanosEach) return kMost;
    return whole * kNanosEach +
           static_cast<std::uint64_t>(std::clamp<std::int64_t>(nanos, 0, kNanos - 1));
  }
  std::int64_t Ns() const {
    constexpr std::int64_t kMostSeconds = std::numeric_limits<std::int64_t>::max() / kNanos - 1;
    return std::clamp(seconds, -kMostSeconds, kMostSeconds) * kNanos +
           std::clamp<std::int64_t>(nanos, 1 - kNanos, kNanos - 1);
  }
};

Status ReadTime(std::string_view message, std::optional<Time>& time) {
  if (!time) time.emplace();
  return time->Read(message);
}

std::optional<std::uint64_t> UnixNs(const std::optional<Time>& time) {
  if (!time || time->IsGoZero()) return std::nullopt;
  return time->UnixNs();
}

// An entry of map<string, string>.
Status ReadEntry(std::string_view message, std::map<std::string, std::string>& map) {
  std::string_view key;
  std::string_view value;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case Bytes(field::kMapKey): key = reader.Bytes(); break;
      case Bytes(field::kMapValue): value = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  TS_TRY(EndOf(reader));
  map.insert_or_assign(std::string(key), value);
  return {};
}

struct FindTimes {
  std::optional<Time> start_min;
  std::optional<Time> start_max;
  std::optional<Time> duration_min;
  std::optional<Time> duration_max;
};

Status ReadPagination(std::string_view message, JaegerStorageFind& out) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case Number(field::kPageSize):
        out.page_size = static_cast<std::uint32_t>(reader.Varint());
        break;
      case Bytes(field::kPageToken): out.page_token = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  return EndOf(reader);
}

// Where the parameters of storage.v2 differ from the others'. False: they don't.
bool ReadStorageField(WireReader& reader, JaegerStorageFind& out, Status& read) {
  switch (reader.tag()) {
    case Bytes(field::kQueryAttributes): out.attributes.push_back(reader.Bytes()); return true;
    case Bytes(field::kStorageFilter): out.find.filter = reader.Bytes(); return true;
    case Bytes(field::kStoragePagination): read = ReadPagination(reader.Bytes(), out); return true;
    default: return false;
  }
}

// `storage`: of whom `out` is a part, or null.
Status ReadQuery(std::string_view message, JaegerFindTraces& out, FindTimes& times,
                 JaegerStorageFind* storage) {
  WireReader reader(message);
  Status read;
  while (read.has_value() && reader.Next()) {
    if (storage != nullptr && ReadStorageField(reader, *storage, read)) continue;
    switch (reader.tag()) {
      case Bytes(field::kQueryService): out.service = reader.Bytes(); break;
      case Bytes(field::kQueryOperation): out.operation = reader.Bytes(); break;
      case Bytes(field::kQueryAttributes): read = ReadEntry(reader.Bytes(), out.attributes); break;
      case Bytes(field::kQueryStartMin): read = ReadTime(reader.Bytes(), times.start_min); break;
      case Bytes(field::kQueryStartMax): read = ReadTime(reader.Bytes(), times.start_max); break;
      case Bytes(field::kQueryDurationMin):
        read = ReadTime(reader.Bytes(), times.duration_min);
        break;
      case Bytes(field::kQueryDurationMax):
        read = ReadTime(reader.Bytes(), times.duration_max);
        break;
      case Number(field::kQueryDepth):
        out.depth = static_cast<std::int32_t>(reader.Varint());
        break;
      case Number(field::kQueryRaw): out.raw = reader.Varint() != 0; break;
      case Bytes(field::kQueryFilter): out.filter = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  TS_TRY(std::move(read));
  return EndOf(reader);
}

}  // namespace

Result<JaegerGetTrace> DecodeJaegerGetTrace(std::string_view message) {
  JaegerGetTrace out;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case Bytes(field::kGetTraceId): out.trace_id = reader.Bytes(); break;
      case Number(field::kGetRaw): out.raw = reader.Varint() != 0; break;
      default: reader.Skip();
    }
  }
  TS_TRY(EndOf(reader));
  return out;
}

namespace {

Status ReadFind(std::string_view message, JaegerFindTraces& out, JaegerStorageFind* storage) {
  FindTimes times;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.tag() != Bytes(field::kFindQuery)) {
      reader.Skip();
      continue;
    }
    out.has_query = true;
    TS_TRY(ReadQuery(reader.Bytes(), out, times, storage));
  }
  TS_TRY(EndOf(reader));
  out.start_min_ns = UnixNs(times.start_min);
  out.start_max_ns = UnixNs(times.start_max);
  out.duration_min_ns = times.duration_min.value_or(Time()).Ns();
  out.duration_max_ns = times.duration_max.value_or(Time()).Ns();
  return {};
}

}  // namespace

Result<JaegerFindTraces> DecodeJaegerFindTraces(std::string_view message) {
  JaegerFindTraces out;
  TS_TRY(ReadFind(message, out, nullptr));
  return out;
}

Result<JaegerStorageFind> DecodeJaegerStorageFind(std::string_view message) {
  JaegerStorageFind out;
  TS_TRY(ReadFind(message, out.find, &out));
  return out;
}

Result<std::vector<std::string_view>> DecodeJaegerGetTraces(std::string_view message) {
  std::vector<std::string_view> ids;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.tag() != Bytes(field::kGetTracesQuery)) {
      reader.Skip();
      continue;
    }
    TS_TRY_ASSIGN(const JaegerGetTrace get, DecodeJaegerGetTrace(reader.Bytes()));
    ids.push_back(get.trace_id);
  }
  TS_TRY(EndOf(reader));
  return ids;
}

Result<JaegerGetOperations> DecodeJaegerGetOperations(std::string_view message) {
  JaegerGetOperations out;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case Bytes(field::kOperationsService): out.service = reader.Bytes(); break;
      case Bytes(field::kOperationsKind): out.span_kind = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  TS_TRY(EndOf(reader));
  return out;
}

Result<JaegerGetDependencies> DecodeJaegerGetDependencies(std::string_view message) {
  std::optional<Time> start;
  std::optional<Time> end;
  WireReader reader(message);
  Status read;
  while (read.has_value() && reader.Next()) {
    switch (reader.tag()) {
      case Bytes(field::kDependenciesStart): read = ReadTime(reader.Bytes(), start); break;
      case Bytes(field::kDependenciesEnd): read = ReadTime(reader.Bytes(), end); break;
      default: reader.Skip();
    }
  }
  TS_TRY(std::move(read));
  TS_TRY(EndOf(reader));
  return JaegerGetDependencies{UnixNs(start), UnixNs(end)};
}

}  // namespace tracestore::codec
