#include "net/credentials.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "net/authentication.h"
#include "net/authorization.h"

namespace tracestore::net {
namespace {

std::string Basic(const std::string& name, const std::string& password) {
  const std::string plain = name + ":" + password;
  std::string text((plain.size() + 2) / 3 * 4 + 1, '\0');
  text.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(plain.data()),
                      static_cast<int>(plain.size()))));
  return "Basic " + text;
}

// crypt(3) of "secret": sha512crypt with few rounds.
constexpr const char* kSecret =
    "$6$rounds=1000$abcdefgh$nhYjN017qxiYztzyUpZtPnUQcnLy62KsunSL"
    "HNeLahp2EHPlAKmFFlrjEwSXGo2kgY5hR2.peKEg2VGUqIJJu1";

class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "credentials-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ + "/users";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }
  std::shared_ptr<Credentials> Open(const std::string& text) {
    Write(text);
    auto opened = Credentials::Open(
        path_, [this](const std::string& sentence) { told_.push_back(sentence); },
        std::chrono::milliseconds{0});
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return opened.has_value() ? *opened : nullptr;
  }
  // "": not known.
  static std::string NameOf(Credentials& credentials, const std::string& shown) {
    const auto who = credentials.Check(shown);
    return who ? who->name : "";
  }
  std::string Refusal(const std::string& text) {
    Write(text);
    const auto opened = Credentials::Open(path_);
    return opened.has_value() ? "" : opened.error().message();
  }

  std::string folder_;
  std::string path_;
  std::vector<std::string> told_;
};

TEST_F(CredentialsTest, KnowsPasswordsAndTokens) {
  const auto hash = HashPassword("correct horse");
  ASSERT_TRUE(hash.has_value());
  EXPECT_TRUE(hash->starts_with("$y$"));
  const auto token = MakeToken();
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->size(), 43u);
  const auto credentials = Open("# who may ask\n\nann:" + *hash + "\r\nbearer ci " +
                                HashToken(*token) + "\n");
  ASSERT_NE(credentials, nullptr);
  EXPECT_EQ(NameOf(*credentials, Basic("ann", "correct horse")), "ann");
  EXPECT_EQ(NameOf(*credentials, Basic("ann", "correct horse")), "ann");  // remembered
  EXPECT_EQ(NameOf(*credentials, "Bearer " + *token), "ci");
  EXPECT_EQ(NameOf(*credentials, "bearer " + *token), "ci");
  for (const std::string& wrong :
       {Basic("ann", "wrong"), Basic("ann", ""), Basic("bob", "correct horse"),
        std::string("Bearer "), "Bearer " + *token + "x", std::string("Basic"),
        std::string("Basic !!!!"), std::string("Basic YW5u"), std::string(""), *token,
        "Digest " + *token, "Bearer " + std::string(10'000, 'x')}) {
    EXPECT_FALSE(credentials->Check(wrong).has_value()) << wrong;
  }
}

TEST_F(CredentialsTest, TakesOtherToolsHashes) {
  const auto credentials = Open(std::string("ann:") + kSecret + "\n");
  ASSERT_NE(credentials, nullptr);
  EXPECT_EQ(NameOf(*credentials, Basic("ann", "secret")), "ann");
  EXPECT_FALSE(credentials->Check(Basic("ann", "Secret")).has_value());
}

TEST_F(CredentialsTest, HashesWithFreshSalts) {
  EXPECT_NE(*HashPassword("x"), *HashPassword("x"));
  EXPECT_FALSE(HashPassword(std::string("a\0b", 3)).has_value());
  EXPECT_FALSE(HashPassword(std::string(600, 'a')).has_value());
}

TEST_F(CredentialsTest, AChangedFileIsReadAnew) {
  const auto credentials = Open("bearer a " + HashToken("one") + "\n");
  EXPECT_TRUE(credentials->Check("Bearer one").has_value());
  Write("bearer b " + HashToken("second") + "\n");
  EXPECT_FALSE(credentials->Check("Bearer one").has_value());
  EXPECT_EQ(NameOf(*credentials, "Bearer second"), "b");
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0], "auth file " + path_ + " was read anew");
}

TEST_F(CredentialsTest, AWrongFileLeavesTheOldOne) {
  const auto credentials = Open("bearer a " + HashToken("one") + "\n");
  Write("bearer b\n");
  EXPECT_EQ(NameOf(*credentials, "Bearer one"), "a");
  EXPECT_EQ(NameOf(*credentials, "Bearer one"), "a");
  ASSERT_EQ(told_.size(), 1u);  // once
  EXPECT_EQ(told_[0], "auth file " + path_ + " line 1: a token's line is: bearer NAME SHA256 "
                      "[tenants=A,B]; the "
                      "old credentials hold on");
  std::filesystem::remove(path_);
  EXPECT_EQ(NameOf(*credentials, "Bearer one"), "a");
  EXPECT_FALSE(credentials->Reload().has_value());
}

