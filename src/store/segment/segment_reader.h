// SegmentReader: random access to one sealed segment file (docs/format/segment.md, version 1).
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/query.h>
#include <tracestore/status.h>

#include "codec/column/string_dictionary.h"
#include "codec/column/template_codec.h"
#include "fs/file_system.h"
#include "index/fuse_filter.h"
#include "index/id_permutation.h"
#include "index/page_set.h"
#include "index/postings.h"
#include "model/span_batch.h"
#include "store/segment/lazy.h"
#include "store/segment/page_cache.h"
#include "store/segment/page_codes.h"
#include "store/segment/page_decoder.h"
#include "store/segment/page_tree.h"
#include "store/segment/segment_footer.h"
#include "store/segment/segment_format.h"
#include "store/segment/segment_tables.h"
#include "store/segment/segment_writer.h"
#include "store/segment/summary.h"
#include "store/segment/trace_table.h"

namespace tracestore::store {

// A page's place and zone map.
struct PageInfo {
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  std::uint64_t offset = 0;  // of its header
  std::uint32_t bytes = 0;   // of its payload
  std::uint64_t min_start_ns = 0;  // with a span without a start: 0 and the greatest number
  std::uint64_t max_start_ns = 0;
  std::uint64_t max_duration_ns = 0;
};

// A sealed segment never changes, so every const method may be called from any thread.
// Memory: dictionary, tables and indexes are read when first needed and stay; pages are decoded on
// demand; the most recently used stay in the cache that the reader was opened with. Errors of all
// methods: kIo, kCorruption (naming file and offset).
class SegmentReader {
 public:
  // Reads and verifies footer, meta, page index and trace filter. `name` stands in messages.
  // Errors also: kUnsupported for a newer version.
  // Pages that are read go to `pages`, where there is one.
  static Result<std::shared_ptr<const SegmentReader>> Open(
      std::unique_ptr<fs::RandomAccessFile> file, std::string name,
      std::shared_ptr<PageCache> pages = nullptr);
  ~SegmentReader();

  const std::string& name() const noexcept { return name_; }
  const SegmentMeta& meta() const noexcept { return meta_; }
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }
  const std::vector<PageInfo>& pages() const noexcept { return pages_; }
  std::uint32_t page_count() const noexcept { return static_cast<std::uint32_t>(pages_.size()); }

  // False: no row of a trace with these low 64 bits is here. True is wrong once in 256.
  bool MayHaveTrace(TraceId id) const noexcept;
  // The ordinals in the table of traces of the trace; none where it isn't here.
  Result<std::vector<std::uint32_t>> FindTrace(TraceId id) const;

  // The same of all traces whose ids have these low 64 bits.
  Result<std::vector<std::uint32_t>> PartsWithLowId(std::uint64_t low) const;
  // The ids that have these low 64 bits.
  Result<std::vector<TraceId>> FindLowId(std::uint64_t low) const;

  // Whether a trace with these low 64 bits is here. Keeps 10 bytes a trace, where the calls above
  // keep the table of traces: for a writer, which asks every segment for the ids of each new one.
  Result<bool> HasLowId(std::uint64_t low) const;

  Result<const TraceTable*> traces() const;
  Result<const ServiceLists*> service_lists() const;  // of the parts in traces()
  Result<const column::StringDictionary*> dictionary() const;
  Result<const SegmentTables*> tables() const;
  Result<const index::Postings*> postings() const;
  Result<const index::IdPermutation*> trace_order() const;  // by the ids' low halves
  // What a catalog would know of it; none where the segment was written without.
  Result<std::optional<SegmentOrigin>> ReadOrigin() const;
  // Null where the segment was written without it.
  Result<const LinkSummary*> links() const;
  Result<const MetricSummary*> metrics() const;

