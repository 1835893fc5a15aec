// credential: a line for the file of who may speak to a service.
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "exit_codes.h"
#include "net/credentials.h"
#include "net/tenancy.h"
#include "terminal.h"

namespace tracestore::tools {
namespace {

// Turns off, while it lives, what a terminal shows of what is typed.
class Unseen {
 public:
  Unseen() : on_(isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!on_) return;
    termios unseen = before_;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
  }
  ~Unseen() {
    if (!on_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

  bool on() const noexcept { return on_; }

 private:
  termios before_{};
  bool on_;
};

// The first line of standard input; a terminal is asked.
std::string ReadPassword(const std::string& name) {
  const Unseen unseen;
  if (unseen.on()) std::fprintf(stderr, "Password of %s: ", name.c_str());
  std::string password;
  std::getline(std::cin, password);
  if (password.ends_with('\r')) password.pop_back();
  return password;
}

int Print(const std::string& text) {
  const Status status = WriteOut(text);
  return status ? static_cast<int>(kExitOk) : Fail(status.error());
}

int RunToken(const std::string& name, const std::string& tenants) {
  const auto token = net::MakeToken();
  if (!token.has_value()) return Fail(token.error());
  // Elsewhere it is the token's file, as --reporter.bearer-token-file reads it.
  if (StderrIsTerminal()) std::fputs("The token, which is told this once:\n", stderr);
  std::fprintf(stderr, "%s\n", token->c_str());
  return Print("bearer " + name + " " + net::HashToken(*token) + tenants + "\n");
}

// The end of the line; "" for every tenant.
Result<std::string> TenantsOf(const std::vector<std::string>& tenants) {
  std::string out;
  for (const std::string& tenant : tenants) {
    if (!net::IsTenantName(tenant))
      return Error(ErrorCode::kInvalidArgument, "'" + tenant + "' is no tenant's name");
    out += (out.empty() ? " tenants=" : ",") + tenant;
  }
  return out;
}

int Run(const std::string& name, bool bearer, const std::vector<std::string>& named) {
  if (name.empty() || name.front() == '#' || name.find_first_of(": \t\r\n") != std::string::npos ||
      name == "bearer") {
    return Fail(kExitUsage, "a name is not empty, not 'bearer', and has no blank, colon or # in it");
  }
  const auto tenants = TenantsOf(named);
  if (!tenants.has_value()) return Fail(kExitUsage, tenants.error().message());
  if (bearer) return RunToken(name, *tenants);
  const std::string password = ReadPassword(name);
  if (password.empty()) return Fail(kExitUsage, "the password is empty: give it on standard input");
  const auto hash = net::HashPassword(password);
  if (!hash.has_value()) return Fail(hash.error());
  return Print(name + ":" + *hash + *tenants + "\n");
}

}  // namespace

Command DeclareCredential(CLI::App& root) {
  auto* app = root.add_subcommand("credential",
                                  "Make a line for the file of who may speak to a service");
  auto name = std::make_shared<std::string>();
  auto bearer = std::make_shared<bool>(false);
  app->add_option("NAME", *name, "Whose it is")->required()->type_name("");
  app->add_flag("--bearer", *bearer, "Make a token, not a user with a password");
  auto tenants = std::make_shared<std::vector<std::string>>();
  app->add_option("--tenants", *tenants, "Whose requests it may make; without it everybody's")
      ->delimiter(',')
      ->type_name("NAME,…");
  app->footer("The password is read from standard input, never from the command line. A token is\n"
              "made here and told on standard error; its line has only its hash.\n\n"
              "Examples:\n"
              "  tracestore credential ann >> users\n"
              "  tracestore credential --bearer ci 2> token >> users\n"
              "  tracestore credential --tenants shop,pay bob >> users\n"
              "  tracestore all-in-one --auth.file users\n");
  return {app, [name, bearer, tenants] { return Run(*name, *bearer, *tenants); }};
}

}  // namespace tracestore::tools
