// The layout is that of LMDB 0.9's mdb.c, data version 1, 64 bits: page headers of 16 bytes, nodes
// of 8, databases of 48.
#include "store/catalog/lmdb_pages.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/try.h"

namespace tracestore::store {
namespace {

using base::LoadLe;

constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kDataVersion = 1;
constexpr std::size_t kPageHeader = 16;
constexpr std::size_t kNodeHeader = 8;
constexpr std::size_t kDatabaseBytes = 48;
constexpr std::size_t kMetaBytes = 8 + 8 + 8 + 2 * kDatabaseBytes + 8 + 8;
constexpr std::uint16_t kMostDepth = 32;  // LMDB's CURSOR_STACK
constexpr std::uint64_t kMostMapBytes = std::uint64_t{1} << 40;

// Page flags.
constexpr std::uint16_t kBranch = 0x01, kLeaf = 0x02, kOverflow = 0x04, kMetaPage = 0x08,
                        kLeaf2 = 0x20, kSubPage = 0x40, kDirty = 0x10;
// Node flags.
constexpr std::uint16_t kBigData = 1, kSubData = 2, kDupData = 4;
// Database flags.
constexpr std::uint16_t kDupSort = 0x04, kIntegerKey = 0x08, kDupFixed = 0x10;

struct Database {
  std::uint32_t pad = 0;
  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0;
  std::uint64_t root = kNoPage;
};

Database ParseDatabase(std::string_view bytes) {
  Database db;
  db.pad = LoadLe<std::uint32_t>(bytes.data());
  db.flags = LoadLe<std::uint16_t>(bytes.data() + 4);
  db.depth = LoadLe<std::uint16_t>(bytes.data() + 6);
  db.branch_pages = LoadLe<std::uint64_t>(bytes.data() + 8);
  db.leaf_pages = LoadLe<std::uint64_t>(bytes.data() + 16);
  db.overflow_pages = LoadLe<std::uint64_t>(bytes.data() + 24);
  db.entries = LoadLe<std::uint64_t>(bytes.data() + 32);
  db.root = LoadLe<std::uint64_t>(bytes.data() + 40);
  return db;
}

struct Meta {
  std::uint64_t page_bytes = 0;
  std::uint64_t map_bytes = 0;
  Database free, main;
  std::uint64_t last_page = 0;
  std::uint64_t txn_id = 0;
};

Error Damaged(const std::string& path, std::uint64_t offset, const std::string& what) {
  return {ErrorCode::kCorruption,
          path + ": the page at byte " + std::to_string(offset) + ": " + what};
}

Result<std::string> ReadAt(const fs::RandomAccessFile& file, const std::string& path,
                           std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  TS_TRY_ASSIGN(const std::size_t got, file.ReadAt(offset, bytes.data(), size));
  if (got != size) return Damaged(path, offset, "the file ends before its end");
  return bytes;
}

Result<Meta> ReadMeta(const fs::RandomAccessFile& file, const std::string& path,
                      std::uint64_t offset, std::uint64_t number) {
  TS_TRY_ASSIGN(const std::string page, ReadAt(file, path, offset, kPageHeader + kMetaBytes));
  if (LoadLe<std::uint64_t>(page.data()) != number ||
      (LoadLe<std::uint16_t>(page.data() + 10) & ~kDirty) != kMetaPage) {
    return Damaged(path, offset, "it is no meta page");
  }
  const char* at = page.data() + kPageHeader;
  if (LoadLe<std::uint32_t>(at) != kMagic) return Damaged(path, offset, "it is not LMDB's");
  const auto version = LoadLe<std::uint32_t>(at + 4);
  if (version != kDataVersion) {
    return Error(ErrorCode::kUnsupported, path + ": it has LMDB data version " +
                                              std::to_string(version) +
                                              "; this build reads version " +
                                              std::to_string(kDataVersion));
  }
  Meta meta;
  const auto address = LoadLe<std::uint64_t>(at + 8);
  meta.map_bytes = LoadLe<std::uint64_t>(at + 16);
  meta.free = ParseDatabase({at + 24, kDatabaseBytes});
  meta.main = ParseDatabase({at + 24 + kDatabaseBytes, kDatabaseBytes});
  meta.last_page = LoadLe<std::uint64_t>(at + 24 + 2 * kDatabaseBytes);
  meta.txn_id = LoadLe<std::uint64_t>(at + 32 + 2 * kDatabaseBytes);
  meta.page_bytes = meta.free.pad;
  const bool page_size = meta.page_bytes >= 512 && meta.page_bytes <= 65'536 &&
                         (meta.page_bytes & (meta.page_bytes - 1)) == 0;
  if (!page_size || address != 0 || meta.map_bytes > kMostMapBytes ||
      meta.map_bytes % meta.page_bytes != 0 || meta.last_page < 1 ||
      meta.last_page >= meta.map_bytes / meta.page_bytes || meta.free.flags != kIntegerKey ||
      meta.main.flags != 0 || (meta.txn_id != 0 && meta.txn_id % 2 != number)) {
    return Damaged(path, offset, "a number in it can't be");
  }
  return meta;
}

Result<std::pair<Meta, Meta>> ReadMetas(const fs::RandomAccessFile& file, const std::string& path) {
  TS_TRY_ASSIGN(Meta first, ReadMeta(file, path, 0, 0));
  TS_TRY_ASSIGN(Meta second, ReadMeta(file, path, first.page_bytes, 1));
  if (second.page_bytes != first.page_bytes)
    return Damaged(path, first.page_bytes, "its page size is not that of the other meta page");
  return std::pair(first, second);
}

// A page's bytes, or a sub-page within a node, with every access checked.
class PageView {
 public:
  PageView(std::string_view bytes, bool branch, std::optional<std::size_t> fixed)
      : bytes_(bytes), branch_(branch), fixed_(fixed) {}

