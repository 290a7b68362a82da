// What a registered TaskManager does: workers, relay, plans.
#include "absl/strings/str_cat.h"

#include "common/base/protocol_version.h"
#include "tests/unit/taskmanager/agent/testing_agent.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Workers

TEST_F(TaskManagerTest, ADirectiveStartsWorkers) {
  Register();
  Hear(DirectiveOf({"w-1", "w-2"}));
  EXPECT_THAT(launcher_.launched, ElementsAre("w-1", "w-2"));
}

TEST_F(TaskManagerTest, ARepeatedDirectiveStartsNothingAnew) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  Hear(DirectiveOf({"w-1"}));
  EXPECT_THAT(launcher_.launched, ElementsAre("w-1"));
}

TEST_F(TaskManagerTest, AWorkerThatIsNotNamedIsKilled) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  Hear(DirectiveOf({}));
  EXPECT_THAT(launcher_.killed, ElementsAre("w-1"));
}

TEST_F(TaskManagerTest, AnExitIsReportedAtOnce) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  launcher_.exits["w-1"]("killed by signal 9 (SIGKILL)");
  EXPECT_EQ(LastStatus().state(), proto::WorkerStatus::EXITED);
  EXPECT_EQ(LastStatus().exit_reason(), "killed by signal 9 (SIGKILL)");
}

TEST_F(TaskManagerTest, AnExitIsReportedUntilTheLeaderForgetsTheWorker) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  launcher_.exits["w-1"]("exited");
  Hear(DirectiveOf({"w-1"}));
  executor_.Advance(kHeartbeat);
  EXPECT_THAT(LastReport().workers(), SizeIs(1));
  Hear(DirectiveOf({}));
  executor_.Advance(kHeartbeat);
  EXPECT_THAT(LastReport().workers(), IsEmpty());
}

TEST_F(TaskManagerTest, AnExitedWorkerIsNotStartedAgain) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  launcher_.exits["w-1"]("exited");
  Hear(DirectiveOf({"w-1"}));
  EXPECT_THAT(launcher_.launched, ElementsAre("w-1"));
}

TEST_F(TaskManagerTest, AWorkerIsReportedWithItsProcessId) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  launcher_.starts["w-1"](4711);
  executor_.Advance(kHeartbeat);
  EXPECT_EQ(LastStatus().pid(), 4711u);
  EXPECT_EQ(LastStatus().state(), proto::WorkerStatus::STARTING);
}

TEST_F(TaskManagerTest, AWorkerThatSaysHelloIsConnected) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  ConnectWorker("w-1");
  EXPECT_EQ(LastStatus().state(), proto::WorkerStatus::CONNECTED);
}

TEST_F(TaskManagerTest, AStrangersStreamIsClosed) {
  Register();
  EXPECT_TRUE(ConnectWorker("w-9").closed);
}

TEST_F(TaskManagerTest, AWorkerOfAnotherProtocolVersionIsKilledInOneSentence) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  proto::Envelope hello;
  hello.mutable_worker_hello()->set_worker("w-1");
  hello.mutable_worker_hello()->set_protocol_min(kProtocolVersion + 1);
  hello.mutable_worker_hello()->set_protocol_max(kProtocolVersion + 2);
  task_manager_->OnWorkerMessage(task_manager_->OnWorkerStreamUp([](proto::Envelope) {}, [] {}),
                                 hello);
  EXPECT_THAT(launcher_.killed, ElementsAre("w-1"));
  launcher_.exits["w-1"]("killed by signal 9 (SIGKILL)");
  EXPECT_EQ(LastStatus().exit_reason(),
            absl::StrCat("is killed: it speaks protocol versions ", kProtocolVersion + 1, " to ",
                         kProtocolVersion + 2, ", its TaskManager ", kProtocolVersionMin, " to ",
                         kProtocolVersion,
                         "; they have to be of releases that go together, so the job is to be "
                         "built with the cluster's Weir"));
}

TEST_F(TaskManagerTest, AWorkerWithoutItsStreamIsKilled) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  task_manager_->OnWorkerStreamDown(ConnectWorker("w-1").id);
  EXPECT_THAT(launcher_.killed, ElementsAre("w-1"));
}

TEST_F(TaskManagerTest, WorkersSurviveTheirLeader) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  task_manager_->OnLeaderStreamDown();
  executor_.Advance(absl::Hours(1));
  EXPECT_THAT(launcher_.killed, IsEmpty());
  EXPECT_EQ(task_manager_->running_workers(), 1u);
}

TEST_F(TaskManagerTest, ADirectiveBeforeTheRegistrationIsDropped) {
  Connect();
  Hear(DirectiveOf({"w-1"}));
  EXPECT_THAT(launcher_.launched, IsEmpty());
}

TEST_F(TaskManagerTest, ADirectiveOfAnOlderTermIsDropped) {
  Register();
  proto::Envelope envelope = DirectiveOf({"w-1"});
  envelope.mutable_header()->set_term(2);
  Hear(envelope);
  EXPECT_THAT(launcher_.launched, IsEmpty());
}

TEST_F(TaskManagerTest, ADirectiveForAnotherTaskManagerIsDropped) {
  Register();
  proto::Envelope envelope = DirectiveOf({"w-1"});
  envelope.mutable_header()->set_addressee("tm-2");
  Hear(envelope);
  EXPECT_THAT(launcher_.launched, IsEmpty());
}

TEST_F(TaskManagerTest, ALateDirectiveIsDropped) {
  Register();
  const proto::Envelope late = DirectiveOf({"w-1"});
  Hear(DirectiveOf({}));
  Hear(late);
  EXPECT_THAT(launcher_.launched, IsEmpty());
}

// Relay

