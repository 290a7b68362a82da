// Offsets of groups as markers of transactions, on the real broker and on the simulator's model.
#include "tests/contract/transactional_broker_test.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using Outcome = EndTransactionOutcome;

TEST_P(TransactionalBrokerTest, AMarkerIsUnstableThenThere) {
  auto holder = Open(id_);
  holder->Begin();
  ASSERT_TRUE(holder->Send(0, {"a"}).ok());
  const absl::Status sent = holder->Marker(id_, 7, "run:7:4711:3");
  ASSERT_TRUE(sent.ok()) << sent;
  ASSERT_TRUE(holder->Flush().ok());
  EXPECT_EQ(Marker(id_), kUnstable);
  EXPECT_EQ(Marker(id_, /*require_stable=*/false), kAbsent);
  const ProducerIdAndEpoch identity = holder->identity();
  holder.reset();
  EXPECT_EQ(Marker(id_), kUnstable);
  const auto open = Client().DescribeTransactions({id_}, kTimeout);
  EXPECT_EQ(open->at(id_).partitions.size(), 2u);  // ours, and one of __consumer_offsets
  ASSERT_EQ(Commit(identity), Outcome::kDone);
  ASSERT_EQ(Await(id_, TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
  EXPECT_EQ(Marker(id_), Value(7, "run:7:4711:3"));
}

TEST_P(TransactionalBrokerTest, AllOffsetsOfAGroupAreTold) {
  const auto all = [this](bool require_stable) {
    const auto offsets = Client().FetchGroupOffsets(id_, {require_stable}, kTimeout);
    EXPECT_TRUE(offsets.ok()) << offsets.status();
    return *offsets;
  };
  EXPECT_THAT(all(true), testing::IsEmpty());
  auto holder = Open(id_);
  ASSERT_TRUE(holder->Marker(id_, 1, "one").ok());
  EXPECT_THAT(all(true), testing::IsEmpty()) << "it is being written for the first time";
  ASSERT_TRUE(holder->CommitFromOutside().ok());
  ASSERT_EQ(Await(id_, TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
  EXPECT_THAT(all(true), ElementsAre(testing::Pair(At(0), Value(1, "one"))));
  ASSERT_TRUE(holder->Marker(id_, 2, "two").ok());
  EXPECT_THAT(all(true), ElementsAre(testing::Pair(At(0), kUnstable)));
  EXPECT_THAT(all(false), ElementsAre(testing::Pair(At(0), Value(1, "one"))));
}

TEST_P(TransactionalBrokerTest, OpeningMarkersTellAbortedFromUnknown) {
  auto holder = Open(id_);
  // Pre-warm: a transaction that holds nothing but the opening marker.
  ASSERT_TRUE(holder->Marker(id_, 0, "run:opening").ok());
  const absl::Status opened = holder->CommitFromOutside();
  ASSERT_TRUE(opened.ok()) << opened;
  ASSERT_EQ(Await(id_, TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
  EXPECT_EQ(Marker(id_), Value(0, "run:opening"));
  // Epoch 1, committed by the handle.
  holder->Prepare(0, {"a"});
  ASSERT_TRUE(holder->Marker(id_, 1, "run:1").ok());
  EXPECT_EQ(Marker(id_), kUnstable);
  EXPECT_EQ(Marker(id_, /*require_stable=*/false), Value(0, "run:opening"));
  ASSERT_TRUE(holder->Commit().ok());
  ASSERT_EQ(Await(id_, TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
  EXPECT_EQ(Marker(id_), Value(1, "run:1"));
  // Epoch 2, aborted behind its back: the older marker is still there, and at once.
  holder->Prepare(0, {"b"});
  ASSERT_TRUE(holder->Marker(id_, 2, "run:2").ok());
  ASSERT_TRUE(TakeOver(id_).ok());
  EXPECT_EQ(Marker(id_), Value(1, "run:1"));
  // A group that nobody opened is absent, which is neither.
  EXPECT_EQ(Marker(id_ + "-never"), kAbsent);
  EXPECT_THAT(Committed(1), ElementsAre("a"));
}

TEST_P(TransactionalBrokerTest, AMarkerOfAnExpiredTransactionIsTheOldOne) {
  auto holder = Open(id_, absl::Seconds(2));
  ASSERT_TRUE(holder->Marker(id_, 0, "run:opening").ok());
  ASSERT_TRUE(holder->CommitFromOutside().ok());
  holder->Prepare(0, {"a"});
  ASSERT_TRUE(holder->Marker(id_, 1, "run:1").ok());
  ASSERT_EQ(Await(id_, TransactionState::kCompleteAbort), TransactionState::kCompleteAbort);
  EXPECT_EQ(Marker(id_), Value(0, "run:opening"));
}

// A replay writes the original's marker, in the original's group, under an id of its own.
TEST_P(TransactionalBrokerTest, AMarkerMayBeWrittenUnderAnotherId) {
  const std::string replay_id = id_ + "-replay";
  auto holder = Open(id_);
  ASSERT_TRUE(holder->Marker(id_, 0, "run:opening").ok());
  ASSERT_TRUE(holder->CommitFromOutside().ok());
  holder->Prepare(0, {"a"});
  ASSERT_TRUE(holder->Marker(id_, 1, "run:1").ok());
  auto replay = Open(replay_id);
  replay->Prepare(1, {"a"});
  ASSERT_TRUE(TakeOver(id_).ok());
  EXPECT_EQ(Marker(id_), Value(0, "run:opening"));
  ASSERT_TRUE(replay->Marker(id_, 1, "run:1").ok());
  EXPECT_EQ(Marker(id_), kUnstable);
  ASSERT_TRUE(replay->Commit().ok());
  ASSERT_EQ(Await(replay_id, TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
  EXPECT_EQ(Marker(id_), Value(1, "run:1"));
  EXPECT_THAT(Committed(1), ElementsAre("a"));
}

TEST_P(TransactionalBrokerTest, AMarkerOfAFencedHolderIsRefused) {
  auto holder = Open(id_);
  ASSERT_TRUE(TakeOver(id_).ok());
  const absl::Status written = holder->Marker(id_, 1, "run:1");
  EXPECT_EQ(written.code(), absl::StatusCode::kAborted) << written;
  EXPECT_EQ(Marker(id_), kAbsent);
}

TEST_P(TransactionalBrokerTest, MarkersFollowCoordinatorsThatMove) {
  ASSERT_NO_FATAL_FAILURE(Use(GetParam().own()));
  // Enough for each broker to coordinate some, and some of their groups.
  std::map<std::string, std::unique_ptr<HolderOfTest>> holders;
  for (int i = 0; i < 8; ++i) {
    const std::string id = absl::StrCat(id_, "-", i);
    holders[id] = Open(id);
    holders[id]->Prepare(i % 2, {id});
  }
  ASSERT_TRUE(broker_->LoseALeader(topic_).ok());
  for (auto& [id, holder] : holders) {
    const absl::Status written = holder->Marker(id, 1, "run:1");
    EXPECT_TRUE(written.ok()) << written;
    const absl::Status committed = holder->CommitFromOutside();
    EXPECT_TRUE(committed.ok()) << committed;
  }
  ASSERT_TRUE(broker_->BringLeaderBack().ok());
  for (const auto& [id, holder] : holders) {
    ASSERT_EQ(Await(id, TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
    EXPECT_EQ(Marker(id), Value(1, "run:1"));
  }
  EXPECT_THAT(broker_->ReadCommitted(topic_, 8), testing::SizeIs(8));
}

}  // namespace
}  // namespace weir::kafka
