#include "jobmanager/scheduler/deployment_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

const WorkerId kW1("w-1");
const WorkerId kW2("w-2");

void AddSplit(google::protobuf::RepeatedPtrField<proto::SplitState>* splits, const std::string& id,
              const std::string& position) {
  proto::SplitState* split = splits->Add();
  split->set_id(id);
  split->set_position(position);
}

class DeploymentPlanTest : public ::testing::Test {
 protected:
  DeploymentPlanTest() {
    graph_.set_fingerprint("f");
    AddVertex(1, 2, "source");
    AddVertex(2, 1, "sink");
    placement_.slot_task_managers = {TaskManagerId("tm-a"), TaskManagerId("tm-b")};
    placement_.slot_workers = {kW1, kW2};
    context_.graph = &graph_;
    context_.placement = &placement_;
    context_.storage_root = "/jobs/j";
    context_.probe_object = "/jobs/j/probe";
    context_.probe_nonce = "j";
    context_.inline_state_max_bytes = 9;
    manifest_.set_epoch(6);
  }
  void AddVertex(uint64_t id, uint32_t parallelism, const std::string& uid) {
    proto::JobVertex* vertex = graph_.add_vertices();
    vertex->set_id(id);
    vertex->set_parallelism(parallelism);
    vertex->add_operators()->set_uid(uid);
  }
  proto::OperatorSnapshot* AddSnapshot(uint64_t vertex, uint32_t index, const std::string& uid) {
    proto::TaskSnapshot* task = manifest_.add_tasks();
    task->set_vertex(vertex);
    task->set_index(index);
    proto::OperatorSnapshot* one = task->add_operators();
    one->set_uid(uid);
    return one;
  }
  proto::SourceCoordinatorState* AddCoordinator(const std::string& uid) {
    proto::SourceCoordinatorState* state = manifest_.add_coordinators();
    state->set_source_uid(uid);
    return state;
  }
  std::map<WorkerId, proto::Deployment> Deploy() { return MakeDeployments(context_); }
  std::vector<std::pair<std::string, std::string>> RestoredSplits() {
    context_.restored = &manifest_;
    std::vector<std::pair<std::string, std::string>> splits;
    const proto::Deployment deployment = Deploy().at(kW1);
    for (const proto::SourceCoordinatorState& state : deployment.coordinators()) {
      for (const proto::SplitState& split : state.splits()) {
        splits.emplace_back(split.id(), split.position());
      }
    }
    return splits;
  }

  proto::JobGraph graph_;
  ExecutionPlacement placement_;
  proto::CheckpointManifest manifest_;
  DeploymentContext context_;
};

// Of a TaskManager with a limit, for the slots that the worker has there.
TEST_F(DeploymentPlanTest, AWorkersBudgetsFollowFromTheMemoryOfItsSlots) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  context_.memory = {256 * kMiB, false, 64 * kMiB, false};
  context_.slot_memory_bytes = {{TaskManagerId("tm-a"), 100 * kMiB}, {TaskManagerId("tm-b"), 0}};
  EXPECT_EQ(Deploy().at(kW1).state_memory_bytes(), 40 * kMiB);
  EXPECT_EQ(Deploy().at(kW1).exchange_memory_bytes(), 10 * kMiB);
  EXPECT_EQ(Deploy().at(kW2).state_memory_bytes(), 256 * kMiB);
  EXPECT_EQ(Deploy().at(kW2).exchange_memory_bytes(), 64 * kMiB);
  placement_.slot_task_managers = {TaskManagerId("tm-a"), TaskManagerId("tm-a")};
  placement_.slot_workers = {kW1, kW1};
  EXPECT_EQ(Deploy().at(kW1).state_memory_bytes(), 80 * kMiB);
}

TEST_F(DeploymentPlanTest, AJobNeedsItsHighestParallelismInSlots) {
  EXPECT_EQ(RequiredSlots(graph_), 2u);
}

