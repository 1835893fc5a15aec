// What Jaeger's gRPC services share: a moment of the store that ends with the call, failures as
// gRPC's statuses, the messages that both generations have.
#pragma once
#include <tracestore/query.h>
#include <tracestore/store.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "codec/jaeger/query_requests.h"
#include "net/grpc_server.h"
#include "server/jaeger/query_source.h"
#include "server/jaeger/trace_messages.h"

namespace tracestore::server {

// True once a call has ended: what the store's work for it stops by.
class CallEnd {
 public:
  explicit CallEnd(std::stop_token stop) : on_stop_(std::move(stop), Set{&ended_}) {}
  const std::atomic<bool>* flag() const noexcept { return &ended_; }

 private:
  struct Set {
    std::atomic<bool>* ended;
    void operator()() const noexcept { *ended = true; }
  };
  std::atomic<bool> ended_{false};
  std::stop_callback<Set> on_stop_;  // last: it uses the flag
};

// A failure of the store, "what: why": DEADLINE_EXCEEDED where it gave up, INTERNAL where it broke.
// What is wrong with a request is INVALID_ARGUMENT in its own words.
net::RawReply GrpcFailure(const Error& error, std::string_view what);
net::RawReply BadGrpcRequest(std::string message);

net::RawReply NoSuchTrace();  // NOT_FOUND
net::RawReply NoMessages();   // a stream that ends well at once

// The messages of one trace, from the archive where the store hasn't got it; NoSuchTrace() where
// neither has. `what` as in GrpcFailure.
using EncodeTrace = void (*)(const ShownTrace& trace, std::size_t first, std::size_t count,
                             bool raw, std::string& out);
net::RawReply StreamTrace(std::shared_ptr<const JaegerQuerySource> source,
                          const net::RawRequest& request, TraceId id, bool raw, EncodeTrace encode,
                          std::string_view what);

// The same of several, one after the other; those that nobody has are passed over.
net::RawReply StreamTraces(std::shared_ptr<const JaegerQuerySource> source,
                           const net::RawRequest& request, std::vector<TraceId> ids, bool raw,
                           EncodeTrace encode, std::string_view what);

// The ids of what `query` finds. The query's deadline and flag are set here.
Result<std::vector<TraceId>> FoundIds(const JaegerQuerySource& source,
                                      const net::RawRequest& request, Query query);

// The messages of what `query` finds. Nothing found: none. The query's deadline and flag are set
// here.
net::RawReply StreamFound(const JaegerQuerySource& source, const net::RawRequest& request,
                          Query query, bool raw, EncodeTrace encode, std::string_view what);

// A SpansResponseChunk of api_v2 and storage.v1.
void EncodeJaegerChunk(const ShownTrace& trace, std::size_t first, std::size_t count, bool raw,
                       std::string& out);
// A TracesData of OTLP.
void EncodeTracesData(const ShownTrace& trace, std::size_t first, std::size_t count, bool raw,
                      std::string& out);

// Big-endian; absent is zeros. Of longer ids the first bytes count, as everywhere in Jaeger's
// protobuf. Errors: kInvalidArgument, shorter.
Result<TraceId> BinaryTraceId(std::string_view bytes);

std::string TraceIdBytes(TraceId id);

// What the conditions of a search come to, but for its limit. False: nothing can match.
bool ToQuery(const codec::JaegerFindTraces& find, Query& query);

// The legacy conditions that a request has beside its filter, separated by blanks.
std::string BesideFilter(const codec::JaegerFindTraces& find, bool has_attributes);

// A GetServicesResponse of all.
net::RawReply GrpcServices(const JaegerQuerySource& source, const net::RawRequest& request);
// A GetOperationsResponse: of api_v2 and storage.v1, with their list of names, or of storage.v2.
net::RawReply GrpcOperations(const JaegerQuerySource& source, const net::RawRequest& request,
                             bool with_names = true);
// A GetDependenciesResponse of api_v2, which is a DependenciesResponse of api_v3: both ends count.
net::RawReply GrpcDependencies(const JaegerQuerySource& source, const net::RawRequest& request,
                               std::uint64_t start_ns, std::uint64_t end_ns);

// Tells the source's observer of each call, with gRPC's code: of a stream at its first message.
net::RawHandler Observed(std::shared_ptr<const JaegerQuerySource> source, std::string route,
                         net::RawHandler handler);

}  // namespace tracestore::server
