#include "jobmanager/resource/task_manager_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>

#include "common/base/protocol_version.h"
#include "tests/support/manual_executor.h"

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class TestingListener final : public TaskManagerRegistry::Listener {
 public:
  void OnSlotsChanged() override { ++slots_changed; }
  void OnTaskManagerLost(const TaskManagerId& id, const TaskManagerRegistry::Loss& loss) override {
    lost.emplace_back(id.value(), loss.why);
    announced.push_back(loss.announced);
  }
  void OnWorkerStatus(const TaskManagerId& id, const proto::WorkerStatus& status) override {
    statuses.emplace_back(id.value(), status.worker());
    if (on_status) on_status();
  }
  void OnWorkerReport(const proto::Header& header, const proto::WorkerReport&) override {
    reports.push_back(header.sequence());
  }
  void OnPlannerResult(const proto::PlannerResult& result) override {
    plans.push_back(result.request());
  }
  void OnTransactionsResult(const proto::TransactionsResult&) override {}
  void OnWorkerLogsResult(const proto::WorkerLogsResult&) override {}

  int slots_changed = 0;
  std::vector<std::pair<std::string, std::string>> lost;
  std::vector<bool> announced;
  std::vector<std::pair<std::string, std::string>> statuses;
  std::vector<uint64_t> reports;
  std::vector<std::string> plans;
  std::function<void()> on_status;
};

/// The other end of one stream.
struct TestingStream {
  SessionId session;
  std::vector<proto::Envelope> received;
  bool closed = false;

  const proto::RegistrationReply& LastReply() const { return received.back().registration_reply(); }
  size_t Directives() const {
    size_t count = 0;
    for (const proto::Envelope& each : received) count += each.has_task_manager_directive();
    return count;
  }
};

const TaskManagerId kA("tm-a");
const TaskManagerId kB("tm-b");
const JobId kJob("j");

class TaskManagerRegistryTest : public ::testing::Test {
 protected:
  TaskManagerRegistryTest() {
    LeaderIdentity leader{LeaderTerm(3), "nonce3", "east", "jm-1", "east/probe/3-nonce3"};
    registry_ = std::make_unique<TaskManagerRegistry>(
        leader, options_, TaskManagerRegistry::Dependencies{clock_, executor_, listener_});
  }