TEST_F(DeploymentPlanTest, ListsEverySubtask) {
  EXPECT_THAT(AllSubtasks(graph_), ElementsAre(SubtaskId{VertexId(1), 0}, SubtaskId{VertexId(1), 1},
                                               SubtaskId{VertexId(2), 0}));
}

TEST_F(DeploymentPlanTest, SubtasksGoToTheWorkerOfTheirSlot) {
  const auto deployments = Deploy();
  EXPECT_THAT(deployments.at(kW1).tasks(), SizeIs(2));
  ASSERT_THAT(deployments.at(kW2).tasks(), SizeIs(1));
  EXPECT_EQ(deployments.at(kW2).tasks(0).index(), 1u);
  EXPECT_EQ(deployments.at(kW2).tasks(0).slot(), 1u);
}

TEST_F(DeploymentPlanTest, AWorkerWithSeveralSlotsGetsOneDeployment) {
  placement_.slot_workers = {kW1, kW1};
  const auto deployments = Deploy();
  ASSERT_THAT(deployments, SizeIs(1));
  EXPECT_THAT(deployments.at(kW1).tasks(), SizeIs(3));
}

TEST_F(DeploymentPlanTest, TheWorkerOfTheFirstSlotHostsTheCoordinator) {
  const auto deployments = Deploy();
  EXPECT_TRUE(deployments.at(kW1).coordinator());
  EXPECT_FALSE(deployments.at(kW2).coordinator());
}

TEST_F(DeploymentPlanTest, EveryWorkerLearnsWhereStorageIs) {
  const proto::Deployment deployment = Deploy().at(kW2);
  EXPECT_EQ(deployment.storage_root(), "/jobs/j");
  EXPECT_EQ(deployment.probe_object(), "/jobs/j/probe");
  EXPECT_EQ(deployment.probe_nonce(), "j");
  EXPECT_EQ(deployment.inline_state_max_bytes(), 9u);
}

TEST_F(DeploymentPlanTest, TheFirstStartRestoresNothing) {
  EXPECT_FALSE(Deploy().at(kW1).restored());
  EXPECT_FALSE(Deploy().at(kW1).has_restored_epoch());
}

TEST_F(DeploymentPlanTest, ARestoredStartNamesItsEpoch) {
  context_.restored = &manifest_;
  EXPECT_TRUE(Deploy().at(kW2).restored());
  EXPECT_EQ(Deploy().at(kW2).restored_epoch(), 6u);
}

TEST_F(DeploymentPlanTest, EveryTaskGetsItsOwnSnapshot) {
  AddSnapshot(1, 1, "source")->mutable_state()->set_inlined("one");
  context_.restored = &manifest_;
  const auto deployments = Deploy();
  EXPECT_FALSE(deployments.at(kW1).tasks(0).has_restored());
  EXPECT_EQ(deployments.at(kW2).tasks(0).restored().operators(0).state().inlined(), "one");
}

// Of 1024 key groups the only subtask now had all, of which two had halves then.
TEST_F(DeploymentPlanTest, KeyGroupsAreDealtOutAtAnotherParallelism) {
  graph_.set_max_parallelism(1024);
  for (uint32_t index = 0; index < 2; ++index) {
    AddSnapshot(2, index, "sink");
    proto::TaskSnapshot* task = manifest_.mutable_tasks(static_cast<int>(index));
    task->set_parallelism(2);
    task->set_input_watermark_us(20 - index);
  }
  context_.restored = &manifest_;
  const auto deployments = Deploy();
  for (const proto::TaskDeployment& task : deployments.at(kW1).tasks()) {
    if (task.vertex() != 2) continue;
    EXPECT_EQ(task.restored().index(), 1u) << "its watermark is the least";
    ASSERT_THAT(task.restored_others(), SizeIs(1));
    EXPECT_EQ(task.restored_others(0).index(), 0u);
  }
}

