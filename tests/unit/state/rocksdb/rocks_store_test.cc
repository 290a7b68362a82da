#include "state/rocksdb/rocks_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <atomic>
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

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

/// Counts what is read of files.
class CountingEnv final : public rocksdb::EnvWrapper {
 public:
  CountingEnv() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status NewRandomAccessFile(const std::string& name,
                                      std::unique_ptr<rocksdb::RandomAccessFile>* file,
                                      const rocksdb::EnvOptions& options) override {
    std::unique_ptr<rocksdb::RandomAccessFile> opened;
    rocksdb::Status status = rocksdb::EnvWrapper::NewRandomAccessFile(name, &opened, options);
    if (status.ok()) *file = std::make_unique<File>(std::move(opened), read_bytes);
    return status;
  }
  std::atomic<size_t> read_bytes{0};

 private:
  class File final : public rocksdb::RandomAccessFileWrapper {
   public:
    File(std::unique_ptr<rocksdb::RandomAccessFile> file, std::atomic<size_t>& read_bytes)
        : rocksdb::RandomAccessFileWrapper(file.get()),
          file_(std::move(file)),
          read_bytes_(read_bytes) {}
    rocksdb::Status Read(uint64_t offset, size_t bytes, rocksdb::Slice* result,
                         char* scratch) const override {
      read_bytes_ += bytes;
      return file_->Read(offset, bytes, result, scratch);
    }

   private:
    const std::unique_ptr<rocksdb::RandomAccessFile> file_;
    std::atomic<size_t>& read_bytes_;
  };
};

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

TEST_F(RocksStoreTest, ScansRanges) {
  const auto store = Open();
  Load(*store, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  const auto scan = store->Scan(RocksFamily::kState, "b", "c");
  ASSERT_TRUE(scan->valid());
  EXPECT_EQ(scan->key(), "b");
  scan->Next();
  EXPECT_FALSE(scan->valid());
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
