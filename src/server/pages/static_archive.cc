// Web pages out of zip files, by libzip.
#include <zip.h>

#include <memory>
#include <utility>

#include "base/try.h"
#include "server/pages/static_files.h"

namespace tracestore::server {
namespace {

struct Closer {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Closer>;
using ArchiveFile = std::unique_ptr<zip_file_t, Closer>;

Error Damaged(const std::string& path, const std::string& why) {
  return {ErrorCode::kCorruption, path + ": " + why};
}

Result<Archive> Open(const std::string& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string sentence = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (code == ZIP_ER_NOENT) return Error(ErrorCode::kNotFound, path + ": " + sentence);
  return Damaged(path, sentence);
}

// `bytes` must outlive the archive.
Result<Archive> OpenBytes(const std::string& bytes, const std::string& name) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  Archive archive(source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error));
  std::string sentence = archive ? "" : zip_error_strerror(&error);
  if (!archive && source != nullptr) zip_source_free(source);
  zip_error_fini(&error);
  if (!archive) return Damaged(name, sentence);
  return archive;
}

// The size that the archive states is a bound, not a promise.
Result<std::string> Extract(zip_t& archive, const std::string& path, zip_uint64_t index,
                            std::uint64_t at_most) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(&archive, index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0)
    return Damaged(path, "an entry can't be read");
  if (stat.size > at_most)
    return Error(ErrorCode::kInvalidArgument, path + " is too large for a web page");
  const ArchiveFile file(zip_fopen_index(&archive, index, 0));
  if (!file) return Damaged(path, zip_strerror(&archive));
  std::string bytes;
  std::string piece(65'536, '\0');
  while (bytes.size() < stat.size) {
    const zip_int64_t read = zip_fread(file.get(), piece.data(), piece.size());
    if (read <= 0) return Damaged(path, zip_file_strerror(file.get()));
    bytes.append(piece, 0, static_cast<std::size_t>(read));
    if (bytes.size() > stat.size) return Damaged(path, "an entry is longer than it says");
  }
  return bytes;
}

bool IsSafe(std::string_view name) {
  return !name.empty() && !name.starts_with('/') && !name.ends_with('/') &&
         ("/" + std::string(name) + "/").find("/../") == std::string::npos;
}

Result<StaticFiles> FilesOf(zip_t& archive, const std::string& path, std::string_view folder,
                            const StaticLimits& limits) {
  StaticFiles files;
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  const zip_int64_t entries = zip_get_num_entries(&archive, 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    const char* const text = zip_get_name(&archive, static_cast<zip_uint64_t>(i), 0);
    const std::string_view name = text == nullptr ? "" : text;
    if (!name.starts_with(folder) || !IsSafe(name.substr(folder.size()))) continue;
    if (count++ == limits.files)
      return Error(ErrorCode::kInvalidArgument, path + " has too many files for a web page");
    TS_TRY_ASSIGN(std::string whole, Extract(archive, path, static_cast<zip_uint64_t>(i),
                                             limits.bytes - bytes));
    bytes += whole.size();
    files.Set(std::string(name.substr(folder.size())), std::move(whole));
  }
  return files;
}

}  // namespace

Result<StaticFiles> StaticFiles::OfArchive(const std::string& path, std::string_view folder,
                                           const StaticLimits& limits) {
  TS_TRY_ASSIGN(const Archive archive, Open(path));
  return FilesOf(*archive, path, folder, limits);
}

Result<StaticFiles> StaticFiles::OfInnerArchive(const std::string& path, std::string_view inner,
                                                std::string_view folder,
                                                const StaticLimits& limits) {
  TS_TRY_ASSIGN(const Archive outer, Open(path));
  const zip_int64_t entries = zip_get_num_entries(outer.get(), 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    const char* const text = zip_get_name(outer.get(), static_cast<zip_uint64_t>(i), 0);
    const std::string name = text == nullptr ? "" : text;
    if (name.find(inner) == std::string::npos || name.ends_with('/')) continue;
    TS_TRY_ASSIGN(const std::string bytes,
                  Extract(*outer, path, static_cast<zip_uint64_t>(i), limits.bytes));
    TS_TRY_ASSIGN(const Archive archive, OpenBytes(bytes, path + "!" + name));
    return FilesOf(*archive, path + "!" + name, folder, limits);
  }
  return StaticFiles();
}

}  // namespace tracestore::server