  // nullptr, or what is wrong.
  const char* Check() {
    const auto lower = LoadLe<std::uint16_t>(bytes_.data() + 12);
    const auto upper = LoadLe<std::uint16_t>(bytes_.data() + 14);
    if (lower < kPageHeader || lower % 2 != 0 || upper < lower || upper > bytes_.size())
      return "its free space lies outside of it";
    count_ = (lower - kPageHeader) / 2u;
    if (count_ == 0) return "it has no entry";
    if (branch_ && count_ < 2) return "it has a single branch";
    if (fixed_) {
      return *fixed_ == 0 || count_ * *fixed_ > bytes_.size() - kPageHeader
                 ? "its keys go past its end"
                 : nullptr;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t at = NodeAt(i);
      if (at < upper || at + kNodeHeader > bytes_.size()) return "an entry lies outside of it";
      const std::size_t inside = branch_ ? 0 : (Flags(i) & kBigData) != 0 ? 8 : DataBytes(i);
      if (KeyBytes(i) + inside > bytes_.size() - at - kNodeHeader)
        return "an entry goes past its end";
    }
    return nullptr;
  }

  std::size_t count() const { return count_; }
  std::string_view Key(std::size_t i) const {
    if (fixed_) return bytes_.substr(kPageHeader + i * *fixed_, *fixed_);
    return bytes_.substr(NodeAt(i) + kNodeHeader, KeyBytes(i));
  }
  std::uint16_t Flags(std::size_t i) const { return LoadLe<std::uint16_t>(Node(i) + 4); }
  std::size_t DataBytes(std::size_t i) const { return LoadLe<std::uint32_t>(Node(i)); }
  std::string_view Data(std::size_t i) const {
    return bytes_.substr(NodeAt(i) + kNodeHeader + KeyBytes(i),
                         Flags(i) & kBigData ? 8 : DataBytes(i));
  }
  std::uint64_t Child(std::size_t i) const {
    return LoadLe<std::uint32_t>(Node(i)) | std::uint64_t{Flags(i)} << 32;
  }

 private:
  std::size_t NodeAt(std::size_t i) const {
    return LoadLe<std::uint16_t>(bytes_.data() + kPageHeader + 2 * i);
  }
  const char* Node(std::size_t i) const { return bytes_.data() + NodeAt(i); }
  std::size_t KeyBytes(std::size_t i) const { return LoadLe<std::uint16_t>(Node(i) + 6); }