  // False: no span (nor its resource, scope, event, link) has that attribute with `value` as its
  // canonical text. Reads no page.
  Result<bool> MayHaveValue(std::string_view key, std::string_view value) const;
  // Pages of `within` that may have such a span.
  Result<index::PageSet> PagesWithValue(std::string_view key, std::string_view value,
                                        const index::PageSet& within) const;
  // Pages that may have a reference to a trace.
  Result<index::PageSet> PagesWithLink(TraceId id) const;
  // Whether the page may have a text or link of that hash (KeyValueHash, LinkHash) in no list.
  Result<bool> MayHaveHash(std::uint32_t page, std::uint64_t hash) const;
  // Pages of a posting term; none where the term isn't in the segment.
  Result<index::PageSet> PagesOf(TermKind kind, std::uint32_t a, std::uint32_t b = 0) const;

  std::uint32_t PageOfRow(std::uint32_t row) const noexcept;

  // Appends rows [first, last) to `out`. `projection` says what of them. Looks at `stop` for every
  // page. Errors also: kCancelled.
  Status ReadRows(std::uint32_t first, std::uint32_t last, const Projection& projection,
                  model::SpanBatch& out, const StopWhen& stop = {}) const;

  // The ids of a page's rows and of their parents: about 20 bytes read a row.
  Status ReadTree(std::uint32_t page, PageTree& out) const;

  // Checks every checksum and decodes every row: what `verify` does with a segment.
  Status VerifyAll() const;

  // The bytes of each section and of each stream of the pages, by name.
  Result<std::map<std::string, std::uint64_t>> BytesByColumn() const;

  // For PageDecoder: everything that pages are read with.
  Result<PageContext> Context() const;
  // A page as codes, from the cache where it is there. Where it isn't, it comes there if `keep`.
  // `context`: as Context() gives it.
  Result<std::shared_ptr<const PageCodes>> Codes(std::uint32_t page, const PageContext& context,
                                                 bool keep = true) const;
  // An error of that page's rows, with the place.
  Error InPage(std::uint32_t page, Error error) const;
  // A page's payload, its checksum verified.
  Result<std::string> ReadPage(std::uint32_t page) const;

 private:
  struct TextFilters {
    struct Block {
      std::uint32_t first_page = 0;
      std::optional<index::FuseFilter> filter;  // none: anything may be there
    };
    std::vector<Block> blocks;
  };

  SegmentReader(std::unique_ptr<fs::RandomAccessFile> file, std::string name,
                std::shared_ptr<PageCache> cache)
      : file_(std::move(file)), name_(std::move(name)), cache_(std::move(cache)),
        cache_owner_(PageCache::NextOwner()) {}
  Status ReadFooter();
  Status ReadMeta();
  Status ReadPages();
  Result<std::string> ReadBytes(std::uint64_t offset, std::uint64_t bytes) const;
  Result<std::string> ReadSection(SectionKind kind) const;
  Error Damaged(const std::string& what) const;
  template <typename Summary>
  Result<const Summary*> ReadSummary(SectionKind kind, const Lazy<Summary>& lazy) const;
  Result<const TextFilters*> text_filters() const;
  Result<const TemplateMap*> templates() const;
  Result<index::PageSet> PagesWithUnlisted(std::uint32_t key_id, std::string_view key,
                                           std::string_view value,
                                           const index::PageSet& within) const;
  Status AddFilterHits(std::uint64_t hash, index::PageSet& pages) const;

  std::unique_ptr<fs::RandomAccessFile> file_;
  std::string name_;
  const std::shared_ptr<PageCache> cache_;  // may be null
  const std::uint64_t cache_owner_;
  std::uint64_t file_bytes_ = 0;
  std::map<SectionKind, SegmentSection> sections_;
  SegmentMeta meta_;
  std::vector<PageInfo> pages_;
  std::optional<index::FuseFilter> trace_filter_;  // none: any id may be here

  Lazy<TraceTable> traces_;
  Lazy<ServiceLists> service_lists_;
  Lazy<column::StringDictionary> dictionary_;
  Lazy<SegmentTables> tables_;
  Lazy<index::Postings> postings_;
  Lazy<LinkSummary> links_;
  Lazy<MetricSummary> metrics_;
  Lazy<TextFilters> text_filters_;
  Lazy<TemplateMap> templates_;
  Lazy<index::IdPermutation> trace_order_;
  Lazy<std::vector<std::uint64_t>> low_ids_;  // of the table of traces, in its order
};

}  // namespace tracestore::store
