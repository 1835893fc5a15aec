#include "server/pages/static_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/pages/pages_test_support.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;

std::string TextOf(const StaticFiles& files, std::string_view path) {
  const StaticFile* const file = files.Find(path);
  return file == nullptr ? "(none)" : file->bytes;
}

TEST(StaticFiles, AreThoseOfADirectory) {
  const Folder folder, other;
  folder.Write({{"index.html", "page"}, {"static/js/main.js", "script"}, {"static/a.png", ""}});
  other.Write({{"secret", "not for all"}});
  std::filesystem::create_symlink(other.path() + "/secret", folder.path() + "/link");
  std::filesystem::create_directory_symlink(other.path(), folder.path() + "/folder");
  const auto files = StaticFiles::OfDirectory(folder.path());
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(TextOf(*files, "index.html"), "page");
  EXPECT_EQ(TextOf(*files, "static/js/main.js"), "script");
  EXPECT_EQ(TextOf(*files, "static/a.png"), "");
  for (const char* path : {"", "static", "static/", "link", "folder/secret", "/index.html",
                           "static/../index.html"}) {
    EXPECT_EQ(files->Find(path), nullptr) << path;
  }
  EXPECT_EQ(files->Find("static/js/main.js")->content_type, "text/javascript; charset=utf-8");
}

TEST(StaticFiles, AreBounded) {
  const Folder folder;
  folder.Write({{"a", "12345"}, {"b", "12345"}});
  EXPECT_TRUE(StaticFiles::OfDirectory(folder.path(), {.files = 2, .bytes = 10}).has_value());
  for (const StaticLimits limits : {StaticLimits{1, 10}, StaticLimits{2, 9}}) {
    EXPECT_EQ(StaticFiles::OfDirectory(folder.path(), limits).error().code(),
              ErrorCode::kInvalidArgument);
    const std::string zip = folder.Zip("z.zip", {{"a", "12345"}, {"b", "12345"}});
    EXPECT_EQ(StaticFiles::OfArchive(zip, "", limits).error().code(), ErrorCode::kInvalidArgument);
    std::filesystem::remove(zip);
  }
  EXPECT_EQ(StaticFiles::OfDirectory(folder.path() + "/a").error().code(), ErrorCode::kNotFound);
}

TEST(StaticFiles, AreThoseOfAnArchive) {
  const Folder folder;
  const std::string large(200'000, 'x');
  const std::string zip = folder.Zip(
      "z.jar", {{"META-INF/MANIFEST.MF", "m"}, {"in/index.html", "page"}, {"in/s/a.js", large},
                {"in/../../up", "u"}, {"inner", "i"}});
  const auto files = StaticFiles::OfArchive(zip, "in/");
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(TextOf(*files, "index.html"), "page");
  EXPECT_EQ(TextOf(*files, "s/a.js"), large);
  EXPECT_EQ(TextOf(*files, "../../up"), "(none)");
  EXPECT_EQ(TextOf(*files, "META-INF/MANIFEST.MF"), "(none)");
  EXPECT_EQ(StaticFiles::OfArchive(folder.path() + "/no.jar", "").error().code(),
            ErrorCode::kNotFound);
  // One in another.
  const std::string outer =
      folder.Zip("outer.jar", {{"lib/z-1.jar", ReadAll(zip)}, {"lib/y.jar", "no zip"}});
  const auto inner = StaticFiles::OfInnerArchive(outer, "/z-", "in/");
  ASSERT_TRUE(inner.has_value()) << inner.error().message();
  EXPECT_EQ(TextOf(*inner, "s/a.js"), large);
  EXPECT_TRUE(StaticFiles::OfInnerArchive(outer, "/x-", "")->empty());
  EXPECT_EQ(StaticFiles::OfInnerArchive(outer, "/y", "").error().code(), ErrorCode::kCorruption);
}

// Every cut and every flipped byte is an error or leaves files of bounded size; none ends the
// process.
TEST(StaticFiles, ADamagedArchiveIsAnError) {
  const Folder folder;
  const std::string whole = ReadAll(folder.Zip("z.zip", {{"a.txt", std::string(500, 'a') + "bc"}}));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    folder.Write({{"cut.zip", whole.substr(0, cut)}});
    const auto files = StaticFiles::OfArchive(folder.path() + "/cut.zip", "");
    EXPECT_FALSE(files.has_value() && !files->empty()) << cut;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x41);
    folder.Write({{"flipped.zip", flipped}});
    const auto files = StaticFiles::OfArchive(folder.path() + "/flipped.zip", "");
    if (!files.has_value()) {
      EXPECT_THAT(files.error().message(), HasSubstr("flipped.zip"));
    }
  }
}

TEST(StaticAnswer, IsShortForWhoHasTheFile) {
  StaticFiles files;
  files.Set("a.css", "body{}");
  const StaticFile& file = *files.Find("a.css");
  net::HttpRequest request = GetRequest("/a.css");
  const net::HttpResponse first = StaticAnswer(request, file, "max-age=60");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "body{}");
  EXPECT_EQ(first.content_type, "text/css; charset=utf-8");
  EXPECT_EQ(HeaderOf(first, "Cache-Control"), "max-age=60");
  for (const std::string& known :
       {HeaderOf(first, "ETag"), "W/" + HeaderOf(first, "ETag"), std::string("*"),
        "\"other\", " + HeaderOf(first, "ETag") + " "}) {
    request.headers = {{"If-None-Match", known}};
    const net::HttpResponse again = StaticAnswer(request, file, "max-age=60");
    EXPECT_EQ(again.status, 304) << known;
    EXPECT_EQ(again.body, "");
  }
  request.headers = {{"If-None-Match", "\"other\""}};
  EXPECT_EQ(StaticAnswer(request, file, "").status, 200);
  StaticFiles others;
  others.Set("a.css", "body{ }");
  EXPECT_NE(others.Find("a.css")->etag, file.etag);
}

}  // namespace
}  // namespace tracestore::server
