#include "net/testing/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace tracestore::net {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

template <typename T>
T Must(T made) {
  if (!made) throw std::runtime_error("OpenSSL makes no test certificate");
  return made;
}

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Bio Over(const std::string& text) {
  return Must(Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

void Extend(X509* certificate, int kind, const std::string& value) {
  std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  Must(extension.get());
  X509_add_ext(certificate, extension.get(), -1);
}

void ExtendByNames(X509* certificate, const TestCertificateOptions& options) {
  const std::string sound = "DNS:" + options.name + ",IP:127.0.0.1";
  if (options.address_bytes == 0) return Extend(certificate, NID_subject_alt_name, sound);
  // OpenSSL's own words know only addresses of 4 and of 16 bytes.
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> made(
      Must(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, sound.c_str())));
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(
      Must(static_cast<GENERAL_NAMES*>(X509V3_EXT_d2i(made.get()))));
  const std::string bytes(static_cast<std::size_t>(options.address_bytes), '\x0a');
  ASN1_OCTET_STRING* const address = Must(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(address, reinterpret_cast<const unsigned char*>(bytes.data()),
                        options.address_bytes);
  GENERAL_NAME* const name = Must(GENERAL_NAME_new());
  GENERAL_NAME_set0_value(name, GEN_IPADD, address);
  sk_GENERAL_NAME_push(names.get(), name);
  X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0);
}

}  // namespace

TestIdentity MakeTestCertificate(const TestCertificateOptions& options,
                                 const TestIdentity* issuer) {
  const Key key(Must(EVP_EC_gen("P-256")));
  const Certificate made(Must(X509_new()));
  X509* const certificate = made.get();
  X509_set_version(certificate, 2);
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial | 1u);
  X509_gmtime_adj(X509_getm_notBefore(certificate), options.begins_in_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.ends_in_seconds);
  X509_set_pubkey(certificate, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.name.c_str()), -1, -1,
                             0);
  Extend(certificate, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!options.authority) {
    ExtendByNames(certificate, options);
  }
  Key signer;
  if (issuer != nullptr) {
    const Bio key_bio = Over(issuer->key);
    const Bio cert_bio = Over(issuer->certificate);
    signer.reset(Must(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr)));
    const Certificate authority(Must(PEM_read_bio_X509(cert_bio.get(), nullptr, nullptr, nullptr)));
    X509_set_issuer_name(certificate, X509_get_subject_name(authority.get()));
  } else {
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  }
  Must(X509_sign(certificate, signer ? signer.get() : key.get(), EVP_sha256()));
  const Bio cert_out(Must(BIO_new(BIO_s_mem())));
  const Bio key_out(Must(BIO_new(BIO_s_mem())));
  PEM_write_bio_X509(cert_out.get(), certificate);
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {Text(cert_out.get()), Text(key_out.get())};
}

TestCertificates::TestCertificates() {
  std::string name = (std::filesystem::temp_directory_path() / "tracestore-tls-XXXXXX").string();
  directory_ = Must(mkdtemp(name.data()));
  TestCertificateOptions authority;
  authority.authority = true;
  authority.name = "Test CA";
  ca_ = MakeTestCertificate(authority, nullptr);
  authority.name = "Other CA";
  const TestIdentity other = MakeTestCertificate(authority, nullptr);
  const TestIdentity server = NewServer("localhost");
  const TestIdentity client = NewServer("client");
  const TestIdentity stranger = MakeTestCertificate({}, &other);
  Write("ca.crt", ca_.certificate);
  Write("other-ca.crt", other.certificate);
  Write("server.crt", server.certificate);
  Write("server.key", server.key);
  Write("client.crt", client.certificate);
  Write("client.key", client.key);
  Write("stranger.crt", stranger.certificate);
  Write("stranger.key", stranger.key);
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

TlsServerOptions TestCertificates::Server() const {
  TlsServerOptions options;
  options.enabled = true;
  options.cert_file = Path("server.crt");
  options.key_file = Path("server.key");
  return options;
}

TlsClientOptions TestCertificates::Client() const {
  TlsClientOptions options;
  options.enabled = true;
  options.ca_file = Path("ca.crt");
  return options;
}

void TestCertificates::Write(const std::string& name, const std::string& text) const {
  const std::string beside = Path(name + ".new");
  std::ofstream(beside, std::ios::binary) << text;
  std::filesystem::rename(beside, Path(name));
}

TestIdentity TestCertificates::NewServer(const std::string& name) const {
  TestCertificateOptions options;
  options.name = name;
  return NewServer(options);
}

TestIdentity TestCertificates::NewServer(const TestCertificateOptions& options) const {
  return MakeTestCertificate(options, &ca_);
}

}  // namespace tracestore::net
