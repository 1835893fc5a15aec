// ThreadScratch: bytes of the calling thread that keep their room from use to use. What is taken
// and given back a hundred kilobytes at a time comes fresh from the kernel every time, page by page.
#pragma once
#include <cstddef>
#include <string>

namespace tracestore::base {

// `Use` tells apart what a thread uses at one time. Not to be nested for one `Use`.
template <typename Use>
class ThreadScratch {
 public:
  // Room above this is given back after use.
  static constexpr std::size_t kMostKeptBytes = std::size_t{1} << 20;

  ThreadScratch() = default;
  ~ThreadScratch() {
    if (bytes().capacity() > kMostKeptBytes) std::string().swap(bytes());
  }
  ThreadScratch(const ThreadScratch&) = delete;
  ThreadScratch& operator=(const ThreadScratch&) = delete;

  // As the last use left them.
  std::string& bytes() const {
    thread_local std::string kept;
    return kept;
  }
  // At least so many of any content.
  char* AtLeast(std::size_t size) const {
    if (bytes().size() < size) bytes().resize(size);
    return bytes().data();
  }
};

}  // namespace tracestore::base
