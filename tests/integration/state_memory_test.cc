// Keyed state ten times as large as its memory, in a process of its own: what the kernel counts.
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "common/types/key_codec.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/sanitizers.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

constexpr size_t kMemoryBytes = 16u << 20;
constexpr int64_t kValueBytes = 400;
constexpr int64_t kKeys = 10 * static_cast<int64_t>(kMemoryBytes) / kValueBytes;
constexpr uint32_t kGroups = 16;
// What stays beside it, whatever the state: RocksDB's block cache (8 MB), write buffers (4 MB) and
// threads, what two checkpoints hold on to, and the allocator's slack.
constexpr size_t kBeside = 48u << 20;

/// Of /proc/self/status, in bytes.
size_t StatusBytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    uint64_t kilobytes = 0;
    if (!absl::ConsumePrefix(&rest, absl::StrCat(field, ":"))) continue;
    absl::ConsumeSuffix(&rest, "kB");
    if (absl::SimpleAtoi(rest, &kilobytes)) return kilobytes << 10;
  }
  return 0;
}

std::string ValueOf(int64_t key, int64_t version) {
  std::string value = absl::StrCat(key, " as of ", version, " ");
  value.resize(kValueBytes, 'x');
  return value;
}

TEST(StateMemory, AProcessWithTenTimesAsMuchStateStaysWithinItsLimit) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory comes on top";
  const TemporaryDirectory directory;
  const SystemClock clock;
  ThreadBlockingPool pool({.name = "weir-test", .threads = 2});
  TieredStateOptions options;
  options.directory = directory.File("state");
  options.instance = "a";
  options.memory_bytes = kMemoryBytes;
  auto backend =
      TieredKeyedStateBackend::Open({"count", StateCodec<int64_t>::Schema(), kGroups, {0, kGroups}},
                                    options, clock, pool)
          .value();
  auto state = backend->GetState(ValueStateDescriptor<std::string>("value"));
  std::vector<int32_t> versions(kKeys, -1);
  const size_t before = StatusBytes("VmRSS");
  ASSERT_GT(before, 0u);

  SeededRandom random(7);
  std::shared_ptr<const FrozenState> frozen;
  const auto put = [&](int64_t key, int32_t version) {
    const std::string bytes = EncodeKey(key);
    backend->SetCurrentKey(KeyRefOf(bytes, kGroups));
    state.Update(ValueOf(key, version));
    versions[static_cast<size_t>(key)] = version;
  };
  for (int64_t i = 0; i < 2 * kKeys; ++i) {
    if (i % 100 == 0) backend->BeginBatch();
    const bool first = i < kKeys;
    put(first ? i : static_cast<int64_t>(random.Below(kKeys)), first ? 0 : 1);
    if (i % (kKeys / 10) != 0) continue;
    frozen = *backend->Freeze();
    ASSERT_TRUE(frozen->WriteIncrement().ok());
  }
  frozen.reset();
  for (int64_t i = 0; i < kKeys / 8; ++i) {
    if (i % 100 == 0) backend->BeginBatch();
    const auto key = static_cast<int64_t>(random.Below(kKeys));
    const std::string bytes = EncodeKey(key);
    backend->SetCurrentKey(KeyRefOf(bytes, kGroups));
    ASSERT_EQ(state.Value(), ValueOf(key, versions[static_cast<size_t>(key)])) << key;
  }
  ASSERT_EQ(backend->status(), absl::OkStatus());
  const size_t most = StatusBytes("VmHWM") - before;
  RecordProperty("mebibytes", absl::StrCat(most >> 20));
  EXPECT_LE(most, kMemoryBytes + kBeside)
      << (most >> 20) << " MiB for a state of " << (kKeys * kValueBytes >> 20);
}

}  // namespace
}  // namespace weir
