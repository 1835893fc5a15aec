#include "service/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/testing/source_dir.h"
#include "net/http_client.h"
#include "service/late_stores.h"
#include "service/listeners.h"
#include "service/parts.h"
#include "service/query_access.h"
#include "service/storage_methods.h"
#include "store/engine/snapshot.h"

namespace tracestore::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::chrono::milliseconds kGrace{10'000};

// What parts of a test did, and what they saw; parts are plain functions.
std::vector<std::string> g_seen;

ServiceConfig OnFreePorts() {
  ServiceConfig config;
  config.admin.http = OnPort(0);
  return config;
}

net::HttpClientResponse Get(std::uint16_t port, const std::string& path) {
  net::HttpClientOptions options;
  options.port = port;
  const auto client = net::HttpClient::Make(options);
  net::HttpClientRequest request;
  request.target = path;
  auto answer = (*client)->Send(request);
  EXPECT_TRUE(answer.has_value()) << answer.error().message();
  return answer.has_value() ? *answer : net::HttpClientResponse();
}

std::string Health(Service& service) {
  const auto answer = Get(service.PortOf("admin"), "/");
  return std::to_string(answer.status) +
         (answer.body.find("not available") != std::string::npos ? " not available" : " available");
}

TEST(GrpcLimits, OneMessageFitsTheBytesInFlight) {
  LimitsSection limits;
  limits.max_message_bytes = std::size_t{300} << 20;
  limits.write_timeout = std::chrono::seconds(77);
  const net::GrpcServerOptions options = GrpcOptions(limits, {"/a.B/Write"});
  EXPECT_EQ(options.max_message_bytes, limits.max_message_bytes);
  EXPECT_EQ(options.max_bytes_in_flight, limits.max_message_bytes);
  EXPECT_EQ(options.peer_timeout, std::chrono::seconds(77));
  EXPECT_EQ(options.max_streams_per_connection, static_cast<int>(options.max_client_streams));
  EXPECT_EQ(GrpcOptions(limits).max_streams_per_connection, 128);
}

Status First(Service& service) {
  g_seen.push_back("first starts");
  service.OnStop([](std::chrono::milliseconds) {
    g_seen.push_back("first stops");
    return Status();
  });
  return {};
}

Status LooksAtHealth(Service& service) {
  g_seen.push_back("starting: " + Health(service));
  service.OnStop([&service](std::chrono::milliseconds) {
    g_seen.push_back("stopping: " + Health(service));
    return Status();
  });
  return {};
}

Status Fails(Service&) { return Error(ErrorCode::kIo, "no luck"); }

TEST(Service, PartsStopInTheOppositeOrderAndHealthFollows) {
  g_seen.clear();
  Service service(OnFreePorts());
  ASSERT_TRUE(service.Start({StartAdmin, First, LooksAtHealth}).has_value());
  g_seen.push_back("serving: " + Health(service));
  ASSERT_TRUE(service.Stop(kGrace).has_value());
  EXPECT_THAT(g_seen,
              ElementsAre("first starts", "starting: 503 not available", "serving: 200 available",
                          "stopping: 503 not available", "first stops"));
}

TEST(Service, AFailedStartStopsWhatStood) {
  g_seen.clear();
  Service service(OnFreePorts());
  const Status started = service.Start({StartAdmin, First, Fails, LooksAtHealth});
  EXPECT_EQ(started.error().message(), "no luck");
  EXPECT_EQ(Health(service), "503 not available");
  ASSERT_TRUE(service.Stop(kGrace).has_value());
  EXPECT_THAT(g_seen, ElementsAre("first starts", "first stops"));
}

TEST(Service, AListenerThatIsOffIsNotOpened) {
  ServiceConfig config = OnFreePorts();
  config.admin.http.on = false;
  Service service(config);
  ASSERT_TRUE(service.Start({StartAdmin}).has_value());
  EXPECT_EQ(service.PortOf("admin"), 0);
  EXPECT_EQ(service.Description(), "");
}

TEST(Service, ReloadTellsEveryError) {
  Service service(OnFreePorts());
  int done = 0;
  service.OnReload([] { return Status(Error(ErrorCode::kIo, "one")); });
  service.OnReload([&done] {
    ++done;
    return Status();
  });
  service.OnReload([] { return Status(Error(ErrorCode::kIo, "two")); });
  const auto errors = service.Reload();
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].message(), "one");
  EXPECT_EQ(errors[1].message(), "two");
  EXPECT_EQ(done, 1);
}

TEST(Service, ThePortsFileNamesEveryListener) {
  ServiceConfig config = OnFreePorts();
  config.ports_file = testing::TempDir() + "service_test_ports.json";
  Service service(config);
  ASSERT_TRUE(service.Start({StartAdmin}).has_value());
  std::string text;
  std::getline(std::ifstream(config.ports_file), text);
  EXPECT_EQ(text, "{\"admin\":" + std::to_string(service.PortOf("admin")) + "}");
  EXPECT_THAT(service.Description(), HasSubstr("health, metrics  http://127.0.0.1:"));
  std::filesystem::remove(config.ports_file);
}

TEST(Service, APortsFileThatCantBeWrittenIsAnError) {
  ServiceConfig config = OnFreePorts();
  config.ports_file = "/nowhere/ports.json";
  Service service(config);
  EXPECT_THAT(service.Start({StartAdmin}).error().message(),
              HasSubstr("cannot write /nowhere/ports.json"));
}

