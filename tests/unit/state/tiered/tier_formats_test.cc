// Keys, dirty logs and manifests of the state tier (docs/formats/state-tier.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/stable_hash.h"
#include "common/types/byte_reader.h"
#include "state/tiered/dirty_log.h"
#include "state/tiered/tier_key.h"
#include "state/tiered/tier_manifest.h"

namespace weir {
namespace {

using testing::ElementsAre;

TEST(TierKeyTest, TimersAreInTheOrderTheyAreDue) {
  std::vector<std::string> keys;
  for (const int64_t time : {INT64_MIN, int64_t{-5}, int64_t{0}, int64_t{7}, INT64_MAX}) {
    for (const std::string& key : {std::string(), std::string("a"), std::string("a\0", 2),
                                   std::string("ab"), std::string("b")}) {
      for (const std::string name_space : {"", "w"}) {
        keys.push_back(TimerKey(300, TimeDomain::kProcessingTime, time, key, name_space));
        TimeDomain domain;
        DueTimer timer;
        ASSERT_TRUE(ReadTimerKey(keys.back(), &domain, &timer));
        EXPECT_EQ(domain, TimeDomain::kProcessingTime);
        EXPECT_EQ(timer.group, 300u);
        EXPECT_EQ(timer.time_micros, time);
        EXPECT_EQ(timer.key, key);
        EXPECT_EQ(timer.name_space, name_space);
      }
    }
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_GE(keys.front(), BeginOfGroup(300));
  EXPECT_LT(keys.back(), BeginOfGroup(301));
}

TEST(TierKeyTest, DamagedTimersAreNone) {
  const std::string key = TimerKey(1, TimeDomain::kEventTime, 5, "key", "");
  TimeDomain domain;
  DueTimer timer;
  for (size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(ReadTimerKey(key.substr(0, size), &domain, &timer)) << size;
  }
}

TEST(TierKeyTest, StatesMayBeRenumbered) {
  std::string key;
  AppendTierPrefix(513, 7, &key);
  key += "key";
  EXPECT_EQ(GroupOfTierKey(key), 513u);
  EXPECT_EQ(StateOfTierKey(key), 7u);
  SetStateOfTierKey(1030, &key);
  EXPECT_EQ(StateOfTierKey(key), 1030u);
  EXPECT_EQ(key.substr(kTierPrefixSize), "key");
  EXPECT_EQ(BeginOfGroup(1u << 16), "");
}

std::string SomeLog(int entries, size_t value_bytes) {
  DirtyLogEncoder log;
  log.Begin(42);
  for (int i = 0; i < entries; ++i) {
    const StoreChange kind = i % 4 == 0   ? StoreChange::kDelete
                             : i % 3 == 2 ? StoreChange::kAppend
                                          : StoreChange::kPut;
    log.Add({i % 3 == 0 ? RocksFamily::kTimers : RocksFamily::kState, kind, absl::StrCat("key ", i),
             i % 4 == 0 ? "" : std::string(value_bytes, 'v')});
  }
  log.End();
  return log.bytes();
}

absl::StatusOr<uint64_t> Read(absl::string_view log, std::vector<std::string>* entries) {
  return ReadDirtyLog(log, [entries](const DirtyEntry& entry) {
    entries->push_back(absl::StrCat(entry.family == RocksFamily::kTimers ? "timer " : "",
                                    entry.kind == StoreChange::kDelete ? "-" : "", entry.key,
                                    entry.kind == StoreChange::kAppend ? "+=" : "=", entry.value));
    return absl::OkStatus();
  });
}

TEST(DirtyLogTest, ComesBack) {
  std::vector<std::string> entries;
  EXPECT_EQ(Read(SomeLog(5, 1), &entries).value(), 42u);
  EXPECT_THAT(entries,
              ElementsAre("timer -key 0=", "key 1=v", "key 2+=v", "timer key 3=v", "-key 4="));
  entries.clear();
  EXPECT_TRUE(Read(SomeLog(0, 0), &entries).ok());
  EXPECT_TRUE(entries.empty());
}

TEST(DirtyLogTest, IsReadBlockByBlock) {
  const std::string log = SomeLog(100, 20000);
  EXPECT_GT(log.size(), 4 * DirtyLogEncoder::kBlockBytes);
  std::vector<std::string> entries;
  EXPECT_TRUE(Read(log, &entries).ok());
  EXPECT_EQ(entries.size(), 100u);
}

TEST(DirtyLogTest, DamageIsFound) {
  const std::string log = SomeLog(20, 3);
  std::vector<std::string> entries;
  for (size_t at = 0; at < log.size(); ++at) {
    // The generation is for people.
    if (at >= 12 && at < 20) continue;
    std::string damaged = log;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
    EXPECT_FALSE(Read(damaged, &entries).ok()) << at;
  }
  for (size_t size = 0; size < log.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(Read(log.substr(0, size), &entries).status())) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(Read(log + "x", &entries).status()));
  std::string newer = log;
  newer[8] = 3;
  EXPECT_EQ(Read(newer, &entries).status(),
            absl::FailedPreconditionError("a dirty log of keyed state has format version 3; this "
                                          "program reads versions 1 to 2"));
}

TEST(DirtyLogTest, Version1HasNoAppends) {
  std::vector<std::string> entries;
  // The first two entries are no appends, the third one is.
  for (const int count : {2, 3}) {
    std::string log = SomeLog(count, 1);
    log[8] = 1;
    const absl::Status status = Read(log, &entries).status();
    EXPECT_EQ(absl::IsDataLoss(status), count == 3) << status;
  }
}

// Nor are timers appended to, nor deletions.
TEST(DirtyLogTest, AnAppendIsNothingElse) {
  for (const char flags : {5, 6, 7, 8}) {
    std::string block{flags, 1, 'k', 1, 'v'};
    DirtyLogEncoder empty;
    empty.Begin(1);
    std::string log = empty.bytes();
    AppendFixed(static_cast<uint32_t>(block.size()), &log);
    AppendFixed(StableHash64(absl::string_view(block)), &log);
    log += block;
    EXPECT_EQ(ReadDirtyLog(log, [](const DirtyEntry&) { return absl::OkStatus(); }).status(),
              absl::DataLossError("a dirty log of keyed state is damaged: an entry cannot be "
                                  "decoded"));
  }
}

TEST(DirtyLogTest, AnErrorOfTheVisitorEndsIt) {
  int visited = 0;
  EXPECT_EQ(ReadDirtyLog(SomeLog(5, 1),
                         [&](const DirtyEntry&) {
                           ++visited;
                           return absl::DataLossError("enough");
                         })
                .status(),
            absl::DataLossError("enough"));
  EXPECT_EQ(visited, 1);
}

TierManifest SomeManifest() {
  TierManifest manifest;
  manifest.max_parallelism = 128;
  manifest.range = {10, 20};
  manifest.key_schema = StateCodec<std::string>::Schema();
  manifest.watermarks_micros.assign(10, INT64_MIN);
  manifest.watermarks_micros[4] = 99;
  TierState map;
  map.id = 3;
  map.name = "map";
  map.kind = StateKind::kMap;
  map.formats = {{true, kNoStamp, StateCodec<int64_t>::Schema(), StateCodec<int32_t>::Schema()},
                 {false, 77, StateCodec<int32_t>::Schema(), StateCodec<int32_t>::Schema()}};
  TierState value;
  value.id = 1;
  value.name = "value";
  value.formats = {{false, kNoStamp, StateCodec<std::string>::Schema(), {}}};
  manifest.states = {map, value};
  manifest.files = {{"one/000007.sst", "000007.sst", 1234}, {"one/1-CURRENT", "CURRENT", 16}};
  manifest.logs = {{"one/5.log", 99}, {"one/6.log", 100}};
  return manifest;
}

TEST(TierManifestTest, ComesBack) {
  const std::string bytes = EncodeTierManifest(SomeManifest());
  EXPECT_TRUE(IsTierManifest(bytes));
  const absl::StatusOr<TierManifest> read = DecodeTierManifest(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(EncodeTierManifest(*read), bytes);
  EXPECT_EQ(read->watermarks_micros[4], 99);
  EXPECT_EQ(read->states[0].formats, SomeManifest().states[0].formats);
  EXPECT_EQ(read->files[1].local_name, "CURRENT");
  EXPECT_EQ(read->logs[1].size_bytes, 100u);
}

TEST(TierManifestTest, DamageIsFound) {
  const std::string bytes = EncodeTierManifest(SomeManifest());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
    EXPECT_FALSE(DecodeTierManifest(damaged).ok()) << at;
    EXPECT_FALSE(DecodeTierManifest(bytes.substr(0, at)).ok()) << at;
  }
  std::string newer = bytes;
  newer[8] = 3;
  EXPECT_TRUE(absl::IsFailedPrecondition(DecodeTierManifest(newer).status()));
}

TEST(TierManifestTest, NamesDoNotLeadElsewhere) {
  for (const std::string name : {"", ".", "..", "a/b", "/etc/passwd"}) {
    TierManifest manifest = SomeManifest();
    manifest.files[0].local_name = name;
    EXPECT_TRUE(absl::IsDataLoss(DecodeTierManifest(EncodeTierManifest(manifest)).status()))
        << name;
  }
}

}  // namespace
}  // namespace weir