  std::string_view bytes_;
  bool branch_;
  std::optional<std::size_t> fixed_;
  std::size_t count_ = 0;
};

class Walker {
 public:
  Walker(const fs::RandomAccessFile& file, const std::string& path, const Meta& meta)
      : file_(file), path_(path), meta_(meta), used_(meta.last_page + 1, false) {
    used_[0] = used_[1] = true;
  }

  Status Walk(const std::map<std::string, std::uint16_t>& databases) {
    expected_ = &databases;
    TS_TRY(WalkTree(meta_.main, Tree::kMain));
    while (!found_.empty()) {
      const auto [db, tree] = found_.back();
      found_.pop_back();
      TS_TRY(WalkTree(db, tree));
    }
    return WalkTree(meta_.free, Tree::kFree);
  }

 private:
  enum class Tree : std::uint8_t { kMain, kFree, kNamed, kDuplicates };
  // A page to look at, and the keys that those in it lie between.
  struct Place {
    std::uint64_t page = 0;
    std::uint16_t level = 1;  // the root's
    std::string from;         // at least this
    std::optional<std::string> to;  // below this
  };
  struct Totals {
    std::uint64_t branch = 0, leaf = 0, overflow = 0, entries = 0;
  };

  Error Wrong(std::uint64_t page, const std::string& what) const {
    return Damaged(path_, page * meta_.page_bytes, what);
  }

  Status Use(std::uint64_t page, std::uint64_t from) {
    if (page > meta_.last_page || page < 2)
      return Wrong(from, "it names page " + std::to_string(page) + ", which there can't be");
    if (used_[page]) return Wrong(page, "it is used twice, or used and free");
    used_[page] = true;
    return {};
  }

  static bool Less(Tree tree, std::string_view a, std::string_view b) {
    if (tree != Tree::kFree) return a < b;
    return LoadLe<std::uint64_t>(a.data()) < LoadLe<std::uint64_t>(b.data());
  }

  Status WalkTree(const Database& db, Tree tree) {
    if (db.root == kNoPage) {
      if (db.depth != 0 || db.entries != 0 ||
          db.branch_pages + db.leaf_pages + db.overflow_pages != 0)
        return Wrong(0, "an empty database claims to have entries");
      return {};
    }
    if (db.depth == 0 || db.depth > kMostDepth) return Wrong(0, "a database's depth can't be");
    Totals totals;
    std::vector<Place> open{{db.root, 1, {}, std::nullopt}};
    TS_TRY(Use(db.root, 0));
    while (!open.empty()) {
      const Place place = std::move(open.back());
      open.pop_back();
      TS_TRY(LookAt(place, db, tree, totals, open));
    }
    if (totals.branch != db.branch_pages || totals.leaf != db.leaf_pages ||
        totals.overflow != db.overflow_pages || totals.entries != db.entries) {
      return Wrong(db.root, "its database counts other pages or entries than it has");
    }
    return {};
  }

  Status LookAt(const Place& place, const Database& db, Tree tree, Totals& totals,
                std::vector<Place>& open) {
    TS_TRY_ASSIGN(const std::string bytes, ReadAt(file_, path_, place.page * meta_.page_bytes,
                                                  static_cast<std::size_t>(meta_.page_bytes)));
    const bool branch = place.level < db.depth;
    const bool fixed = !branch && tree == Tree::kDuplicates && (db.flags & kDupFixed) != 0;
    const std::uint16_t due = branch ? kBranch : fixed ? kLeaf | kLeaf2 : kLeaf;
    const auto flags = LoadLe<std::uint16_t>(bytes.data() + 10);
    if (LoadLe<std::uint64_t>(bytes.data()) != place.page || (flags & ~kDirty) != due)
      return Wrong(place.page, "it is not the page that belongs here");
    std::optional<std::size_t> key_bytes;
    if (fixed) {
      key_bytes = LoadLe<std::uint16_t>(bytes.data() + 8);
      if (*key_bytes != db.pad) return Wrong(place.page, "its keys have another size");
    }
    PageView page(bytes, branch, key_bytes);
    if (const char* wrong = page.Check(); wrong != nullptr) return Wrong(place.page, wrong);
    TS_TRY(CheckKeys(place, page, branch, tree));
    ++(branch ? totals.branch : totals.leaf);
    if (branch) return Descend(place, page, open);
    if (fixed) {
      totals.entries += page.count();
      return {};
    }
    for (std::size_t i = 0; i < page.count(); ++i)
      TS_TRY(LookAtEntry(place.page, page, i, db, tree, totals));
    return {};
  }