TEST_F(CredentialsTest, RefusesWrongFiles) {
  const std::string at = "auth file " + path_ + " line 2: ";
  EXPECT_EQ(Refusal("# x\nann\n"), at + "it is neither NAME:HASH nor bearer NAME SHA256");
  EXPECT_EQ(Refusal("\nann:plain\n"),
            at + "the hash of ann is none of crypt(3)'s ($y$, $2b$, $6$, $5$); "
                 "`tracestore credential ann` makes one");
  EXPECT_EQ(Refusal("\nbearer ci abc\n"),
            at + "the hash of token ci is not 64 lower-case hexadecimal digits");
  const std::string line = std::string("ann:") + kSecret + "\n";
  EXPECT_EQ(Refusal(line + line), at + "ann stands here twice");
  EXPECT_NE(Refusal(std::string(5 << 20, '#')).find("longer than 4194304 bytes"),
            std::string::npos);
  EXPECT_EQ(Credentials::Open(folder_ + "/none").error().message(),
            "cannot read auth file " + folder_ + "/none: No such file or directory");
}

TEST_F(CredentialsTest, MayBeBoundToTenants) {
  const auto credentials =
      Open(std::string("ann:") + kSecret + " tenants=shop,pay\nbob:" + kSecret + "\nbearer ci " +
           HashToken("t") + "  tenants=shop\r\n");
  ASSERT_NE(credentials, nullptr);
  const auto ann = credentials->Check(Basic("ann", "secret"));
  ASSERT_TRUE(ann.has_value());
  EXPECT_TRUE(ann->MayActFor("shop") && ann->MayActFor("pay"));
  EXPECT_FALSE(ann->MayActFor("bank") || ann->MayActFor("") || ann->MayActFor("shop,pay"));
  EXPECT_TRUE(credentials->Check(Basic("bob", "secret"))->MayActFor("bank"));
  const auto ci = credentials->Check("Bearer t");
  ASSERT_TRUE(ci.has_value());
  EXPECT_TRUE(ci->MayActFor("shop"));
  EXPECT_FALSE(ci->MayActFor("pay"));
  // What is remembered knows it, too.
  EXPECT_FALSE(credentials->Check(Basic("ann", "secret"))->MayActFor("bank"));
  const std::string names =
      "line 1: what stands behind tenants= are no names of tenants, with commas";
  for (const char* wrong : {"", ",", "shop,", ",shop", "a/b", "shop pay", ".."}) {
    EXPECT_EQ(Refusal("bearer ci " + HashToken("t") + " tenants=" + wrong + "\n"),
              "auth file " + path_ + " " + names)
        << wrong;
  }
}

TEST_F(CredentialsTest, ManyMayAskAtOnce) {
  const auto hash = HashPassword("x");
  const auto credentials = Open("ann:" + *hash + "\nbearer ci " + HashToken("t") + "\n");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 200; ++n) {
        EXPECT_EQ(NameOf(*credentials, Basic("ann", "x")), "ann");
        EXPECT_EQ(NameOf(*credentials, "Bearer t"), "ci");
        if (i == 0 && n % 50 == 0) {
          EXPECT_TRUE(credentials->Reload().has_value());
        }
      }
    });
  }
}

TEST_F(CredentialsTest, ClientsShowWhatTheirFileHas) {
  Write("token-1\n");
  const auto bearer = AuthorizationFile::Open(AuthorizationScheme::kBearer, path_);
  ASSERT_TRUE(bearer.has_value());
  EXPECT_EQ((*bearer)->Value(), "Bearer token-1");
  EXPECT_EQ(AuthorizationFile::Open(AuthorizationScheme::kBasic, path_).error().message(),
            "auth file " + path_ + " is not NAME:PASSWORD");
  Write("ann:secret \r\n");
  const auto basic = AuthorizationFile::Open(AuthorizationScheme::kBasic, path_);
  ASSERT_TRUE(basic.has_value());
  EXPECT_EQ((*basic)->Value(), Basic("ann", "secret"));
  Write(" \n");
  EXPECT_EQ(AuthorizationFile::Open(AuthorizationScheme::kBasic, path_).error().message(),
            "auth file " + path_ + " is empty");
  EXPECT_EQ((*basic)->Value(), Basic("ann", "secret"));
  Write("a\nb");
  EXPECT_EQ(AuthorizationFile::Open(AuthorizationScheme::kBearer, path_).error().message(),
            "auth file " + path_ + " has a control character in its secret");
}