  TestingStream& OpenStream() {
    TestingStream& stream = streams_.emplace_back();
    stream.session = registry_->OnStreamOpened(
        [&stream](proto::Envelope envelope) { stream.received.push_back(std::move(envelope)); },
        [&stream] { stream.closed = true; });
    return stream;
  }
  static proto::RegisterTaskManager Registration(const TaskManagerId& id, const std::string& node) {
    proto::RegisterTaskManager request;
    request.set_task_manager(id.value());
    request.set_node(node.empty() ? "node of " + id.value() : node);
    request.set_slots(2);
    request.set_protocol_min(kProtocolVersion);
    request.set_protocol_max(kProtocolVersion);
    request.set_probe_nonce("nonce3");
    return request;
  }
  void Send(TestingStream& stream, const proto::RegisterTaskManager& request) {
    proto::Envelope envelope;
    *envelope.mutable_register_() = request;
    registry_->OnMessage(stream.session, envelope);
  }
  TestingStream& Register(const TaskManagerId& id, const std::string& node = "") {
    TestingStream& stream = OpenStream();
    Send(stream, Registration(id, node));
    return stream;
  }
  proto::Envelope ReportOf(const TaskManagerId& id) {
    proto::Envelope envelope;
    proto::Header* header = envelope.mutable_header();
    header->set_addressee("jm-1");
    header->set_term(3);
    header->set_term_nonce("nonce3");
    header->set_sender(id.value());
    header->set_sequence(next_sequence_++);
    envelope.mutable_task_manager_report();
    return envelope;
  }
  void Report(TestingStream& stream, const TaskManagerId& id) {
    registry_->OnMessage(stream.session, ReportOf(id));
  }
  /// Registered, and has reported.
  TestingStream& Join(const TaskManagerId& id, const std::string& node = "") {
    TestingStream& stream = Register(id, node);
    Report(stream, id);
    return stream;
  }
  /// `change` spoils the header of a report that would be taken; is it?
  bool IsTaken(const std::function<void(proto::Header*)>& change) {
    TestingStream& stream = Join(kA);
    proto::Envelope envelope = ReportOf(kA);
    envelope.mutable_task_manager_report()->add_workers()->set_worker("w");
    change(envelope.mutable_header());
    registry_->OnMessage(stream.session, envelope);
    return !listener_.statuses.empty();
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  TestingListener listener_;
  TaskManagerRegistry::Options options_;
  std::unique_ptr<TaskManagerRegistry> registry_;
  std::deque<TestingStream> streams_;
  uint64_t next_sequence_ = 1;
};

// Registration

TEST_F(TaskManagerRegistryTest, ARegistrationWithoutTheProbeIsRefused) {
  TestingStream& stream = OpenStream();
  proto::RegisterTaskManager request = Registration(kA, "");
  request.clear_probe_nonce();
  Send(stream, request);
  EXPECT_FALSE(stream.LastReply().accepted());
}

TEST_F(TaskManagerRegistryTest, ARefusalNamesTheProbeToRead) {
  TestingStream& stream = OpenStream();
  proto::RegisterTaskManager request = Registration(kA, "");
  request.clear_probe_nonce();
  Send(stream, request);
  EXPECT_EQ(stream.LastReply().probe_path(), "east/probe/3-nonce3");
}

TEST_F(TaskManagerRegistryTest, TheProbeOfAnotherLeaderIsRefused) {
  TestingStream& stream = OpenStream();
  proto::RegisterTaskManager request = Registration(kA, "");
  request.set_probe_nonce("nonce2");
  Send(stream, request);
  EXPECT_FALSE(stream.LastReply().accepted());
}

TEST_F(TaskManagerRegistryTest, TheProbesNonceAdmits) {
  EXPECT_TRUE(Register(kA).LastReply().accepted());
}

TEST_F(TaskManagerRegistryTest, AnotherProtocolVersionIsRefusedInOneSentence) {
  TestingStream& stream = OpenStream();
  proto::RegisterTaskManager request = Registration(kA, "");
  request.set_protocol_min(kProtocolVersion + 1);
  request.set_protocol_max(kProtocolVersion + 2);
  Send(stream, request);
  EXPECT_FALSE(stream.LastReply().accepted());
  EXPECT_EQ(stream.LastReply().reason(),
            absl::StrCat("TaskManager speaks protocol versions ", kProtocolVersion + 1, " to ",
                         kProtocolVersion + 2, ", this JobManager ", kProtocolVersion));
  EXPECT_EQ(stream.LastReply().probe_path(), "") << "it is to give up";
}

TEST_F(TaskManagerRegistryTest, RepliesCarryTheLeadersIdentity) {
  const proto::Header& header = Register(kA).received.back().header();
  EXPECT_EQ(header.term(), 3u);
  EXPECT_EQ(header.term_nonce(), "nonce3");
  EXPECT_EQ(header.sender(), "jm-1");
  EXPECT_EQ(header.addressee(), "tm-a");
}

// A TaskManager that is told to stop

TEST_F(TaskManagerRegistryTest, OneThatLeavesIsLostAtOnceBehindTheStatusOfItsWorkers) {
  TestingStream& stream = Join(kA);
  proto::Envelope envelope = ReportOf(kA);
  envelope.mutable_task_manager_report()->set_leaving(true);
  envelope.mutable_task_manager_report()->add_workers()->set_worker("w-1");
  registry_->OnMessage(stream.session, envelope);
  EXPECT_THAT(listener_.statuses, ElementsAre(Pair("tm-a", "w-1")));
  EXPECT_THAT(listener_.lost, ElementsAre(Pair("tm-a", "it was told to stop")));
  EXPECT_THAT(listener_.announced, ElementsAre(true));
  EXPECT_TRUE(stream.closed) << "how it learns that it may go";
  EXPECT_THAT(registry_->Describe(), IsEmpty());
}

// A job that hears of its worker's end schedules at once.
TEST_F(TaskManagerRegistryTest, OneThatLeavesHasNoSlots) {
  TestingStream& stream = Join(kA);
  std::map<TaskManagerId, uint32_t> free = {{kB, 1}};
  bool leaving = false;
  listener_.on_status = [&] {
    free = registry_->FreeSlotsFor(kJob);
    leaving = registry_->IsLeaving(kA);
  };
  proto::Envelope envelope = ReportOf(kA);
  envelope.mutable_task_manager_report()->set_leaving(true);
  envelope.mutable_task_manager_report()->add_workers()->set_worker("w-1");
  registry_->OnMessage(stream.session, envelope);
  EXPECT_THAT(free, IsEmpty());
  EXPECT_TRUE(leaving);
}

// Two starts on one work directory

TEST_F(TaskManagerRegistryTest, AnEarlierStartOfTheNodeIsRefusedForGood) {
  proto::RegisterTaskManager later = Registration(kB, "node-1");
  later.set_incarnation(8);
  later.set_host("10.0.0.8");
  TestingStream& present = OpenStream();
  Send(present, later);
  proto::RegisterTaskManager earlier = Registration(kA, "node-1");
  earlier.set_incarnation(7);
  TestingStream& late = OpenStream();
  Send(late, earlier);
  EXPECT_FALSE(late.LastReply().accepted());
  EXPECT_EQ(late.LastReply().probe_path(), "") << "it is to give up";
  EXPECT_EQ(late.LastReply().reason(),
            "TaskManager tm-b on host 10.0.0.8 was started later on the same work directory "
            "(taskmanager.work-dir), or on a copy of it, and has taken its place");
  EXPECT_FALSE(present.closed);
  EXPECT_THAT(listener_.lost, IsEmpty());
}

TEST_F(TaskManagerRegistryTest, ALaterStartOfTheNodeTakesItsPlace) {
  proto::RegisterTaskManager earlier = Registration(kA, "node-1");
  earlier.set_incarnation(7);
  TestingStream& former = OpenStream();
  Send(former, earlier);
  proto::RegisterTaskManager later = Registration(kB, "node-1");
  later.set_incarnation(8);
  TestingStream& present = OpenStream();
  Send(present, later);
  EXPECT_TRUE(present.LastReply().accepted());
  EXPECT_TRUE(former.closed);
  EXPECT_THAT(listener_.lost, ElementsAre(Pair("tm-a", "its node registered anew")));
}

TEST_F(TaskManagerRegistryTest, ASlotsMemoryIsWhatItsTaskManagerSays) {
  proto::RegisterTaskManager request = Registration(kA, "");
  request.set_slot_memory_bytes(1000);
  Send(OpenStream(), request);
  EXPECT_EQ(registry_->SlotMemoryOf(kA), 1000u);
  EXPECT_EQ(registry_->SlotMemoryOf(kB), 0u);
}

// Fences

TEST_F(TaskManagerRegistryTest, AReportOfTheCurrentTermIsTaken) {
  EXPECT_TRUE(IsTaken([](proto::Header*) {}));
}

TEST_F(TaskManagerRegistryTest, AReportForAnotherProcessIsDropped) {
  EXPECT_FALSE(IsTaken([](proto::Header* header) { header->set_addressee("jm-0"); }));
}

TEST_F(TaskManagerRegistryTest, AReportOfAnOlderTermIsDropped) {
  EXPECT_FALSE(IsTaken([](proto::Header* header) { header->set_term(2); }));
}

TEST_F(TaskManagerRegistryTest, AReportOfTheSameTermWithAnotherNonceIsDropped) {
  EXPECT_FALSE(IsTaken([](proto::Header* header) { header->set_term_nonce("other"); }));
}

TEST_F(TaskManagerRegistryTest, ARepeatedReportIsDropped) {
  EXPECT_FALSE(IsTaken([](proto::Header* header) { header->set_sequence(1); }));
}

TEST_F(TaskManagerRegistryTest, AReportOfAStreamThatDidNotRegisterIsDropped) {
  TestingStream& stream = OpenStream();
  Report(stream, kA);
  EXPECT_EQ(listener_.slots_changed, 0);
}

TEST_F(TaskManagerRegistryTest, WorkerReportsAreTakenInTheirOrder) {
  TestingStream& stream = Join(kA);
  for (const uint64_t sequence : {5, 4, 5, 6}) {
    proto::Envelope envelope = ReportOf(kA);
    envelope.mutable_header()->set_sender("w-1");
    envelope.mutable_header()->set_sequence(sequence);
    envelope.mutable_worker_report();
    registry_->OnMessage(stream.session, envelope);
  }
  EXPECT_THAT(listener_.reports, ElementsAre(5u, 6u));
}

TEST_F(TaskManagerRegistryTest, AWorkerReportOfAnOlderTermDoesNotCount) {
  TestingStream& stream = Join(kA);
  proto::Envelope envelope = ReportOf(kA);
  envelope.mutable_header()->set_sender("w-1");
  envelope.mutable_header()->set_term(2);
  envelope.mutable_worker_report();
  registry_->OnMessage(stream.session, envelope);
  EXPECT_THAT(listener_.reports, IsEmpty());
}

// Losses

TEST_F(TaskManagerRegistryTest, ABrokenStreamMakesSuspect) {
  registry_->OnStreamBroken(Join(kA).session);
  EXPECT_EQ(registry_->Describe()[0].state(), "SUSPECT");
  EXPECT_THAT(listener_.lost, IsEmpty());
}

TEST_F(TaskManagerRegistryTest, ASuspectGivesNoSlots) {
  registry_->OnStreamBroken(Join(kA).session);
  EXPECT_FALSE(registry_->IsPresent(kA));
  EXPECT_THAT(registry_->FreeSlotsFor(kJob), IsEmpty());
}

TEST_F(TaskManagerRegistryTest, ASuspectThatReturnsInTimeIsNotLost) {
  registry_->OnStreamBroken(Join(kA).session);
  executor_.Advance(options_.suspect_after - absl::Milliseconds(1));
  TestingStream& stream = Join(kA);
  for (int i = 0; i < 20; ++i) {
    executor_.Advance(absl::Milliseconds(500));
    Report(stream, kA);
  }
  EXPECT_THAT(listener_.lost, IsEmpty());
  EXPECT_TRUE(registry_->IsPresent(kA));
}

TEST_F(TaskManagerRegistryTest, ASuspectThatDoesNotReturnIsLost) {
  registry_->OnStreamBroken(Join(kA).session);
  executor_.Advance(options_.suspect_after);
  EXPECT_THAT(listener_.lost,
              ElementsAre(Pair("tm-a", "its stream broke and did not come back within 1s")));
}

TEST_F(TaskManagerRegistryTest, ANodeThatRegistersAnewLosesItsFormerTaskManager) {
  TestingStream& former = Join(kA, "node-1");
  Join(kB, "node-1");
  EXPECT_THAT(listener_.lost, ElementsAre(Pair("tm-a", "its node registered anew")));
  EXPECT_TRUE(former.closed);
}

TEST_F(TaskManagerRegistryTest, TwoNodesDoNotReplaceEachOther) {
  Join(kA, "node-1");
  Join(kB, "node-2");
  EXPECT_THAT(listener_.lost, IsEmpty());
}

TEST_F(TaskManagerRegistryTest, ASilentTaskManagerIsLost) {
  TestingStream& stream = Join(kA);
  executor_.Advance(options_.report_timeout + 2 * options_.heartbeat_interval);
  EXPECT_THAT(listener_.lost, ElementsAre(Pair("tm-a", "no report for 10s")));
  EXPECT_TRUE(stream.closed);
}

TEST_F(TaskManagerRegistryTest, ASecondStreamReplacesTheFirst) {
  TestingStream& first = Join(kA);
  Register(kA);
  EXPECT_TRUE(first.closed);
  registry_->OnStreamBroken(first.session);
  EXPECT_TRUE(registry_->IsPresent(kA));
}

TEST_F(TaskManagerRegistryTest, ALostTaskManagersLateMessagesAreDropped) {
  TestingStream& stream = Join(kA);
  executor_.Advance(options_.report_timeout + 2 * options_.heartbeat_interval);
  Report(stream, kA);
  EXPECT_FALSE(registry_->IsPresent(kA));
}

// Slots

TEST_F(TaskManagerRegistryTest, ATaskManagerIsPresentOnceItHasReported) {
  TestingStream& stream = Register(kA);
  EXPECT_FALSE(registry_->IsPresent(kA));
  Report(stream, kA);
  EXPECT_TRUE(registry_->IsPresent(kA));
}

TEST_F(TaskManagerRegistryTest, SlotsThatAnotherJobHoldsAreNotFree) {
  Join(kA);
  registry_->HoldSlots(JobId("other"), {{kA, 1}});
  EXPECT_THAT(registry_->FreeSlotsFor(kJob), ElementsAre(Pair(kA, 1u)));
}

TEST_F(TaskManagerRegistryTest, SlotsThatTheJobHoldsAreFreeForIt) {
  Join(kA);
  registry_->HoldSlots(kJob, {{kA, 2}});
  EXPECT_THAT(registry_->FreeSlotsFor(kJob), ElementsAre(Pair(kA, 2u)));
}

TEST_F(TaskManagerRegistryTest, ReleasedSlotsAreTold) {
  Join(kA);
  registry_->HoldSlots(kJob, {{kA, 2}});
  const int before = listener_.slots_changed;
  registry_->HoldSlots(kJob, {});
  executor_.RunReady();
  EXPECT_EQ(listener_.slots_changed, before + 1);
}

TEST_F(TaskManagerRegistryTest, DescribesWhatIsUsed) {
  Join(kA);
  registry_->HoldSlots(kJob, {{kA, 1}});
  EXPECT_EQ(registry_->Describe()[0].slots(), 2u);
  EXPECT_EQ(registry_->Describe()[0].slots_used(), 1u);
}

// Directives

TEST_F(TaskManagerRegistryTest, NoDirectiveGoesOutBeforeTheFirstReport) {
  TestingStream& stream = Register(kA);
  executor_.Advance(3 * options_.heartbeat_interval);
  EXPECT_EQ(stream.Directives(), 0u);
}

TEST_F(TaskManagerRegistryTest, AReportIsAnsweredByADirective) {
  EXPECT_EQ(Join(kA).Directives(), 1u);
}

TEST_F(TaskManagerRegistryTest, ADirectiveIsRepeatedEveryHeartbeat) {
  TestingStream& stream = Join(kA);
  executor_.Advance(2 * options_.heartbeat_interval);
  EXPECT_EQ(stream.Directives(), 3u);
}

TEST_F(TaskManagerRegistryTest, ADirectiveNamesTheWorkersOfAllJobs) {
  TestingStream& stream = Join(kA);
  registry_->SetWorkers(kA, kJob, {proto::WorkerSpec()});
  registry_->SetWorkers(kA, JobId("other"), {proto::WorkerSpec()});
  EXPECT_THAT(stream.received.back().task_manager_directive().workers(), SizeIs(2));
}

TEST_F(TaskManagerRegistryTest, ADirectiveWaitsForAllWorkersOfAReport) {
  TestingStream& stream = Register(kA);
  listener_.on_status = [&] {  // each is of another job
    registry_->SetWorkers(kA, JobId(listener_.statuses.back().second), {proto::WorkerSpec()});
  };
  proto::Envelope first = ReportOf(kA);
  first.mutable_task_manager_report()->add_workers()->set_worker("w-1");
  first.mutable_task_manager_report()->add_workers()->set_worker("w-2");
  registry_->OnMessage(stream.session, first);
  EXPECT_EQ(stream.Directives(), 1u) << "one that names one of them would end the other";
  EXPECT_THAT(stream.received.back().task_manager_directive().workers(), SizeIs(2));
}

TEST_F(TaskManagerRegistryTest, AnEmptyListWithdrawsAJobsWorkers) {
  TestingStream& stream = Join(kA);
  registry_->SetWorkers(kA, kJob, {proto::WorkerSpec()});
  registry_->SetWorkers(kA, kJob, {});
  EXPECT_THAT(stream.received.back().task_manager_directive().workers(), IsEmpty());
}

TEST_F(TaskManagerRegistryTest, AWorkersDirectiveGoesByWayOfItsTaskManager) {
  TestingStream& stream = Join(kA);
  registry_->SendToWorker(kA, WorkerId("w-1"), kJob, Generation(4), {});
  const proto::Header& header = stream.received.back().header();
  EXPECT_TRUE(stream.received.back().has_worker_directive());
  EXPECT_EQ(header.addressee(), "w-1");
  EXPECT_EQ(header.job(), "j");
  EXPECT_EQ(header.generation(), 4u);
}

TEST_F(TaskManagerRegistryTest, SequenceNumbersRise) {
  TestingStream& stream = Join(kA);
  registry_->SendToWorker(kA, WorkerId("w-1"), kJob, Generation(4), {});
  registry_->SendToWorker(kA, WorkerId("w-1"), kJob, Generation(4), {});
  const size_t last = stream.received.size() - 1;
  EXPECT_LT(stream.received[last - 1].header().sequence(),
            stream.received[last].header().sequence());
}

TEST_F(TaskManagerRegistryTest, ThePlannerIsAskedForByAnyTaskManager) {
  TestingStream& stream = Join(kA);
  EXPECT_TRUE(registry_->RunPlanner(proto::RunPlanner()));
  EXPECT_TRUE(stream.received.back().has_run_planner());
}

TEST_F(TaskManagerRegistryTest, WithoutATaskManagerNobodyPlans) {
  EXPECT_FALSE(registry_->RunPlanner(proto::RunPlanner()));
}

}  // namespace
}  // namespace weir::jobmanager
