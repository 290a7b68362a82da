// How a TaskManager finds its leader and proves that it sees the same storage.
#include "tests/unit/taskmanager/agent/testing_agent.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

// Registration

TEST_F(TaskManagerTest, AStreamBeginsWithARegistration) {
  Connect();
  ASSERT_THAT(sent_, SizeIs(1));
  EXPECT_EQ(LastRegistration().task_manager(), "tm-1");
  EXPECT_EQ(LastRegistration().node(), "node-1");
  EXPECT_EQ(LastRegistration().slots(), 2u);
  EXPECT_EQ(LastRegistration().probe_nonce(), "");
}

TEST_F(TaskManagerTest, ARefusalIsAnsweredWithWhatTheProbeSays) {
  Connect();
  Hear(ReplyOf(false));
  EXPECT_EQ(LastRegistration().probe_nonce(), "n3");
}

TEST_F(TaskManagerTest, AnAcceptedTaskManagerIsRegistered) {
  Register();
  EXPECT_TRUE(task_manager_->registered());
  EXPECT_EQ(task_manager_->term(), LeaderTerm(3));
  EXPECT_EQ(confirmed_, 1);
}

TEST_F(TaskManagerTest, ARegisteredTaskManagerReportsAtOnce) {
  Register();
  EXPECT_TRUE(sent_.back().has_task_manager_report());
}

TEST_F(TaskManagerTest, ARegisteredTaskManagerReportsEveryHeartbeat) {
  Register();
  const size_t before = sent_.size();
  executor_.Advance(3 * kHeartbeat);
  EXPECT_EQ(sent_.size(), before + 3);
}

TEST_F(TaskManagerTest, ALostRegistrationIsRepeated) {
  Connect();
  executor_.Advance(5 * kHeartbeat);
  EXPECT_THAT(sent_, SizeIs(2));
}

TEST_F(TaskManagerTest, AStandbyNamesTheLeader) {
  Connect();
  proto::Envelope envelope;
  envelope.mutable_registration_reply()->set_leader_address("10.0.0.2:6123");
  Hear(envelope);
  EXPECT_THAT(moved_on_, ElementsAre("10.0.0.2:6123"));
}

TEST_F(TaskManagerTest, ALeaderOfAnOlderTermIsLeft) {
  Register();
  task_manager_->OnLeaderStreamDown();
  Connect();
  Hear(ReplyOf(false, 2));
  EXPECT_THAT(moved_on_, ElementsAre(""));
  EXPECT_EQ(task_manager_->term(), LeaderTerm(3));
}

TEST_F(TaskManagerTest, ALeaderOfTheSameTermWithAnotherNonceIsLeft) {
  Register();
  task_manager_->OnLeaderStreamDown();
  Connect();
  proto::Envelope reply = ReplyOf(false);
  reply.mutable_header()->set_term_nonce("other");
  Hear(reply);
  EXPECT_THAT(moved_on_, ElementsAre(""));
}

TEST_F(TaskManagerTest, ANewerLeaderIsFollowed) {
  Register();
  task_manager_->OnLeaderStreamDown();
  ASSERT_TRUE(files_.memory.Replace("/w/east/probe/4-n4", "n4").ok());
  Register(4);
  EXPECT_EQ(task_manager_->term(), LeaderTerm(4));
}

TEST_F(TaskManagerTest, AnotherClusterIsFatal) {
  Connect();
  proto::Envelope reply = ReplyOf(false);
  reply.mutable_header()->set_cluster("west");
  Hear(reply);
  EXPECT_EQ(fatal_, absl::FailedPreconditionError("the JobManager belongs to cluster 'west', this "
                                                  "TaskManager to 'east'"));
}

TEST_F(TaskManagerTest, ARefusalWithoutAProbeIsFatal) {
  Connect();
  proto::Envelope reply = ReplyOf(false);
  reply.mutable_registration_reply()->clear_probe_path();
  reply.mutable_registration_reply()->set_reason("protocol versions differ");
  Hear(reply);
  EXPECT_EQ(fatal_, absl::FailedPreconditionError("protocol versions differ"));
}

