#include "state/checkpoint/cluster_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using proto::ClusterLogEntry;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ClusterLogEntry Created() {
  ClusterLogEntry entry;
  entry.mutable_created()->set_random_id("r1");
  return entry;
}
ClusterLogEntry TermEntry(uint64_t number, const std::string& nonce = "n") {
  ClusterLogEntry entry;
  entry.mutable_term()->set_number(number);
  entry.mutable_term()->set_nonce(nonce);
  return entry;
}
ClusterLogEntry Registered(const std::string& job, const std::string& token) {
  ClusterLogEntry entry;
  entry.mutable_job_registered()->set_job(job);
  entry.mutable_job_registered()->set_client_token(token);
  return entry;
}

class ClusterHistoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(history_.Apply(Created()).ok());
    ASSERT_TRUE(history_.Apply(TermEntry(4, "n4")).ok());
  }
  ClusterHistory history_;
};

TEST(EmptyClusterHistory, HasNoTerm) { EXPECT_TRUE(ClusterHistory().term().is_none()); }

TEST(EmptyClusterHistory, FirstEntryMustCreateTheCluster) {
  ClusterHistory history;
  EXPECT_TRUE(absl::IsDataLoss(history.Apply(TermEntry(1))));
  EXPECT_TRUE(history.term().is_none());
}

TEST_F(ClusterHistoryTest, RemembersTheNewestTerm) {
  ASSERT_TRUE(history_.Apply(TermEntry(5, "n5")).ok());
  EXPECT_EQ(history_.term(), LeaderTerm(5));
  EXPECT_EQ(history_.newest_term().nonce(), "n5");
}

TEST_F(ClusterHistoryTest, ASecondCreationIsDataLoss) {
  ClusterLogEntry again = Created();
  again.mutable_created()->set_random_id("r2");
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(again)));
  EXPECT_EQ(history_.random_id(), "r1");
}

TEST_F(ClusterHistoryTest, TheSameTermTwiceIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(TermEntry(4, "other"))));
  EXPECT_EQ(history_.newest_term().nonce(), "n4");
}

TEST_F(ClusterHistoryTest, AnOlderTermIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(TermEntry(3))));
  EXPECT_EQ(history_.term(), LeaderTerm(4));
}

TEST_F(ClusterHistoryTest, AnEntryOfUnknownKindIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(ClusterLogEntry())));
}

TEST_F(ClusterHistoryTest, FindsAJobByItsClientToken) {
  ASSERT_TRUE(history_.Apply(Registered("job-1", "t1")).ok());
  ASSERT_TRUE(history_.Apply(Registered("job-2", "t2")).ok());
  EXPECT_EQ(history_.FindToken("t2"), JobId("job-2"));
}

TEST_F(ClusterHistoryTest, AnUnknownTokenIsNoJob) {
  ASSERT_TRUE(history_.Apply(Registered("job-1", "t1")).ok());
  EXPECT_TRUE(history_.FindToken("t3").is_none());
}

TEST_F(ClusterHistoryTest, ARemovedJobIsGone) {
  ASSERT_TRUE(history_.Apply(Registered("job-1", "t1")).ok());
  ASSERT_THAT(history_.jobs(), SizeIs(1));
  ClusterLogEntry removed;
  removed.mutable_job_removed()->set_job("job-1");
  ASSERT_TRUE(history_.Apply(removed).ok());
  EXPECT_THAT(history_.jobs(), IsEmpty());
}

}  // namespace
}  // namespace weir
