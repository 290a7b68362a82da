// A snapshot of keyed state of each format version, as it was written: it must be readable for ever
// (docs/formats/keyed-state-snapshot.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "common/time/clock.h"
#include "common/types/key_codec.h"
#include "state/keyed/heap_keyed_state_backend.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr uint32_t kMaxParallelism = 16;

class FixedClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'700'000'000); }
  absl::Duration Monotonic() const override { return absl::Seconds(1); }
};

struct Visit {
  int64_t id = 0;
  std::string page;
  std::optional<double> seconds;
  Timestamp at;
  ByteArray raw;
  bool known = false;
  int32_t count = 0;
  WEIR_RECORD(Visit, id, page, seconds, at, raw, known, count)
};
/// What the job may have become.
struct LaterVisit {
  std::string page;
  int64_t count = 0;
  std::string referrer = "none";
  WEIR_RECORD(LaterVisit, page, count, referrer)
};

using Nested = std::vector<std::pair<uint16_t, std::optional<std::chrono::milliseconds>>>;

const ValueStateDescriptor<Visit> kVisit("visit");
const ListStateDescriptor<std::string> kPages("pages", {std::chrono::hours(1)});
const MapStateDescriptor<std::pair<std::string, int32_t>, double> kScores("scores");
const ValueStateDescriptor<Nested> kNested("nested");
const ReducingStateDescriptor<int64_t> kSum("sum", [](const int64_t& a, const int64_t& b) {
  return a + b;
});

KeyedStateBackend::Options OptionsOf() {
  return {"visits", StateCodec<std::string>::Schema(), kMaxParallelism, {0, kMaxParallelism}};
}

void SetKey(KeyedStateBackend& backend, const std::string& key) {
  backend.SetCurrentKey(KeyRefOf(key, kMaxParallelism));
}

std::string WriteNow() {
  const FixedClock clock;
  HeapKeyedStateBackend backend(OptionsOf(), clock);
  auto visit = backend.GetState(kVisit);
  auto pages = backend.GetListState(kPages);
  auto scores = backend.GetMapState(kScores);
  auto nested = backend.GetState(kNested);
  auto sum = backend.GetReducingState(kSum);
  for (const std::string key : {"ada", "bob", "cleo"}) {
    SetKey(backend, key);
    visit.Update({static_cast<int64_t>(key.size()),
                  "/" + key,
                  0.5,
                  Timestamp(std::chrono::microseconds(1'700'000'000'000'000)),
                  {std::byte{0}, std::byte{255}},
                  key == "bob",
                  -3});
    pages.AddAll({"/a", "/" + key});
    scores.Put({key, -1}, 1.5);
    scores.Put({key, 2}, -2.5);
    nested.Update({{7, std::chrono::milliseconds(9)}, {8, std::nullopt}});
    sum.Add(40);
    sum.Add(2);
    backend.timers().Register(TimeDomain::kEventTime, 1000, "window");
    backend.timers().Register(TimeDomain::kProcessingTime, 2000);
  }
  backend.timers().AdvanceWatermark(EventTime::FromMicros(999));
  return *(*backend.Freeze())->Write();
}

std::string ReadFile(const std::string& name) {
  const std::string path =
      std::string(std::getenv("WEIR_SOURCE_DIR")) + "/tests/compat/data/" + name;
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(KeyedStateSnapshotCompatTest, Version1IsRead) {
  const FixedClock clock;
  HeapKeyedStateBackend backend(OptionsOf(), clock);
  const std::string snapshot = ReadFile("keyed_state_1.snapshot");
  const absl::string_view view = snapshot;
  ASSERT_EQ(backend.Restore({view}), absl::OkStatus());
  auto visit = backend.GetState(kVisit);
  auto pages = backend.GetListState(kPages);
  auto scores = backend.GetMapState(kScores);
  auto nested = backend.GetState(kNested);
  auto sum = backend.GetReducingState(kSum);
  ASSERT_EQ(backend.status(), absl::OkStatus());
  SetKey(backend, "bob");
  ASSERT_NE(visit.Peek(), nullptr);
  EXPECT_EQ(visit.Peek()->id, 3);
  EXPECT_EQ(visit.Peek()->page, "/bob");
  EXPECT_EQ(visit.Peek()->seconds, 0.5);
  EXPECT_EQ(visit.Peek()->at, Timestamp(std::chrono::microseconds(1'700'000'000'000'000)));
  EXPECT_THAT(visit.Peek()->raw, ElementsAre(std::byte{0}, std::byte{255}));
  EXPECT_TRUE(visit.Peek()->known);
  EXPECT_EQ(visit.Peek()->count, -3);
  EXPECT_THAT(pages.Get(), ElementsAre("/a", "/bob"));
  EXPECT_THAT(scores.Entries(),
              ElementsAre(Pair(Pair("bob", -1), 1.5), Pair(Pair("bob", 2), -2.5)));
  EXPECT_THAT(*nested.Value(),
              ElementsAre(Pair(7, std::chrono::milliseconds(9)), Pair(8, std::nullopt)));
  EXPECT_EQ(sum.Get(), 42);
  EXPECT_EQ(backend.timers().GroupWatermark(0), EventTime::FromMicros(999));
  std::vector<std::string> due;
  while (const auto timer = backend.timers().PopDue(TimeDomain::kEventTime, 1000)) {
    EXPECT_EQ(timer->name_space, "window");
    due.push_back(timer->key);
  }
  EXPECT_THAT(due, ElementsAre("ada", "bob", "cleo"));
  EXPECT_EQ(backend.timers().NextDue(TimeDomain::kProcessingTime), 2000);
}

TEST(KeyedStateSnapshotCompatTest, Version1IsMigrated) {
  const FixedClock clock;
  HeapKeyedStateBackend backend(OptionsOf(), clock);
  const std::string snapshot = ReadFile("keyed_state_1.snapshot");
  const absl::string_view view = snapshot;
  ASSERT_EQ(backend.Restore({view}), absl::OkStatus());
  auto visit = backend.GetState(ValueStateDescriptor<LaterVisit>("visit"));
  SetKey(backend, "cleo");
  ASSERT_NE(visit.Peek(), nullptr);
  EXPECT_EQ(visit.Peek()->page, "/cleo");
  EXPECT_EQ(visit.Peek()->count, -3);
  EXPECT_EQ(visit.Peek()->referrer, "none");
}

/// As long as version 1 is what is written, the same state has the same bytes.
TEST(KeyedStateSnapshotCompatTest, Version1IsWritten) {
  const std::string now = WriteNow();
  if (now == ReadFile("keyed_state_1.snapshot")) return;
  const std::string path = testing::TempDir() + "keyed_state_now.snapshot";
  std::ofstream(path, std::ios::binary) << now;
  ADD_FAILURE() << "the format has changed; what is written now is in " << path;
}

}  // namespace
}  // namespace weir