// A query service of a store that isn't there yet, with what a test says otherwise.
ServiceConfig Querying() {
  ServiceConfig config = OnFreePorts();
  config.role = kQuery;
  config.store.data = testing::TempDir() + "service_test_nowhere";
  for (ListenAddress* address : {&config.query.http, &config.query.grpc, &config.query.zipkin,
                                 &config.tempo.http}) {
    *address = OnPort(0);
  }
  return config;
}

TEST(Service, HealthAndMetricsAreNoQueries) {
  ServiceConfig config = Querying();
  config.query.max_concurrent = 1;
  Service service(config);
  ASSERT_TRUE(service.Start(QueryParts()).has_value());
  const std::uint16_t zipkin = service.PortOf("query_zipkin"), tempo = service.PortOf("tempo");
  {
    // An answer that nobody reads to its end takes the only place.
    const net::HttpHandler endless = service.shared().query_access->Http(
        "test",
        [](const net::HttpRequest&) {
          net::HttpResponse response = net::HttpResponse::Text(200, "");
          response.stream = [](std::string& piece) {
            piece += '.';
            return true;
          };
          return response;
        },
        [](int status, const std::string& why) { return net::HttpResponse::Text(status, why); });
    const net::HttpResponse held = endless(net::HttpRequest());
    EXPECT_EQ(Get(zipkin, "/api/v2/services").status, 503);
    EXPECT_EQ(Get(zipkin, "/zipkin/api/v2/services").status, 503);
    EXPECT_EQ(Get(tempo, "/api/search").status, 503);
    for (const char* path : {"/health", "/info", "/metrics", "/zipkin/config.json"})
      EXPECT_EQ(Get(zipkin, path).status, 200) << path;
    for (const char* path : {"/ready", "/metrics", "/api/echo", "/api/status/buildinfo"})
      EXPECT_EQ(Get(tempo, path).status, 200) << path;
  }
  EXPECT_EQ(Get(zipkin, "/api/v2/services").status, 200);
  EXPECT_EQ(Get(tempo, "/api/search").status, 200);
  ASSERT_TRUE(service.Stop(kGrace).has_value());
}

// Of this process, while the service with these settings stands.
std::ptrdiff_t ThreadsWith(const ServiceConfig& config, const std::vector<Part>& parts) {
  Service service(config);
  EXPECT_TRUE(service.Start(parts).has_value());
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  const std::ptrdiff_t count = std::distance(begin(tasks), end(tasks));
  EXPECT_TRUE(service.Stop(kGrace).has_value());
  return count;
}

TEST(Service, EveryQueryPortHasAsManyWorkersAsTheSettingSays) {
  ServiceConfig tempo = Querying();
  tempo.query.http.on = tempo.query.grpc.on = tempo.query.zipkin.on = false;
  ServiceConfig zipkin = Querying();
  zipkin.query.http.on = zipkin.query.grpc.on = zipkin.tempo.http.on = false;
  zipkin.zipkin.address = OnPort(0);
  zipkin.zipkin.grpc = false;
  const std::vector<Part> taking = {OpenStore,  OpenArchives,    StartPipeline, OpenQueryAccess,
                                    StartQuery, OpenZipkinQuery, StartZipkin};
  ServiceConfig all_in_one = zipkin;
  all_in_one.role = kAllInOne;
  all_in_one.store.data = "";
  for (const auto& [config, parts] :
       {std::pair(tempo, QueryParts()), std::pair(zipkin, QueryParts()), {all_in_one, taking}}) {
    ServiceConfig one = config, many = config;
    one.query.workers = 1;
    many.query.workers = 65;
    const std::ptrdiff_t few = ThreadsWith(one, parts);
    EXPECT_GT(ThreadsWith(many, parts), few + 32) << config.role;  // gRPC's own come and go
  }
}

TEST(StorageReaders, ATimeOutHoldsForThem) {
  ServiceConfig config = OnFreePorts();
  config.query.timeout = std::chrono::nanoseconds(0);
  Service service(config);
  AppendResult report;
  const auto snapshot = SnapshotOfFiles(
      {R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","spanId":"00f067aa0ba902b7",)"
       R"("traceId":"0af7651916cd43dd8448eb211c80319c"}]}]}]})"},
      report);
  ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
  const auto store = [shared = *snapshot]() -> Result<Snapshot> { return shared; };
  const net::RawGrpcServices methods = StorageReaders(service, store, {});
  for (const char* method : {"/jaeger.storage.v1.SpanReaderPlugin/GetServices",
                             "/jaeger.storage.v2.TraceReader/GetServices"}) {
    net::RawRequest request;
    request.method = method;
    const net::RawReply reply = methods.at(method)(request);
    EXPECT_EQ(reply.code, net::GrpcCode::kDeadlineExceeded) << method;
  }
}

TEST(LateStores, AReaderHasTheSettingsOfTheOthers) {
  const std::string directory = testing::TempDir() + "service_test_archive";
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(Store::Open(directory).has_value());
  LateStores stores([] {
    StoreOptions options;
    options.query_memory_bytes = 8 << 20;
    return options;
  });
  const auto snapshot = stores.Take(directory);
  ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
  EXPECT_EQ(snapshot->data()->memory->head_bytes(), std::size_t{1} << 20);  // an eighth
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tracestore::tools
