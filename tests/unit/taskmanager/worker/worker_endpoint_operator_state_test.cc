// Operator state in the checkpoints and restores of a worker's generation.
#include "state/operator/operator_state_backend.h"
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

/// Keeps all numbers in a list, and the last one in a union list.
class HoldingOperator final : public Operator {
 public:
  absl::Status Open(const OperatorContext& context) override {
    held_ = context.operator_state->GetListState(ListStateDescriptor<int64_t>("held"));
    last_ = context.operator_state->GetUnionListState(ListStateDescriptor<int64_t>("last"));
    return absl::OkStatus();
  }
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    for (const int64_t value : ValuesOf(*batch)) {
      held_.Add(value);
      last_.Update({value});
    }
    return out.Emit(batch);
  }

 private:
  ListState<int64_t> held_;
  ListState<int64_t> last_;
};

class WorkerOperatorStateTest : public WorkerEndpointTest {
 protected:
  WorkerOperatorStateTest() {
    job_.graph.nodes[1].make_operator = []() -> std::unique_ptr<Operator> {
      return std::make_unique<HoldingOperator>();
    };
    MakeEndpoint();
  }
  proto::Envelope Deployed(uint64_t inline_max) {
    proto::Envelope deploy = DeployOf(1);
    deploy.mutable_worker_directive()->mutable_deployment()->set_inline_state_max_bytes(inline_max);
    return deploy;
  }
  /// It runs, has read these, and has answered epoch 4.
  void Answer(uint64_t inline_max, const std::vector<int64_t>& numbers = {1, 2, 3}) {
    job_.reader->Add(numbers);
    Send(Deployed(inline_max));
    Send(RunOf(1));
    Send(TriggerOf(1, 4));
  }
  const proto::OperatorStateSnapshot& Answered() {
    return Report().answers(0).snapshots(0).operators(1).operator_state();
  }
  /// From what was answered.
  proto::Deployment RestoredOf(const proto::OperatorStateSnapshot& snapshot) {
    proto::Deployment deployment = DeploymentOf();
    deployment.set_restored(true);
    deployment.set_restored_epoch(4);
    proto::OperatorStateParts* parts = deployment.add_operator_states();
    parts->set_vertex(1);
    parts->set_uid("sum");
    *parts->add_parts() = snapshot;
    return deployment;
  }
  /// A new worker is deployed so.
  void Restore(const proto::OperatorStateSnapshot& snapshot) {
    job_.reader->splits.clear();
    job_.reader->positions.clear();
    proto::Envelope deploy = DeployOf(2);
    *deploy.mutable_worker_directive()->mutable_deployment() = RestoredOf(snapshot);
    Send(deploy);
  }
};

TEST_F(WorkerOperatorStateTest, SmallStateIsInlined) {
  Answer(4096);
  ASSERT_THAT(Report().answers(), SizeIs(1));
  EXPECT_EQ(Answered().parallelism(), 1u);
  EXPECT_THAT(Answered().lists().inlined(), HasSubstr("held"));
  EXPECT_EQ(Answered().lists().size_bytes(), Answered().lists().inlined().size());
  EXPECT_THAT(Answered().union_lists().inlined(), HasSubstr("last"));
  EXPECT_FALSE(Answered().has_broadcast());
  ASSERT_THAT(Answered().list_sizes(), SizeIs(1));
  EXPECT_EQ(Answered().list_sizes(0).elements(), 3u);
}

TEST_F(WorkerOperatorStateTest, LargeStateIsABlobForEachKind) {
  Answer(4);
  ASSERT_THAT(Report().answers(), SizeIs(1));
  const std::string lists = Answered().lists().blob();
  const std::string unions = Answered().union_lists().blob();
  EXPECT_THAT(lists, HasSubstr("blobs/w-1/4-"));
  EXPECT_NE(lists, unions);
  EXPECT_THAT(files_.memory.Read("/jobs/j/" + lists).value(), HasSubstr("held"));
  EXPECT_THAT(files_.memory.Read("/jobs/j/" + unions).value(), HasSubstr("last"));
  const proto::SubtaskCheckpoint& statistics = Report().answers(0).statistics(0);
  EXPECT_EQ(statistics.written_bytes(), Report().answers(0).snapshots(0).ByteSizeLong() +
                                            Answered().lists().size_bytes() +
                                            Answered().union_lists().size_bytes());
}

