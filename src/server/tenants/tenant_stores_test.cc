#include "server/tenants/tenant_stores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace tracestore::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSpan = R"({"resourceSpans":[{"scopeSpans":[{"spans":[{
  "traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"x",
  "startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]})";

class TenantStoresTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "tracestore-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    OpenAll();
  }
  void TearDown() override {
    stores_.reset();
    default_.reset();
    std::filesystem::remove_all(folder_);
  }

  void OpenAll() {
    auto opened = Store::Open(folder_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    default_ = std::move(*opened);
    TenantStoresOptions options;
    options.directory = folder_;
    options.default_tenant = "main";
    options.max_tenants = 2;
    options.store_options = [](const std::string&) { return StoreOptions(); };
    stores_ = std::make_unique<TenantStores>(default_.get(), std::move(options));
  }

  void Append(const std::string& tenant) {
    const auto to = stores_->ToWrite(tenant);
    ASSERT_TRUE(to.has_value()) << to.error().message();
    const auto appended = to->store->Append(kSpan, Format::kOtlpJson);
    ASSERT_TRUE(appended.has_value()) << appended.error().message();
  }
  std::uint64_t Spans(const std::string& tenant) {
    const auto from = stores_->ToRead(tenant);
    if (!from.has_value()) return 0;
    return from->store->TakeSnapshot()->Stats(false)->spans;
  }

  std::string folder_;
  std::unique_ptr<Store> default_;
  std::unique_ptr<TenantStores> stores_;
};

TEST_F(TenantStoresTest, EachHasAStoreOfItsOwn) {
  Append("shop");
  Append("shop");
  Append("main");
  EXPECT_EQ(Spans("shop"), 2u);
  EXPECT_EQ(Spans("main"), 1u);
  EXPECT_EQ(Spans(""), 1u);
  EXPECT_EQ(stores_->ToRead("shop")->directory, folder_ + "/tenants/shop");
  EXPECT_EQ(stores_->ToRead("main")->store, default_.get());
  std::vector<std::string> names;
  stores_->ForEach([&names](const std::string& name, const Store&) { names.push_back(name); });
  EXPECT_THAT(names, ElementsAre("main", "shop"));
}

TEST_F(TenantStoresTest, AReaderMakesNone) {
  const auto none = stores_->ToRead("shop");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/tenants"));
}

// As a process that reads beside the one that writes.
TEST_F(TenantStoresTest, AReaderSeesWhatAnotherOpensLater) {
  TenantStoresOptions options;
  options.directory = folder_ + "/later";
  options.default_tenant = "main";
  options.store_options = [](const std::string&) {
    StoreOptions store;
    store.mode = OpenMode::kRead;
    return store;
  };
  TenantStores reader(nullptr, std::move(options));
  EXPECT_EQ(reader.ToRead("").error().code(), ErrorCode::kNotFound);
  std::filesystem::create_directories(folder_ + "/later/tenants/shop");
  EXPECT_EQ(reader.ToRead("main").error().code(), ErrorCode::kNotFound);
  for (const char* where : {"/later", "/later/tenants/shop"}) {
    const auto writer = Store::Open(folder_ + where);
    ASSERT_TRUE(writer.has_value()) << writer.error().message();
    ASSERT_TRUE((*writer)->Append(kSpan, Format::kOtlpJson).has_value());
  }
  for (const char* tenant : {"", "main", "shop"}) {
    const auto found = reader.ToRead(tenant);
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found->store->TakeSnapshot()->Stats(false)->spans, 1u);
  }
  std::vector<std::string> names;
  reader.ForEach([&names](const std::string& name, const Store&) { names.push_back(name); });
  EXPECT_THAT(names, ElementsAre("main", "shop"));
  EXPECT_EQ(reader.ToRead("main")->directory, folder_ + "/later");
  EXPECT_TRUE(reader.Close().has_value());
}

TEST_F(TenantStoresTest, TheyAreThereAfterARestart) {
  Append("shop");
  EXPECT_TRUE(stores_->Close().has_value());
  EXPECT_EQ(stores_->ToWrite("shop").error().code(), ErrorCode::kBusy);
  stores_.reset();
  ASSERT_TRUE(default_->Close().has_value());
  default_.reset();
  OpenAll();
  EXPECT_EQ(Spans("shop"), 1u);
}

TEST_F(TenantStoresTest, ThereAreNoMoreThanMayBe) {
  Append("a");
  Append("b");
  const auto third = stores_->ToWrite("c");
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().code(), ErrorCode::kBusy);
  EXPECT_THAT(third.error().message(), HasSubstr("there are 2 tenants already"));
  Append("b");
  Append("main");
}

TEST_F(TenantStoresTest, OneStoreForManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([this] { Append("shop"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Spans("shop"), 8u);
}

}  // namespace
}  // namespace tracestore::server