TEST_F(DeploymentPlanTest, ASubtaskGetsThoseThatHadOneOfItsKeyGroups) {
  graph_.set_max_parallelism(1024);
  for (uint32_t index = 0; index < 3; ++index) {
    AddSnapshot(1, index, "source");
    manifest_.mutable_tasks(static_cast<int>(index))->set_parallelism(3);
  }
  context_.restored = &manifest_;
  const auto deployments = Deploy();
  const proto::TaskDeployment& first = deployments.at(kW1).tasks(0);  // groups 0 to 511
  EXPECT_EQ(first.restored().index(), 0u);
  ASSERT_THAT(first.restored_others(), SizeIs(1));
  EXPECT_EQ(first.restored_others(0).index(), 1u);
}

// Now and then by other tables than the formula's: the first subtask has the last four groups.
TEST_F(DeploymentPlanTest, WhoHasAKeyGroupIsReadFromTheTables) {
  graph_.set_max_parallelism(8);
  for (uint32_t index = 0; index < 3; ++index) {
    AddSnapshot(1, index, "late");
    proto::TaskSnapshot* task = manifest_.mutable_tasks(static_cast<int>(index));
    task->set_parallelism(3);
    task->mutable_key_groups()->set_first(index == 0 ? 2 : index == 1 ? 0 : 6);
    task->mutable_key_groups()->set_end(index == 0 ? 6 : index == 1 ? 2 : 8);
  }
  context_.restored = &manifest_;
  proto::KeyGroupTable& table = context_.key_groups.emplace_back();
  table.set_vertex(1);
  for (const auto& [end, subtask] : {std::pair(4, 1), std::pair(8, 0)}) {
    table.add_spans()->set_end(static_cast<uint32_t>(end));
    table.mutable_spans(table.spans_size() - 1)->set_subtask(static_cast<uint32_t>(subtask));
  }
  const auto deployments = Deploy();
  EXPECT_THAT(deployments.at(kW2).key_groups(), SizeIs(1));
  const proto::TaskDeployment& first = deployments.at(kW1).tasks(0);  // groups 4 to 7
  EXPECT_EQ(first.restored().index(), 0u);
  ASSERT_THAT(first.restored_others(), SizeIs(1));
  EXPECT_EQ(first.restored_others(0).index(), 2u);
  const proto::TaskDeployment& second = deployments.at(kW2).tasks(0);  // groups 0 to 3
  EXPECT_EQ(second.restored().index(), 0u);
  ASSERT_THAT(second.restored_others(), SizeIs(1));
  EXPECT_EQ(second.restored_others(0).index(), 1u);
}

// Of 4 partitions the first subtask of 2 has two, which the first two subtasks of 3 had.
TEST_F(DeploymentPlanTest, KeyGroupsThatArePartitionsAreDealtOutAsSuch) {
  graph_.set_max_parallelism(1024);
  graph_.mutable_vertices(0)->add_operators()->mutable_partition_keying()->set_partitions(4);
  for (uint32_t index = 0; index < 3; ++index) {
    AddSnapshot(1, index, "late");
    manifest_.mutable_tasks(static_cast<int>(index))->set_parallelism(3);
  }
  context_.restored = &manifest_;
  const auto deployments = Deploy();
  const proto::TaskDeployment& first = deployments.at(kW1).tasks(0);
  EXPECT_EQ(first.restored().index(), 0u) << "partitions 0 and 1";
  EXPECT_THAT(first.restored_others(), IsEmpty());
  const proto::TaskDeployment& second = deployments.at(kW2).tasks(0);
  EXPECT_EQ(second.restored().index(), 1u);
  ASSERT_THAT(second.restored_others(), SizeIs(1));
  EXPECT_EQ(second.restored_others(0).index(), 2u);
}

