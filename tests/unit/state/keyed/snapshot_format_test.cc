#include "state/keyed/snapshot_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "common/base/seeded_random.h"
#include "common/time/clock.h"
#include "state/keyed/heap_keyed_state_backend.h"

namespace weir {
namespace {

class FixedClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'700'000'000); }
  absl::Duration Monotonic() const override { return absl::Seconds(1); }
};

struct Visit {
  int32_t id = 0;
  std::string page;
  std::optional<double> seconds;
  WEIR_RECORD(Visit, id, page, seconds)
};

/// One key group only, so that any key is in the right one.
KeyedStateBackend::Options OptionsOf() {
  return {"visits", StateCodec<std::string>::Schema(), 1, {0, 1}};
}

void GetStates(KeyedStateBackend& backend) {
  (void)backend.GetState(ValueStateDescriptor<Visit>("value"));
  (void)backend.GetListState(ListStateDescriptor<Visit>("list", {std::chrono::hours(1)}));
  (void)backend.GetMapState(MapStateDescriptor<std::pair<std::string, bool>, Visit>("map"));
}

std::string SomeSnapshot() {
  const FixedClock clock;
  HeapKeyedStateBackend backend(OptionsOf(), clock);
  auto value = backend.GetState(ValueStateDescriptor<Visit>("value"));
  auto list = backend.GetListState(ListStateDescriptor<Visit>("list", {std::chrono::hours(1)}));
  auto map = backend.GetMapState(MapStateDescriptor<std::pair<std::string, bool>, Visit>("map"));
  for (const char* key : {"ada", "bob"}) {
    backend.SetCurrentKey(KeyRefOf(key, 1));
    value.Update({1, "/a", 0.5});
    list.AddAll({{2, "/b", std::nullopt}, {3, "", 1.0}});
    map.Put({"k", true}, {4, "/c", 2.0});
    map.Put({"k", false}, {5, "/d", std::nullopt});
    backend.timers().Register(TimeDomain::kEventTime, 7, "w");
  }
  return *(*backend.Freeze())->Write();
}

std::string Mutated(std::string bytes, SeededRandom& random) {
  for (uint64_t changes = 1 + random.Below(3); changes > 0 && !bytes.empty(); --changes) {
    const size_t at = random.Below(bytes.size());
    switch (random.Below(3)) {
      case 0:
        bytes[at] = static_cast<char>(random.Below(2) == 0 ? random.Below(256) : random.Below(4));
        break;
      case 1:
        bytes.erase(at, 1 + random.Below(4));
        break;
      default:
        bytes.insert(at, 1, static_cast<char>(random.Below(256)));
    }
  }
  return bytes;
}

TEST(SnapshotFormatTest, TheHeaderSaysWhatIsThere) {
  const std::string snapshot = SomeSnapshot();
  const absl::StatusOr<SnapshotHeader> header = ReadSnapshotHeader(snapshot);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->max_parallelism, 1u);
  EXPECT_EQ(header->range, (KeyGroupRange{0, 1}));
  EXPECT_EQ(header->key_schema, StateCodec<std::string>::Schema());
  ASSERT_EQ(header->states.size(), 3u);
  EXPECT_EQ(header->states[0].name, "list");
  EXPECT_TRUE(header->states[0].stamped);
  EXPECT_EQ(header->states[1].map_key_schema.ToString(), "pair<string, bool>");
  EXPECT_EQ(header->states[2].schema, StateCodec<Visit>::Schema());
  EXPECT_EQ(header->groups.size(), 1u);
}

/// Sections with checksums that fit, whatever is in them.
TEST(SnapshotFormatTest, DecodingOfDamagedSectionsOnlySaysSo) {
  const FixedClock clock;
  const std::string snapshot = SomeSnapshot();
  const absl::StatusOr<SnapshotHeader> header = ReadSnapshotHeader(snapshot);
  ASSERT_TRUE(header.ok());
  const std::string section(*ReadSnapshotSection(snapshot, header->groups[0]));
  SeededRandom random(1);
  int refused = 0;
  for (int i = 0; i < 3'000; ++i) {
    const std::string damaged = JoinSnapshot(*header, {Mutated(section, random)});
    HeapKeyedStateBackend backend(OptionsOf(), clock);
    GetStates(backend);
    const absl::string_view snapshots[] = {damaged};
    const absl::Status status = backend.Restore(snapshots);
    ASSERT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
    if (!status.ok()) {
      ++refused;
      continue;
    }
    // What is accepted is a state like any other.
    const std::string written = *(*backend.Freeze())->Write();
    HeapKeyedStateBackend again(OptionsOf(), clock);
    const absl::string_view once_more[] = {written};
    ASSERT_EQ(again.Restore(once_more), absl::OkStatus());
    GetStates(again);
    ASSERT_EQ(again.status(), absl::OkStatus());
    ASSERT_EQ(*(*again.Freeze())->Write(), written);
  }
  EXPECT_GT(refused, 1'500);
}

TEST(SnapshotFormatTest, DecodingOfDamagedHeadersOnlySaysSo) {
  const std::string snapshot = SomeSnapshot();
  const absl::StatusOr<SnapshotHeader> header = ReadSnapshotHeader(snapshot);
  ASSERT_TRUE(header.ok());
  constexpr size_t kPreamble = 24;
  const size_t section_size = header->groups[0].size;
  const std::string bytes = snapshot.substr(kPreamble, snapshot.size() - kPreamble - section_size);
  ASSERT_TRUE(DecodeSnapshotHeader(bytes).ok());
  SeededRandom random(2);
  for (int i = 0; i < 10'000; ++i) {
    const absl::StatusOr<SnapshotHeader> read = DecodeSnapshotHeader(Mutated(bytes, random));
    ASSERT_TRUE(read.ok() || absl::IsDataLoss(read.status())) << read.status();
  }
}

}  // namespace
}  // namespace weir
