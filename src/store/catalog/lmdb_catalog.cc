// Databases, keys and values: docs/format/catalog.md.
#include "store/catalog/lmdb_catalog.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "base/bytes.h"
#include "base/try.h"
#include "store/catalog/catalog_format.h"
#include "store/catalog/lmdb_environment.h"

namespace tracestore::store {
namespace {

using Db = CatalogDb;

StoreIdentity NewIdentity() {
  StoreIdentity identity;
  std::random_device random;
  for (std::uint8_t& byte : identity.uuid) byte = static_cast<std::uint8_t>(random());
  identity.uuid[6] = static_cast<std::uint8_t>((identity.uuid[6] & 0x0F) | 0x40);  // RFC 4122, v4
  identity.uuid[8] = static_cast<std::uint8_t>((identity.uuid[8] & 0x3F) | 0x80);
  identity.created_ns = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count());
  return identity;
}

Status Initialize(LmdbTxn& txn, const StoreIdentity& identity) {
  std::string format;
  base::ByteWriter(format).U32(kCatalogVersion);
  TS_TRY(txn.Put(Db::kMeta, kMetaFormat, format));
  const std::string uuid(identity.uuid.begin(), identity.uuid.end());
  TS_TRY(txn.Put(Db::kMeta, kMetaUuid, uuid));
  TS_TRY(txn.Put(Db::kMeta, kMetaCreated, NumberValue(identity.created_ns)));
  TS_TRY(txn.Put(Db::kMeta, kMetaRetiredBefore, NumberValue(1)));
  TS_TRY(txn.Put(Db::kMeta, kMetaNextSegment, NumberValue(1)));
  TS_TRY(txn.Put(Db::kMeta, kMetaNextTombstone, NumberValue(1)));
  TS_TRY(txn.Put(Db::kMeta, kMetaSegmentsVersion, NumberValue(0)));
  return txn.Put(Db::kMeta, kMetaTombstonesVersion, NumberValue(0));
}

class SamplingInTxn final : public SamplingTable {
 public:
  explicit SamplingInTxn(LmdbTxn& txn) : txn_(txn) {}
  Result<std::optional<std::string>> Get(std::string_view key) override {
    TS_TRY_ASSIGN(const auto bytes, txn_.Get(Db::kSampling, key));
    return bytes ? std::optional<std::string>(*bytes) : std::nullopt;
  }
  Status Put(std::string_view key, std::string_view value) override {
    return txn_.Put(Db::kSampling, key, value);
  }
  Status Delete(std::string_view key) override {
    TS_TRY(txn_.Delete(Db::kSampling, key));
    return {};
  }
  Status ForEach(std::string_view from,
                 const std::function<Result<bool>(std::string_view, std::string_view)>& each)
      override {
    return txn_.ForEach(Db::kSampling, from, each);
  }

 private:
  LmdbTxn& txn_;
};

}  // namespace

Result<std::unique_ptr<LmdbCatalog>> LmdbCatalog::Open(const std::string& directory,
                                                       const LmdbCatalogOptions& options) {
  const LmdbEnvironment::Options how{
      .create = options.create,
      .first_map_bytes = options.first_map_bytes,
      .initialize = [&options](LmdbTxn& txn) {
        return Initialize(txn, options.identity ? *options.identity : NewIdentity());
      }};
  TS_TRY_ASSIGN(auto environment, LmdbEnvironment::Open(directory, how));
  std::unique_ptr<LmdbCatalog> catalog(new LmdbCatalog(directory, std::move(environment)));
  TS_TRY(catalog->CheckFormat());
  return catalog;
}

bool LmdbCatalog::read_only() const noexcept { return environment_->read_only(); }

Error LmdbCatalog::Corrupt(const std::string& what) const {
  return {ErrorCode::kCorruption, "catalog " + directory_ + ": " + what};
}

