#include "taskmanager/worker/snapshot_upload.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "state/keyed/keyed_state_backend.h"
#include "tests/support/testing_file_system.h"

namespace weir::taskmanager {
namespace {

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

  TestingFileSystem files_;
  SnapshotUpload upload_;
  proto::TaskSnapshot snapshot_;
  std::vector<std::weak_ptr<const FrozenState>> frozen_;
};

// Storage may take minutes for a write: no layer is kept from being freed for so long.
TEST_F(SnapshotUploadTest, HoldsFilesAndNotLayers) {
  int writes = 0;
  files_.on_create = [&] {
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