  Status CheckKeys(const Place& place, const PageView& page, bool branch, Tree tree) {
    for (std::size_t i = branch ? 1 : 0; i < page.count(); ++i) {
      const std::string_view key = page.Key(i);
      if (tree == Tree::kFree && key.size() != 8)
        return Wrong(place.page, "a key has another size");
      const bool first = i == (branch ? 1u : 0u);
      const bool rises = first || Less(tree, page.Key(i - 1), key);
      const bool within = (place.from.empty() || !Less(tree, key, place.from)) &&
                          (!place.to || Less(tree, key, *place.to));
      if (!rises || !within || key.empty()) return Wrong(place.page, "its keys are not in order");
    }
    return {};
  }

  // The first key of a branch stands for everything below the second.
  Status Descend(const Place& place, const PageView& page, std::vector<Place>& open) {
    for (std::size_t i = 0; i < page.count(); ++i) {
      TS_TRY(Use(page.Child(i), place.page));
      Place child;
      child.page = page.Child(i);
      child.level = static_cast<std::uint16_t>(place.level + 1);
      child.from = i == 0 ? place.from : std::string(page.Key(i));
      child.to = i + 1 < page.count() ? std::optional<std::string>(page.Key(i + 1)) : place.to;
      open.push_back(std::move(child));
    }
    return {};
  }

  Status LookAtEntry(std::uint64_t at, const PageView& page, std::size_t i, const Database& db,
                     Tree tree, Totals& totals) {
    const std::uint16_t flags = page.Flags(i);
    if (tree == Tree::kMain) {
      ++totals.entries;
      return LookAtNamed(at, page, i);
    }
    if ((flags & ~(kBigData | kSubData | kDupData)) != 0)
      return Wrong(at, "an entry's flags can't be");
    if ((flags & kBigData) != 0) {
      const auto first = LoadLe<std::uint64_t>(page.Data(i).data());
      TS_TRY(UseOverflow(at, first, page.DataBytes(i), totals));
      if (flags != kBigData || tree == Tree::kDuplicates)
        return Wrong(at, "an entry's flags can't be");
    }
    if ((flags & (kSubData | kDupData)) != 0) {
      if (tree != Tree::kNamed || (db.flags & kDupSort) == 0)
        return Wrong(at, "an entry's flags can't be");
      return LookAtDuplicates(at, page.Data(i), flags, db, totals);
    }
    ++totals.entries;
    return tree == Tree::kFree ? LookAtFreed(at, page, i) : Status();
  }

  Status LookAtNamed(std::uint64_t at, const PageView& page, std::size_t i) {
    const auto expected = expected_->find(std::string(page.Key(i)));
    if (page.Flags(i) != kSubData || page.DataBytes(i) != kDatabaseBytes)
      return Wrong(at, "an entry is no database");
    const Database db = ParseDatabase(page.Data(i));
    // One of a later version is walked by what it says of itself.
    if (expected != expected_->end() && db.flags != expected->second)
      return Wrong(at, "database " + expected->first + " has other flags");
    found_.emplace_back(db, Tree::kNamed);
    return {};
  }

  Status UseOverflow(std::uint64_t at, std::uint64_t first, std::uint64_t bytes, Totals& totals) {
    TS_TRY(Use(first, at));
    TS_TRY_ASSIGN(const std::string header,
                  ReadAt(file_, path_, first * meta_.page_bytes, kPageHeader));
    const auto pages = LoadLe<std::uint32_t>(header.data() + 12);
    if (LoadLe<std::uint64_t>(header.data()) != first ||
        (LoadLe<std::uint16_t>(header.data() + 10) & ~kDirty) != kOverflow ||
        pages != (kPageHeader - 1 + bytes) / meta_.page_bytes + 1) {
      return Wrong(first, "it is not the page that belongs here");
    }
    for (std::uint64_t more = 1; more < pages; ++more) TS_TRY(Use(first + more, at));
    totals.overflow += pages;
    return {};
  }