Status LmdbCatalog::CheckFormat() {
  return environment_->Read([this](LmdbTxn& txn) -> Status {
    TS_TRY_ASSIGN(const auto format, txn.Get(Db::kMeta, kMetaFormat));
    if (!format || format->size() != 4) return Corrupt("it has no format version");
    const auto version = base::LoadLe<std::uint32_t>(format->data());
    if (version > kCatalogVersion) return NewerCatalog(directory_, version);
    if (version == 0) return Corrupt("it has format version 0");
    return {};
  });
}

Result<std::uint64_t> LmdbCatalog::MetaNumber(LmdbTxn& txn, std::string_view key) const {
  TS_TRY_ASSIGN(const auto bytes, txn.Get(Db::kMeta, key));
  const auto number = ParseNumberValue(bytes.value_or(""));
  if (!number) return Corrupt("meta has no number " + std::string(key));
  return *number;
}

Status LmdbCatalog::ReadNumbers(LmdbTxn& txn, CatalogView* view) const {
  TS_TRY_ASSIGN(const auto uuid, txn.Get(Db::kMeta, kMetaUuid));
  if (!uuid || uuid->size() != view->identity.uuid.size()) return Corrupt("meta has no uuid");
  std::copy(uuid->begin(), uuid->end(), view->identity.uuid.begin());
  TS_TRY_ASSIGN(view->identity.created_ns, MetaNumber(txn, kMetaCreated));
  TS_TRY_ASSIGN(view->retired_before, MetaNumber(txn, kMetaRetiredBefore));
  TS_TRY_ASSIGN(view->next_segment_id.value, MetaNumber(txn, kMetaNextSegment));
  TS_TRY_ASSIGN(view->segments_version, MetaNumber(txn, kMetaSegmentsVersion));
  TS_TRY_ASSIGN(view->tombstones_version, MetaNumber(txn, kMetaTombstonesVersion));
  return {};
}

Status LmdbCatalog::ReadSegments(LmdbTxn& txn, CatalogView* view) const {
  return txn.ForEach(Db::kSegments, "", [&](std::string_view key, std::string_view value)
                                            -> Result<bool> {
    const auto id = ParseNumberKey(key);
    if (!id) return Corrupt("a segment's key has " + std::to_string(key.size()) + " bytes");
    auto info = ParseSegmentValue(SegmentId{*id}, value);
    if (!info) {
      return Corrupt("the value of segment " + std::to_string(*id) + " has " +
                     std::to_string(value.size()) + " bytes");
    }
    view->segments.push_back(*info);
    return true;
  });
}

Status LmdbCatalog::ReadStraddlers(LmdbTxn& txn, std::uint64_t after, CatalogView* view) const {
  if (after == UINT64_MAX) return {};
  return txn.ForEach(
      Db::kStraddlersByVersion, NumberKey(after + 1),
      [&](std::string_view, std::string_view value) -> Result<bool> {
        const auto straddler = ParseStraddlerKey(value);
        if (!straddler) {
          return Corrupt("a straddler has " + std::to_string(value.size()) + " bytes");
        }
        view->straddlers.push_back(*straddler);
        return true;
      });
}

Status LmdbCatalog::ReadTombstones(LmdbTxn& txn, std::optional<std::uint64_t> after,
                                   CatalogView* view) const {
  const auto parse_key = [this](std::string_view key) -> Result<std::uint64_t> {
    const auto sequence = ParseNumberKey(key);
    if (!sequence) return Corrupt("a tombstone's key has " + std::to_string(key.size()) + " bytes");
    return *sequence;
  };
  const auto first = [&](std::string_view key, std::string_view) -> Result<bool> {
    TS_TRY_ASSIGN(view->oldest_tombstone, parse_key(key));
    return false;
  };
  TS_TRY(txn.ForEach(Db::kTombstones, "", first));
  if (!after || *after == UINT64_MAX) return {};
  return txn.ForEach(Db::kTombstones, NumberKey(*after + 1),
                     [&](std::string_view key, std::string_view value) -> Result<bool> {
                       TS_TRY_ASSIGN(const auto sequence, parse_key(key));
                       auto tombstone = ParseTombstoneValue(sequence, value);
                       if (!tombstone) {
                         return Corrupt("tombstone " + std::to_string(sequence) + " is not valid");
                       }
                       view->tombstones.push_back(*tombstone);
                       return true;
                     });
}

