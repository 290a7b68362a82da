// A checkpoint of the state tier of each format version, as it was written: its manifest and dirty
// log must be readable for ever (docs/formats/state-tier.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/types/key_codec.h"
#include "state/tiered/tier_manifest.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/manual_executor.h"
#include "tests/support/settable_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr uint32_t kMaxParallelism = 16;

struct Visit {
  int32_t id = 0;
  std::string page;
  WEIR_RECORD(Visit, id, page)
};
/// What the job may have become.
struct LaterVisit {
  std::string page;
  int64_t id = 0;
  std::string referrer = "none";
  WEIR_RECORD(LaterVisit, page, id, referrer)
};

const ListStateDescriptor<std::string> kPages("pages", {std::chrono::hours(1)});
const MapStateDescriptor<std::pair<std::string, int32_t>, double> kScores("scores");

std::string DataPath(const std::string& name) {
  return std::string(std::getenv("WEIR_SOURCE_DIR")) + "/tests/compat/data/" + name;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// RocksDB puts the name of the machine into tables.
class NamelessHost final : public rocksdb::EnvWrapper {
 public:
  NamelessHost() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
  rocksdb::Status GetHostName(char* name, uint64_t size) override {
    std::snprintf(name, size, "golden");
    return rocksdb::Status::OK();
  }
};

class StateTierCompatTest : public testing::Test {
 protected:
  std::unique_ptr<TieredKeyedStateBackend> Open() {
    TieredStateOptions options;
    options.instance = "golden";
    options.directory = directory_.File(std::to_string(++opened_));
    options.env = &host_;
    return *TieredKeyedStateBackend::Open(
        {"visits", StateCodec<std::string>::Schema(), kMaxParallelism, {0, kMaxParallelism}},
        options, clock_, pool_);
  }
  static void SetKey(KeyedStateBackend& backend, const std::string& key) {
    backend.SetCurrentKey(KeyRefOf(key, kMaxParallelism));
  }
  KeyedStateIncrement WriteNow() {
    const auto backend = Open();
    auto visit = backend->GetState(ValueStateDescriptor<Visit>("visit"));
    auto pages = backend->GetListState(kPages);
    auto scores = backend->GetMapState(kScores);
    for (const std::string key : {"ada", "bob", "cleo"}) {
      SetKey(*backend, key);
      visit.Update({static_cast<int32_t>(key.size()), "/" + key});
      pages.Add("/a");
      pages.Add("/" + key);
      scores.Put({key, -1}, 1.5);
      scores.Put({key, 2}, -2.5);
      backend->timers().Register(TimeDomain::kEventTime, 1000, "window");
      backend->timers().Register(TimeDomain::kProcessingTime, 2000);
    }
    // So long that what is added to it behind a barrier is an entry of its own.
    SetKey(*backend, "dora");
    for (int i = 0; i < 60; ++i) pages.Add("/" + std::to_string(i));
    SetKey(*backend, "cleo");
    scores.Remove({"cleo", 2});
    backend->timers().Delete(TimeDomain::kProcessingTime, 2000);
    backend->timers().AdvanceWatermark(EventTime::FromMicros(999));
    (void)*backend->Freeze();
    SetKey(*backend, "dora");
    pages.Add("/60");
    pages.Add("/61");
    return *(*backend->Freeze())->WriteIncrement();
  }
  static void AddFile(const std::string& name, const std::string& path,
                      KeyedStateIncrement* increment) {
    increment->files.push_back({name, std::filesystem::file_size(path), path, nullptr});
  }
  static KeyedStateIncrement Version1() {
    KeyedStateIncrement increment{ReadFile(DataPath("state_tier_1.manifest")), {}};
    AddFile("golden/1.log", DataPath("state_tier_1.log"), &increment);
    return increment;
  }
  static KeyedStateIncrement Version2() {
    KeyedStateIncrement increment{ReadFile(DataPath("state_tier_2.manifest")), {}};
    AddFile("golden/1.log", DataPath("state_tier_2_1.log"), &increment);
    AddFile("golden/2.log", DataPath("state_tier_2_2.log"), &increment);
    return increment;
  }

  static std::vector<std::string> DorasPages() {
    std::vector<std::string> pages;
    for (int i = 0; i < 62; ++i) pages.push_back("/" + std::to_string(i));
    return pages;
  }

  void SaveBase(const std::string& folder) {
    const auto backend = Open();
    auto pages = backend->GetListState(kPages);
    const auto materialise = [&] {
      clock_.Advance(absl::Seconds(11));
      backend->BeginBatch();
      backend->BeginBatch();
    };
    for (const std::string key : {"ada", "dora"}) {
      SetKey(*backend, key);
      for (int i = 0; i < 60; ++i) pages.Add("/" + std::to_string(i));
    }
    materialise();
    for (const std::string page : {"/60", "/61"}) {
      for (const std::string key : {"ada", "cleo", "dora"}) {
        SetKey(*backend, key);
        pages.Add(page);
      }
      materialise();
    }
    const KeyedStateIncrement increment = *(*backend->Freeze())->WriteIncrement();
    std::filesystem::create_directories(folder);
    for (const KeyedStateFile& file : increment.files) {
      const std::filesystem::path path(file.path);
      std::filesystem::copy_file(path, folder + path.filename().string());
    }
    std::ofstream(folder + "manifest", std::ios::binary) << increment.manifest;
  }

  NamelessHost host_;
  TemporaryDirectory directory_;
  SettableClock clock_;
  ManualPool pool_;
  int opened_ = 0;
};

TEST_F(StateTierCompatTest, Version1IsRead) {
  const auto backend = Open();
  const KeyedStateIncrement increment = Version1();
  ASSERT_EQ(backend->RestoreIncrements({&increment, 1}), absl::OkStatus());
  auto visit = backend->GetState(ValueStateDescriptor<Visit>("visit"));
  auto pages = backend->GetListState(kPages);
  auto scores = backend->GetMapState(kScores);
  ASSERT_EQ(backend->status(), absl::OkStatus());
  SetKey(*backend, "bob");
  ASSERT_NE(visit.Peek(), nullptr);
  EXPECT_EQ(visit.Peek()->id, 3);
  EXPECT_EQ(visit.Peek()->page, "/bob");
  EXPECT_THAT(pages.Get(), ElementsAre("/a", "/bob"));
  EXPECT_THAT(scores.Entries(),
              ElementsAre(Pair(Pair("bob", -1), 1.5), Pair(Pair("bob", 2), -2.5)));
  SetKey(*backend, "cleo");
  EXPECT_THAT(scores.Entries(), ElementsAre(Pair(Pair("cleo", -1), 1.5)));
  EXPECT_EQ(backend->timers().GroupWatermark(0), EventTime::FromMicros(999));
  int windows = 0;
  while (const auto timer = backend->timers().PopDue(TimeDomain::kEventTime, 1000)) {
    EXPECT_EQ(timer->name_space, "window");
    ++windows;
  }
  EXPECT_EQ(windows, 3);
  EXPECT_EQ(backend->timers().PopDue(TimeDomain::kProcessingTime, 2000)->key, "ada");
  EXPECT_EQ(backend->timers().PopDue(TimeDomain::kProcessingTime, 2000)->key, "bob");
  EXPECT_EQ(backend->timers().NextDue(TimeDomain::kProcessingTime), std::nullopt);
}

TEST_F(StateTierCompatTest, Version1IsMigrated) {
  const auto backend = Open();
  const KeyedStateIncrement increment = Version1();
  ASSERT_EQ(backend->RestoreIncrements({&increment, 1}), absl::OkStatus());
  auto visit = backend->GetState(ValueStateDescriptor<LaterVisit>("visit"));
  SetKey(*backend, "cleo");
  ASSERT_NE(visit.Peek(), nullptr);
  EXPECT_EQ(visit.Peek()->page, "/cleo");
  EXPECT_EQ(visit.Peek()->id, 4);
  EXPECT_EQ(visit.Peek()->referrer, "none");
}

TEST_F(StateTierCompatTest, AppendsOfVersion2AreRead) {
  const auto backend = Open();
  const KeyedStateIncrement increment = Version2();
  ASSERT_EQ(backend->RestoreIncrements({&increment, 1}), absl::OkStatus());
  auto pages = backend->GetListState(kPages);
  ASSERT_EQ(backend->status(), absl::OkStatus());
  SetKey(*backend, "bob");
  EXPECT_THAT(pages.Get(), ElementsAre("/a", "/bob"));
  SetKey(*backend, "dora");
  EXPECT_EQ(pages.Get(), DorasPages());
}

/// Tables with a list and, apart from it, what was appended to it.
TEST_F(StateTierCompatTest, ABaseOfVersion2IsRead) {
  const std::string folder = DataPath("state_tier_2_base/");
  if (!std::filesystem::exists(folder)) {
    SaveBase(testing::TempDir() + "state_tier_2_base/");
    FAIL() << "there is none; one that is written now is in " << testing::TempDir();
  }
  KeyedStateIncrement increment{ReadFile(folder + "manifest"), {}};
  const absl::StatusOr<TierManifest> manifest = DecodeTierManifest(increment.manifest);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  ASSERT_TRUE(manifest->logs.empty());
  for (const TierManifest::File& file : manifest->files) {
    AddFile(file.name, folder + file.local_name, &increment);
  }
  const auto backend = Open();
  ASSERT_EQ(backend->RestoreIncrements({&increment, 1}), absl::OkStatus());
  auto pages = backend->GetListState(kPages);
  for (const std::string key : {"ada", "dora"}) {
    SetKey(*backend, key);
    EXPECT_EQ(pages.Get(), DorasPages()) << key;
  }
  SetKey(*backend, "cleo");
  EXPECT_THAT(pages.Get(), ElementsAre("/60", "/61"));
  EXPECT_EQ(backend->status(), absl::OkStatus());
}

/// As long as version 2 is what is written, the same changes have the same bytes.
TEST_F(StateTierCompatTest, Version2IsWritten) {
  const KeyedStateIncrement now = WriteNow();
  ASSERT_EQ(now.files.size(), 2u);
  const std::string logs[] = {ReadFile(now.files[0].path), ReadFile(now.files[1].path)};
  if (now.manifest == ReadFile(DataPath("state_tier_2.manifest")) &&
      logs[0] == ReadFile(DataPath("state_tier_2_1.log")) &&
      logs[1] == ReadFile(DataPath("state_tier_2_2.log"))) {
    return;
  }
  const std::string path = testing::TempDir() + "state_tier_now";
  std::ofstream(path + ".manifest", std::ios::binary) << now.manifest;
  std::ofstream(path + "_1.log", std::ios::binary) << logs[0];
  std::ofstream(path + "_2.log", std::ios::binary) << logs[1];
  ADD_FAILURE() << "the format has changed; what is written now is in " << path << "*";
}

}  // namespace
}  // namespace weir
