// What is said, and what goes on, when the disk is full, files are damaged or missing.
#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "tests/unit/state/tiered/tiered_backend_test.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A disk that is full when it is told so.
class FullDisk final : public rocksdb::EnvWrapper {
 public:
  FullDisk() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    if (full) return rocksdb::Status::NoSpace("no space left on device");
    return rocksdb::EnvWrapper::NewWritableFile(name, file, options);
  }
  bool full = false;
};

void Damage(const std::string& path) {
  const auto size = std::filesystem::file_size(path);
  std::fstream bytes(path, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(size / 3));
  bytes << "this is damage, and not a block of a table";
}

class TieredFaultsTest : public TieredBackendTest {
 protected:
  // Before its disk.
  ~TieredFaultsTest() override { backend_.reset(); }
  TieredStateOptions OnFullDisk() {
    TieredStateOptions options;
    options.env = &disk_;
    options.memory_bytes = 256u << 10;
    return options;
  }
  FullDisk disk_;
};

TEST_F(TieredFaultsTest, AFullDiskIsNoLossWhileMemoryLasts) {
  Open(OnFullDisk());
  // First RocksDB cannot be made, then not be written to.
  for (uint64_t round = 0; round < 2; ++round) {
    Put(1, "one");
    disk_.full = true;
    Materialise();
    EXPECT_EQ(backend_->status(), absl::OkStatus());
    EXPECT_EQ(backend_->counters().materialised, round);
    Put(2, "two");
    EXPECT_EQ(Get(1), "one");
    disk_.full = false;
    Materialise();
    EXPECT_EQ(backend_->counters().materialised, round + 1);
    EXPECT_EQ(Get(1), "one");
    EXPECT_EQ(Get(2), "two");
  }
}

TEST_F(TieredFaultsTest, AFullDiskFailsTheTaskWhenMemoryIsFull) {
  Open(OnFullDisk());
  disk_.full = true;
  for (int64_t key = 0; key < 5000 && backend_->status().ok(); ++key) {
    Put(key, std::string(100, 'x'));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(backend_->status()));
  EXPECT_THAT(std::string(backend_->status().message()),
              StartsWith(absl::StrCat("operator 'count': RocksDB in ", path_, "/db: ")));
  EXPECT_FALSE(backend_->Freeze().ok());
}

TEST_F(TieredFaultsTest, ADamagedTableFailsTheTask) {
  Open();
  for (int64_t key = 0; key < 1000; ++key) Put(key, std::string(100, 'x'));
  const KeyedStateIncrement increment = [this] {
    Materialise();
    return Increment();
  }();
  TieredStateOptions options;
  options.memory_bytes = 64u << 10;
  Open(options);
  for (const KeyedStateFile& file : increment.files) {
    if (absl::EndsWith(file.name, ".sst")) Damage(file.path);
  }
  absl::Status status = backend_->RestoreIncrements({&increment, 1});
  for (int64_t key = 0; key < 1000 && status.ok(); ++key) {
    EXPECT_THAT(Get(key), testing::AnyOf(std::nullopt, std::string(100, 'x')));
    status = backend_->status();
  }
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), StartsWith("operator 'count': RocksDB in "));
}

TEST_F(TieredFaultsTest, DamageInTheMiddleOfAMapFailsTheTask) {
  Open();
  const MapStateDescriptor<int64_t, std::string> descriptor("map");
  auto map = backend_->GetMapState(descriptor);
  constexpr int64_t kEntries = 10'000;
  SetKey(1);
  for (int64_t key = 0; key < kEntries; ++key) map.Put(key, std::string(100, 'x'));
  Materialise();
  const KeyedStateIncrement increment = Increment();
  Open();
  for (const KeyedStateFile& file : increment.files) {
    if (absl::EndsWith(file.name, ".sst")) Damage(file.path);
  }
  map = backend_->GetMapState(descriptor);
  ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
  SetKey(1);
  EXPECT_LT(map.Keys().size(), static_cast<size_t>(kEntries));
  EXPECT_TRUE(absl::IsDataLoss(backend_->status())) << backend_->status();
}

TEST_F(TieredFaultsTest, DamagedAndMissingFilesFailTheRestore) {
  Open();
  for (int64_t key = 0; key < 100; ++key) Put(key, "value");
  KeyedStateIncrement increment = Increment();
  ASSERT_EQ(increment.files.size(), 1u);
  Damage(increment.files[0].path);
  Open();
  absl::Status status = backend_->RestoreIncrements({&increment, 1});
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              StartsWith(absl::StrCat("operator 'count': ", increment.files[0].path)));
  std::filesystem::resize_file(increment.files[0].path, 20);
  Open();
  status = backend_->RestoreIncrements({&increment, 1});
  EXPECT_THAT(std::string(status.message()), HasSubstr("has 20 bytes instead of"));
  increment.files.clear();
  Open();
  status = backend_->RestoreIncrements({&increment, 1});
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("of a checkpoint is not there"));
}

TEST_F(TieredFaultsTest, ALogThatCannotBeWrittenFailsItsCheckpointOnly) {
  Open();
  Put(1, "one");
  const auto frozen = Freeze();
  // A file where the folder of the logs should be.
  std::filesystem::remove(path_ + "/logs");
  std::ofstream(path_ + "/logs") << "in the way";
  const absl::Status status = frozen->WriteIncrement().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              StartsWith(absl::StrCat("operator 'count': ", path_, "/logs")));
  Put(2, "two");
  std::filesystem::remove(path_ + "/logs");
  const KeyedStateIncrement increment = Increment();
  Open();
  ASSERT_EQ(backend_->RestoreIncrements({&increment, 1}), absl::OkStatus());
  EXPECT_EQ(Get(1), "one");
  EXPECT_EQ(Get(2), "two");
}

TEST_F(TieredFaultsTest, ADirectoryThatCannotBeMade) {
  TieredStateOptions options;
  options.instance = "x";
  options.directory = "/proc/none/of/this";
  const auto backend = TieredKeyedStateBackend::Open(
      {"count", StateCodec<int64_t>::Schema(), kMaxParallelism, {}}, options, clock_, pool_);
  EXPECT_THAT(std::string(backend.status().message()),
              StartsWith("operator 'count': /proc/none/of/this"));
}

}  // namespace
}  // namespace weir