// LMDB has no checksums: what is read as a whole is held to the sums that each commit keeps.
Status LmdbCatalog::CheckSum(LmdbTxn& txn, CatalogDb db) const {
  TS_TRY_ASSIGN(const auto contents, txn.Contents());
  if (!contents) return {};
  if (contents->version != txn.id()) {
    return Corrupt("data.mdb: its contents are of version " + std::to_string(contents->version) +
                   ", its meta page is of " + std::to_string(txn.id()));
  }
  TS_TRY_ASSIGN(const std::uint64_t sum, txn.SumOf(db));
  if (sum == contents->sums[static_cast<std::size_t>(db)]) return {};
  return Corrupt("data.mdb: checksum mismatch of its " + std::string(CatalogDbName(db)));
}

Result<CatalogView> LmdbCatalog::Read(const CatalogReadOptions& options) {
  CatalogView view;
  const auto body = [&](LmdbTxn& txn) -> Status {
    view = CatalogView{};
    view.version = txn.id();
    TS_TRY(CheckSum(txn, Db::kMeta));
    TS_TRY(CheckSum(txn, Db::kSegments));
    if (options.straddlers_after == 0) TS_TRY(CheckSum(txn, Db::kStraddlersByVersion));
    if (options.tombstones_after == 0) TS_TRY(CheckSum(txn, Db::kTombstones));
    TS_TRY(ReadNumbers(txn, &view));
    TS_TRY(ReadSegments(txn, &view));
    if (options.straddlers_after) TS_TRY(ReadStraddlers(txn, *options.straddlers_after, &view));
    return ReadTombstones(txn, options.tombstones_after, &view);
  };
  TS_TRY(environment_->Read(body));
  return view;
}

Result<bool> LmdbCatalog::IsCurrent(std::uint64_t version) {
  return environment_->IsLastTxn(version);
}

Status LmdbCatalog::Settle() { return environment_->Settle(); }

Result<std::vector<SegmentId>> LmdbCatalog::FindStraddler(std::uint64_t trace_id_low) {
  std::vector<SegmentId> found;
  const auto body = [&](LmdbTxn& txn) -> Status {
    found.clear();
    return txn.ForEach(Db::kStraddlers, StraddlerKey({trace_id_low, SegmentId{0}}),
                       [&](std::string_view key, std::string_view) -> Result<bool> {
                         const auto straddler = ParseStraddlerKey(key);
                         if (!straddler) return Corrupt("a straddler's key is not valid");
                         if (straddler->trace_id_low != trace_id_low) return false;
                         found.push_back(straddler->segment);
                         return true;
                       });
  };
  TS_TRY(environment_->Read(body));
  return found;
}

Result<std::uint64_t> LmdbCatalog::CommitSeal(const SealCommit& commit) {
  std::uint64_t version = 0;
  const auto body = [&](LmdbTxn& txn) -> Status {
    version = txn.id();
    CatalogView before;
    TS_TRY(ReadNumbers(txn, &before));
    TS_TRY_ASSIGN(const SegmentId next, CheckSealNumbers(commit, before));
    for (const SegmentId id : commit.removed) TS_TRY(RemoveSegment(txn, id));
    for (const SegmentInfo& info : commit.added) {
      const std::string key = NumberKey(info.id.value);
      TS_TRY_ASSIGN(const auto standing, txn.Get(Db::kSegments, key));
      if (standing) return AlreadyLive(info.id);
      TS_TRY(txn.Put(Db::kSegments, key, SegmentValue(info)));
    }
    TS_TRY(AddStraddlers(txn, commit));
    TS_TRY(EraseTombstones(txn, commit.removed_tombstones));
    const std::uint64_t retired = commit.retired_before.value_or(before.retired_before);
    TS_TRY(txn.Put(Db::kMeta, kMetaRetiredBefore, NumberValue(retired)));
    TS_TRY(txn.Put(Db::kMeta, kMetaNextSegment, NumberValue(next.value)));
    return txn.Put(Db::kMeta, kMetaSegmentsVersion, NumberValue(version));
  };
  TS_TRY(environment_->Write(body));
  return version;
}

