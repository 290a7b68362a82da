// What a checkpoint of keyed state behind RocksDB costs after so many of all keys have changed: the
// pause of the task, and the increment that is written on another thread.
//
//   bench_checkpoint KEYS ITERATIONS DIRTY_KEYS...
//
// Prints one line of JSON for each number of dirty keys: the longest pause (freeze_max_us by the
// clock, freeze_cpu_max_us of its thread), the bytes of the log of what changed and of the tables
// that a materialisation made meanwhile, the time of an increment and, beside it, that of the same
// bytes appended to a file and synced.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"

#include "state/tiered/local_file.h"
#include "tests/bench/micro/tier_fixture.h"
#include "tests/support/process_cpu.h"

namespace weir {
namespace {

constexpr size_t kMemoryBytes = size_t{4} << 30;
// One increment of a million keys is all in one layer.
constexpr size_t kMaterialiseBytes = size_t{1} << 30;
// Has no divisor in common with the number of keys: its multiples are all of them.
constexpr int64_t kStride = 7'368'787;

struct Longest {
  double wall_us = 0;
  double cpu_us = 0;
};

class Checkpoints {
 public:
  explicit Checkpoints(int64_t keys)
      : keys_(keys), state_({keys, kMemoryBytes, kMaterialiseBytes, absl::Hours(1)}) {
    (void)Write(*Freeze(nullptr));
  }

  void Measure(int64_t dirty, int iterations) {
    Longest longest;
    std::vector<double> write_ms;
    std::vector<double> limit_ms;
    uint64_t logs = 0;
    uint64_t tables = 0;
    for (int i = 0; i < iterations; ++i) {
      Change(dirty);
      const auto frozen = Freeze(&longest);
      const absl::Duration begin = state_.Now();
      const Written written = Write(*frozen);
      write_ms.push_back(absl::ToDoubleMilliseconds(state_.Now() - begin));
      limit_ms.push_back(DiskMilliseconds(written.log_bytes));
      logs += written.log_bytes;
      tables += written.table_bytes;
    }
    const auto all = static_cast<double>(iterations);
    std::sort(write_ms.begin(), write_ms.end());
    std::sort(limit_ms.begin(), limit_ms.end());
    const size_t middle = write_ms.size() / 2;
    printf(
        "{\"keys\": %lld, \"dirty\": %lld, \"checkpoints\": %d, \"freeze_max_us\": %.1f, "
        "\"freeze_cpu_max_us\": %.1f, \"log_bytes\": %.0f, \"table_bytes\": %.0f, "
        "\"write_ms\": %.2f, \"limit_ms\": %.2f}\n",
        static_cast<long long>(keys_), static_cast<long long>(dirty), iterations, longest.wall_us,
        longest.cpu_us, static_cast<double>(logs) / all, static_cast<double>(tables) / all,
        write_ms[middle], limit_ms[middle]);
    fflush(stdout);
  }

 private:
  struct Written {
    uint64_t log_bytes = 0;
    uint64_t table_bytes = 0;
  };

  // Each key once.
  void Change(int64_t dirty) {
    for (int64_t i = 0; i < dirty; ++i) {
      if (i % kKeysPerBatch == 0) state_.backend().BeginBatch();
      next_ = (next_ + kStride) % keys_;
      state_.Add(next_, 1);
    }
  }
  std::unique_ptr<FrozenState> Freeze(Longest* longest) {
    const absl::Duration cpu_before = absl::Seconds(ThreadCpuSeconds());
    const absl::Duration before = state_.Now();
    auto frozen = state_.backend().Freeze();
    const absl::Duration after = state_.Now();
    const absl::Duration cpu = absl::Seconds(ThreadCpuSeconds()) - cpu_before;
    WEIR_CHECK(frozen.ok()) << frozen.status();
    if (longest != nullptr) {
      longest->wall_us = std::max(longest->wall_us, absl::ToDoubleMicroseconds(after - before));
      longest->cpu_us = std::max(longest->cpu_us, absl::ToDoubleMicroseconds(cpu));
    }
    return *std::move(frozen);
  }
  // What no earlier checkpoint had.
  Written Write(const FrozenState& frozen) {
    const auto increment = frozen.WriteIncrement();
    WEIR_CHECK(increment.ok()) << increment.status();
    Written written;
    for (const KeyedStateFile& file : increment->files) {
      if (!names_.insert(file.name).second) continue;
      const bool log = absl::EndsWith(file.name, ".log");
      (log ? written.log_bytes : written.table_bytes) += file.size_bytes;
    }
    return written;
  }
  double DiskMilliseconds(uint64_t bytes) {
    const std::string path = state_.directory().File("disk");
    const std::string block(256u << 10, 'x');
    const absl::Duration begin = state_.Now();
    auto file = LocalFileWriter::Open(path);
    WEIR_CHECK(file.ok()) << file.status();
    for (uint64_t left = bytes; left > 0;) {
      const auto part = static_cast<size_t>(std::min<uint64_t>(left, block.size()));
      WEIR_CHECK((*file)->Append(absl::string_view(block).substr(0, part)).ok());
      left -= part;
    }
    WEIR_CHECK((*file)->Finish().ok());
    const absl::Duration took = state_.Now() - begin;
    std::remove(path.c_str());
    return absl::ToDoubleMilliseconds(took);
  }

  const int64_t keys_;
  TierFixture state_;
  std::set<std::string> names_;
  int64_t next_ = 0;
};

int Main(int argc, char** argv) {
  std::vector<int64_t> numbers;
  for (int i = 1; i < argc; ++i) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(argv[i], &number) || number < 1) break;
    numbers.push_back(number);
  }
  if (argc < 4 || numbers.size() + 1 != static_cast<size_t>(argc)) {
    fprintf(stderr, "usage: bench_checkpoint KEYS ITERATIONS DIRTY_KEYS...\n");
    return 2;
  }
  Checkpoints checkpoints(numbers[0]);
  for (size_t i = 2; i < numbers.size(); ++i) {
    checkpoints.Measure(numbers[i], static_cast<int>(numbers[1]));
  }
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
