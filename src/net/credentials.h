// Credentials: who may speak to a listener, as hashes in a file, and the check of what a client
// shows.
//
// A line of the file is one credential (docs/operations.md, "Authentication"):
//   NAME:HASH            a user and the hash of the password, as crypt(3) makes it ($y$, $2b$, …)
//   bearer NAME SHA256   a token's name and the SHA-256 of the token, 64 hexadecimal digits
// Either may end with " tenants=A,B": whose requests it may make; without it everybody's.
// Empty lines and those that begin with # are passed over.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::net {

// Who showed what is known.
struct Credential {
  std::string name;
  std::shared_ptr<const std::vector<std::string>> tenants;  // null: every one

  bool MayActFor(std::string_view tenant) const noexcept;
};

// Threads: any. A check of a password takes as long as its hash wants (yescrypt: some 10 ms of CPU,
// 16 MiB): one at a time is made, and what came of it is remembered for a while, so that a client
// that shows the same with each request costs one.
class Credentials {
 public:
  // Told of a file that was read anew, and of one that can't be, with one sentence. Any thread.
  using Observer = std::function<void(const std::string& sentence)>;

  // Reads the file, and again when it changes: it is looked at once per `reload_interval`, by a
  // check. A changed file that is wrong is told of, and the old one holds on.
  // Errors: kIo; kInvalidArgument, "auth file PATH line 3: …".
  static Result<std::shared_ptr<Credentials>> Open(
      const std::string& path, Observer observer = {},
      std::chrono::milliseconds reload_interval = std::chrono::seconds{1});
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  // Who goes with the value of an Authorization header, "Basic …" or "Bearer …"; nullopt for what
  // is not known.
  std::optional<Credential> Check(std::string_view authorization);

  // Reads the file now. Errors as Open(); the old one holds on then.
  Status Reload();

 private:
  struct Impl;
  explicit Credentials(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The hash of a password for a line of the file: yescrypt with a fresh salt. Errors: kIo,
// kInvalidArgument (a password with a NUL, or longer than crypt(3) takes).
Result<std::string> HashPassword(const std::string& password);
// 256 random bits in base64 without padding, and their hash for a line of the file.
Result<std::string> MakeToken();
std::string HashToken(std::string_view token);

}  // namespace tracestore::net
