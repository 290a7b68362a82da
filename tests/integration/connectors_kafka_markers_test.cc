// Markers of groups without a consumer, the replay of an aborted range, and how long it all takes.
// docs/adr/0003-kafka-transactions-on-the-real-broker.md says what follows from it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/integration/connectors_kafka_transactions_support.h"

namespace weir::kafka {
namespace {

using testing::UnorderedElementsAreArray;
using Outcome = EndTransactionOutcome;

class KafkaMarkersTest : public KafkaTransactionsTest {};

// --- Fact 2: the marker without a consumer ---

// Recovery reads the marker right behind the request that settled the transaction.
TEST_F(KafkaMarkersTest, HowSoonAMarkerIsStable) {
  int unstable_after_commit = 0;
  int unstable_after_init = 0;
  constexpr int kRounds = 20;
  for (int i = 0; i < kRounds; ++i) {
    auto producer = Open(id_);
    ASSERT_TRUE(producer->Begin().ok());
    ASSERT_TRUE(producer->Produce(At(0), {"a"}).ok());
    ASSERT_TRUE(producer->SendMarker(id_, At(0), i + 1, absl::StrCat("run:", i + 1)).ok());
    ASSERT_TRUE(producer->Flush().ok());
    const ProducerIdAndEpoch identity = producer->identity();
    producer.reset();
    if (i % 2 == 0) {
      ASSERT_EQ(Commit(identity), Outcome::kDone);
      if (Marker(id_) == kUnstable) ++unstable_after_commit;
      // Asked again until it is done.
      ASSERT_EQ(Commit(identity), Outcome::kDone);
      ASSERT_EQ(AwaitState(*real_, id_, TransactionState::kCompleteCommit),
                TransactionState::kCompleteCommit);
      EXPECT_EQ(Marker(id_), Value(i + 1, absl::StrCat("run:", i + 1)));
    } else {
      ASSERT_TRUE(Client().InitProducerId(id_, absl::Minutes(1), kTimeout).ok());
      const GroupOffset marker = Marker(id_);
      if (marker == kUnstable) ++unstable_after_init;
      EXPECT_EQ(marker, Value(i, absl::StrCat("run:", i)));
    }
  }
  std::printf(
      "stable reads that were still unstable: %d of %d right after EndTxn(commit), "
      "%d of %d right after InitProducerId\n",
      unstable_after_commit, kRounds / 2, unstable_after_init, kRounds / 2);
  EXPECT_EQ(unstable_after_init, 0);
}

// --- Fact 3: the replay of an aborted range ---

TEST_F(KafkaMarkersTest, AnAbortedRangeIsFetchedAndPublishedAgain) {
  const std::string other_id = id_ + "-other";
  const std::string replay_id = id_ + "-replay";
  std::vector<std::string> expected;
  auto other = Open(other_id);
  ProducerIdAndEpoch lost;
  {
    auto producer = Open(id_, absl::Seconds(5));
    lost = producer->identity();
    ASSERT_TRUE(producer->Begin().ok());
    ASSERT_TRUE(producer->SendMarker(id_, At(0), 0, "run:opening").ok());
    ASSERT_TRUE(producer->Commit().ok());
    // Its records lie between those of another producer, some committed, some aborted.
    ASSERT_TRUE(producer->Begin().ok());
    for (int i = 0; i < 6; ++i) {
      const bool commit = i % 2 == 0;
      Prepare(*other, At(i % 2), {absl::StrCat("other", i)});
      ASSERT_TRUE(
          producer->Produce(At(i % 2), {absl::StrCat("r", i, "a"), absl::StrCat("r", i, "b")})
              .ok());
      ASSERT_TRUE(producer->Flush().ok());
      ASSERT_TRUE((commit ? other->Commit() : other->Abort()).ok());
      expected.push_back(absl::StrCat("r", i, "a"));
      expected.push_back(absl::StrCat("r", i, "b"));
      if (commit) expected.push_back(absl::StrCat("other", i));
    }
    ASSERT_TRUE(producer->SendMarker(id_, At(0), 1, "run:1").ok());
    ASSERT_TRUE(producer->Flush().ok());
  }
  ASSERT_EQ(AwaitState(*real_, id_, TransactionState::kCompleteAbort),
            TransactionState::kCompleteAbort);
  ASSERT_EQ(Commit(lost), Outcome::kFenced);

  // The order of the protocol: take the replay id over, read the marker, publish what is missing.
  auto replay = Open(replay_id);
  ASSERT_EQ(Marker(id_), Value(0, "run:opening"));
  ASSERT_TRUE(replay->Begin().ok());
  int64_t fetched = 0;
  for (int32_t partition = 0; partition < 2; ++partition) {
    const auto read = Client().ReadBatchHeaders(At(partition), {0, 1000}, kTimeout);
    ASSERT_TRUE(read.ok()) << read.status();
    const auto records = ReadUncommitted(Brokers(), At(partition), 0, read->offsets.high_watermark);
    ASSERT_TRUE(records.ok()) << records.status();
    std::vector<std::string> values;
    for (const RecordBatchHeader& header : read->headers) {
      if (header.control || header.producer_id != lost.producer_id ||
          header.producer_epoch != lost.epoch) {
        continue;
      }
      EXPECT_TRUE(header.transactional);
      EXPECT_EQ(header.last_offset - header.base_offset + 1, header.record_count);
      for (int64_t offset = header.base_offset; offset <= header.last_offset; ++offset) {
        ASSERT_EQ(records->count(offset), 1u) << "offset " << offset;
        values.push_back(records->at(offset));
      }
    }
    fetched += static_cast<int64_t>(values.size());
    ASSERT_TRUE(replay->Produce(At(partition), values).ok());
  }
  EXPECT_EQ(fetched, 12);
  ASSERT_TRUE(replay->SendMarker(id_, At(0), 1, "run:1").ok());
  ASSERT_TRUE(replay->Flush().ok());
  EXPECT_EQ(Marker(id_), kUnstable);
  ASSERT_TRUE(replay->Commit().ok());
  ASSERT_EQ(AwaitState(*real_, replay_id, TransactionState::kCompleteCommit),
            TransactionState::kCompleteCommit);
  EXPECT_EQ(Marker(id_), Value(1, "run:1"));
  EXPECT_THAT(Committed(static_cast<int64_t>(expected.size())),
              UnorderedElementsAreArray(expected));
}

// --- How long it takes ---

TEST_F(KafkaMarkersTest, Timings) {
  std::map<std::string, std::vector<absl::Duration>> times;
  const auto timed = [&](const std::string& what, const std::function<void()>& work) {
    const absl::Duration start = real_->clock.Monotonic();
    work();
    times[what].push_back(real_->clock.Monotonic() - start);
  };
  constexpr int kRounds = 30;
  auto producer = Open(id_);
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(producer->Begin().ok());
    timed("flush of one record, first of the transaction", [&] {
      ASSERT_TRUE(producer->Produce(At(0), {"a"}).ok());
      ASSERT_TRUE(producer->Flush().ok());
    });
    timed("marker (send_offsets_to_transaction)",
          [&] { ASSERT_TRUE(producer->SendMarker(id_, At(0), i, "run").ok()); });
    timed("flush with nothing to do", [&] { ASSERT_TRUE(producer->Flush().ok()); });
    timed("commit by the handle", [&] { ASSERT_TRUE(producer->Commit().ok()); });
    timed("EndTxn(commit) repeated until CompleteCommit",
          [&] { EXPECT_EQ(Commit(producer->identity()), Outcome::kDone); });
    timed("OffsetFetch, stable", [&] { Marker(id_); });
  }
  for (int i = 0; i < kRounds; ++i) {
    timed("new handle with init_transactions", [&] { producer = Open(id_); });
    Prepare(*producer, At(0), {"a"});
    if (i % 2 == 0) {
      timed("EndTxn(commit) of an open transaction",
            [&] { EXPECT_EQ(Commit(producer->identity()), Outcome::kDone); });
      AwaitState(*real_, id_, TransactionState::kCompleteCommit);
      timed("InitProducerId, nothing open",
            [&] { ASSERT_TRUE(Client().InitProducerId(id_, absl::Minutes(1), kTimeout).ok()); });
    } else {
      timed("InitProducerId that aborts",
            [&] { ASSERT_TRUE(Client().InitProducerId(id_, absl::Minutes(1), kTimeout).ok()); });
    }
    timed("ListTransactions", [&] { ASSERT_TRUE(Client().ListTransactions({}, kTimeout).ok()); });
    timed("DescribeTransactions",
          [&] { ASSERT_TRUE(Client().DescribeTransactions({id_}, kTimeout).ok()); });
  }
  for (auto& [what, samples] : times) {
    std::sort(samples.begin(), samples.end());
    std::printf("%-50s median %6.2f ms, largest %7.2f ms\n", what.c_str(),
                absl::ToDoubleMilliseconds(samples[samples.size() / 2]),
                absl::ToDoubleMilliseconds(samples.back()));
  }
}

}  // namespace
}  // namespace weir::kafka
