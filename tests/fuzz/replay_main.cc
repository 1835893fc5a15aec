// Runs files through a fuzz target: every argument is a file or a directory of files. What ctest
// runs where there is no libFuzzer, with whatever sanitizers the build has.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

bool Replay(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "can't read %s\n", path.c_str());
    return false;
  }
  // Exactly as long as the input, so that a sanitizer sees a read past its end.
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
  std::fprintf(stderr, "%s (%zu bytes)\n", path.c_str(), bytes.size());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  // And cut in the middle: half of a seed is a cheap second input.
  const std::vector<std::uint8_t> half(
      bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2));
  LLVMFuzzerTestOneInput(half.data(), half.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  bool good = true;
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path path = argv[i];
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      good = Replay(path) && good;
      ++files;
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
      if (!entry.is_regular_file()) continue;
      good = Replay(entry.path()) && good;
      ++files;
    }
  }
  std::fprintf(stderr, "%zu inputs\n", files);
  return good && files > 0 ? 0 : 1;
}
