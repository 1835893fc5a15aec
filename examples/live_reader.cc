// A second process reads a store while the first one writes to it.
//
//   live_reader write DIRECTORY    appends a trace, lets a reader look, twice
//   live_reader read DIRECTORY     prints how many traces stand there now
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <tracestore/store.h>

namespace {

int Fail(const tracestore::Error& error) {
  std::fprintf(stderr, "live_reader: %s\n", error.message().c_str());
  return 100;
}

// The exit code is the number of traces.
int Read(const char* directory) {
  tracestore::StoreOptions options;
  options.mode = tracestore::OpenMode::kRead;  // takes no lock; never in the writer's way
  const auto store = tracestore::Store::Open(directory, options);
  if (!store.has_value()) return Fail(store.error());
  // Each query sees all that the writer had acknowledged when it began.
  const auto page = (*store)->Find(tracestore::Query().Service("writer"));
  if (!page.has_value()) return Fail(page.error());
  std::printf("the reader finds %zu traces\n", page->traces.size());
  return static_cast<int>(page->traces.size());
}

// A process of its own: a store that was open before fork() is not to be used after it.
int LookFromOutside(const char* program, const char* directory) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execl(program, program, "read", directory, static_cast<char*>(nullptr));
    _exit(101);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 102;
}

std::string SpanOf(int trace) {
  return R"([{"traceId": "00000000000000a)" + std::to_string(trace) +
         R"(", "id": "b1", "name": "tick", "timestamp": 170000000000000)" + std::to_string(trace) +
         R"(, "duration": 7, "localEndpoint": {"serviceName": "writer"}}])";
}

int Write(const char* program, const char* directory) {
  const auto store = tracestore::Store::Open(directory);
  if (!store.has_value()) return Fail(store.error());
  for (int trace = 1; trace <= 2; ++trace) {
    const auto appended = (*store)->Append(SpanOf(trace), tracestore::Format::kZipkinJson);
    if (!appended.has_value()) return Fail(appended.error());
    // Nothing was flushed, synced or closed: acknowledged is found.
    if (LookFromOutside(program, directory) != trace) return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  if (what == "write") return Write(argv[0], argv[2]);
  if (what == "read") return Read(argv[2]);
  std::fprintf(stderr, "usage: live_reader write|read DIRECTORY\n");
  return 2;
}
