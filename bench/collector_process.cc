#include "collector_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/try.h"
#include "net/http_client.h"

namespace tracestore::bench {
namespace {

Error Failed(const std::string& what) { return {ErrorCode::kIo, what}; }

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// {"name":123,…}
std::map<std::string, std::uint16_t> ParsePorts(const std::string& json) {
  std::map<std::string, std::uint16_t> ports;
  std::size_t at = 0;
  while ((at = json.find('"', at)) != std::string::npos) {
    const std::size_t end = json.find('"', at + 1);
    if (end == std::string::npos) break;
    const std::string name = json.substr(at + 1, end - at - 1);
    const std::size_t digits = json.find_first_of("0123456789", end);
    if (digits == std::string::npos) break;
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(json.data() + digits, json.data() + json.size(), port);
    ports[name] = port;
    at = static_cast<std::size_t>(parsed.ptr - json.data());
  }
  return ports;
}

// Flags that put every listener on a free port, so that nothing of the machine's is in the way:
// those whose help says that they take an ADDRESS.
std::vector<std::string> FreePorts(const std::string& program) {
  std::vector<std::string> flags;
  FILE* help = popen((program + " all-in-one --help").c_str(), "r");
  if (help == nullptr) return flags;
  char line[1024];
  while (std::fgets(line, sizeof line, help) != nullptr) {
    std::istringstream words(line);
    std::string flag;
    std::string type;
    if (words >> flag >> type && flag.starts_with("--") && type.starts_with("ADDRESS"))
      flags.push_back(flag + "=0");
  }
  pclose(help);
  return flags;
}

}  // namespace

Result<std::unique_ptr<CollectorProcess>> CollectorProcess::Start(
    const std::string& program, const std::string& directory,
    const std::vector<std::string>& flags) {
  const std::string ports_file = directory + ".ports";
  std::filesystem::remove(ports_file);
  std::vector<std::string> words = {program,      "all-in-one",   "--data",
                                    directory,    "--ports-file", ports_file};
  for (std::string& flag : FreePorts(program)) words.push_back(std::move(flag));
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::unique_ptr<CollectorProcess> out(new CollectorProcess());
  out->pid_ = fork();
  if (out->pid_ < 0) return Failed("fork");
  if (out->pid_ == 0) {
    const int log = open((directory + ".log").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(log, 1);
    dup2(log, 2);
    execv(program.c_str(), arguments.data());
    _exit(127);
  }
  for (int tries = 0; tries < 600; ++tries) {
    if (std::filesystem::exists(ports_file)) {
      out->ports_ = ParsePorts(TextOf(ports_file));
      return out;
    }
    int status = 0;
    if (waitpid(out->pid_, &status, WNOHANG) == out->pid_) {
      out->pid_ = 0;
      return Failed(program + " ended at once: " + TextOf(directory + ".log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return Failed(program + " opened no ports within 30 s");
}

CollectorProcess::~CollectorProcess() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::uint16_t CollectorProcess::port(const std::string& key) const {
  const auto found = ports_.find(key);
  return found == ports_.end() ? std::uint16_t{0} : found->second;
}

CollectorUsage CollectorProcess::Usage() const {
  CollectorUsage usage;
  // utime and stime are the 14th and 15th field; the second, the name in brackets, may have spaces.
  const std::string stat = TextOf("/proc/" + std::to_string(pid_) + "/stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string word;
  double ticks = 0;
  for (int field = 3; field <= 15 && fields >> word; ++field)
    if (field >= 14) ticks += std::strtod(word.c_str(), nullptr);
  usage.cpu_seconds = ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  while (status >> word) {
    if (word == "RssAnon:" && status >> word)
      usage.anonymous_bytes = std::strtoull(word.c_str(), nullptr, 10) * 1024;
  }
  return usage;
}

Result<double> CollectorProcess::Metric(const std::string& name, const std::string& label) const {
  net::HttpClientOptions options;
  options.port = port("admin");
  TS_TRY_ASSIGN(const auto client, net::HttpClient::Make(options));
  net::HttpClientRequest request;
  request.target = "/metrics";
  TS_TRY_ASSIGN(const auto answer, client->Send(request));
  std::istringstream lines(answer.body);
  std::string line;
  double sum = 0;
  while (std::getline(lines, line)) {
    if (!line.starts_with(name) || (line[name.size()] != ' ' && line[name.size()] != '{')) continue;
    if (line.find(label) == std::string::npos) continue;
    sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
  }
  return sum;
}

Result<double> CollectorProcess::Stop() {
  kill(pid_, SIGTERM);
  int status = 0;
  rusage usage{};
  if (wait4(pid_, &status, 0, &usage) != pid_) return Failed("wait4");
  pid_ = 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Failed("the collector ended with status " + std::to_string(status));
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

UdpSocketState UdpStateOf(std::uint16_t port) {
  char wanted[8];
  std::snprintf(wanted, sizeof wanted, ":%04X", port);
  UdpSocketState state;
  std::ifstream table("/proc/net/udp");
  std::string line;
  while (std::getline(table, line)) {
    // sl local remote st tx:rx … drops
    std::istringstream fields(line);
    std::string word;
    std::string local;
    std::string queues;
    fields >> word >> local >> word >> word >> queues;
    if (!local.ends_with(wanted) || queues.find(':') == std::string::npos) continue;
    while (fields >> word) {
    }
    state.queued_bytes += std::strtoull(queues.c_str() + queues.find(':') + 1, nullptr, 16);
    state.dropped += std::strtoull(word.c_str(), nullptr, 10);
  }
  return state;
}

}  // namespace tracestore::bench