Status LmdbCatalog::RemoveSegment(LmdbTxn& txn, SegmentId id) const {
  const std::string segment_key = NumberKey(id.value);
  TS_TRY_ASSIGN(const bool stood, txn.Delete(Db::kSegments, segment_key));
  if (!stood) return NotLive("remove", id);
  std::vector<std::uint64_t> traces;
  TS_TRY(txn.ForEach(Db::kStraddlersBySegment, segment_key,
                     [&](std::string_view key, std::string_view value) -> Result<bool> {
                       if (key != segment_key) return false;
                       const auto trace = ParseNumberKey(value);
                       if (!trace) return Corrupt("a straddler's trace id is not valid");
                       traces.push_back(*trace);
                       return true;
                     }));
  for (const std::uint64_t trace : traces) {
    const std::string key = StraddlerKey({trace, id});
    TS_TRY_ASSIGN(const auto version_bytes, txn.Get(Db::kStraddlers, key));
    const auto version = ParseNumberValue(version_bytes.value_or(""));
    if (!version) return Corrupt("a straddler's version is not valid");
    TS_TRY(txn.Delete(Db::kStraddlersByVersion, NumberKey(*version), key));
    TS_TRY(txn.Delete(Db::kStraddlers, key));
  }
  TS_TRY(txn.Delete(Db::kStraddlersBySegment, segment_key));
  return {};
}

Status LmdbCatalog::AddStraddlers(LmdbTxn& txn, const SealCommit& commit) const {
  // In the order of the keys, which is the fastest for a tree.
  std::vector<Straddler> straddlers = commit.straddlers;
  std::sort(straddlers.begin(), straddlers.end());
  straddlers.erase(std::unique(straddlers.begin(), straddlers.end()), straddlers.end());
  std::optional<SegmentId> checked;
  for (const Straddler& straddler : straddlers) {
    const std::string segment_key = NumberKey(straddler.segment.value);
    if (checked != straddler.segment) {
      TS_TRY_ASSIGN(const auto live, txn.Get(Db::kSegments, segment_key));
      if (!live) return NotLive("straddler", straddler.segment);
      checked = straddler.segment;
    }
    const std::string key = StraddlerKey(straddler);
    TS_TRY_ASSIGN(const auto standing, txn.Get(Db::kStraddlers, key));
    if (standing) continue;
    TS_TRY(txn.Put(Db::kStraddlers, key, NumberValue(txn.id())));
    TS_TRY(txn.Put(Db::kStraddlersByVersion, NumberKey(txn.id()), key));
    TS_TRY(txn.Put(Db::kStraddlersBySegment, segment_key, NumberKey(straddler.trace_id_low)));
  }
  return {};
}

Status LmdbCatalog::EraseTombstones(LmdbTxn& txn,
                                    const std::vector<std::uint64_t>& sequences) const {
  bool any = false;
  for (const std::uint64_t sequence : sequences) {
    TS_TRY_ASSIGN(const bool stood, txn.Delete(Db::kTombstones, NumberKey(sequence)));
    any = any || stood;
  }
  if (!any) return {};
  return txn.Put(Db::kMeta, kMetaTombstonesVersion, NumberValue(txn.id()));
}

Result<std::uint64_t> LmdbCatalog::AddTombstones(
    const std::vector<NewTombstone>& tombstones,
    const std::function<Result<LogPosition>()>& position, const KeepTombstones& keep) {
  std::uint64_t next = 0;
  const auto body = [&](LmdbTxn& txn) -> Status {
    TS_TRY_ASSIGN(next, MetaNumber(txn, kMetaNextTombstone));
    TS_TRY_ASSIGN(LogPosition at, position());
    TS_TRY_ASSIGN(const std::uint64_t retired_before, MetaNumber(txn, kMetaRetiredBefore));
    at = std::max(at, LogPosition{retired_before, 0});
    if (tombstones.empty()) return {};
    std::vector<Tombstone> added;
    for (const NewTombstone& made : tombstones) {
      added.push_back({next, made.kind, made.trace_id, at});
      TS_TRY(txn.Put(Db::kTombstones, NumberKey(next), TombstoneValue(added.back())));
      ++next;
    }
    if (keep) TS_TRY(keep(added));
    TS_TRY(txn.Put(Db::kMeta, kMetaNextTombstone, NumberValue(next)));
    return txn.Put(Db::kMeta, kMetaTombstonesVersion, NumberValue(txn.id()));
  };
  TS_TRY(environment_->Write(body));
  return next - 1;
}

