// AuthorizationFile: the secret that a client shows, from a file that may change.
#pragma once
#include <tracestore/status.h>

#include <memory>
#include <string>

namespace tracestore::net {

enum class AuthorizationScheme : unsigned char {
  kBearer,  // the file has a token
  kBasic,   // the file has NAME:PASSWORD
};

// Threads: any. The file is looked at again once a second, when a value is asked for; while it
// can't be read the old secret is shown.
class AuthorizationFile {
 public:
  // Blanks and line breaks at its end don't count. Errors: kIo; kInvalidArgument, a file without a
  // secret, or one with a control character in it.
  static Result<std::shared_ptr<AuthorizationFile>> Open(AuthorizationScheme scheme,
                                                         const std::string& path);
  ~AuthorizationFile();
  AuthorizationFile(const AuthorizationFile&) = delete;
  AuthorizationFile& operator=(const AuthorizationFile&) = delete;

  // The value of an Authorization header: "Bearer …", "Basic …".
  std::string Value();

 private:
  struct Impl;
  explicit AuthorizationFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