  // Several values of one key: a page within the entry, or a tree of their own.
  Status LookAtDuplicates(std::uint64_t at, std::string_view data, std::uint16_t flags,
                          const Database& owner, Totals& totals) {
    const bool fixed = (owner.flags & kDupFixed) != 0;
    if (flags == (kSubData | kDupData)) {
      if (data.size() != kDatabaseBytes) return Wrong(at, "an entry is no database");
      const Database db = ParseDatabase(data);
      if (((db.flags & kDupFixed) != 0) != fixed) return Wrong(at, "an entry's flags can't be");
      totals.entries += db.entries;
      found_.emplace_back(db, Tree::kDuplicates);
      return {};
    }
    if (flags != kDupData || data.size() < kPageHeader)
      return Wrong(at, "an entry's flags can't be");
    const auto page_flags = LoadLe<std::uint16_t>(data.data() + 10);
    const std::uint16_t due = kLeaf | kSubPage | (fixed ? kLeaf2 : 0);
    if ((page_flags & ~kDirty) != due)
      return Wrong(at, "an entry is not the page that belongs here");
    std::optional<std::size_t> key_bytes;
    if (fixed) key_bytes = LoadLe<std::uint16_t>(data.data() + 8);
    PageView page(data, false, key_bytes);
    if (const char* wrong = page.Check(); wrong != nullptr) return Wrong(at, wrong);
    for (std::size_t i = 1; i < page.count(); ++i) {
      if (page.Key(i) <= page.Key(i - 1)) return Wrong(at, "its values are not in order");
    }
    totals.entries += page.count();
    return {};
  }

  // The pages that a commit gave back: their number, then the pages, falling.
  Status LookAtFreed(std::uint64_t at, const PageView& page, std::size_t i) {
    if (LoadLe<std::uint64_t>(page.Key(i).data()) > meta_.txn_id)
      return Wrong(at, "pages were freed by a commit to come");
    std::string list(page.Data(i));
    if ((page.Flags(i) & kBigData) != 0) {
      const auto first = LoadLe<std::uint64_t>(page.Data(i).data());
      TS_TRY_ASSIGN(list, ReadAt(file_, path_, first * meta_.page_bytes + kPageHeader,
                                 page.DataBytes(i)));
    }
    const std::uint64_t count = list.size() < 8 ? kNoPage : LoadLe<std::uint64_t>(list.data());
    if (count >= list.size() / 8) return Wrong(at, "a list of free pages is cut short");
    for (std::uint64_t n = 1; n <= count; ++n)
      TS_TRY(Use(LoadLe<std::uint64_t>(list.data() + 8 * n), at));
    return {};
  }

  const fs::RandomAccessFile& file_;
  const std::string& path_;
  const Meta meta_;
  const std::map<std::string, std::uint16_t>* expected_ = nullptr;
  std::vector<bool> used_;
  std::vector<std::pair<Database, Tree>> found_;  // to be walked
};

}  // namespace

Status CheckLmdbMetas(const fs::RandomAccessFile& file, const std::string& path) {
  TS_TRY_ASSIGN(const auto metas, ReadMetas(file, path));
  const std::uint64_t a = metas.first.txn_id;
  const std::uint64_t b = metas.second.txn_id;
  if (a != b + 1 && b != a + 1 && a + b != 0)
    return Damaged(path, 0, "the two meta pages are not of commits that follow each other");
  return {};
}

Result<bool> CheckLmdbPages(const fs::RandomAccessFile& file, const std::string& path,
                            std::uint64_t txn_id,
                            const std::map<std::string, std::uint16_t>& databases) {
  TS_TRY_ASSIGN(const auto metas, ReadMetas(file, path));
  const Meta& meta = txn_id % 2 == 0 ? metas.first : metas.second;
  if (meta.txn_id != txn_id) return false;
  TS_TRY(Walker(file, path, meta).Walk(databases));
  return true;
}

}  // namespace tracestore::store
