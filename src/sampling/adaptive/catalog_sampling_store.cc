// Keys and values: docs/format/sampling.md, "State".
//   "lease"                                  expires <u64>, owner
//   "states"                                 EncodeStates
//   "throughput/" end <u64, big-endian> collector   EncodeThroughput
#include <utility>

#include "base/bytes.h"
#include "base/try.h"
#include "sampling/adaptive/sampling_store.h"
#include "store/catalog/lmdb_catalog.h"

namespace tracestore::sampling {
namespace {

constexpr std::string_view kLease = "lease";
constexpr std::string_view kStates = "states";
constexpr std::string_view kThroughput = "throughput/";
constexpr std::size_t kMaxCollectorBytes = 256;

// So that LMDB's order of keys is that of times.
std::string ThroughputKey(std::uint64_t end_ns, std::string_view collector) {
  std::string key(kThroughput);
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>((end_ns >> shift) & 0xFF);
  key += collector.substr(0, kMaxCollectorBytes);
  return key;
}

std::optional<std::uint64_t> EndOf(std::string_view key) {
  if (!key.starts_with(kThroughput) || key.size() < kThroughput.size() + 8) return std::nullopt;
  std::uint64_t end = 0;
  for (const char c : key.substr(kThroughput.size(), 8))
    end = end << 8 | static_cast<unsigned char>(c);
  return end;
}

Result<Lease> ParseLease(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return Lease{};
  base::ByteReader reader(*bytes);
  Lease lease;
  lease.expires_ns = reader.U64();
  lease.owner = reader.Raw(reader.remaining());
  if (!reader.ok()) return Error(ErrorCode::kCorruption, "sampling state: broken lease");
  return lease;
}

class CatalogSamplingStore final : public SamplingStore {
 public:
  explicit CatalogSamplingStore(std::unique_ptr<store::LmdbCatalog> catalog)
      : catalog_(std::move(catalog)) {}

  Status AddThroughput(std::string_view collector, const ThroughputReport& report,
                       std::uint64_t forget_before_ns) override {
    const std::string value = EncodeThroughput(report);
    const std::string key = ThroughputKey(report.end_ns, collector);
    return catalog_->UpdateSampling([&](store::SamplingTable& table) -> Status {
      std::vector<std::string> old;
      TS_TRY(
          table.ForEach(kThroughput, [&](std::string_view each, std::string_view) -> Result<bool> {
            const auto end = EndOf(each);
            if (!end.has_value() || *end >= forget_before_ns) return false;
            old.emplace_back(each);
            return true;
          }));
      for (const std::string& each : old) TS_TRY(table.Delete(each));
      return table.Put(key, value);
    });
  }

  Result<std::vector<ThroughputReport>> ThroughputBetween(std::uint64_t after_ns,
                                                          std::uint64_t until_ns) override {
    std::vector<ThroughputReport> out;
    if (after_ns >= until_ns) return out;
    TS_TRY(catalog_->ReadSampling([&](store::SamplingTable& table) -> Status {
      out.clear();
      return table.ForEach(ThroughputKey(after_ns + 1, ""),
                           [&](std::string_view key, std::string_view value) -> Result<bool> {
                             const auto end = EndOf(key);
                             if (!end.has_value() || *end > until_ns) return false;
                             TS_TRY_ASSIGN(auto report, DecodeThroughput(value));
                             out.push_back(std::move(report));
                             return true;
                           });
    }));
    return out;
  }

  Status PutStates(const std::vector<OperationState>& states) override {
    const std::string value = EncodeStates(states);
    return catalog_->UpdateSampling(
        [&](store::SamplingTable& table) { return table.Put(kStates, value); });
  }

  Result<std::vector<OperationState>> States() override {
    std::optional<std::string> bytes;
    TS_TRY(catalog_->ReadSampling([&](store::SamplingTable& table) -> Status {
      TS_TRY_ASSIGN(bytes, table.Get(kStates));
      return {};
    }));
    if (!bytes.has_value()) return std::vector<OperationState>{};
    return DecodeStates(*bytes);
  }

  Result<bool> TryLease(std::string_view owner, std::uint64_t now_ns,
                        std::chrono::nanoseconds duration) override {
    const auto length = static_cast<std::uint64_t>(duration.count());
    std::optional<bool> answer;
    const auto look = [&](store::SamplingTable& table) -> Status {
      TS_TRY_ASSIGN(const auto bytes, table.Get(kLease));
      TS_TRY_ASSIGN(const Lease lease, ParseLease(bytes));
      answer.reset();
      // A lease of far ahead was given by a clock that has been set back since.
      const bool runs = lease.expires_ns > now_ns && lease.expires_ns - now_ns <= 2 * length;
      if (runs && lease.owner != owner) answer = false;
      if (runs && lease.owner == owner && lease.expires_ns - now_ns > length / 2) answer = true;
      return {};
    };
    TS_TRY(catalog_->ReadSampling(look));
    if (answer.has_value()) return *answer;
    const auto take = [&](store::SamplingTable& table) -> Status {
      TS_TRY(look(table));  // another may have been faster
      if (answer.has_value()) return {};
      std::string value;
      base::ByteWriter writer(value);
      writer.U64(now_ns + length);
      writer.Raw(owner);
      return table.Put(kLease, value);
    };
    TS_TRY(catalog_->UpdateSampling(take));
    return answer.value_or(true);
  }

 private:
  const std::unique_ptr<store::LmdbCatalog> catalog_;
};

}  // namespace

Result<std::unique_ptr<SamplingStore>> OpenCatalogSamplingStore(const std::string& directory) {
  TS_TRY_ASSIGN(auto catalog, store::LmdbCatalog::Open(directory + "/catalog"));
  return std::unique_ptr<SamplingStore>(std::make_unique<CatalogSamplingStore>(std::move(catalog)));
}

}  // namespace tracestore::sampling