TEST_F(DeploymentPlanTest, AReadersPositionWinsOverTheStartingPosition) {
  AddSplit(AddCoordinator("source")->mutable_splits(), "flights-0", "start");
  AddSplit(AddSnapshot(1, 0, "source")->mutable_splits(), "flights-0", "read");
  EXPECT_THAT(RestoredSplits(), ElementsAre(Pair("flights-0", "read")));
}

TEST_F(DeploymentPlanTest, ASplitThatNoReaderHoldsStartsAtItsStartingPosition) {
  AddSplit(AddCoordinator("source")->mutable_splits(), "flights-1", "start");
  AddSplit(AddSnapshot(1, 0, "source")->mutable_splits(), "flights-0", "read");
  EXPECT_THAT(RestoredSplits(), ElementsAre(Pair("flights-0", "read"), Pair("flights-1", "start")));
}

TEST_F(DeploymentPlanTest, TheSplitsOfAllReadersAreUnited) {
  AddSplit(AddSnapshot(1, 0, "source")->mutable_splits(), "flights-0", "a");
  AddSplit(AddSnapshot(1, 1, "source")->mutable_splits(), "flights-1", "b");
  EXPECT_THAT(RestoredSplits(), ElementsAre(Pair("flights-0", "a"), Pair("flights-1", "b")));
}

TEST_F(DeploymentPlanTest, SplitsOfTheSameNameInTwoSourcesAreTwo) {
  AddSplit(AddCoordinator("left")->mutable_splits(), "flights-0", "l");
  AddSplit(AddCoordinator("right")->mutable_splits(), "flights-0", "r");
  EXPECT_THAT(RestoredSplits(), ElementsAre(Pair("flights-0", "l"), Pair("flights-0", "r")));
}

TEST_F(DeploymentPlanTest, ASourceWithoutSplitsIsKept) {
  AddCoordinator("source");
  context_.restored = &manifest_;
  const auto deployments = Deploy();
  EXPECT_THAT(deployments.at(kW1).coordinators(), SizeIs(1));
}

TEST_F(DeploymentPlanTest, OnlyTheCoordinatorGetsTheSplits) {
  AddSplit(AddCoordinator("source")->mutable_splits(), "flights-0", "start");
  context_.restored = &manifest_;
  const auto deployments = Deploy();
  EXPECT_THAT(deployments.at(kW2).coordinators(), IsEmpty());
}

TEST_F(DeploymentPlanTest, TheCoordinatorGetsTheEpochsWithoutReceipt) {
  const std::vector<proto::CheckpointManifest> uncommitted = {manifest_};
  context_.uncommitted = &uncommitted;
  const auto deployments = Deploy();
  ASSERT_THAT(deployments.at(kW1).uncommitted(), SizeIs(1));
  EXPECT_EQ(deployments.at(kW1).uncommitted(0).epoch(), 6u);
  EXPECT_THAT(deployments.at(kW2).uncommitted(), IsEmpty());
}

TEST_F(DeploymentPlanTest, TheStartedEntrySaysWhereEveryTaskRuns) {
  const proto::JobStarted started =
      MakeStartedEntry(graph_, Generation(3), Epoch(6), placement_, "sha");
  EXPECT_EQ(started.generation(), 3u);
  EXPECT_EQ(started.restored_epoch(), 6u);
  EXPECT_EQ(started.artifact(), "sha");
  ASSERT_THAT(started.placements(), SizeIs(3));
  EXPECT_EQ(started.placements(1).worker(), "w-2");
}

TEST_F(DeploymentPlanTest, TheStartedEntryHasTheTablesOfKeyGroups) {
  graph_.set_max_parallelism(8);
  proto::JobEdge* edge = graph_.add_edges();
  edge->set_target_vertex(1);
  edge->set_exchange(proto::JobEdge::HASH);
  const proto::JobStarted started =
      MakeStartedEntry(graph_, Generation(3), Epoch(6), placement_, "sha");
  ASSERT_THAT(started.key_groups(), SizeIs(1));
  EXPECT_EQ(started.key_groups(0).vertex(), 1u);
  EXPECT_EQ(started.key_groups(0).spans(0).end(), 4u);
  EXPECT_EQ(started.key_groups(0).spans(1).subtask(), 1u);
}