// Nothing of it is done on the executor: what is read meanwhile is not in the snapshot.
TEST_F(WorkerOperatorStateTest, ItIsWrittenBesideTheTask) {
  job_.reader->Add({1, 2, 3});
  Send(Deployed(4096));
  Send(RunOf(1));
  pool_.Hold();
  Send(TriggerOf(1, 4));
  Beat();
  EXPECT_THAT(Report().answers(), IsEmpty());
  job_.reader->Add({4});
  executor_.RunReady();
  pool_.Release();
  executor_.RunReady();
  ASSERT_THAT(Report().answers(), SizeIs(1));
  EXPECT_EQ(Answered().list_sizes(0).elements(), 3u);
}

TEST_F(WorkerOperatorStateTest, ADeclineTellsWhatWasWritten) {
  job_.reader->Add({1, 2, 3});
  Send(Deployed(4));
  Send(RunOf(1));
  // The union list's, behind the lists'.
  files_.Inject({Call::kCreate, absl::ResourceExhaustedError("disk is full"), "4-2", false, 1});
  Send(TriggerOf(1, 4));
  ASSERT_THAT(Report().answers(), SizeIs(1));
  EXPECT_THAT(Report().answers(0).declined(), HasSubstr("disk is full"));
  ASSERT_THAT(Report().answers(0).snapshots(), SizeIs(1));
  const std::string written = Answered().lists().blob();
  EXPECT_THAT(files_.memory.Paths(), Contains("/jobs/j/" + written));
}

TEST_F(WorkerOperatorStateTest, ItIsRestoredFromMessagesAndBlobs) {
  for (const uint64_t inline_max : {4096u, 4u}) {
    Answer(inline_max);
    const proto::OperatorStateSnapshot snapshot = Answered();
    MakeEndpoint();
    Restore(snapshot);
    ASSERT_EQ(State(), "READY") << Report().failure().message();
    job_.reader->Add({1, 2, 3, 9});
    Send(RunOf(2));
    Send(TriggerOf(2, 5));
    EXPECT_EQ(Answered().list_sizes(0).elements(), 3u + 4u);
    job_.reader->splits.clear();
    job_.reader->positions.clear();
    MakeEndpoint();
  }
}

// The JobManager gives up on workers that do not get on.
TEST_F(WorkerOperatorStateTest, EachObjectThatIsLoadedIsProgress) {
  Answer(4);
  proto::Deployment deployment = RestoredOf(Answered());
  deployment.set_coordinator(false);
  int steps = 0;
  GenerationContext context;
  context.on_progress = [&steps] { ++steps; };
  const PreparedGeneration prepared = PrepareGeneration(files_, job_.graph, deployment, context);
  EXPECT_EQ(prepared.status, absl::OkStatus());
  EXPECT_EQ(steps, 2);
}

TEST_F(WorkerOperatorStateTest, ABlobThatIsDamagedOrMissingSuspendsTheJob) {
  Answer(4);
  const proto::OperatorStateSnapshot snapshot = Answered();
  const std::string path = "/jobs/j/" + snapshot.lists().blob();
  ASSERT_TRUE(files_.memory.Replace(path, "other bytes").ok());
  MakeEndpoint();
  Restore(snapshot);
  ASSERT_EQ(State(), "FAILED");
  EXPECT_TRUE(Report().failure().suspends());
  EXPECT_THAT(Report().failure().message(), HasSubstr("is corrupt"));
  ASSERT_TRUE(files_.memory.Remove(path).ok());
  MakeEndpoint();
  Restore(snapshot);
  ASSERT_EQ(State(), "FAILED");
  EXPECT_TRUE(Report().failure().suspends());
  EXPECT_THAT(Report().failure().message(), HasSubstr("a file of the checkpoint is missing"));
}

TEST_F(WorkerOperatorStateTest, AMessageThatIsDamagedSuspendsTheJob) {
  Answer(4096);
  proto::OperatorStateSnapshot snapshot = Answered();
  (*snapshot.mutable_union_lists()->mutable_inlined())[30] ^= 1;
  MakeEndpoint();
  Restore(snapshot);
  ASSERT_EQ(State(), "FAILED");
  EXPECT_TRUE(Report().failure().suspends());
  EXPECT_THAT(Report().failure().message(), HasSubstr("does not match its SHA-256"));
}

TEST_F(WorkerOperatorStateTest, StorageThatDoesNotAnswerIsTriedAgain) {
  Answer(4);
  const proto::OperatorStateSnapshot snapshot = Answered();
  MakeEndpoint();
  files_.Inject({Call::kRead, absl::UnavailableError("storage is away"), "blobs", false, 1});
  Restore(snapshot);
  ASSERT_EQ(State(), "FAILED");
  EXPECT_FALSE(Report().failure().suspends());
  EXPECT_TRUE(Report().failure().retriable());
}

}  // namespace
}  // namespace weir::taskmanager
