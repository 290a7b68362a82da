#include "taskmanager/exchange/credit_pool.h"

#include <gtest/gtest.h>

#include <map>

#include "common/base/seeded_random.h"

namespace weir::taskmanager {
namespace {

constexpr CreditPoolOptions kSmall = {.budget_bytes = 10'000,
                                      .exclusive_bytes = 1'000,
                                      .max_floating_bytes = 3'000,
                                      .quantum_bytes = 500};

class CreditPoolTest : public testing::Test {
 protected:
  void Make(size_t channels, const CreditPoolOptions& options = kSmall) {
    pool_ = std::make_unique<CreditPool>(options, channels, [this] { ++calls_; });
    for (size_t i = 0; i < channels; ++i) pool_->Opened(i);
    Tell();
  }
  // What senders know, by channel; the number of grants.
  size_t Tell() {
    const std::vector<CreditPool::Due> due = pool_->TakeDue();
    for (const CreditPool::Due& each : due) told_[each.channel] = each.levels;
    return due.size();
  }

  std::unique_ptr<CreditPool> pool_;
  int calls_ = 0;
  std::map<size_t, GrantLevels> told_;
};

TEST_F(CreditPoolTest, EachChannelHasItsShareAtFirst) {
  Make(4);
  EXPECT_EQ(told_.size(), 4u);
  EXPECT_EQ(told_[3], (GrantLevels{1'000, 0, 1'000}));
}

TEST_F(CreditPoolTest, SharesTakeHalfOfTheBudgetAtMost) {
  Make(100);
  EXPECT_EQ(pool_->exclusive_bytes(), 50u);
  EXPECT_EQ(pool_->committed_bytes(), 5'000u);
}

TEST_F(CreditPoolTest, TellsWhenHalfAShareIsConsumed) {
  Make(1);
  ASSERT_TRUE(pool_->Arrived(0, 300, 300).ok());
  ASSERT_TRUE(pool_->Arrived(0, 300, 600).ok());
  pool_->Consumed(0, 300);
  EXPECT_EQ(Tell(), 0u);
  pool_->Consumed(0, 300);
  EXPECT_EQ(Tell(), 1u);
  EXPECT_EQ(told_[0], (GrantLevels{1'600, 600, 1'000}));
}

TEST_F(CreditPoolTest, TellsLessOftenWhatHoldsMore) {
  Make(1);
  ASSERT_TRUE(pool_->Arrived(0, 0, 100'000).ok());
  EXPECT_EQ(Tell(), 1u);
  EXPECT_EQ(told_[0].granted, 4'000u);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool_->Arrived(0, 1'500, 100'000).ok());
  pool_->Consumed(0, 1'500);
  EXPECT_EQ(Tell(), 0u);
  pool_->Consumed(0, 1'500);
  EXPECT_EQ(Tell(), 1u);
  EXPECT_EQ(told_[0].granted, 7'000u);
}

TEST_F(CreditPoolTest, TellsAWaitingSenderAsSoonAsItsChannelIsEmpty) {
  Make(1, {.budget_bytes = 2'000, .exclusive_bytes = 1'000, .max_floating_bytes = 0});
  ASSERT_TRUE(pool_->Arrived(0, 100, 1'200).ok());
  EXPECT_EQ(Tell(), 0u);
  pool_->Consumed(0, 100);
  EXPECT_EQ(Tell(), 1u);
  EXPECT_EQ(told_[0], (GrantLevels{1'100, 100, 1'000}));
}

TEST_F(CreditPoolTest, FloatingCreditGoesRoundToThoseWithABacklog) {
  Make(5);  // 5'000 float
  for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(pool_->Arrived(i, 0, 100'000).ok());
  Tell();
  // The first came first and had no rival for its 3'000; the others share what is left.
  EXPECT_EQ(told_[0].granted, 4'000u);
  EXPECT_EQ(told_[1].granted, 3'000u);
  EXPECT_EQ(told_[2].granted, 1'000u);
  EXPECT_EQ(pool_->committed_bytes(), 10'000u);
  // Worked off, it goes to all in turn.
  ASSERT_TRUE(pool_->Arrived(0, 3'000, 100'000).ok());
  pool_->Consumed(0, 3'000);
  Tell();
  EXPECT_EQ(pool_->committed_bytes(), 10'000u);
  EXPECT_EQ(told_[0].granted, 5'000u);
  EXPECT_EQ(told_[2].granted, 2'000u);
}

TEST_F(CreditPoolTest, StalledChannelKeepsNoOtherFromItsShare) {
  Make(5);
  ASSERT_TRUE(pool_->Arrived(0, 0, 100'000).ok());
  Tell();
  ASSERT_TRUE(pool_->Arrived(0, 4'000, 100'000).ok());
  for (uint64_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(pool_->Arrived(1, 1'000, i * 1'000).ok()) << i;
    pool_->Consumed(1, 1'000);
    Tell();
  }
  EXPECT_EQ(told_[0].granted, 4'000u);
}

TEST_F(CreditPoolTest, WhatWasNotGrantedIsRefused) {
  Make(1, {.budget_bytes = 2'000, .exclusive_bytes = 1'000, .max_floating_bytes = 0});
  ASSERT_TRUE(pool_->Arrived(0, 600, 600).ok());
  EXPECT_EQ(pool_->Arrived(0, 600, 1'200).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(pool_->unconsumed_bytes(), 600u);
}

TEST_F(CreditPoolTest, OversizeBatchIsTakenByAnEmptyChannelOnly) {
  Make(1, {.budget_bytes = 2'000, .exclusive_bytes = 1'000, .max_floating_bytes = 0});
  ASSERT_TRUE(pool_->Arrived(0, 5'000, 10'000).ok());
  EXPECT_FALSE(pool_->Arrived(0, 5'000, 10'000).ok());
  pool_->Consumed(0, 5'000);
  Tell();
  EXPECT_EQ(told_[0], (GrantLevels{6'000, 5'000, 1'000}));
  EXPECT_TRUE(pool_->Arrived(0, 5'000, 10'000).ok());
}

TEST_F(CreditPoolTest, CallsOnceUntilTaken) {
  Make(2);
  calls_ = 0;
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(pool_->Arrived(i, 900, 900).ok());
    pool_->Consumed(i, 900);
  }
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(Tell(), 2u);
}

// Senders that obey, consumers of all speeds: within the budget, and every byte arrives.
TEST_F(CreditPoolTest, NeverExceedsTheBudgetAndNeverStops) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SeededRandom random(seed);
    constexpr size_t kChannels = 8;
    struct Sender {
      uint64_t pushed = 0, sent = 0, consumed = 0;
      std::deque<size_t> queue, arrived;
    };
    std::vector<Sender> senders(kChannels);
    Make(kChannels);
    uint64_t left = 2'000;
    for (uint64_t step = 0; step < 60'000; ++step) {
      const size_t i = random.Below(kChannels);
      Sender& sender = senders[i];
      const uint64_t action = random.Below(3);
      if (action == 0 && left > 0 && sender.queue.size() < 5) {
        sender.queue.push_back(1 + random.Below(random.Below(10) == 0 ? 3'000 : 600));
        sender.pushed += sender.queue.back();
        --left;
        ASSERT_TRUE(pool_->Arrived(i, 0, sender.pushed).ok());
      } else if (action == 1 && !sender.queue.empty()) {
        const size_t bytes = sender.queue.front();
        const GrantLevels& told = told_[i];
        if (sender.sent + bytes > told.granted &&
            !(bytes > told.exclusive && sender.sent == told.consumed)) {
          continue;
        }
        sender.sent += bytes;
        ASSERT_TRUE(pool_->Arrived(i, bytes, sender.pushed).ok()) << seed;
        sender.arrived.push_back(bytes);
        sender.queue.pop_front();
      } else if (action == 2 && !sender.arrived.empty() && random.Below(1 + i) == 0) {
        pool_->Consumed(i, sender.arrived.front());
        sender.consumed += sender.arrived.front();
        sender.arrived.pop_front();
      }
      Tell();
      ASSERT_LE(pool_->committed_bytes(), kSmall.budget_bytes) << seed;
    }
    EXPECT_EQ(left, 0u) << seed;
    for (const Sender& sender : senders) EXPECT_EQ(sender.consumed, sender.pushed) << seed;
    EXPECT_EQ(pool_->committed_bytes(), kChannels * pool_->exclusive_bytes());
  }
}

}  // namespace
}  // namespace weir::taskmanager
