#include "predicate/testing/small_world.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "model/value_blob.h"
#include "predicate/testing/random.h"

namespace tracestore::predicate::testing {
namespace {

using model::SpanBatch;

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) noexcept { return Random(a * 31 + b).Next(); }

class SmallWorld {
 public:
  SmallWorld(std::uint64_t seed, const SmallWorldOptions& options)
      : random_(seed), options_(options) {
    traces_ = options.most_traces != 0 ? options.most_traces : options.spans / 5 + 1;
  }

  SpanBatch Make() {
    for (int i = 0; i < 12; ++i) AddResource(i);
    for (int i = 0; i < 4; ++i) AddScope(i);
    std::vector<std::uint64_t> seeds;
    for (std::uint32_t i = 0; i < options_.spans; ++i) {
      // The same seed makes the same span: an exact duplicate.
      const bool again = !seeds.empty() && random_.Percent(4);
      seeds.push_back(again ? seeds[random_.Below(seeds.size())] : random_.Next());
      AddSpan(seeds.back());
    }
    return std::move(batch_);
  }

 private:
  std::uint32_t AttributesBegin() const {
    return static_cast<std::uint32_t>(batch_.attributes.size());
  }
  model::Range Since(std::uint32_t begin) const { return {begin, AttributesBegin() - begin}; }
  model::StringId Text(std::string_view text) { return batch_.strings.Intern(text); }

  void AddResource(int i) {
    const std::uint32_t begin = AttributesBegin();
    const char* services[] = {"frontend", "checkout", "cart", "redis", "Frontend"};
    if (i % 6 != 5)
      batch_.AddString(Text("service.name"), services[static_cast<std::size_t>(i) % 5], i % 4 == 0);
    batch_.AddString(Text("host"), "host-" + std::to_string(i % 3));
    if (i % 2 == 0) batch_.AddInt(Text("pid"), i % 4);
    if (i == 7) batch_.AddString(Text("service.name"), "second");
    model::ResourceRecord resource;
    resource.attributes = Since(begin);
    resource.origin = static_cast<Origin>(i % 3);
    resource.dropped_attributes = i == 3 ? 2 : 0;
    resource.schema_url = Text(i == 5 ? "https://a" : "");
    batch_.resources.push_back(resource);
  }

  void AddScope(int i) {
    const std::uint32_t begin = AttributesBegin();
    if (i % 2 == 1) batch_.AddString(Text("color"), i == 1 ? "red" : "blue");
    if (i == 3) batch_.AddString(Text("name"), "attribute called name");
    model::ScopeRecord scope;
    scope.name = Text(i == 0 ? "" : i == 1 ? "lib" : "lib.http");
    scope.version = Text(i == 2 ? "1.0" : "");
    scope.schema_url = Text(i == 3 ? "https://b" : "");
    scope.attributes = Since(begin);
    batch_.scopes.push_back(scope);
  }

  void AddBlob(Random& random, model::StringId key, ValueType type) {
    std::string blob;
    model::ValueBlobWriter writer(blob);
    if (type == ValueType::kBytes) {
      blob = random.Pick({"", "abc", "\xFF\x01", "12"});
    } else if (type == ValueType::kArray) {
      for (std::uint32_t i = random.Below(3); i > 0; --i) writer.Int(i);
      if (random.Percent(30)) writer.String("x");
    } else {
      writer.Key("k");
      writer.Bool(random.Percent(50));
    }
    batch_.AddBlob(key, type, blob);
  }

  void AddAttribute(Random& random) {
    switch (random.Below(11)) {
      case 0: batch_.AddInt(Text("http.status_code"), random.Pick({200, 404, 500, 503})); break;
      case 1:
        batch_.AddString(Text("http.status_code"), random.Pick({"200", "500", "5e2", ""}));
        break;
      case 2: batch_.AddString(Text("user"), "user-" + std::to_string(random.Below(50))); break;
      case 3: batch_.AddBool(Text("flag"), random.Percent(50)); break;
      case 4: batch_.AddString(Text("flag"), random.Pick({"true", "false", "maybe"})); break;
      case 5:
        batch_.AddDouble(Text("ratio"),
                         random.Pick({0.5, 2.0, -0.0, 1e300,
                                      std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::quiet_NaN()}));
        break;
      case 6: batch_.AddString(Text("ratio"), random.Pick({"0.5", "2", "NaN", "half"})); break;
      case 7: AddBlob(random, Text("data"), random.Pick({ValueType::kBytes, ValueType::kArray,
                                                         ValueType::kMap}));
        break;
      case 8: batch_.attributes.push_back({0, Text("data"), 0}); break;
      case 9:
        batch_.AddString(Text("a \"weird\" key"), random.Pick({"\xC3\xA4", "b c", "("}));
        break;
      default: batch_.AddString(Text("zipkin.shared"), "true", true); break;
    }
  }

