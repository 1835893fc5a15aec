// LmdbCatalog::Audit: docs/format/catalog.md held to itself.
#include <map>

#include "base/try.h"
#include "store/catalog/catalog_format.h"
#include "store/catalog/lmdb_catalog.h"
#include "store/catalog/lmdb_environment.h"

namespace tracestore::store {
namespace {

using Db = CatalogDb;

class Auditor {
 public:
  explicit Auditor(LmdbTxn& txn) : txn_(txn) {}

  Result<std::vector<CatalogFault>> Audit() {
    TS_TRY(CheckSums());
    TS_TRY(ReadPairs());
    TS_TRY(CheckByVersion());
    TS_TRY(CheckBySegment());
    for (const auto& [pair, version] : pairs_) {
      if (version > txn_.id()) Fault("straddlers", "a pair was added by a commit to come");
    }
    TS_TRY(CheckNumbers());
    return std::move(faults_);
  }

 private:
  void Fault(const char* database, std::string what) {
    faults_.push_back({database, std::move(what)});
  }

  Status CheckSums() {
    TS_TRY_ASSIGN(const auto contents, txn_.Contents());
    for (std::size_t i = 0; contents && i < kCatalogDbCount; ++i) {
      const auto db = static_cast<Db>(i);
      TS_TRY_ASSIGN(const std::uint64_t sum, txn_.SumOf(db));
      if (sum != contents->sums[i]) Fault(CatalogDbName(db), "checksum mismatch");
    }
    return {};
  }

  Status ReadPairs() {
    return txn_.ForEach(Db::kStraddlers, "", [&](std::string_view key, std::string_view value)
                                                 -> Result<bool> {
      const auto pair = ParseStraddlerKey(key);
      const auto version = ParseNumberValue(value);
      if (pair && version) {
        pairs_.emplace(*pair, *version);
      } else {
        Fault("straddlers", "a key or value has another size");
      }
      return true;
    });
  }

  Status CheckByVersion() {
    std::size_t found = 0;
    TS_TRY(txn_.ForEach(Db::kStraddlersByVersion, "",
                        [&](std::string_view key, std::string_view value) -> Result<bool> {
                          const auto version = ParseNumberKey(key);
                          const auto pair = ParseStraddlerKey(value);
                          const auto at = pair ? pairs_.find(*pair) : pairs_.end();
                          if (version && at != pairs_.end() && at->second == *version) ++found;
                          else Fault("straddlers_by_version",
                                     "it has a pair that straddlers lacks");
                          return true;
                        }));
    if (found < pairs_.size()) Fault("straddlers_by_version", "it lacks a pair of straddlers");
    return {};
  }

  Status CheckBySegment() {
    std::size_t found = 0;
    TS_TRY(txn_.ForEach(Db::kStraddlersBySegment, "",
                        [&](std::string_view key, std::string_view value) -> Result<bool> {
                          const auto segment = ParseNumberKey(key);
                          const auto trace = ParseNumberKey(value);
                          if (segment && trace &&
                              pairs_.contains(Straddler{*trace, SegmentId{*segment}})) ++found;
                          else Fault("straddlers_by_segment",
                                     "it has a pair that straddlers lacks");
                          return true;
                        }));
    if (found < pairs_.size()) Fault("straddlers_by_segment", "it lacks a pair of straddlers");
    return {};
  }

  Status CheckNumbers() {
    const auto number = [&](std::string_view key) -> Result<std::uint64_t> {
      TS_TRY_ASSIGN(const auto bytes, txn_.Get(Db::kMeta, key));
      return ParseNumberValue(bytes.value_or("")).value_or(0);
    };
    for (const std::string_view key : {kMetaSegmentsVersion, kMetaTombstonesVersion}) {
      TS_TRY_ASSIGN(const std::uint64_t version, number(key));
      if (version > txn_.id()) Fault("meta", std::string(key) + " is of a commit to come");
    }
    TS_TRY_ASSIGN(const std::uint64_t next, number(kMetaNextTombstone));
    return txn_.ForEach(Db::kTombstones, "", [&](std::string_view key, std::string_view)
                                                 -> Result<bool> {
      if (ParseNumberKey(key).value_or(UINT64_MAX) >= next)
        Fault("meta", "next_tombstone is not above a tombstone's number");
      return true;
    });
  }

  LmdbTxn& txn_;
  std::map<Straddler, std::uint64_t> pairs_;  // to their versions
  std::vector<CatalogFault> faults_;
};

}  // namespace

Result<std::vector<CatalogFault>> LmdbCatalog::Audit() {
  std::vector<CatalogFault> faults;
  const auto body = [&](LmdbTxn& txn) -> Status {
    TS_TRY_ASSIGN(faults, Auditor(txn).Audit());
    return {};
  };
  TS_TRY(environment_->Read(body));
  return faults;
}

}  // namespace tracestore::store