// The probe

TEST_F(TaskManagerTest, AProbeThatIsNotSeenIsTold) {
  ASSERT_TRUE(files_.memory.Remove("/w/east/probe/3-n3").ok());
  Connect();
  Hear(ReplyOf(false));
  EXPECT_THAT(LastRegistration().probe_error(), HasSubstr("/w/east/probe/3-n3"));
}

TEST_F(TaskManagerTest, AProbeThatAppearsLateIsRead) {
  ASSERT_TRUE(files_.memory.Remove("/w/east/probe/3-n3").ok());
  Connect();
  Hear(ReplyOf(false));
  ASSERT_TRUE(files_.memory.Replace("/w/east/probe/3-n3", "n3").ok());
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(LastRegistration().probe_nonce(), "n3");
}

TEST_F(TaskManagerTest, RefusalsMeanwhileDoNotMakeItReadFaster) {
  ASSERT_TRUE(files_.memory.Remove("/w/east/probe/3-n3").ok());
  Connect();
  for (int i = 0; i < 10; ++i) Hear(ReplyOf(false));
  EXPECT_THAT(files_.reads, SizeIs(1));
}

TEST_F(TaskManagerTest, StorageThatIsNotSharedIsFatalAfterFiveReads) {
  ASSERT_TRUE(files_.memory.Remove("/w/east/probe/3-n3").ok());
  Connect();
  Hear(ReplyOf(false));
  executor_.Advance(absl::Seconds(3));
  EXPECT_EQ(fatal_, absl::OkStatus());
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(fatal_,
            absl::FailedPreconditionError("storage.root is not shared: host host-1 does not see "
                                          "'/w/east/probe/3-n3', which the JobManager wrote"));
}

TEST_F(TaskManagerTest, ReadsForAnEarlierLeaderDoNotCount) {
  ASSERT_TRUE(files_.memory.Remove("/w/east/probe/3-n3").ok());
  Connect();
  Hear(ReplyOf(false));
  executor_.Advance(absl::Seconds(3));
  task_manager_->OnLeaderStreamDown();
  Connect();
  Hear(ReplyOf(false, 4));
  EXPECT_EQ(fatal_, absl::OkStatus());
}

TEST_F(TaskManagerTest, StorageThatDoesNotAnswerIsNotFatal) {
  files_.Inject({Call::kRead, absl::UnavailableError("gone"), "", false, 100});
  Connect();
  Hear(ReplyOf(false));
  executor_.Advance(absl::Seconds(20));
  EXPECT_EQ(fatal_, absl::OkStatus());
}

// A leader of which nothing is heard

TEST_F(TaskManagerTest, ASilentLeaderIsLeftForAnother) {
  Register();
  executor_.Advance(absl::Seconds(10));
  EXPECT_THAT(moved_on_, IsEmpty());
  executor_.Advance(kHeartbeat * 2);
  EXPECT_THAT(moved_on_, ElementsAre(""));
}

TEST_F(TaskManagerTest, ALeaderThatSaysAnythingIsNotSilent) {
  Register();
  for (int i = 0; i < 10; ++i) {
    executor_.Advance(absl::Seconds(5));
    Hear(DirectiveOf({}));
  }
  EXPECT_THAT(moved_on_, IsEmpty());
}

// Its stream is there, and the registration is not answered.
TEST_F(TaskManagerTest, AStreamOnWhichNothingEverComesIsLeft) {
  Connect();
  executor_.Advance(absl::Seconds(11));
  EXPECT_THAT(moved_on_, ElementsAre(""));
}

TEST_F(TaskManagerTest, WithoutAStreamThereIsNobodyToLeave) {
  Register();
  task_manager_->OnLeaderStreamDown();
  executor_.Advance(absl::Seconds(60));
  EXPECT_THAT(moved_on_, IsEmpty());
}

}  // namespace
}  // namespace weir::taskmanager
