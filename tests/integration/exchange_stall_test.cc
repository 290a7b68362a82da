// One of 64 channels between two workers stalls, over real gRPC: what it holds is bounded, and the
// others notice nothing, neither in their rows nor in their barriers. In a program of its own,
// whose memory is the exchange's.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

#include "common/exec/mutex.h"
#include "tests/support/exchange/exchange_peer.h"
#include "tests/support/sanitizers.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/taskmanager/exchange/testing_exchange.h"

namespace weir::taskmanager {
namespace {

constexpr uint32_t kChannels = 64;
constexpr size_t kBatches = 100;  // of each channel
constexpr size_t kRows = 4'000;
constexpr size_t kBatchesPerBarrier = 5;
constexpr size_t kBatchBytes = kRows * sizeof(int64_t);
constexpr size_t kBudgetBytes = 4u << 20;
// What its producer tries to put into the stalled channel. Only bounds keep it out of memory.
constexpr size_t kStalledBytes = 512u << 20;
// The receiver's budget, what waits at the sender, and what gRPC has read of the next messages.
constexpr size_t kStalledBoundBytes = kBudgetBytes + (8u << 20);
constexpr int kRounds = 5;
constexpr Epoch kStalledEpoch(7);

size_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    uint64_t kilobytes = 0;
    if (!absl::ConsumePrefix(&rest, "VmRSS:")) continue;
    absl::ConsumeSuffix(&rest, "kB");
    if (absl::SimpleAtoi(rest, &kilobytes)) return kilobytes << 10;
  }
  return 0;
}

/// Two workers with all channels from the first to the second.
class StallRound {
 public:
  explicit StallRound(const TemporaryDirectory& directory)
      : from_("w0", absl::StrCat("unix:", directory.path(), "/w0.sock")),
        to_("w1", absl::StrCat("unix:", directory.path(), "/w1.sock")) {
    ExchangePlan from = {.generation = Generation(1)};
    ExchangePlan to = from;
    from.budget_bytes = to.budget_bytes = kBudgetBytes;
    for (uint32_t i = 0; i < kChannels; ++i) {
      from.outputs.push_back({{1, i, 0}, WorkerId("w1"), to_.address()});
      to.inputs.push_back({{1, i, 0}, WorkerId("w0"), NumbersSchema()});
    }
    WEIR_CHECK(to_.Open(to).ok() && from_.Open(from).ok());
    WEIR_CHECK(from_.AwaitReady() && to_.AwaitReady());
  }

  /// How long channels 1 to 63 take. With `stall` nobody reads channel 0, whose producer goes on
  /// pushing for as long as it is let.
  absl::Duration Run(bool stall) {
    std::thread staller;
    if (stall) staller = std::thread([this] { FillStalled(); });
    std::vector<std::thread> threads;
    const absl::Duration start = clock_.Monotonic();
    for (uint32_t i = 1; i < kChannels; ++i) {
      threads.emplace_back([this, i] { Consume(*to_.Input({1, i, 0})); });
      threads.emplace_back([this, i] { Produce(*from_.Output({1, i, 0})); });
    }
    for (std::thread& thread : threads) thread.join();
    const absl::Duration took = clock_.Monotonic() - start;
    ended_ = true;
    if (staller.joinable()) staller.join();
    return took;
  }

  /// After Run(stall): reads channel 0. Its barrier was put in behind more than there is credit
  /// for, and comes in its place: the bytes of rows before it; 0 when it does not come.
  size_t DrainStalled() {
    const auto waiter = std::make_shared<Waiter>();
    const auto input = to_.Input({1, 0, 0});
    input->SetConsumerWakeup([waiter] { waiter->Do([] {}); });
    size_t rows = 0;
    while (true) {
      std::optional<ChannelElement> element;
      const bool came = waiter->Until([&] {
        element = input->Pop();
        return element.has_value();
      });
      if (!came) return 0;
      if (const auto* batch = std::get_if<BatchPtr>(&*element)) {
        rows += (*batch)->num_rows();
      } else if (std::get<Barrier>(*element).epoch == kStalledEpoch) {
        return rows * sizeof(int64_t);
      }
    }
  }

  size_t stalled_bytes() const { return stalled_bytes_; }
  /// Of channels 1 to 63: from its sending to its arrival.
  std::vector<absl::Duration> barriers() {
    MutexLock lock(mutex_);
    return barriers_;
  }
  size_t most_resident() const { return most_resident_; }
  size_t unconsumed_bytes() { return to_.endpoint().credits()->unconsumed_bytes(); }

 private:
  void FillStalled() {
    const auto output = from_.Output({1, 0, 0});
    const auto waiter = std::make_shared<Waiter>();
    output->SetProducerWakeup([waiter] { waiter->Do([] {}); });
    while (!ended_ && stalled_bytes_ < kStalledBytes) {
      if (waiter->Until([&] { return output->HasRoom(); }, absl::Milliseconds(20))) {
        // A copy of its own, as records have.
        WEIR_CHECK(output->Push(CountingBatch(0, kRows)).ok());
        stalled_bytes_ += kBatchBytes;
      }
      most_resident_ = std::max<size_t>(most_resident_, ResidentBytes());
    }
    // It needs no room, here or there.
    WEIR_CHECK(output->Push(Barrier{kStalledEpoch, LeaderTerm(1)}).ok());
  }

