#include "server/reflection/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api_v2/query.pb.h"
#include "api_v3/query_service.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "storage/v1/storage.pb.h"
#include "storage/v2/capabilities.pb.h"
#include "storage/v2/dependency_storage.pb.h"
#include "storage/v2/trace_storage.pb.h"
#include "tracestore/storage/v1/admin.pb.h"

namespace tracestore::server {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using net::GrpcCode;
using net::RawReply;

constexpr std::string_view kMethods[] = {
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};

// That of the generated classes. Naming one of each file links it in.
const DescriptorPool& Pool() {
  static const std::vector<const google::protobuf::Descriptor*> kLinked = {
      jaeger::api_v2::GetTraceRequest::descriptor(), jaeger::api_v3::GetTraceRequest::descriptor(),
      jaeger::storage::v1::GetTraceRequest::descriptor(),
      tracestore::storage::v1::PurgeRequest::descriptor(),
      jaeger::storage::v2::GetTracesRequest::descriptor(),
      jaeger::storage::v2::GetDependenciesRequest::descriptor(),
      jaeger::storage::v2::GetCapabilitiesRequest::descriptor(),
      opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest::descriptor(),
      grpc::health::v1::HealthCheckRequest::descriptor(),
      grpc::reflection::v1::ServerReflectionRequest::descriptor(),
      grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()};
  return *kLinked.front()->file()->pool();
}

// "package.Service" of "/package.Service/Method".
std::string ServiceOf(std::string_view method) {
  return std::string(method.substr(1, method.rfind('/') - 1));
}

// The file and all it imports, each once, itself first.
std::vector<const FileDescriptor*> WithImports(const FileDescriptor* file) {
  std::vector<const FileDescriptor*> files = {file};
  std::set<const FileDescriptor*> seen = {file};
  for (std::size_t at = 0; at < files.size(); ++at) {
    for (int i = 0; i < files[at]->dependency_count(); ++i) {
      const FileDescriptor* import = files[at]->dependency(i);
      if (seen.insert(import).second) files.push_back(import);
    }
  }
  return files;
}

// Of one version: both have the same messages.
template <typename Request, typename Response>
class Reflection {
 public:
  explicit Reflection(std::set<std::string> services) : services_(std::move(services)) {}

  RawReply Answer(std::string_view message) const {
    Request request;
    if (!request.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return RawReply::Fail(GrpcCode::kInvalidArgument, "the request is no protobuf");
    Response response;
    response.set_valid_host(request.host());
    switch (request.message_request_case()) {
      case Request::kListServices:
        for (const std::string& service : services_)
          response.mutable_list_services_response()->add_service()->set_name(service);
        break;
      case Request::kFileByFilename:
        SetFile(Pool().FindFileByName(request.file_by_filename()), "file", response);
        break;
      case Request::kFileContainingSymbol:
        SetFile(Pool().FindFileContainingSymbol(request.file_containing_symbol()), "symbol",
                response);
        break;
      case Request::kFileContainingExtension: SetFile(nullptr, "extension", response); break;
      case Request::kAllExtensionNumbersOfType:
        SetExtensions(request.all_extension_numbers_of_type(), response);
        break;
      default: SetError(GrpcCode::kInvalidArgument, "the request asks for nothing", response);
    }
    *response.mutable_original_request() = std::move(request);
    return RawReply::Again(response.SerializeAsString());
  }

 private:
  static void SetError(GrpcCode code, const std::string& message, Response& response) {
    response.mutable_error_response()->set_error_code(static_cast<int>(code));
    response.mutable_error_response()->set_error_message(message);
  }
  static void SetFile(const FileDescriptor* file, const char* what, Response& response) {
    if (file == nullptr) {
      SetError(GrpcCode::kNotFound, std::string("no such ") + what, response);
      return;
    }
    for (const FileDescriptor* each : WithImports(file)) {
      google::protobuf::FileDescriptorProto proto;
      each->CopyTo(&proto);
      response.mutable_file_descriptor_response()->add_file_descriptor_proto(
          proto.SerializeAsString());
    }
  }
  // Our messages are proto3: there are none.
  static void SetExtensions(const std::string& type, Response& response) {
    if (Pool().FindMessageTypeByName(type) == nullptr) {
      SetError(GrpcCode::kNotFound, "no such type", response);
    } else {
      response.mutable_all_extension_numbers_response()->set_base_type_name(type);
    }
  }

  const std::set<std::string> services_;
};

template <typename Request, typename Response>
net::RawHandler HandlerOf(const std::set<std::string>& services) {
  return [reflection = Reflection<Request, Response>(services)](const net::RawRequest& request) {
    return reflection.Answer(request.message);
  };
}

}  // namespace

void AddReflection(net::RawGrpcServices& methods) {
  std::set<std::string> services = {"grpc.health.v1.Health"};
  for (const auto& [method, handler] : methods) services.insert(ServiceOf(method));
  for (const std::string_view method : kMethods) services.insert(ServiceOf(method));
  namespace v1 = grpc::reflection::v1;
  namespace v1alpha = grpc::reflection::v1alpha;
  methods.emplace(kMethods[0],
                  HandlerOf<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(services));
  methods.emplace(
      kMethods[1],
      HandlerOf<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>(services));
}

}  // namespace tracestore::server
