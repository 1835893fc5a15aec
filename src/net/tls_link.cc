#include "net/tls_link.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

namespace tracestore::net {
namespace {

TlsLink& LinkOf(BIO* bio) { return *static_cast<TlsLink*>(BIO_get_data(bio)); }

int ReadBio(BIO* bio, char* into, int size) {
  TlsLink& link = LinkOf(bio);
  BIO_clear_retry_flags(bio);
  if (link.client_ended || link.broken) return 0;
  ssize_t got = -1;
  if (link.client_has) {
    do got = recv(link.client.get(), into, static_cast<std::size_t>(size), MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
  }
  if (got > 0) return static_cast<int>(got);
  if (got == 0) {
    link.client_ended = true;
    return 0;
  }
  if (link.client_has && errno != EAGAIN) {
    link.broken = true;
    return 0;
  }
  link.client_has = false;
  BIO_set_retry_read(bio);
  return -1;
}

int WriteBio(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  try {
    LinkOf(bio).answers->append(from, static_cast<std::size_t>(size));
  } catch (const std::exception&) {
    return -1;
  }
  return size;
}

long ControlBio(BIO* bio, int what, long, void*) {
  if (what == BIO_CTRL_FLUSH) return 1;
  return what == BIO_CTRL_EOF && LinkOf(bio).client_ended ? 1 : 0;
}

int CreateBio(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// OpenSSL's own for sockets raises SIGPIPE.
BIO_METHOD* Method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "carrier");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(made, ReadBio);
    BIO_meth_set_write(made, WriteBio);
    BIO_meth_set_ctrl(made, ControlBio);
    BIO_meth_set_create(made, CreateBio);
    return made;
  }();
  return method;
}

}  // namespace

bool TlsLink::Connect() {
  BIO* const bio = BIO_new(Method());
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  SSL_set_bio(ssl.get(), bio, bio);
  return true;
}

bool SendSome(int fd, std::string_view& bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool SendKept(int fd, std::string& kept) {
  std::string_view left = kept;
  if (!SendSome(fd, left)) return false;
  if (left.empty())
    std::string().swap(kept);
  else
    kept.erase(0, kept.size() - left.size());
  return true;
}

}  // namespace tracestore::net
