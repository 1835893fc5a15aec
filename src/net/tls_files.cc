#include "net/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>
#include <utility>

#include "base/try.h"

namespace tracestore::net {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;  // a bundle of all public CAs: 0.2 MiB

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using KeyStore = std::unique_ptr<PKCS12, Freed<PKCS12_free>>;
using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

void FreeAll(STACK_OF(X509) * certificates) { sk_X509_pop_free(certificates, X509_free); }
using Certificates = std::unique_ptr<STACK_OF(X509), Freed<FreeAll>>;

Error Bad(const char* what, const std::string& path, const std::string& why) {
  ERR_clear_error();
  return {ErrorCode::kInvalidArgument, std::string("TLS ") + what + " file " + path + ": " + why};
}

Result<std::string> ReadWhole(const char* what, const std::string& path) {
  const auto failed = [&](int error) {
    return Error{ErrorCode::kIo, std::string("TLS ") + what + " file " + path + ": " +
                                     std::generic_category().message(error)};
  };
  const File file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return failed(errno);
  std::string bytes;
  char piece[16384];
  while (const std::size_t got = std::fread(piece, 1, sizeof(piece), file.get())) {
    bytes.append(piece, got);
    if (bytes.size() > kMaxFileBytes) return Bad(what, path, "it is larger than 4 MiB");
  }
  if (std::ferror(file.get()) != 0) return failed(errno);
  return bytes;
}

Bio Over(const std::string& bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// Keys with a pass phrase: nobody is there to type it, and OpenSSL would ask the terminal.
int NoPassPhrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string Shown(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown time";
  char text[32];
  const std::size_t size = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text, size};
}

Status CheckTimes(const X509* certificate, const char* what, const std::string& path) {
  const ASN1_TIME* until = X509_get0_notAfter(certificate);
  const ASN1_TIME* from = X509_get0_notBefore(certificate);
  if (X509_cmp_current_time(until) < 0) {
    return Bad(what, path, "the certificate expired on " + Shown(until));
  }
  if (X509_cmp_current_time(from) > 0) {
    return Bad(what, path, "the certificate is not valid before " + Shown(from));
  }
  return {};
}

bool IsText(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  OPENSSL_free(utf8);
  return size >= 0;
}

// What is wrong with it; "" for nothing.
std::string Unreadable(const GENERAL_NAME* name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(name, &type);
  const auto* text = static_cast<const ASN1_STRING*>(value);
  if (type == GEN_IPADD) {
    const int bytes = ASN1_STRING_length(text);
    if (bytes != 4 && bytes != 16)
      return "an IP address of " + std::to_string(bytes) + " bytes";
  } else if ((type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI) && !IsText(text)) {
    return "an alternative name that is no text";
  }
  return "";
}

// As gRPC looks: the first common name, then the alternative names.
std::string Unreadable(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0 && !IsText(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))))
    return "a common name that is no text";
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (auto what = Unreadable(sk_GENERAL_NAME_value(names.get(), i)); !what.empty()) return what;
  }
  return "";
}

// What OpenSSL does by itself, but for the names.
int VerifyReadable(X509_STORE_CTX* asked, void* /*argument*/) {
  const X509* peer = X509_STORE_CTX_get0_cert(asked);
  if (peer != nullptr && !Unreadable(peer).empty()) {
    ERR_clear_error();
    X509_STORE_CTX_set_error(asked, X509_V_ERR_UNSUPPORTED_NAME_SYNTAX);
    return 0;
  }
  return X509_verify_cert(asked);
}

void WatchContext(void* made, void*, CRYPTO_EX_DATA*, int, long, void*) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(made), VerifyReadable, nullptr);
}

bool WriteAll(BIO* to, const STACK_OF(X509) * certificates) {
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    if (PEM_write_bio_X509(to, sk_X509_value(certificates, i)) != 1) return false;
  }
  return true;
}

std::string TextOf(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace

Status UseIdentity(SSL_CTX* context, const std::string& cert_file, const std::string& key_file) {
  TS_TRY_ASSIGN(const std::string certs, ReadWhole("certificate", cert_file));
  TS_TRY_ASSIGN(const std::string keys, ReadWhole("key", key_file));
  const Bio cert_bio = Over(certs);
  const Certificate own(PEM_read_bio_X509(cert_bio.get(), nullptr, nullptr, nullptr));
  if (own == nullptr) return Bad("certificate", cert_file, "there is no PEM certificate in it");
  TS_TRY(CheckTimes(own.get(), "certificate", cert_file));
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Bad("certificate", cert_file, "OpenSSL refuses the certificate as too weak or damaged");
  }
  while (X509* next = PEM_read_bio_X509(cert_bio.get(), nullptr, nullptr, nullptr)) {
    const Certificate owned(next);
    if (SSL_CTX_add1_chain_cert(context, next) != 1) {
      return Bad("certificate", cert_file, "a certificate of its chain can't be used");
    }
  }
  ERR_clear_error();  // the end of the file is an error to OpenSSL

  bool asked = false;
  const Bio key_bio = Over(keys);
  const Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, NoPassPhrase, &asked));
  if (key == nullptr && asked) {
    return Bad("key", key_file, "the key has a pass phrase; store it without one");
  }
  if (key == nullptr) return Bad("key", key_file, "there is no PEM private key in it");
  if (X509_check_private_key(own.get(), key.get()) != 1) {
    return Bad("key", key_file, "it is not the key of the certificate in " + cert_file);
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Bad("key", key_file, "OpenSSL refuses the key");
  }
  return {};
}

