#include "server/reflection/reflection.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "grpc/reflection/v1/reflection.pb.h"

namespace tracestore::server {
namespace {

namespace api = grpc::reflection::v1;
using ::testing::ElementsAre;
using ::testing::Key;

class ServerReflection : public ::testing::Test {
 protected:
  ServerReflection() {
    const auto handler = [](const net::RawRequest&) { return net::RawReply::Ok(""); };
    methods = {{"/jaeger.api_v3.QueryService/GetServices", handler},
               {"/jaeger.api_v3.QueryService/GetTrace", handler},
               {"/other.Service/Do", handler}};
    AddReflection(methods);
  }
  net::RawReply Call(const std::string& message, const std::string& version = "v1") {
    net::RawRequest request;
    request.message = message;
    return methods.at("/grpc.reflection." + version +
                      ".ServerReflection/ServerReflectionInfo")(request);
  }
  api::ServerReflectionResponse Ask(const api::ServerReflectionRequest& request) {
    const std::string message = request.SerializeAsString();
    const net::RawReply reply = Call(message);
    EXPECT_EQ(reply.code, net::GrpcCode::kOk);
    EXPECT_TRUE(reply.again);
    api::ServerReflectionResponse response;
    EXPECT_TRUE(response.ParseFromString(reply.bytes));
    EXPECT_EQ(response.original_request().SerializeAsString(), message);
    return response;
  }
  void Fails(const api::ServerReflectionRequest& request, int code, const std::string& message) {
    const auto response = Ask(request);
    EXPECT_EQ(response.error_response().error_code(), code);
    EXPECT_EQ(response.error_response().error_message(), message);
  }
  net::RawGrpcServices methods;
};

TEST_F(ServerReflection, ListsServices) {
  api::ServerReflectionRequest request;
  request.set_list_services("*");
  std::vector<std::string> names;
  const api::ServerReflectionResponse response = Ask(request);
  for (const auto& service : response.list_services_response().service())
    names.push_back(service.name());
  EXPECT_THAT(names, ElementsAre("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                 "grpc.reflection.v1alpha.ServerReflection",
                                 "jaeger.api_v3.QueryService", "other.Service"));
}

// What a client does with the answer: it builds a pool of its own from the files.
TEST_F(ServerReflection, GivesAFileWithAllThatItImports) {
  for (const char* symbol : {"jaeger.api_v3.QueryService", "jaeger.api_v3.QueryService.FindTraces",
                             "jaeger.api_v3.TraceSummary"}) {
    api::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    const auto files = Ask(request).file_descriptor_response().file_descriptor_proto();
    google::protobuf::DescriptorPool pool;
    std::map<std::string, google::protobuf::FileDescriptorProto> by_name;
    for (const std::string& file : files) {
      google::protobuf::FileDescriptorProto proto;
      ASSERT_TRUE(proto.ParseFromString(file));
      if (by_name.empty()) {
        EXPECT_EQ(proto.name(), "api_v3/query_service.proto");
      }
      by_name[proto.name()] = proto;
    }
    EXPECT_THAT(by_name, ::testing::Contains(Key("opentelemetry/proto/trace/v1/trace.proto")));
    while (!by_name.empty()) {  // what imports nothing that is missing comes first
      const std::size_t before = by_name.size();
      std::erase_if(by_name, [&](const auto& entry) {
        for (const std::string& import : entry.second.dependency())
          if (pool.FindFileByName(import) == nullptr) return false;
        return pool.BuildFile(entry.second) != nullptr;
      });
      ASSERT_LT(by_name.size(), before);
    }
    const auto* service = pool.FindServiceByName("jaeger.api_v3.QueryService");
    ASSERT_NE(service, nullptr);
    EXPECT_TRUE(service->FindMethodByName("FindTraceSummaries")->server_streaming());
  }
}

TEST_F(ServerReflection, KnowsItsOwnServices) {
  for (const char* symbol :
       {"jaeger.api_v2.QueryService", "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}) {
    api::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    EXPECT_TRUE(Ask(request).has_file_descriptor_response()) << symbol;
  }
  api::ServerReflectionRequest request;
  request.set_file_by_filename("api_v2/model.proto");
  EXPECT_EQ(Ask(request).file_descriptor_response().file_descriptor_proto_size(), 3);
}

TEST_F(ServerReflection, SaysWhatItDoesNotKnow) {
  api::ServerReflectionRequest request;
  Fails(request, 3, "the request asks for nothing");
  request.set_file_by_filename("none.proto");
  Fails(request, 5, "no such file");
  request.set_file_containing_symbol("other.Service");
  Fails(request, 5, "no such symbol");
  request.mutable_file_containing_extension()->set_containing_type("jaeger.api_v2.Span");
  Fails(request, 5, "no such extension");
  request.set_all_extension_numbers_of_type("no.Type");
  Fails(request, 5, "no such type");
  request.set_all_extension_numbers_of_type("jaeger.api_v2.Span");
  const auto none = Ask(request).all_extension_numbers_response();
  EXPECT_EQ(none.base_type_name(), "jaeger.api_v2.Span");
  EXPECT_EQ(none.extension_number_size(), 0);
  EXPECT_EQ(Call("\x0A\x7Fx").code, net::GrpcCode::kInvalidArgument);
  EXPECT_EQ(Call("\x3A\x01*", "v1alpha").code, net::GrpcCode::kOk);
}

}  // namespace
}  // namespace tracestore::server