Status LmdbCatalog::HoldTombstones(const KeepTombstones& keep) {
  TS_TRY(ListTombstones());  // held to their sum, as a transaction that writes can't
  Status kept;
  bool asked = false;
  const auto body = [&](LmdbTxn& txn) -> Status {
    CatalogView view;
    TS_TRY(ReadTombstones(txn, 0, &view));
    kept = keep(view.tombstones);
    asked = true;
    return Error(ErrorCode::kCancelled, "nothing is to be changed");  // so that it isn't committed
  };
  Status ended = environment_->Write(body);
  return asked ? kept : ended;
}

Result<std::vector<Tombstone>> LmdbCatalog::ListTombstones() {
  CatalogView view;
  const auto body = [&](LmdbTxn& txn) -> Status {
    view = CatalogView{};
    TS_TRY(CheckSum(txn, Db::kTombstones));
    return ReadTombstones(txn, 0, &view);
  };
  TS_TRY(environment_->Read(body));
  return std::move(view.tombstones);
}

Status LmdbCatalog::RemoveTombstones(const std::vector<std::uint64_t>& sequences) {
  return environment_->Write(
      [&](LmdbTxn& txn) -> Status { return EraseTombstones(txn, sequences); });
}

Result<std::optional<std::string>> LmdbCatalog::GetSetting(const std::string& key) {
  TS_TRY(CheckSetting(key, ""));
  std::optional<std::string> value;
  const auto body = [&](LmdbTxn& txn) -> Status {
    TS_TRY(CheckSum(txn, Db::kSettings));
    TS_TRY_ASSIGN(const auto bytes, txn.Get(Db::kSettings, key));
    value = bytes ? std::optional<std::string>(*bytes) : std::nullopt;
    return {};
  };
  TS_TRY(environment_->Read(body));
  return value;
}

Status LmdbCatalog::PutSetting(const std::string& key, const std::string& value) {
  TS_TRY(CheckSetting(key, value));
  return environment_->Write(
      [&](LmdbTxn& txn) -> Status { return txn.Put(Db::kSettings, key, value); });
}

Status LmdbCatalog::RemoveSetting(const std::string& key) {
  TS_TRY(CheckSetting(key, ""));
  return environment_->Write([&](LmdbTxn& txn) -> Status {
    TS_TRY(txn.Delete(Db::kSettings, key));
    return {};
  });
}

Result<std::vector<std::pair<std::string, std::string>>> LmdbCatalog::ListSettings() {
  std::vector<std::pair<std::string, std::string>> settings;
  const auto body = [&](LmdbTxn& txn) -> Status {
    settings.clear();
    TS_TRY(CheckSum(txn, Db::kSettings));
    return txn.ForEach(Db::kSettings, "", [&](std::string_view key, std::string_view value)
                                              -> Result<bool> {
      settings.emplace_back(key, value);
      return true;
    });
  };
  TS_TRY(environment_->Read(body));
  return settings;
}

Status LmdbCatalog::ReadSampling(const std::function<Status(SamplingTable&)>& body) {
  return environment_->Read([&](LmdbTxn& txn) -> Status {
    TS_TRY(CheckSum(txn, Db::kSampling));
    SamplingInTxn table(txn);
    return body(table);
  });
}

Status LmdbCatalog::UpdateSampling(const std::function<Status(SamplingTable&)>& body) {
  return environment_->Write([&](LmdbTxn& txn) -> Status {
    SamplingInTxn table(txn);
    return body(table);
  });
}

}  // namespace tracestore::store