Status UseKeyStore(SSL_CTX* context, const std::string& file, const std::string& password) {
  constexpr const char* kWhat = "key store";
  TS_TRY_ASSIGN(const std::string bytes, ReadWhole(kWhat, file));
  const Bio bio = Over(bytes);
  const KeyStore store(d2i_PKCS12_bio(bio.get(), nullptr));
  if (store == nullptr) return Bad(kWhat, file, "it is no PKCS 12 key store");
  if (PKCS12_mac_present(store.get()) == 1 &&
      PKCS12_verify_mac(store.get(), password.c_str(), static_cast<int>(password.size())) != 1) {
    return Bad(kWhat, file, "its password is another, or it is damaged");
  }
  EVP_PKEY* key_read = nullptr;
  X509* own_read = nullptr;
  STACK_OF(X509)* others_read = nullptr;
  const bool parsed =
      PKCS12_parse(store.get(), password.c_str(), &key_read, &own_read, &others_read) == 1;
  const Key key(key_read);
  const Certificate own(own_read);
  const Certificates others(others_read);
  if (!parsed) {
    return Bad(kWhat, file,
               "OpenSSL can't decrypt what is in it; store it with AES (keytool of Java 17 does)");
  }
  if (key == nullptr || own == nullptr)
    return Bad(kWhat, file, "there is no certificate with its key in it");
  TS_TRY(CheckTimes(own.get(), kWhat, file));
  if (SSL_CTX_use_certificate(context, own.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Bad(kWhat, file, "OpenSSL refuses the certificate as too weak or damaged");
  }
  for (int i = 0; i < sk_X509_num(others.get()); ++i) {
    if (SSL_CTX_add1_chain_cert(context, sk_X509_value(others.get(), i)) != 1)
      return Bad(kWhat, file, "a certificate of its chain can't be used");
  }
  ERR_clear_error();
  return {};
}

Status UseAuthorities(SSL_CTX* context, const std::string& file, const char* what, bool name_them) {
  TS_TRY_ASSIGN(const std::string bytes, ReadWhole(what, file));
  const Bio bio = Over(bytes);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  std::size_t count = 0;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    const Certificate owned(next);
    if (X509_STORE_add_cert(store, next) != 1)
      return Bad(what, file, "a certificate can't be used");
    if (name_them && SSL_CTX_add_client_CA(context, next) != 1) {
      return Bad(what, file, "a certificate can't be used");
    }
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return Bad(what, file, "there is no PEM certificate in it");
  return {};
}

Status CheckNamesForGrpc(SSL_CTX* context, const std::string& cert_file) {
  const std::string what = Unreadable(SSL_CTX_get0_certificate(context));
  ERR_clear_error();
  if (what.empty()) return {};
  return Error{ErrorCode::kUnsupported,
               "TLS certificate file " + cert_file + ": gRPC can't read " + what +
                   " in it, which OpenSSL takes: have it issued anew without"};
}

void RefusePeersThatGrpcCannotRead() {
  static const int once = SSL_CTX_get_ex_new_index(0, nullptr, WatchContext, nullptr, nullptr);
  (void)once;
}

Result<PemFiles> ToPem(SSL_CTX* context) {
  const Bio certificates(BIO_new(BIO_s_mem()));
  const Bio key(BIO_new(BIO_s_secmem()));
  const Bio authorities(BIO_new(BIO_s_mem()));
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  const Certificates trusted(X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(context)));
  const bool written =
      certificates != nullptr && key != nullptr && authorities != nullptr && trusted != nullptr &&
      PEM_write_bio_X509(certificates.get(), SSL_CTX_get0_certificate(context)) == 1 &&
      WriteAll(certificates.get(), chain) &&
      PEM_write_bio_PrivateKey(key.get(), SSL_CTX_get0_privatekey(context), nullptr, nullptr, 0,
                               nullptr, nullptr) == 1 &&
      WriteAll(authorities.get(), trusted.get());
  if (!written) {
    ERR_clear_error();
    return Error{ErrorCode::kIo, "OpenSSL can't write TLS certificates: it has no memory"};
  }
  return PemFiles{TextOf(certificates.get()), TextOf(key.get()), TextOf(authorities.get())};
}

}  // namespace tracestore::net
