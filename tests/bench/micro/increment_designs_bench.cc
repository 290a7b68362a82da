// bench_increments DESIGN INTERVAL_MS uniform|zipf KEYS CHANGES
// bench_increments disk
//
// What the increments of keyed state cost by one of the designs of increment_designs.h: 50,000
// changes a second of values of 100 bytes, a barrier at each interval, then a restore of the last
// increment, which must give the state as it was. Prints one line of JSON; ends with 1 and a
// sentence when the restored state differs.
//
// Time is simulated where nothing goes on: as long as RocksDB or a materialisation is busy in the
// background, a second of changes takes a second; else the next changes come at once. So
// compactions find as many new files as they would, and a run does not take longer than it must.
// CPU is that of the process, without what the changes and the waiting take.

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "common/types/key_codec.h"
#include "state/tiered/local_file.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/bench/micro/changing_state.h"
#include "tests/bench/micro/increment_designs.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(100);
constexpr int64_t kChangesPerTick = 5000;
constexpr absl::Duration kPoll = absl::Milliseconds(2);
// What is still going on at the end counts, but not for ever.
constexpr absl::Duration kSettle = absl::Seconds(60);

double CpuSeconds(int whose) {
  struct rusage usage = {};
  WEIR_CHECK(getrusage(whose, &usage) == 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What this process has caused to be written to disks.
uint64_t WrittenBytes() {
  std::ifstream in("/proc/self/io");
  std::string name;
  uint64_t value = 0;
  while (in >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

double Percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto place = static_cast<size_t>(part * static_cast<double>(values.size() - 1) + 0.5);
  return values[place];
}

struct RunOptions {
  std::string design;
  absl::Duration interval;
  ChangingState::Options state;
  int64_t changes = 0;
};

struct RunResult {
  double seconds = 0;  // simulated
  double cpu_s = 0;
  double change_cpu_s = 0;
  uint64_t written_bytes = 0;
  uint64_t changed_bytes = 0;  // each key once for each increment
  uint64_t upload_bytes = 0;
  std::vector<double> increment_ms;
  std::vector<double> files;
  double late = 0;  // increments that took longer than the interval
  double restore_s = 0;
  double restore_cpu_s = 0;
  uint64_t digest = 0;  // of what was saved, and restored
};

/// One design, from an empty disk to the restored state.
class Run {
 public:
  explicit Run(const RunOptions& options)
      : options_(options),
        state_(options.state),
        design_(IncrementDesign::Make(options.design, directory_.File("written"), state_, pool_)) {}

  absl::Status Execute();
  /// INTERNAL, with both states: they differ.
  absl::Status Restore();
  const RunResult& result() const { return result_; }

 private:
  absl::Status Barrier();
  // Simulated time reaches `due_`.
  void Pace();
  void Uploaded(const KeyedStateIncrement& increment);
  absl::Status Compare(TieredKeyedStateBackend& backend, ValueState<std::string> value);
  absl::Duration Now() const { return clock_.Monotonic(); }
  // CPU of this thread that is not the increments'.
  template <class Work>
  double Apart(Work work) {
    const double before = CpuSeconds(RUSAGE_THREAD);
    work();
    const double cpu_s = CpuSeconds(RUSAGE_THREAD) - before;
    apart_s_ += cpu_s;
    return cpu_s;
  }

  const RunOptions options_;
  TemporaryDirectory directory_;
  SystemClock clock_;
  ThreadBlockingPool pool_{{"state", 2}};
  ChangingState state_;
  std::unique_ptr<IncrementDesign> design_;
  std::set<std::string> uploaded_;
  KeyedStateIncrement increment_;  // the newest one, as a job keeps it
  absl::Duration due_;             // in real time
  double apart_s_ = 0;
  RunResult result_;
};

void Run::Uploaded(const KeyedStateIncrement& increment) {
  result_.upload_bytes += increment.manifest.size();
  for (const KeyedStateFile& file : increment.files) {
    if (uploaded_.insert(file.name).second) result_.upload_bytes += file.size_bytes;
  }
}

absl::Status Run::Barrier() {
  const absl::Duration begin = Now();
  WEIR_ASSIGN_OR_RETURN(KeyedStateIncrement increment, design_->Write());
  const absl::Duration took = Now() - begin;
  result_.increment_ms.push_back(absl::ToDoubleMilliseconds(took));
  if (took > options_.interval) ++result_.late;
  result_.files.push_back(static_cast<double>(increment.files.size()));
  result_.changed_bytes += state_.EndOfIncrement();
  Uploaded(increment);
  increment_ = std::move(increment);
  return absl::OkStatus();
}

void Run::Pace() {
  due_ += kTick;
  while (Now() < due_ && design_->busy()) absl::SleepFor(kPoll);
  due_ = std::min(due_, Now());
}

absl::Status Run::Execute() {
  WEIR_ASSIGN_OR_RETURN(increment_, design_->Load());
  Uploaded(increment_);
  (void)state_.EndOfIncrement();
  result_.upload_bytes = 0;
  const int64_t ticks_per_barrier = options_.interval / kTick;
  const int64_t barriers =
      std::max<int64_t>(3, options_.changes / (kChangesPerTick * ticks_per_barrier));
  const int64_t ticks = barriers * ticks_per_barrier;
  const uint64_t written = WrittenBytes();
  const double cpu = CpuSeconds(RUSAGE_SELF);
  due_ = Now();
  absl::Duration simulated;
  for (int64_t tick = 1; tick <= ticks; ++tick) {
    result_.change_cpu_s += Apart([&] { state_.Change(kChangesPerTick); });
    simulated += kTick;
    WEIR_RETURN_IF_ERROR(design_->Tick(simulated));
    if (tick % ticks_per_barrier == 0) WEIR_RETURN_IF_ERROR(Barrier());
    Apart([&] { Pace(); });
  }
  Apart([&] {
    const absl::Duration until = Now() + kSettle;
    while (Now() < until && design_->busy()) absl::SleepFor(kPoll);
  });
  result_.seconds = absl::ToDoubleSeconds(simulated);
  result_.cpu_s = CpuSeconds(RUSAGE_SELF) - cpu - apart_s_;
  result_.written_bytes = WrittenBytes() - written;
  return absl::OkStatus();
}

absl::Status Run::Restore() {
  design_.reset();
  TieredStateOptions tiered;
  tiered.directory = directory_.File("restored");
  tiered.instance = "restored";
  tiered.materialise_interval = absl::InfiniteDuration();
  const double cpu = CpuSeconds(RUSAGE_SELF);
  const absl::Duration begin = Now();
  WEIR_ASSIGN_OR_RETURN(
      const auto backend,
      TieredKeyedStateBackend::Open(IncrementDesign::BackendOptions(), tiered, clock_, pool_));
  const ValueState<std::string> value = backend->GetState(ChangingState::Descriptor());
  WEIR_RETURN_IF_ERROR(backend->RestoreIncrements({&increment_, 1}));
  result_.restore_s = absl::ToDoubleSeconds(Now() - begin);
  result_.restore_cpu_s = CpuSeconds(RUSAGE_SELF) - cpu;
  return Compare(*backend, value);
}

absl::Status Run::Compare(TieredKeyedStateBackend& backend, ValueState<std::string> value) {
  constexpr size_t kBatch = 1000;
  const std::vector<int64_t> keys = state_.SortedKeys();
  uint64_t digest = 0;
  uint64_t found = 0;
  for (size_t first = 0; first < keys.size(); first += kBatch) {
    const size_t end = std::min(first + kBatch, keys.size());
    std::vector<std::string> bytes;
    for (size_t i = first; i < end; ++i) bytes.push_back(EncodeKey(keys[i]));
    std::vector<KeyRef> refs;
    for (const std::string& key : bytes) {
      refs.push_back(KeyRefOf(key, ChangingState::kMaxParallelism));
    }
    backend.BeginBatch();
    backend.Prefetch(refs);
    for (size_t i = 0; i < refs.size(); ++i) {
      backend.SetCurrentKey(refs[i]);
      const std::optional<std::string> one = value.Value();
      if (!one.has_value()) continue;
      ++found;
      digest += ChangingState::Digest(keys[first + i], *one);
    }
  }
  WEIR_RETURN_IF_ERROR(backend.status());
  const uint64_t entries = backend.num_entries();
  result_.digest = state_.Digest();
  if (digest == result_.digest && found == state_.present() && entries == found) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrFormat(
      "what design '%s' has restored is not what was saved: %d of %d entries have keys of the "
      "state, with digest %016x; saved were %d, with digest %016x",
      options_.design, found, entries, digest, state_.present(), result_.digest));
}

void Print(const RunOptions& options, const RunResult& result) {
  const auto increments = static_cast<double>(result.increment_ms.size());
  absl::PrintF(
      "{\"design\": \"%s\", \"interval_ms\": %d, \"keys\": \"%s\", \"seconds\": %.1f, "
      "\"increments\": %.0f, \"late\": %.0f, \"cpu_s\": %.4f, \"change_cpu_s\": %.4f, "
      "\"changed_bytes\": %d, \"written_bytes\": %d, \"upload_bytes\": %d, "
      "\"increment_p50_ms\": %.3f, \"increment_p99_ms\": %.3f, \"files_p50\": %.0f, "
      "\"files_max\": %.0f, \"restore_s\": %.4f, \"restore_cpu_s\": %.4f, "
      "\"digest\": \"%016x\"}\n",
      options.design, absl::ToInt64Milliseconds(options.interval),
      options.state.zipf ? "zipf" : "uniform", result.seconds, increments, result.late,
      result.cpu_s, result.change_cpu_s, result.changed_bytes, result.written_bytes,
      result.upload_bytes, Percentile(result.increment_ms, 0.5),
      Percentile(result.increment_ms, 0.99), Percentile(result.files, 0.5),
      Percentile(result.files, 1), result.restore_s, result.restore_cpu_s, result.digest);
}

/// What the disk takes, as the dirty log is written: appended, and synced at the end.
absl::Status Disk() {
  constexpr int kBlocks = 1024;
  const TemporaryDirectory directory;
  const SystemClock clock;
  const std::string block(256u << 10, 'd');
  const absl::Duration begin = clock.Monotonic();
  WEIR_ASSIGN_OR_RETURN(const auto file, LocalFileWriter::Open(directory.File("disk")));
  for (int i = 0; i < kBlocks; ++i) WEIR_RETURN_IF_ERROR(file->Append(block));
  WEIR_RETURN_IF_ERROR(file->Finish());
  absl::PrintF("{\"bytes\": %d, \"seconds\": %.4f}\n", kBlocks * block.size(),
               absl::ToDoubleSeconds(clock.Monotonic() - begin));
  return absl::OkStatus();
}

absl::Status Measure(const RunOptions& options) {
  Run run(options);
  WEIR_RETURN_IF_ERROR(run.Execute());
  WEIR_RETURN_IF_ERROR(run.Restore());
  Print(options, run.result());
  return absl::OkStatus();
}

bool Parse(int argc, char** argv, RunOptions* options) {
  if (argc != 6) return false;
  options->design = argv[1];
  options->interval = absl::Milliseconds(std::atoll(argv[2]));
  options->state.zipf = std::string(argv[3]) == "zipf";
  options->state.keys = std::atoll(argv[4]);
  options->changes = std::atoll(argv[5]);
  const std::set<std::string> designs = {"log", "batch", "table"};
  return designs.count(options->design) > 0 && options->interval >= kTick &&
         options->interval % kTick == absl::ZeroDuration() && options->state.keys > 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::RunOptions options;
  const bool disk = argc == 2 && std::string(argv[1]) == "disk";
  if (!disk && !weir::Parse(argc, argv, &options)) {
    std::cerr << "usage: bench_increments log|batch|table INTERVAL_MS uniform|zipf KEYS CHANGES\n"
                 "       bench_increments disk\n"
                 "INTERVAL_MS is a multiple of 100\n";
    return 2;
  }
  const absl::Status status = disk ? weir::Disk() : weir::Measure(options);
  if (status.ok()) return 0;
  std::cerr << "bench_increments: " << status.message() << "\n";
  return 1;
}
