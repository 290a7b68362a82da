// Many channels between several workers in memory, against an oracle: each element once and in
// order, whatever the order of events; memory within the budget.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "taskmanager/exchange/credit_pool.h"
#include "tests/unit/taskmanager/exchange/testing_workers.h"

namespace weir::taskmanager {
namespace {

TEST(ExchangeFlow, OneStalledChannelOf64StopsNeitherTheOthersNorTheirBarriers) {
  constexpr uint32_t kChannels = 64;
  constexpr size_t kBudget = 1u << 20;
  TestingWorkers workers(
      2, 1,
      {.send = {.capacity_bytes = 64u << 10},
       .credits = {
           .budget_bytes = kBudget, .exclusive_bytes = 8u << 10, .max_floating_bytes = 32u << 10}});
  for (uint32_t i = 0; i < kChannels; ++i) workers.AddChannel(0, 1, {1, 0, i});
  ASSERT_TRUE(workers.Open(0, 1).ok() && workers.Open(1, 1).ok());
  workers.RunAll();
  ExchangeEndpoint& from = *workers.worker(0).endpoint;
  ExchangeEndpoint& to = *workers.worker(1).endpoint;
  std::vector<uint64_t> barriers(kChannels, 0);
  for (uint64_t round = 1; round <= 100; ++round) {
    for (uint32_t i = 0; i < kChannels; ++i) {
      const auto output = from.Output({1, 0, i});
      if (output->HasRoom()) {
        ASSERT_TRUE(output->Push(CountingBatch(0, 500)).ok());
      }
      ASSERT_TRUE(output->Push(Barrier{Epoch(round), LeaderTerm(1)}).ok());
    }
    workers.RunAll();
    EXPECT_LE(to.credits()->committed_bytes(), kBudget);
    EXPECT_LE(to.credits()->unconsumed_bytes(), kBudget);
    for (uint32_t i = 1; i < kChannels; ++i) {
      const auto input = to.Input({1, 0, i});
      while (const std::optional<ChannelElement> element = input->Pop()) {
        if (const auto* barrier = std::get_if<Barrier>(&*element)) {
          EXPECT_EQ(barrier->epoch, Epoch(++barriers[i]));
        }
      }
    }
  }
  workers.RunAll();
  EXPECT_FALSE(from.Output({1, 0, 0})->HasRoom());  // the stalled one: backpressure
  for (uint32_t i = 1; i < kChannels; ++i) EXPECT_EQ(barriers[i], 100u) << i;
}

TEST(ExchangeFlow, FramesAboveTheShareStayWithinTheBudget) {
  constexpr uint32_t kChannels = 64;
  constexpr size_t kBudget = 2u << 20;
  TestingWorkers workers(2, 1, {.credits = {.budget_bytes = kBudget}});
  for (uint32_t i = 0; i < kChannels; ++i) workers.AddChannel(0, 1, {1, 0, i});
  ASSERT_TRUE(workers.Open(0, 1).ok() && workers.Open(1, 1).ok());
  const BatchPtr batch = CountingBatch(0, 25'000);  // 200 KB; a share is 16 KiB
  for (uint32_t i = 0; i < kChannels; ++i) {
    ASSERT_TRUE(workers.worker(0).endpoint->Output({1, 0, i})->Push(batch).ok());
  }
  ExchangeEndpoint& to = *workers.worker(1).endpoint;
  while (workers.Step()) ASSERT_LE(to.credits()->unconsumed_bytes(), kBudget);
  EXPECT_GT(to.credits()->unconsumed_bytes(), kBudget / 2);
  // All of it comes, however little of it at a time.
  std::vector<std::vector<ChannelElement>> received(kChannels);
  for (bool more = true; more;) {
    more = false;
    for (uint32_t i = 0; i < kChannels; ++i) {
      while (std::optional<ChannelElement> element = to.Input({1, 0, i})->Pop()) {
        received[i].push_back(*std::move(element));
        more = true;
      }
    }
    while (workers.Step()) ASSERT_LE(to.credits()->unconsumed_bytes(), kBudget);
  }
  const std::string all = TextOf({batch});
  for (const auto& elements : received) EXPECT_EQ(TextOf(elements), all);
}

// What a worker's channels hold that nobody takes from, when all of them are filled in turn.
size_t FilledBytes(uint32_t channels, size_t budget_bytes, const BatchPtr& batch) {
  TestingWorkers workers(2);
  for (uint32_t i = 0; i < channels; ++i) workers.AddChannel(0, 1, {1, 0, i});
  workers.plans()[0].budget_bytes = budget_bytes;
  EXPECT_TRUE(workers.Open(0, 1).ok());
  size_t filled = 0;
  for (bool more = true; more;) {
    more = false;
    for (uint32_t i = 0; i < channels; ++i) {
      const auto output = workers.worker(0).endpoint->Output({1, 0, i});
      if (!output->HasRoom()) continue;
      EXPECT_TRUE(output->Push(batch).ok());
      filled += BatchFrameBytes(*batch);
      more = true;
    }
  }
  return filled;
}

TEST(ExchangeFlow, WhatWaitsForOtherWorkersIsBoundedOverAllChannels) {
  constexpr size_t kBudget = 8u << 20;
  const BatchPtr batch = CountingBatch(0, 500);
  // Each channel holds the batch that fills it, too.
  const size_t last = BatchFrameBytes(*batch);
  EXPECT_LE(FilledBytes(64, kBudget, batch), kBudget + 64 * last);
  // Below 64 KiB no queue is worth having: with very many channels it is a multiple of the budget.
  EXPECT_LE(FilledBytes(512, kBudget, batch), 512 * ((64u << 10) + last));
  // A few channels take no more than is of use.
  EXPECT_LE(FilledBytes(2, kBudget, batch), 2 * ((2u << 20) + last));
  EXPECT_GE(FilledBytes(2, kBudget, batch), size_t{4u << 20});
}

// What a consumer goes by: the rows, and between them the last barrier with the time at it, and the
// time at last. A channel may leave out what a later element of the same row makes meaningless.
std::string MeaningOf(const std::vector<ChannelElement>& elements) {
  std::string text;
  std::string barrier;  // the last one since the rows, with the time before it
  std::string time = "-";
  bool idle = false;
  bool control = false;
  const auto now = [&] { return absl::StrCat(" at ", time, idle ? " idle" : ""); };
  for (const ChannelElement& element : elements) {
    if (const auto* watermark = std::get_if<EventTime>(&element)) {
      time = absl::StrCat(watermark->micros());
      idle = false;
    } else if (const auto* status = std::get_if<StreamStatus>(&element)) {
      idle = status->idle;
    } else if (const auto* one = std::get_if<Barrier>(&element)) {
      barrier = absl::StrCat(" barrier ", one->epoch.value(), now());
    } else {
      if (control) absl::StrAppend(&text, std::exchange(barrier, ""), now());
      const std::string word = TextOf({element});
      // A batch may be cut.
      text += control || word == " end" || text.empty() ? word : word.substr(sizeof(" batch") - 1);
      control = false;
      continue;
    }
    control = true;
  }
  return text;
}

class FlowOracle {
 public:
  FlowOracle(uint64_t seed, size_t worker_count, size_t channels, bool cuts_to_share)
      : cuts_to_share_(cuts_to_share),
        random_(seed),
        workers_(worker_count, seed,
                 {.send = {.capacity_bytes = 8u << 10,
                           .cut_above_bytes = size_t{2} << (10 + random_.Below(4)),
                           .least_cut_bytes = cuts_to_share ? 1 : size_t{4} << 10,
                           .announce_bytes = 1u << 10},
                  .credits = {.budget_bytes = kBudget,
                              .exclusive_bytes = size_t{256} << random_.Below(4),
                              .max_floating_bytes = 4u << 10,
                              .quantum_bytes = 512}}) {
    for (uint32_t i = 0; i < channels; ++i) {
      Channel channel;
      channel.id = {1 + i % 3, i, i};
      channel.from = random_.Below(worker_count);
      channel.to = (channel.from + 1 + random_.Below(worker_count - 1)) % worker_count;
      channel.slow = random_.Below(4) == 0;
      workers_.AddChannel(channel.from, channel.to, channel.id);
      channels_.push_back(std::move(channel));
    }
    for (size_t i = 0; i < worker_count; ++i) EXPECT_TRUE(workers_.Open(i, 1).ok());
    for (Channel& channel : channels_) {
      channel.output = workers_.worker(channel.from).endpoint->Output(channel.id);
      channel.input = workers_.worker(channel.to).endpoint->Input(channel.id);
    }
  }

  void Run(size_t elements_per_channel) {
    size_t unfinished = channels_.size();
    for (uint64_t step = 0; unfinished > 0 && step < 2'000'000; ++step) {
      Channel& channel = channels_[random_.Below(channels_.size())];
      switch (random_.Below(3)) {
        case 0:
          Produce(channel, elements_per_channel);
          break;
        case 1:
          if (Consume(channel)) --unfinished;
          break;
        default:
          workers_.Step();
          CheckBudgets();
      }
    }
    EXPECT_EQ(unfinished, 0u) << "a channel does not get on";
    for (const Channel& channel : channels_) {
      EXPECT_EQ(MeaningOf(channel.received), MeaningOf(channel.pushed)) << channel.id.ToString();
    }
  }

 private:
  static constexpr size_t kBudget = 16u << 10;

  struct Channel {
    ChannelId id;
    size_t from = 0;
    size_t to = 0;
    bool slow = false;
    std::shared_ptr<ChannelOutput> output;
    std::shared_ptr<ChannelInput> input;
    std::vector<ChannelElement> pushed;
    std::vector<ChannelElement> received;
    std::optional<Epoch> epoch;  // of the last barrier received
    bool ended = false;
  };

  void Produce(Channel& channel, size_t limit) {
    if (channel.ended || !channel.output->HasRoom()) return;
    ChannelElement element = EndOfInput();
    const auto count = static_cast<int64_t>(channel.pushed.size());
    if (channel.pushed.size() >= limit) {
      channel.ended = true;
    } else if (const uint64_t kind = random_.Below(8); kind == 0) {
      element = Barrier{Epoch(channel.pushed.size()), LeaderTerm(1)};
    } else if (kind == 1) {
      element = EventTime::FromMicros(count);
    } else if (kind == 2) {
      element = StreamStatus{random_.Below(2) == 0};
    } else {
      element = CountingBatch(count * 1'000, random_.Below(random_.Below(10) == 0 ? 900 : 40));
    }
    channel.pushed.push_back(element);
    EXPECT_TRUE(channel.output->Push(std::move(element)).ok());
  }

  // True when the channel has ended with this.
  bool Consume(Channel& channel) {
    if (channel.slow && random_.Below(20) != 0) return false;
    if (random_.Below(4) == 0) {
      if (const auto barrier = channel.input->PopBarrier()) Receive(channel, *barrier);
      return false;
    }
    std::optional<ChannelElement> element = channel.input->Pop();
    if (!element.has_value()) return false;
    Receive(channel, *std::move(element));
    return std::holds_alternative<EndOfInput>(channel.received.back());
  }

  void Receive(Channel& channel, ChannelElement element) {
    if (const auto* barrier = std::get_if<Barrier>(&element)) {
      EXPECT_TRUE(!channel.epoch.has_value() || *channel.epoch < barrier->epoch);
      channel.epoch = barrier->epoch;
    }
    channel.received.push_back(std::move(element));
  }

  void CheckBudgets() {
    for (size_t i = 0; i < 3; ++i) {
      const CreditPool& credits = *workers_.worker(i).endpoint->credits();
      ASSERT_LE(credits.committed_bytes(), kBudget);
      // No row is larger than a share, so nothing comes without credit.
      if (cuts_to_share_) {
        ASSERT_LE(credits.unconsumed_bytes(), kBudget);
      }
    }
  }

  const bool cuts_to_share_;
  SeededRandom random_;
  TestingWorkers workers_;
  std::vector<Channel> channels_;
};

TEST(ExchangeFlow, EachElementOnceAndInOrderWhateverHappensWhen) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    FlowOracle(seed, 3, 12, /*cuts_to_share=*/seed % 2 == 0).Run(60);
    if (testing::Test::HasFailure()) return;
  }
}

// Breaks at any moment: each side learns of it once, and the next generation works.
TEST(ExchangeFlow, BreaksAtAnyMomentLeaveTheNextGenerationWhole) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    TestingWorkers workers(2, seed);
    const ChannelId there = {1, 0, 0};
    const ChannelId back = {2, 0, 0};
    workers.AddChannel(0, 1, there);
    workers.AddChannel(1, 0, back);
    for (uint64_t generation = 1; generation <= 3; ++generation) {
      for (size_t i = 0; i < 2; ++i) {
        workers.worker(i).broken.clear();
        ASSERT_TRUE(workers.Open(i, generation).ok());
        for (uint64_t n = random.Below(10); n > 0; --n) workers.Step();
      }
      for (uint64_t n = random.Below(30); n > 0; --n) {
        ASSERT_TRUE(workers.worker(0).endpoint->Output(there)->Push(NumbersBatch({1})).ok());
        workers.Step();
      }
      workers.network().Break("at-w0", "at-w1");
      workers.Advance(absl::Seconds(1));
      for (size_t i = 0; i < 2; ++i) EXPECT_LE(workers.worker(i).broken.size(), 1u);
    }
    for (size_t i = 0; i < 2; ++i) ASSERT_TRUE(workers.Open(i, 9).ok());
    workers.RunAll();
    ASSERT_TRUE(workers.worker(0).ready && workers.worker(1).ready);
    ASSERT_TRUE(workers.worker(0).endpoint->Output(there)->Push(NumbersBatch({7})).ok());
    workers.RunAll();
    EXPECT_EQ(PopAll(*workers.worker(1).endpoint->Input(there)), " batch,7");
  }
}

}  // namespace
}  // namespace weir::taskmanager
