#include "taskmanager/worker/snapshot_upload.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/io/memory_file_system.h"
#include "state/keyed/keyed_state_backend.h"

namespace weir::taskmanager {
namespace {

/// A storage that somebody looks into at each write.
class LookingFileSystem final : public FileSystem {
 public:
  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override {
    if (look) look();
    return memory.CreateExclusive(path, contents);
  }
  absl::Status Replace(absl::string_view path, absl::string_view contents) override {
    return memory.Replace(path, contents);
  }
  absl::StatusOr<std::string> Read(absl::string_view path) override { return memory.Read(path); }
  absl::Status Remove(absl::string_view path) override { return memory.Remove(path); }
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override {
    return memory.List(directory);
  }
  absl::Status MakeDirectory(absl::string_view directory) override {
    return memory.MakeDirectory(directory);
  }

  MemoryFileSystem memory;
  std::function<void()> look;
};

class OneFile final : public FrozenState {
 public:
  explicit OneFile(std::string name) : name_(std::move(name)) {}
  absl::StatusOr<std::string> Write() const override { return absl::UnimplementedError("Write"); }
  absl::StatusOr<KeyedStateIncrement> WriteIncrement() const override {
    KeyedStateIncrement increment;
    increment.manifest = "manifest of " + name_;
    increment.files.push_back({name_, 4, "/local/" + name_, nullptr});
    return increment;
  }

 private:
  const std::string name_;
};

class SnapshotUploadTest : public testing::Test {
 protected:
  SnapshotUploadTest() {
    upload_.worker = WorkerId("w");
    upload_.epoch = Epoch(4);
    upload_.last_blob = std::make_shared<std::atomic<uint64_t>>(0);
    upload_.uploaded = std::make_shared<UploadedFiles>();
    EXPECT_TRUE(files_.memory.MakeDirectory("/local").ok());
    for (const std::string uid : {"count", "sum"}) {
      snapshot_.add_operators()->set_uid(uid);
      auto state = std::make_shared<const OneFile>(uid + ".sst");
      frozen_.push_back(state);
      upload_.keyed[uid] = std::move(state);
      EXPECT_TRUE(files_.memory.CreateExclusive("/local/" + uid + ".sst", "rows").ok());
    }
  }

  LookingFileSystem files_;
  SnapshotUpload upload_;
  proto::TaskSnapshot snapshot_;
  std::vector<std::weak_ptr<const FrozenState>> frozen_;
};

// Storage may take minutes for a write: no layer is kept from being freed for so long.
TEST_F(SnapshotUploadTest, HoldsFilesAndNotLayers) {
  int writes = 0;
  files_.look = [&] {
    ++writes;
    for (const auto& state : frozen_) EXPECT_TRUE(state.expired()) << "write " << writes;
  };
  ASSERT_EQ(upload_.Write(files_, "/job", &snapshot_), absl::OkStatus());
  EXPECT_EQ(writes, 4) << "two manifests and two files";
}

TEST_F(SnapshotUploadTest, EachOperatorHasItsOwn) {
  ASSERT_EQ(upload_.Write(files_, "/job", &snapshot_), absl::OkStatus());
  StateObjectStore store(files_, "/job");
  for (const proto::OperatorSnapshot& one : snapshot_.operators()) {
    EXPECT_EQ(store.Read(one.state()).value(), "manifest of " + one.uid() + ".sst");
    ASSERT_EQ(one.files_size(), 1);
    EXPECT_EQ(one.files(0).name(), one.uid() + ".sst");
    EXPECT_EQ(store.Read(one.files(0).object()).value(), "rows");
  }
}

}  // namespace
}  // namespace weir::taskmanager