  model::Range AddAttributes(Random& random, std::uint32_t most) {
    const std::uint32_t begin = AttributesBegin();
    for (std::uint32_t i = random.Below(most + 1); i > 0; --i) AddAttribute(random);
    return Since(begin);
  }

  TraceId TraceOf(std::uint64_t number) const {
    TraceId id;
    id.low = Mix(options_.id_seed + 1, number) | 1;
    id.high = number % 3 == 0 ? 0 : Mix(options_.id_seed + 2, number);
    return id;
  }
  SpanId SpanOf(std::uint64_t trace, std::uint64_t number) const {
    return {Mix(trace * 7919 + options_.id_seed, number) | 1};
  }

  std::uint64_t Start(Random& random) const {
    if (options_.absurd_times && random.Percent(1)) {
      return random.Pick<std::uint64_t>({0, 1, 16'725'225'600'000'000'000ULL,
                                         std::numeric_limits<std::uint64_t>::max()});
    }
    return options_.base_ns + random.Next() % (options_.span_of_time_ns + 1);
  }

  void AddEvents(Random& random, model::SpanRecord& span) {
    span.events.begin = static_cast<std::uint32_t>(batch_.events.size());
    span.events.count = random.Percent(25) ? random.Below(3) + 1 : 0;
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      model::EventRecord event;
      event.time_ns = random.Percent(3) ? 0 : span.start_ns + random.Below(1000);
      event.name = Text(random.Pick({"exception", "log", "retry", ""}));
      event.attributes = AddAttributes(random, 2);
      batch_.events.push_back(event);
    }
  }

  void AddReferences(Random& random, std::uint64_t trace, model::SpanRecord& span) {
    span.references.begin = static_cast<std::uint32_t>(batch_.references.size());
    span.references.count = random.Percent(20) ? random.Below(2) + 1 : 0;
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      model::ReferenceRecord reference;
      reference.type = static_cast<ReferenceType>(random.Below(3));
      const bool here = random.Percent(50);
      const std::uint64_t other = here ? trace : random.Below(traces_);
      reference.trace_id = TraceOf(other);
      reference.span_id = SpanOf(other, random.Below(30));
      if (random.Percent(10)) reference.trace_state = Text("c=d");
      reference.attributes = AddAttributes(random, 1);
      // The first ChildOf of the span's own trace is its parent, never a record.
      if (here && reference.type == ReferenceType::kChildOf && span.parent_id.empty())
        reference.type = ReferenceType::kFollowsFrom;
      batch_.references.push_back(reference);
    }
    span.parent_position =
        span.parent_id.empty() ? 0 : random.Below(span.references.count + std::uint64_t{1});
  }

  void AddSpan(std::uint64_t seed) {
    Random random(seed);
    // The cube makes the first traces large.
    const double u = static_cast<double>(random.Below(1'000'000)) / 1e6;
    const auto trace = static_cast<std::uint64_t>(u * u * u * traces_);
    model::SpanRecord span;
    span.trace_id = TraceOf(trace);
    const std::uint64_t number = random.Percent(60) ? random.Below(30) : random.Next() % 100'000;
    span.span_id = SpanOf(trace, number);
    if (random.Percent(75))
      span.parent_id = SpanOf(trace, random.Below(random.Percent(80) ? 30 : 99));
    if (random.Percent(96)) {
      span.presence |= model::kHasStart;
      span.start_ns = Start(random);
    }
    if (random.Percent(95)) {
      span.presence |= model::kHasDuration;
      span.duration_ns = random.Percent(80) ? random.Below(2'000'000'000)
                                             : random.Below(5) * 1'000'000ULL;
      if (random.Percent(2)) span.duration_ns = 0 - span.duration_ns;  // the end before the start
    }
    span.name = Text(random.Pick({"GET /", "GET /cart", "POST /pay", "query", "get", ""}));
    span.kind = static_cast<SpanKind>(random.Below(6));
    span.status = random.Percent(80) ? StatusCode::kUnset
                                     : random.Pick({StatusCode::kOk, StatusCode::kError});
    if (span.status == StatusCode::kError && random.Percent(50))
      span.status_message = Text(random.Pick({"timeout", "connection refused"}));
    span.trace_state = Text(random.Percent(5) ? "a=b" : "");
    span.flags = random.Percent(4) ? model::kFlagFirehose | 1 : random.Below(3);
    span.resource = random.Below(batch_.resources.size());
    span.scope = random.Below(batch_.scopes.size());
    span.dropped_attributes = random.Percent(3) ? 1 : 0;
    span.attributes = AddAttributes(random, 5);
    AddEvents(random, span);
    AddReferences(random, trace, span);
    batch_.spans.push_back(span);
  }

  Random random_;
  SmallWorldOptions options_;
  std::uint32_t traces_;
  SpanBatch batch_;
};

}  // namespace

SpanBatch SmallWorldBatch(std::uint64_t seed, const SmallWorldOptions& options) {
  return SmallWorld(seed, options).Make();
}

}  // namespace tracestore::predicate::testing