TEST_F(CredentialsTest, NobodyNamesATenantWhoIsNotTheirs) {
  const auto credentials = Open("bearer ci " + HashToken("t") + " tenants=shop\n");
  const AuthenticationOptions options{credentials, "x-tenant", {}};
  const HttpGate gate = AuthenticationGate(options, {});
  const auto asked = [&gate](const char* tenant) {
    HttpRequest request;
    request.method = "GET";
    request.headers.emplace_back("Authorization", "Bearer t");
    if (tenant != nullptr) request.headers.emplace_back("X-Tenant", tenant);
    const auto refusal = gate(request);
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(asked("shop"), 200);
  EXPECT_EQ(asked("pay"), 403);
  EXPECT_EQ(asked(nullptr), 200);  // the tenants' gate refuses it where there are any
  const RawGrpcServices methods = WithAuthentication(
      options, {{"/x.Y/Z", [](const RawRequest&) { return RawReply::Ok("in"); }}});
  const auto called = [&methods](std::string_view tenant) {
    RawRequest call;
    call.metadata = [tenant](std::string_view key) -> std::optional<std::string_view> {
      if (key == "authorization") return "Bearer t";
      return key == "x-tenant" ? tenant : std::optional<std::string_view>();
    };
    return methods.at("/x.Y/Z")(call).code;
  };
  EXPECT_EQ(called("shop"), GrpcCode::kOk);
  EXPECT_EQ(called("pay"), GrpcCode::kPermissionDenied);
}

TEST_F(CredentialsTest, WhoIsBoundToTenantsMayNotAskForWhatIsOfNone) {
  const auto credentials = Open("bearer ci " + HashToken("t") + " tenants=shop\nbearer all " +
                                HashToken("u") + "\n");
  AuthenticationOptions options;
  options.credentials = credentials;
  const auto status = [&](const char* token) {
    HttpRequest request;
    request.method = "GET";
    request.headers.emplace_back("Authorization", token);
    const auto refusal = AuthenticationGate(options, nullptr)(request);
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(status("Bearer t"), 200);
  options.of_no_tenant = true;
  EXPECT_EQ(status("Bearer t"), 403);
  EXPECT_EQ(status("Bearer u"), 200);
}

TEST_F(CredentialsTest, WhatNamesNobodyMayBeTheDefaultTenants) {
  AuthenticationOptions options;
  options.credentials = Open("bearer ci " + HashToken("t") + " tenants=shop\n");
  options.tenant_header = "x-tenant";
  options.default_tenant = "own";
  options.of_default = [](std::string_view path) { return path == "/sampling"; };
  const auto status = [&](const std::string& path, const std::string& tenant) {
    HttpRequest request;
    request.method = "GET";
    EXPECT_TRUE(request.SetTarget(path).has_value());
    request.headers.emplace_back("Authorization", "Bearer t");
    if (!tenant.empty()) request.headers.emplace_back("X-Tenant", tenant);
    const auto refusal = AuthenticationGate(options, nullptr)(request);
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(status("/sampling", ""), 403);
  EXPECT_EQ(status("/sampling", "shop"), 200);
  EXPECT_EQ(status("/sampling", "own"), 403);
  EXPECT_EQ(status("/other", ""), 200);
}

TEST_F(CredentialsTest, HandlersAskFirst) {
  const auto credentials = Open("bearer ci " + HashToken("t") + "\n");
  int refused = 0;
  const AuthenticationOptions options{credentials, "x-tenant", [&refused] { ++refused; }};
  const HttpGate gate =
      AuthenticationGate(options, [](int status, const std::string& message) {
        return HttpResponse::Json(status, "\"" + message + "\"");
      });
  const auto handler = [&gate](HttpRequest& asked) {
    auto refusal = gate(asked);
    return refusal ? std::move(*refusal) : HttpResponse::Text(200, "in");
  };
  HttpRequest request;
  request.method = "GET";
  HttpResponse response = handler(request);
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.body, "\"authentication is required\"");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].first, "WWW-Authenticate");
  request.headers.emplace_back("Authorization", "Bearer other");
  EXPECT_EQ(handler(request).body, "\"the credentials are not known\"");
  EXPECT_EQ(refused, 2);
  request.headers[0].second = "Bearer t";
  EXPECT_EQ(handler(request).body, "in");
  request.headers.clear();
  request.method = "OPTIONS";
  EXPECT_EQ(handler(request).status, 401);

  const RawGrpcServices methods = WithAuthentication(
      options, {{"/x.Y/Z", [](const RawRequest&) { return RawReply::Ok("in"); }}});
  std::optional<std::string_view> shown;
  RawRequest call;
  call.metadata = [&shown](std::string_view key) {
    return key == "authorization" ? shown : std::nullopt;
  };
  EXPECT_EQ(methods.at("/x.Y/Z")(call).code, GrpcCode::kUnauthenticated);
  shown = "Bearer t";
  EXPECT_EQ(methods.at("/x.Y/Z")(call).bytes, "in");
}

}  // namespace
}  // namespace tracestore::net
