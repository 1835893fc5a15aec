#include "read_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "human_text.h"

namespace tracestore::tools {
namespace {

// The longest content that is read into memory at once, in bytes: what a decoder takes.
constexpr std::size_t kMaxFileBytes = std::size_t{2} << 30;
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
// How often a pipe without bytes is left to look at --timeout. Ctrl-C ends a wait at once.
constexpr int kWaitMs = 50;

class OpenedFile {
 public:
  explicit OpenedFile(const std::string& name)
      // A pipe opened to wait would wait for its writer, whatever --timeout.
      : fd_(name == "-" ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenedFile() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  int fd() const noexcept { return fd_; }

 private:
  int fd_;  // -1: errno says why
};

Error IoError(const std::string& shown) {
  return {ErrorCode::kIo, shown + ": " + std::strerror(errno)};
}

// Until there is something to read, or the end. A regular file is always ready.
Status WaitForBytes(int fd, const Deadline& deadline) {
  for (;;) {
    if (Status status = deadline.Check(); !status) return status;
    pollfd wanted{fd, POLLIN, 0};
    const int ready = poll(&wanted, 1, kWaitMs);
    // Reading says what is wrong with a descriptor that can't be waited for.
    if (ready > 0 || (ready < 0 && errno != EINTR)) return {};
  }
}

}  // namespace

std::string ShownName(const std::string& name) { return name == "-" ? "stdin" : name; }

Result<std::string> ReadWholeFile(const std::string& name, const Deadline& deadline) {
  if (name == "-" && isatty(STDIN_FILENO) == 1) {
    return Error(ErrorCode::kInvalidArgument,
                 "- reads stdin, which is the terminal: pipe a trace file into it");
  }
  const std::string shown = ShownName(name);
  const OpenedFile file(name);
  if (file.fd() < 0) return IoError(shown);
  std::string content;
  std::string block(kBlockBytes, '\0');
  for (;;) {
    if (Status status = WaitForBytes(file.fd(), deadline); !status)
      return std::move(status.error()).WithContext(shown);
    const ssize_t got = read(file.fd(), block.data(), block.size());
    if (got == 0) return content;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return IoError(shown);
    content.append(block, 0, static_cast<std::size_t>(got));
    if (content.size() > kMaxFileBytes) {
      return Error(ErrorCode::kInvalidArgument,
                   shown + ": longer than the " + BytesText(kMaxFileBytes) +
                       " that are read at once; cut it in parts");
    }
  }
}

}  // namespace tracestore::tools