TEST_F(TaskManagerTest, AWorkersDirectiveIsRelayed) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  TestingWorkerStream& stream = ConnectWorker("w-1");
  proto::Envelope envelope = FromLeader();
  envelope.mutable_header()->set_addressee("w-1");
  envelope.mutable_worker_directive()->set_run(true);
  Hear(envelope);
  ASSERT_THAT(stream.received, SizeIs(1));
  EXPECT_TRUE(stream.received[0].worker_directive().run());
}

TEST_F(TaskManagerTest, ADirectiveOfAnOlderTermIsNotRelayed) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  TestingWorkerStream& stream = ConnectWorker("w-1");
  proto::Envelope envelope = FromLeader(2);
  envelope.mutable_header()->set_addressee("w-1");
  envelope.mutable_worker_directive();
  Hear(envelope);
  EXPECT_THAT(stream.received, IsEmpty());
}

TEST_F(TaskManagerTest, AWorkersReportIsRelayedAsItIs) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  TestingWorkerStream& stream = ConnectWorker("w-1");
  proto::Envelope report;
  report.mutable_header()->set_sender("w-1");
  report.mutable_header()->set_sequence(9);
  report.mutable_worker_report()->set_resident_bytes(5);
  task_manager_->OnWorkerMessage(stream.id, report);
  EXPECT_EQ(sent_.back().SerializeAsString(), report.SerializeAsString());
}

TEST_F(TaskManagerTest, AWorkerDoesNotSpeakForAnother) {
  Register();
  Hear(DirectiveOf({"w-1", "w-2"}));
  TestingWorkerStream& stream = ConnectWorker("w-1");
  proto::Envelope report;
  report.mutable_header()->set_sender("w-2");
  report.mutable_worker_report();
  task_manager_->OnWorkerMessage(stream.id, report);
  EXPECT_FALSE(sent_.back().has_worker_report());
}

TEST_F(TaskManagerTest, ReportsWithoutALeaderAreDropped) {
  Register();
  Hear(DirectiveOf({"w-1"}));
  TestingWorkerStream& stream = ConnectWorker("w-1");
  task_manager_->OnLeaderStreamDown();
  const size_t before = sent_.size();
  proto::Envelope report;
  report.mutable_header()->set_sender("w-1");
  report.mutable_worker_report();
  task_manager_->OnWorkerMessage(stream.id, report);
  EXPECT_THAT(sent_, SizeIs(before));
}

// Planning

TEST_F(TaskManagerTest, APlanIsSentBackUnderItsRequest) {
  Register();
  launcher_.plan->set_fingerprint("f");
  proto::Envelope envelope = FromLeader();
  envelope.mutable_run_planner()->set_request("p-1");
  envelope.mutable_run_planner()->set_artifact("sha");
  Hear(envelope);
  EXPECT_THAT(launcher_.planned, ElementsAre("sha"));
  EXPECT_EQ(sent_.back().planner_result().request(), "p-1");
  EXPECT_EQ(sent_.back().planner_result().graph().fingerprint(), "f");
}

TEST_F(TaskManagerTest, AFailedPlanIsOneSentence) {
  Register();
  launcher_.plan = absl::InvalidArgumentError("'a.out' is no Weir job");
  proto::Envelope envelope = FromLeader();
  envelope.mutable_run_planner()->set_request("p-1");
  Hear(envelope);
  EXPECT_EQ(sent_.back().planner_result().error(), "'a.out' is no Weir job");
}

TEST_F(TaskManagerTest, WhatTheJobSaysOfItsTransactionsIsSentBackUnderItsRequest) {
  Register();
  launcher_.inspection->mutable_response()->add_sentences("All is well.");
  proto::Envelope envelope = FromLeader();
  envelope.mutable_run_transactions()->set_request("t-1");
  envelope.mutable_run_transactions()->set_artifact("sha");
  Hear(envelope);
  EXPECT_THAT(launcher_.inspected, ElementsAre("sha"));
  EXPECT_EQ(sent_.back().transactions_result().request(), "t-1");
  EXPECT_EQ(sent_.back().transactions_result().response().sentences(0), "All is well.");
}

TEST_F(TaskManagerTest, LogsAreSentUnderItsName) {
  Register();
  launcher_.logs->emplace_back().set_worker("w-1");
  proto::Envelope envelope = FromLeader();
  envelope.mutable_read_worker_logs()->set_request("l-1");
  envelope.mutable_read_worker_logs()->set_job("j");
  Hear(envelope);
  EXPECT_THAT(launcher_.logs_of, ElementsAre("j"));
  const proto::WorkerLogsResult& result = sent_.back().worker_logs_result();
  EXPECT_EQ(result.request(), "l-1");
  EXPECT_EQ(result.logs(0).worker(), "w-1");
  EXPECT_EQ(result.logs(0).task_manager(), "tm-1");
}

TEST_F(TaskManagerTest, LogsThatCannotBeReadAreTold) {
  Register();
  launcher_.logs = absl::UnimplementedError("there are none");
  proto::Envelope envelope = FromLeader();
  envelope.mutable_read_worker_logs()->set_request("l-1");
  Hear(envelope);
  EXPECT_EQ(sent_.back().worker_logs_result().error(), "there are none");
}

TEST_F(TaskManagerTest, AJobThatCannotBeAskedIsTold) {
  Register();
  launcher_.inspection = absl::NotFoundError("the cluster has no artifact sha");
  proto::Envelope envelope = FromLeader();
  envelope.mutable_run_transactions()->set_request("t-1");
  Hear(envelope);
  const proto::TransactionsResult& result = sent_.back().transactions_result();
  EXPECT_EQ(result.request(), "t-1");
  EXPECT_EQ(result.code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(result.error(), "the cluster has no artifact sha");
}

}  // namespace
}  // namespace weir::taskmanager
