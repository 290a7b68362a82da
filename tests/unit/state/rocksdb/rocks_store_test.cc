#include "state/rocksdb/rocks_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "state/rocksdb/rocks_loader.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/state/rocksdb/counting_env.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class RocksStoreTest : public testing::Test {
 protected:
  std::unique_ptr<RocksStore> Open(const std::string& name = "db") {
    RocksOptions options;
    options.directory = directory_.File(name);
    auto store = RocksStore::Open(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  /// An empty value is a deletion.
  void Load(RocksStore& store, const std::vector<std::pair<std::string, std::string>>& changes) {
    RocksLoader loader(store, directory_.File(absl::StrCat("load", ++loads_)));
    for (const auto& [key, value] : changes) {
      ASSERT_EQ(value.empty() ? loader.Delete(RocksFamily::kState, key)
                              : loader.Put(RocksFamily::kState, key, value),
                absl::OkStatus());
    }
    ASSERT_EQ(loader.Finish(), absl::OkStatus());
  }
  void Append(RocksStore& store, const std::string& key, const std::string& value) {
    RocksLoader loader(store, directory_.File(absl::StrCat("load", ++loads_)));
    ASSERT_EQ(loader.Add(StoreChange::kAppend, RocksFamily::kState, key, value), absl::OkStatus());
    ASSERT_EQ(loader.Finish(), absl::OkStatus());
  }
  static std::vector<std::pair<std::string, std::string>> All(const RocksStore& store) {
    std::vector<std::pair<std::string, std::string>> all;
    const auto scan = store.Scan(RocksFamily::kState, "", "");
    for (; scan->valid(); scan->Next()) all.emplace_back(scan->key(), scan->value());
    EXPECT_EQ(scan->status(), absl::OkStatus());
    return all;
  }

  TemporaryDirectory directory_;
  int loads_ = 0;
};

TEST_F(RocksStoreTest, LoadsAndReads) {
  const auto store = Open();
  Load(*store, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  Load(*store, {{"a", ""}, {"b", "22"}, {"d", "4"}});
  EXPECT_THAT(All(*store), ElementsAre(Pair("b", "22"), Pair("c", "3"), Pair("d", "4")));
  std::string value;
  EXPECT_EQ(store->Get(RocksFamily::kState, "a", &value).value(), false);
  EXPECT_EQ(store->Get(RocksFamily::kTimers, "b", &value).value(), false);
  ASSERT_EQ(store->Get(RocksFamily::kState, "b", &value).value(), true);
  EXPECT_EQ(value, "22");
  std::vector<std::string> found;
  const std::vector<absl::string_view> keys = {"a", "b", "d", "x"};
  ASSERT_TRUE(store
                  ->MultiGet(RocksFamily::kState, keys,
                             [&](size_t place, absl::string_view got) {
                               found.push_back(absl::StrCat(place, "=", got));
                             })
                  .ok());
  EXPECT_THAT(found, ElementsAre("1=22", "2=4"));
}

TEST_F(RocksStoreTest, WhatIsAppendedIsReadBehindTheValue) {
  auto store = Open();
  Load(*store, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  Append(*store, "a", "2");
  Append(*store, "a", "3");
  Append(*store, "none", "2");
  Load(*store, {{"b", ""}});
  Append(*store, "b", "2");
  Append(*store, "c", "2");
  Load(*store, {{"c", "3"}});
  const auto as_it_should_be =
      ElementsAre(Pair("a", "123"), Pair("b", "2"), Pair("c", "3"), Pair("none", "2"));
  EXPECT_THAT(All(*store), as_it_should_be);
  std::string value;
  ASSERT_EQ(store->Get(RocksFamily::kState, "a", &value).value(), true);
  EXPECT_EQ(value, "123");
  const std::vector<absl::string_view> keys = {"a", "none"};
  std::vector<std::string> found;
  ASSERT_TRUE(store
                  ->MultiGet(RocksFamily::kState, keys,
                             [&](size_t, absl::string_view got) { found.emplace_back(got); })
                  .ok());
  EXPECT_THAT(found, ElementsAre("123", "2"));
  ASSERT_TRUE(store->Pin(directory_.File("pin")).ok());
  store.reset();
  EXPECT_THAT(All(*Open("pin")), as_it_should_be);
}

// More files than RocksDB lets stand: it puts them together.
TEST_F(RocksStoreTest, ManyAppendsBecomeOneValue) {
  const auto store = Open();
  std::string all;
  for (int i = 0; i < 50; ++i) {
    Append(*store, "a", absl::StrCat(i, ","));
    absl::StrAppend(&all, i, ",");
  }
  EXPECT_THAT(All(*store), ElementsAre(Pair("a", all)));
}

TEST_F(RocksStoreTest, AViewIsAsOfItsMaking) {
  const auto store = Open();
  Load(*store, {{"a", "1"}, {"b", "1"}});
  store->HoldView();
  Append(*store, "a", "2");
  Load(*store, {{"b", "2"}, {"c", "2"}});
  store->HoldView();
  EXPECT_THAT(All(*store), ElementsAre(Pair("a", "1"), Pair("b", "1")));
  std::string value;
  EXPECT_EQ(store->Get(RocksFamily::kState, "c", &value).value(), false);
  const std::vector<absl::string_view> keys = {"a", "b", "c"};
  ASSERT_TRUE(store
                  ->MultiGet(RocksFamily::kState, keys,
                             [](size_t, absl::string_view got) { EXPECT_EQ(got, "1"); })
                  .ok());
  store->LetViewGo();
  EXPECT_THAT(All(*store), ElementsAre(Pair("a", "12"), Pair("b", "2"), Pair("c", "2")));
}

TEST_F(RocksStoreTest, ScansRanges) {
  const auto store = Open();
  Load(*store, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  const auto scan = store->Scan(RocksFamily::kState, "b", "c");
  ASSERT_TRUE(scan->valid());
  EXPECT_EQ(scan->key(), "b");
  scan->Next();
  EXPECT_FALSE(scan->valid());
}

TEST_F(RocksStoreTest, AScanPastTheCacheLeavesNothingThere) {
  CountingEnv env;
  RocksOptions options;
  options.directory = directory_.File("db");
  options.env = &env;
  const auto store = RocksStore::Open(options).value();
  std::vector<std::pair<std::string, std::string>> changes;
  for (int i = 0; i < 2000; ++i) {
    changes.emplace_back(absl::StrFormat("%04d", i), std::string(200, 'x'));
  }
  Load(*store, changes);
  const auto read = [&](const auto& scan) {
    const size_t before = env.read_bytes;
    size_t entries = 0;
    for (; scan->valid(); scan->Next()) ++entries;
    EXPECT_EQ(entries, 2000u);
    return env.read_bytes - before;
  };
  constexpr size_t kMost = 300'000;
  EXPECT_GT(read(store->ScanPastCache(RocksFamily::kState, "", "")), kMost);
  EXPECT_GT(read(store->ScanPastCache(RocksFamily::kState, "", "")), kMost);
  EXPECT_GT(read(store->Scan(RocksFamily::kState, "", "")), kMost) << "nothing has been kept";
  EXPECT_LT(read(store->Scan(RocksFamily::kState, "", "")), kMost / 10);
}

TEST_F(RocksStoreTest, UnfinishedLoadsLeaveNothing) {
  const auto store = Open();
  {
    RocksLoader loader(*store, directory_.File("load"));
    ASSERT_TRUE(loader.Put(RocksFamily::kState, "a", "1").ok());
  }
  EXPECT_TRUE(All(*store).empty());
  EXPECT_FALSE(std::filesystem::exists(directory_.File("load-0.sst")));
}

TEST_F(RocksStoreTest, PinnedFilesStayAsTheyAre) {
  const auto store = Open();
  Load(*store, {{"a", "1"}});
  const auto files = store->Pin(directory_.File("pin"));
  ASSERT_TRUE(files.ok()) << files.status();
  Load(*store, {{"a", "2"}, {"b", "3"}});
  RocksOptions options;
  options.directory = directory_.File("pin");
  options.read_only = true;
  const auto pinned = RocksStore::Open(options);
  ASSERT_TRUE(pinned.ok()) << pinned.status();
  EXPECT_THAT(All(**pinned), ElementsAre(Pair("a", "1")));
  size_t tables = 0;
  for (const RocksFile& file : *files) tables += file.table ? 1 : 0;
  EXPECT_EQ(tables, 1u);
}

TEST_F(RocksStoreTest, ErrorsNameTheDirectory) {
  RocksOptions options;
  options.directory = directory_.File("nothing");
  options.read_only = true;
  EXPECT_THAT(RocksStore::Open(options).status().message(),
              HasSubstr(absl::StrCat("RocksDB in ", options.directory, ": ")));
}

TEST_F(RocksStoreTest, DamagedTablesAreDataLoss) {
  const auto store = Open();
  Load(*store, {{"a", std::string(10000, 'x')}});
  for (const auto& file : std::filesystem::directory_iterator(directory_.File("db"))) {
    if (file.path().extension() != ".sst") continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(500);
    bytes << "damage";
  }
  std::string value;
  EXPECT_TRUE(absl::IsDataLoss(store->Get(RocksFamily::kState, "a", &value).status()));
}

// Filters and indexes are read in parts: as one block they would be larger than the cache, and be
// read again by every look-up.
TEST_F(RocksStoreTest, ALookUpReadsAFewBlocks) {
  CountingEnv env;
  RocksOptions options;
  options.directory = directory_.File("db");
  options.block_cache_bytes = 64u << 10;
  options.env = &env;
  auto store = *RocksStore::Open(options);
  constexpr int kKeys = 100'000;  // a filter of 125 KB
  std::vector<std::pair<std::string, std::string>> changes;
  for (int key = 0; key < kKeys; ++key) changes.emplace_back(absl::StrFormat("%06d", key), "value");
  Load(*store, changes);
  const size_t before = env.read_bytes;
  constexpr int kReads = 50;
  std::string value;
  for (int i = 0; i < kReads; ++i) {
    const std::string key = absl::StrFormat("%06d", i * 1999);
    ASSERT_TRUE(*store->Get(RocksFamily::kState, key, &value));
  }
  EXPECT_LT(env.read_bytes - before, kReads * size_t{20u << 10});
  EXPECT_GT(env.read_bytes, before);
  store.reset();
}

}  // namespace
}  // namespace weir
