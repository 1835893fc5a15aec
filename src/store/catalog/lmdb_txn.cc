#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "store/catalog/lmdb_environment.h"

namespace tracestore::store {
namespace {

struct DatabaseSpec {
  const char* name;
  unsigned flags;
};
constexpr DatabaseSpec kCatalogDatabases[kCatalogDbCount] = {
    {"meta", 0},
    {"segments", 0},
    {"straddlers", 0},
    {"straddlers_by_version", MDB_DUPSORT | MDB_DUPFIXED},
    {"straddlers_by_segment", MDB_DUPSORT | MDB_DUPFIXED},
    {"tombstones", 0},
    {"settings", 0},
    {"sampling", 0},
};

MDB_val ToVal(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};  // LMDB doesn't write through it
}
std::string_view FromVal(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace

const char* CatalogDbName(CatalogDb db) {
  return kCatalogDatabases[static_cast<std::size_t>(db)].name;
}

unsigned CatalogDbFlags(CatalogDb db) {
  return kCatalogDatabases[static_cast<std::size_t>(db)].flags;
}

Error LmdbTxn::Fail(const char* operation, int code) {
  if (code == MDB_MAP_FULL) map_full_ = true;
  return environment_.Fail(operation, code);
}

Result<std::optional<std::string_view>> LmdbTxn::Get(CatalogDb db, std::string_view key) {
  MDB_val key_val = ToVal(key);
  MDB_val value{};
  const MDB_dbi dbi = environment_.databases_[static_cast<std::size_t>(db)];
  const int code = mdb_get(txn_, dbi, &key_val, &value);
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>();
  if (code != MDB_SUCCESS) return Fail("read", code);
  return std::optional<std::string_view>(FromVal(value));
}

Status LmdbTxn::Put(CatalogDb db, std::string_view key, std::string_view value) {
  MDB_val key_val = ToVal(key);
  MDB_val value_val = ToVal(value);
  const auto index = static_cast<std::size_t>(db);
  const bool several = (CatalogDbFlags(db) & MDB_DUPSORT) != 0;
  std::uint64_t sum = EntryHash(key, value);
  if (!several) {
    TS_TRY_ASSIGN(const auto standing, Get(db, key));
    if (standing) sum -= EntryHash(key, *standing);
  }
  changed_ = true;
  const int code = mdb_put(txn_, environment_.databases_[index], &key_val, &value_val,
                           several ? MDB_NODUPDATA : 0u);
  if (several && code == MDB_KEYEXIST) return {};
  if (code != MDB_SUCCESS) return Fail("write", code);
  sums_[index] += sum;
  return {};
}

Result<bool> LmdbTxn::Delete(CatalogDb db, std::string_view key,
                             std::optional<std::string_view> value) {
  MDB_val key_val = ToVal(key);
  MDB_val value_val = ToVal(value.value_or(""));
  const auto index = static_cast<std::size_t>(db);
  std::uint64_t sum = value ? EntryHash(key, *value) : 0;
  if (!value) {
    TS_TRY(ForEach(db, key, [&](std::string_view at, std::string_view standing) -> Result<bool> {
      if (at == key) sum += EntryHash(key, standing);
      return at == key;
    }));
  }
  const int code =
      mdb_del(txn_, environment_.databases_[index], &key_val, value ? &value_val : nullptr);
  if (code == MDB_NOTFOUND) return false;
  if (code != MDB_SUCCESS) return Fail("delete", code);
  changed_ = true;
  sums_[index] -= sum;
  return true;
}

std::uint64_t EntryHash(std::string_view key, std::string_view value) {
  std::string bytes;
  base::ByteWriter writer(bytes);
  writer.Bytes(key);
  writer.Raw(value);
  return base::Hash64(bytes);
}

Result<std::optional<CatalogContents>> LmdbTxn::Contents() {
  TS_TRY_ASSIGN(const auto bytes, Get(CatalogDb::kMeta, kContentsKey));
  if (!bytes) return std::optional<CatalogContents>();
  CatalogContents contents;
  base::ByteReader reader(*bytes);
  contents.version = reader.U64();
  for (std::uint64_t& sum : contents.sums) sum = reader.U64();
  if (!reader.ok() || !reader.done()) {
    return Error(ErrorCode::kCorruption, "catalog " + environment_.directory_ +
                                             ": meta's contents have another size");
  }
  return std::optional<CatalogContents>(contents);
}

Result<std::uint64_t> LmdbTxn::SumOf(CatalogDb db) {
  std::uint64_t sum = 0;
  TS_TRY(ForEach(db, "", [&](std::string_view key, std::string_view value) -> Result<bool> {
    if (db != CatalogDb::kMeta || key != kContentsKey) sum += EntryHash(key, value);
    return true;
  }));
  return sum;
}

Status LmdbTxn::PutContents() {
  if (!changed_) return {};
  TS_TRY_ASSIGN(auto contents, Contents());
  if (contents) {
    for (std::size_t i = 0; i < kCatalogDbCount; ++i) contents->sums[i] += sums_[i];
  } else {  // made by a build that kept none
    contents.emplace();
    for (std::size_t i = 0; i < kCatalogDbCount; ++i) {
      TS_TRY_ASSIGN(contents->sums[i], SumOf(static_cast<CatalogDb>(i)));
    }
  }
  std::string bytes;
  base::ByteWriter writer(bytes);
  writer.U64(id());
  for (const std::uint64_t sum : contents->sums) writer.U64(sum);
  MDB_val key = ToVal(kContentsKey);
  MDB_val value = ToVal(bytes);
  const MDB_dbi dbi = environment_.databases_[static_cast<std::size_t>(CatalogDb::kMeta)];
  const int code = mdb_put(txn_, dbi, &key, &value, 0);
  if (code != MDB_SUCCESS) return Fail("write", code);
  return {};
}

Status LmdbTxn::ForEach(
    CatalogDb db, std::string_view from,
    const std::function<Result<bool>(std::string_view key, std::string_view value)>& each) {
  const MDB_dbi dbi = environment_.databases_[static_cast<std::size_t>(db)];
  MDB_cursor* opened = nullptr;
  int code = mdb_cursor_open(txn_, dbi, &opened);
  if (code != MDB_SUCCESS) return Fail("read", code);
  const std::unique_ptr<MDB_cursor, void (*)(MDB_cursor*)> cursor(opened, &mdb_cursor_close);
  MDB_val key = ToVal(from);
  MDB_val value{};
  // MDB_SET_RANGE takes no empty key.
  code = mdb_cursor_get(cursor.get(), &key, &value, from.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == MDB_SUCCESS) {
    TS_TRY_ASSIGN(const bool more, each(FromVal(key), FromVal(value)));
    if (!more) return {};
    code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT);
  }
  if (code != MDB_NOTFOUND) return Fail("read", code);
  return {};
}

}  // namespace tracestore::store
