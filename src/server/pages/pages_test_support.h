// Builds of web pages in temporary folders, for tests.
#pragma once
#include <gtest/gtest.h>
#include <zip.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "net/http.h"

namespace tracestore::server {

using FileTexts = std::map<std::string, std::string>;

class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "tracestore-XXXXXX").string()) {
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  void Write(const FileTexts& files) const {
    for (const auto& [name, text] : files) {
      const auto file = std::filesystem::path(path_) / name;
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file, std::ios::binary) << text;
    }
  }
  // A zip file of that name; gives its path.
  std::string Zip(const std::string& name, const FileTexts& files) const {
    const std::string path = path_ + "/" + name;
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    EXPECT_NE(archive, nullptr);
    for (const auto& [file, text] : files) {
      zip_source_t* source = zip_source_buffer(archive, text.data(), text.size(), 0);
      EXPECT_GE(zip_file_add(archive, file.c_str(), source, ZIP_FL_ENC_UTF_8), 0);
    }
    EXPECT_EQ(zip_close(archive), 0);
    return path;
  }

 private:
  std::string path_;
};

inline std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline net::HttpRequest GetRequest(const std::string& target) {
  net::HttpRequest request;
  request.method = "GET";
  EXPECT_TRUE(request.SetTarget(target).has_value());
  return request;
}

inline std::string HeaderOf(const net::HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (net::EqualsIgnoreCase(key, name)) return value;
  }
  return "";
}

// What answers what is no page.
inline net::HttpResponse Api(const net::HttpRequest& request) {
  return net::HttpResponse::Text(404, "api: " + request.method + " " + request.raw_target);
}

}  // namespace tracestore::server