  void Produce(ChannelOutput& output) {
    const auto waiter = std::make_shared<Waiter>();
    output.SetProducerWakeup([waiter] { waiter->Do([] {}); });
    const BatchPtr batch = CountingBatch(0, kRows);
    for (size_t i = 0; i < kBatches; ++i) {
      WEIR_CHECK(waiter->Until([&] { return output.HasRoom(); }));
      WEIR_CHECK(output.Push(batch).ok());
      if (i % kBatchesPerBarrier != kBatchesPerBarrier - 1) continue;
      // Its epoch is when it was sent.
      const auto now = static_cast<uint64_t>(absl::ToInt64Nanoseconds(clock_.Monotonic()));
      WEIR_CHECK(output.Push(Barrier{Epoch(now), LeaderTerm(1)}).ok());
    }
    WEIR_CHECK(output.Push(EndOfInput()).ok());
  }

  void Consume(ChannelInput& input) {
    const auto waiter = std::make_shared<Waiter>();
    input.SetConsumerWakeup([waiter] { waiter->Do([] {}); });
    size_t rows = 0;
    std::vector<absl::Duration> barriers;
    while (true) {
      std::optional<ChannelElement> element;
      WEIR_CHECK(waiter->Until([&] {
        element = input.Pop();
        return element.has_value();
      }));
      if (std::holds_alternative<EndOfInput>(*element)) break;
      if (const auto* batch = std::get_if<BatchPtr>(&*element)) {
        rows += (*batch)->num_rows();
        continue;
      }
      const auto sent = static_cast<int64_t>(std::get<Barrier>(*element).epoch.value());
      barriers.push_back(clock_.Monotonic() - absl::Nanoseconds(sent));
    }
    WEIR_CHECK(rows == kBatches * kRows);
    MutexLock lock(mutex_);
    barriers_.insert(barriers_.end(), barriers.begin(), barriers.end());
  }

  const SystemClock clock_;
  ExchangePeer from_;
  ExchangePeer to_;
  std::atomic<bool> ended_{false};
  std::atomic<size_t> stalled_bytes_{0};
  std::atomic<size_t> most_resident_{0};
  Mutex mutex_;
  std::vector<absl::Duration> barriers_ WEIR_GUARDED_BY(mutex_);
};

/// The one that `part` of all do not exceed.
absl::Duration Quantile(std::vector<absl::Duration> all, double part) {
  std::sort(all.begin(), all.end());
  return all[static_cast<size_t>(part * static_cast<double>(all.size() - 1))];
}

/// What the rounds of one kind have measured.
struct Measured {
  std::vector<absl::Duration> rounds;
  std::vector<absl::Duration> barriers;  // of all rounds

  void Add(StallRound& round, bool stall) {
    rounds.push_back(round.Run(stall));
    const std::vector<absl::Duration> more = round.barriers();
    EXPECT_EQ(more.size(), (kChannels - 1) * kBatches / kBatchesPerBarrier);
    barriers.insert(barriers.end(), more.begin(), more.end());
  }
};

// Rounds with and without a stall follow each other in turn, so that what else this machine does
// hits both, and are compared in the middle: no round, and no barrier, is the lucky one that
// counts.
TEST(ExchangeStallTest, StalledChannelOf64CostsTheOthersNothing) {
  Measured free;
  Measured stalled;
  size_t growth = 0;
  for (int round = 0; round < kRounds; ++round) {
    const TemporaryDirectory directory;
    {
      StallRound one(directory);
      free.Add(one, /*stall=*/false);
    }
    StallRound one(directory);
    // The first rounds have filled the allocator with what the other channels need.
    const size_t before = ResidentBytes();
    stalled.Add(one, /*stall=*/true);
    EXPECT_GE(one.stalled_bytes(), 2 * kBatchBytes) << "nothing was to stall";
    EXPECT_LE(one.stalled_bytes(), kStalledBoundBytes);
    EXPECT_LE(one.unconsumed_bytes(), kBudgetBytes);
    if (round > 0 && one.most_resident() > before) {
      growth = std::max(growth, one.most_resident() - before);
    }
    EXPECT_EQ(one.DrainStalled(), one.stalled_bytes()) << "rows before the stalled one's barrier";
  }
  const double ratio =
      absl::FDivDuration(Quantile(stalled.rounds, 0.5), Quantile(free.rounds, 0.5));
  const absl::Duration barrier_stalled = Quantile(stalled.barriers, 0.99);
  const absl::Duration barrier_free = Quantile(free.barriers, 0.99);
  RecordProperty("ratio", absl::StrCat(ratio));
  RecordProperty("barriers", absl::FormatDuration(barrier_stalled));
  RecordProperty("barriers without a stall", absl::FormatDuration(barrier_free));
  RecordProperty("growth mebibytes", absl::StrCat(growth >> 20));
  EXPECT_LT(ratio, 1.5);
  EXPECT_LT(barrier_stalled, 2 * barrier_free) << "against " << barrier_free;
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory comes on top";
  EXPECT_LT(growth, kStalledBoundBytes + (16u << 20)) << (growth >> 20) << " MiB";
}

}  // namespace
}  // namespace weir::taskmanager
