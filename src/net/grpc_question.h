// GrpcQuestion: a call of this process that fails at once. That it has failed is told at the end of
// the queue that all callbacks of gRPC in the process come through, calls of servers among them.
// Private to the gRPC server.
#pragma once
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <memory>

#include "net/calls_in_flight.h"

namespace tracestore::net {

// One thread asks. Destroying it waits for what was asked, and must not be done on a thread of
// gRPC's.
class GrpcQuestion {
 public:
  GrpcQuestion();
  ~GrpcQuestion();
  GrpcQuestion(const GrpcQuestion&) = delete;
  GrpcQuestion& operator=(const GrpcQuestion&) = delete;

  void Ask(std::shared_ptr<std::atomic<bool>> answered);

 private:
  struct Call;

  grpc::GenericStub stub_;
  CallsInFlight asked_;
};

}  // namespace tracestore::net
