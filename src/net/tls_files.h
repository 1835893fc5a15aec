// Certificates, keys and CAs from PEM files, with a sentence for each thing that can be wrong with
// them. Private to this room: it shows OpenSSL's types.
#pragma once
#include <openssl/ssl.h>
#include <tracestore/status.h>

#include <string>

namespace tracestore::net {

// Puts the certificate with its chain, and the key, into `context`. Errors as in tls_context.h.
Status UseIdentity(SSL_CTX* context, const std::string& cert_file, const std::string& key_file);

// The same from a PKCS 12 key store.
Status UseKeyStore(SSL_CTX* context, const std::string& file, const std::string& password);

// Trusts the CAs of `file`; with `name_them` a server also tells clients which they are. `what` is
// "client CA" or "CA", for errors.
Status UseAuthorities(SSL_CTX* context, const std::string& file, const char* what, bool name_them);

// Whether gRPC 1.51 can read the names of the certificate in `context`, which came from `cert_file`:
// it ends the process over some that OpenSSL takes. Errors: kUnsupported, which name, and the way out.
Status CheckNamesForGrpc(SSL_CTX* context, const std::string& cert_file);

// From the first call on every handshake of the process refuses a peer whose certificate has such
// names. gRPC makes contexts of its own and looks for names before anybody is asked whether the peer
// is to be trusted: OpenSSL tells of each context that is made. What verifies it by a callback of its
// own (SSL_CTX_set_cert_verify_callback) keeps that. Any thread.
void RefusePeersThatGrpcCannotRead();

// What these two put into a context, as PEM again: for gRPC, which makes contexts of its own.
struct PemFiles {
  std::string certificates;  // its own, then its chain
  std::string key;
  std::string authorities;  // of clients; empty: none
};
// Errors: kIo, OpenSSL writes no PEM (it has no memory).
Result<PemFiles> ToPem(SSL_CTX* context);

}  // namespace tracestore::net