TEST_F(DeploymentPlanTest, AFirstStartedEntryRestoresNoEpoch) {
  EXPECT_FALSE(MakeStartedEntry(graph_, Generation(1), std::nullopt, placement_, "sha")
                   .has_restored_epoch());
}

TEST_F(DeploymentPlanTest, TheStartedEntryTellsTheTaskManagerOfEverySlot) {
  const proto::JobStarted started =
      MakeStartedEntry(graph_, Generation(3), Epoch(6), placement_, "sha");
  EXPECT_THAT(SlotTaskManagersOf(started),
              ElementsAre(TaskManagerId("tm-a"), TaskManagerId("tm-b")));
}

// Once for each worker, whatever the parallelisms; the snapshots of tasks are without it.
TEST_F(DeploymentPlanTest, OperatorStateOfAllSubtasksGoesToTheWorkersThatHaveATask) {
  AddVertex(3, 2, "buffer");
  for (const uint32_t index : {0u, 2u}) {
    proto::OperatorStateSnapshot* state = AddSnapshot(3, index, "buffer")->mutable_operator_state();
    state->set_parallelism(3);
    state->mutable_lists()->set_blob("lists of " + std::to_string(index));
  }
  AddSnapshot(2, 0, "sink")->mutable_operator_state()->set_parallelism(1);
  context_.restored = &manifest_;
  const auto deployments = Deploy();
  ASSERT_THAT(deployments.at(kW2).operator_states(), SizeIs(1)) << "it has no task of vertex 2";
  const proto::OperatorStateParts& parts = deployments.at(kW2).operator_states(0);
  EXPECT_EQ(parts.vertex(), 3u);
  EXPECT_EQ(parts.uid(), "buffer");
  ASSERT_THAT(parts.parts(), SizeIs(3)) << "subtask 1 had none";
  EXPECT_EQ(parts.parts(0).lists().blob(), "lists of 0");
  EXPECT_FALSE(parts.parts(1).has_lists());
  EXPECT_EQ(parts.parts(2).lists().blob(), "lists of 2");
  EXPECT_THAT(deployments.at(kW1).operator_states(), SizeIs(2));
  for (const auto& [worker, deployment] : deployments) {
    for (const proto::TaskDeployment& task : deployment.tasks()) {
      for (const proto::OperatorSnapshot& one : task.restored().operators()) {
        EXPECT_FALSE(one.has_operator_state());
      }
    }
  }
}

// `--from` has put operators of two and of three subtasks into one task.
TEST_F(DeploymentPlanTest, ASnapshotOfOperatorStateAloneIsNoTasksOwn) {
  graph_.set_max_parallelism(1024);
  AddVertex(3, 3, "keyed");
  for (uint32_t index = 0; index < 3; ++index) {
    proto::OperatorSnapshot* one = AddSnapshot(3, index, index < 2 ? "keyed" : "buffer");
    if (index < 2) one->mutable_state()->set_inlined("groups");
    manifest_.mutable_tasks()->rbegin()->set_parallelism(2);
  }
  placement_.slot_task_managers = {TaskManagerId("a"), TaskManagerId("b"), TaskManagerId("c")};
  placement_.slot_workers = {kW1, kW1, kW2};
  context_.restored = &manifest_;
  const proto::Deployment deployment = Deploy().at(kW2);
  ASSERT_THAT(deployment.tasks(), SizeIs(1));
  EXPECT_EQ(deployment.tasks(0).restored().index(), 1u);
  EXPECT_EQ(deployment.tasks(0).restored().operators(0).state().inlined(), "groups");
}

}  // namespace
}  // namespace weir::jobmanager
