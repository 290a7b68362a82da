// What a job takes over of another's checkpoint.
#include "jobmanager/dispatcher/restored_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/sha256.h"
#include "state/checkpoint/state_object_store.h"
#include "tests/support/testing_file_system.h"

namespace weir::jobmanager {
namespace {

using proto::OperatorDescriptor;
using testing::ElementsAre;
using testing::HasSubstr;

void AddOperator(proto::JobVertex* vertex, const std::string& uid, OperatorDescriptor::Kind kind,
                 const std::string& type) {
  OperatorDescriptor* one = vertex->add_operators();
  one->set_uid(uid);
  one->set_name(uid);
  one->set_kind(kind);
  one->set_type(type);
}

/// source "input" -> map "count" -> sink "copies", in one vertex.
proto::JobGraph Graph(uint32_t parallelism, uint64_t id = 1) {
  proto::JobGraph graph;
  proto::JobVertex* vertex = graph.add_vertices();
  vertex->set_id(id);
  vertex->set_parallelism(parallelism);
  AddOperator(vertex, "input", OperatorDescriptor::SOURCE, "KafkaSource");
  AddOperator(vertex, "count", OperatorDescriptor::TRANSFORM, "Count");
  AddOperator(vertex, "copies", OperatorDescriptor::SINK, "KafkaSink");
  return graph;
}

class RestoredCheckpointTest : public testing::Test {
 protected:
  RestoredCheckpointTest() {
    transfer_.from = JobId("old");
    transfer_.to = JobId("new");
    transfer_.from_graph = Graph(2);
    transfer_.to_graph = Graph(2);
    proto::SourceCoordinatorState* source = manifest_.add_coordinators();
    source->set_source_uid("input");
    for (const std::string id : {"t-0", "t-1", "t-2"}) {
      source->add_splits()->set_id(id);
      source->mutable_splits()->rbegin()->set_position("start");
    }
    for (uint32_t index = 0; index < 2; ++index) {
      proto::TaskSnapshot* task = manifest_.add_tasks();
      task->set_vertex(1);
      task->set_index(index);
      proto::OperatorSnapshot* reader = task->add_operators();
      reader->set_uid("input");
      reader->add_splits()->set_id("t-" + std::to_string(index));
      reader->mutable_splits(0)->set_position("read");
      SetState(task->add_operators(), "count", "state " + std::to_string(index));
      proto::OperatorSnapshot* sink = task->add_operators();
      sink->set_uid("copies");
      sink->add_committables("old transaction");
    }
    manifest_.add_sinks()->set_sink_uid("copies");
  }

  static void SetState(proto::OperatorSnapshot* one, const std::string& uid,
                       const std::string& bytes) {
    one->set_uid(uid);
    one->mutable_state()->set_inlined(bytes);
    one->mutable_state()->set_size_bytes(bytes.size());
    one->mutable_state()->set_sha256(Sha256Hex(bytes));
  }
  OperatorDescriptor* New(int index) {
    return transfer_.to_graph.mutable_vertices(0)->mutable_operators(index);
  }
  void WithoutCount() {
    transfer_.to_graph.mutable_vertices(0)->mutable_operators()->DeleteSubrange(1, 1);
  }
  absl::StatusOr<AdaptedManifest> Adapt() { return AdaptManifest(transfer_, manifest_); }
  std::string Refusal() { return std::string(Adapt().status().message()); }

  CheckpointTransfer transfer_;
  proto::CheckpointManifest manifest_;
};

TEST_F(RestoredCheckpointTest, StatesAndPositionsAreTakenOver) {
  const auto adapted = Adapt();
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  EXPECT_EQ(adapted->manifest.epoch(), 0u);
  EXPECT_EQ(adapted->manifest.job(), "new");
  ASSERT_EQ(adapted->manifest.coordinators(0).splits_size(), 3);
  EXPECT_EQ(adapted->manifest.coordinators(0).splits(0).position(), "read");
  EXPECT_EQ(adapted->manifest.coordinators(0).splits(2).position(), "start") << "nobody had it";
  ASSERT_EQ(adapted->manifest.tasks_size(), 2);
  EXPECT_EQ(adapted->manifest.tasks(1).index(), 1u);
  EXPECT_EQ(adapted->manifest.tasks(1).operators(0).state().inlined(), "state 1");
}

TEST_F(RestoredCheckpointTest, SinksStartFresh) {
  const auto adapted = Adapt();
  ASSERT_TRUE(adapted.ok());
  EXPECT_EQ(adapted->manifest.sinks_size(), 0);
  EXPECT_EQ(adapted->manifest.tasks(0).operators_size(), 1);
}

TEST_F(RestoredCheckpointTest, StateFollowsItsUidIntoAnotherVertex) {
  transfer_.to_graph = Graph(2, 7);
  const auto adapted = Adapt();
  ASSERT_TRUE(adapted.ok());
  EXPECT_EQ(adapted->manifest.tasks(0).vertex(), 7u);
}

TEST_F(RestoredCheckpointTest, ANewOperatorStartsEmpty) {
  AddOperator(transfer_.to_graph.mutable_vertices(0), "sum", OperatorDescriptor::TRANSFORM, "Sum");
  EXPECT_TRUE(Adapt().ok());
}

TEST_F(RestoredCheckpointTest, AMissingOperatorIsRefusedByName) {
  WithoutCount();
  EXPECT_EQ(Refusal(),
            "the new job has no operator 'count', whose state is in the checkpoint; "
            "--allow-non-restored leaves it out");
  transfer_.allow_non_restored = true;
  const auto adapted = Adapt();
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  EXPECT_EQ(adapted->manifest.tasks_size(), 0);
  EXPECT_THAT(adapted->left_out, ElementsAre("'count'"));
}

TEST_F(RestoredCheckpointTest, AMissingSourceIsRefusedByName) {
  New(0)->set_uid("other");
  EXPECT_THAT(Refusal(), HasSubstr("no operator 'input'"));
  transfer_.allow_non_restored = true;
  EXPECT_EQ(Adapt()->manifest.coordinators_size(), 0);
}

TEST_F(RestoredCheckpointTest, AnotherTypeIsRefusedWithBoth) {
  New(0)->set_type("FileSource");
  transfer_.allow_non_restored = true;
  EXPECT_EQ(Refusal(),
            "operator 'input' is a KafkaSource in the checkpoint and a FileSource in the new job");
}

TEST_F(RestoredCheckpointTest, AnotherParallelismIsRefusedWhereThereIsState) {
  transfer_.to_graph.mutable_vertices(0)->set_parallelism(3);
  EXPECT_EQ(
      Refusal(),
      "operator 'count' has state of 2 subtasks in the checkpoint and parallelism 3 in the new "
      "job; only keyed state, operator state and the splits of sources can be dealt out anew");
  for (proto::TaskSnapshot& task : *manifest_.mutable_tasks()) {
    task.mutable_operators(1)->clear_state();
  }
  const auto adapted = Adapt();
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  EXPECT_EQ(adapted->manifest.coordinators(0).splits_size(), 3);
}

TEST_F(RestoredCheckpointTest, AnOperatorThatAssignsWatermarksBeginsAnewAtAnotherParallelism) {
  for (proto::JobGraph* graph : {&transfer_.from_graph, &transfer_.to_graph}) {
    (*graph->mutable_vertices(0)->mutable_operators(1)->mutable_configuration())["watermarks"] =
        "monotonic";
  }
  auto adapted = Adapt();
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  EXPECT_EQ(adapted->manifest.tasks_size(), 2) << "at the same one it goes on";
  transfer_.to_graph.mutable_vertices(0)->set_parallelism(3);
  adapted = Adapt();
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  EXPECT_EQ(adapted->manifest.tasks_size(), 0);
  EXPECT_EQ(adapted->manifest.coordinators(0).splits_size(), 3);
}

// source -> keyed "count", in two vertices.
class KeyedCheckpointTest : public testing::Test {
 protected:
  static proto::JobGraph Graph(uint32_t parallelism, const std::string& key = "route") {
    proto::JobGraph graph;
    graph.set_max_parallelism(1024);
    proto::JobVertex* source = graph.add_vertices();
    source->set_id(1);
    source->set_parallelism(2);
    AddOperator(source, "input", OperatorDescriptor::SOURCE, "KafkaSource");
    proto::JobVertex* count = graph.add_vertices();
    count->set_id(2);
    count->set_parallelism(parallelism);
    AddOperator(count, "count", OperatorDescriptor::TRANSFORM, "KeyedProcess");
    proto::JobEdge* edge = graph.add_edges();
    edge->set_source_vertex(1);
    edge->set_target_vertex(2);
    edge->set_exchange(proto::JobEdge::HASH);
    edge->set_key(key);
    return graph;
  }
  KeyedCheckpointTest() {
    transfer_.from_graph = Graph(2);
    transfer_.to_graph = Graph(3);
    for (uint32_t index = 0; index < 2; ++index) {
      proto::TaskSnapshot* task = manifest_.add_tasks();
      task->set_vertex(2);
      task->set_index(index);
      task->set_input_watermark_us(10 + index);
      proto::OperatorSnapshot* one = task->add_operators();
      one->set_uid("count");
      one->mutable_state()->set_inlined("groups");
      one->mutable_state()->set_size_bytes(6);
    }
  }

  CheckpointTransfer transfer_;
  proto::CheckpointManifest manifest_;
};

TEST_F(KeyedCheckpointTest, StaysAsItWasTakenForTheDeploymentToDealOut) {
  const auto adapted = AdaptManifest(transfer_, manifest_);
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  ASSERT_EQ(adapted->manifest.tasks_size(), 2);
  EXPECT_EQ(adapted->manifest.tasks(1).index(), 1u);
  EXPECT_EQ(adapted->manifest.tasks(1).parallelism(), 2u);
  EXPECT_EQ(adapted->manifest.tasks(1).input_watermark_us(), 10) << "the least of all";
}

TEST_F(KeyedCheckpointTest, AnotherKeyIsRefused) {
  transfer_.to_graph = Graph(2, "origin");
  EXPECT_EQ(AdaptManifest(transfer_, manifest_).status().message(),
            "operator 'count' is keyed by route in the checkpoint and keyed by origin in the new "
            "job");
}

// What the state was written with is seen when it is read (CheckKeysCompatible).
TEST_F(KeyedCheckpointTest, AWiderIntegerIsTheSameKey) {
  transfer_.from_graph = Graph(2, "route: int32");
  transfer_.to_graph = Graph(3, "route: int64");
  EXPECT_EQ(AdaptManifest(transfer_, manifest_).status(), absl::OkStatus());
  transfer_.from_graph = Graph(2, "a function: uint8");
  transfer_.to_graph = Graph(3, "a function: uint32");
  EXPECT_EQ(AdaptManifest(transfer_, manifest_).status(), absl::OkStatus());
}

TEST_F(KeyedCheckpointTest, AnotherTypeOfTheKeyIsRefused) {
  transfer_.from_graph = Graph(2, "route: int32");
  transfer_.to_graph = Graph(2, "route: string");
  EXPECT_EQ(
      AdaptManifest(transfer_, manifest_).status().message(),
      "operator 'count' is keyed by route: int32 in the checkpoint and keyed by route: string "
      "in the new job");
  for (const std::string key :
       {"route: int16", "route: uint64", "origin: int64", "route", "route: pair<int64, int64>"}) {
    transfer_.to_graph = Graph(2, key);
    EXPECT_FALSE(AdaptManifest(transfer_, manifest_).ok()) << key;
  }
}

TEST_F(KeyedCheckpointTest, AnotherNumberOfKeyGroupsIsRefusedWhereTheyWouldBeDealtOut) {
  transfer_.to_graph.set_max_parallelism(64);
  EXPECT_EQ(AdaptManifest(transfer_, manifest_).status().message(),
            "operator 'count' has state in 1024 key groups in the checkpoint, and the new job has "
            "64 (its maximal parallelism)");
}

/// As KeyedCheckpointTest, and in both jobs "count" is aligned with 4 partitions.
class AlignedCheckpointTest : public KeyedCheckpointTest {
 protected:
  AlignedCheckpointTest() {
    Align(&transfer_.from_graph);
    Align(&transfer_.to_graph);
  }
  static proto::PartitionKeying* Align(proto::JobGraph* graph) {
    graph->clear_edges();
    proto::PartitionKeying* keying =
        graph->mutable_vertices(1)->mutable_operators(0)->mutable_partition_keying();
    keying->set_topic("flights");
    keying->set_partitions(4);
    keying->set_partitioner("murmur2");
    keying->set_key("route");
    return keying;
  }
  std::string Refusal() {
    const absl::Status status = AdaptManifest(transfer_, manifest_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    return std::string(status.message());
  }
};

TEST_F(AlignedCheckpointTest, AnotherParallelismIsDealtOutByPartitions) {
  transfer_.to_graph.set_max_parallelism(64);  // which is not that of its key groups
  manifest_.mutable_tasks(1)->mutable_operators(0)->set_keying("4 partitions by murmur2");
  const auto adapted = AdaptManifest(transfer_, manifest_);
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  ASSERT_EQ(adapted->manifest.tasks_size(), 2);
  EXPECT_EQ(adapted->manifest.tasks(1).parallelism(), 2u);
  EXPECT_EQ(adapted->manifest.tasks(1).operators(0).keying(), "4 partitions by murmur2");
}

TEST_F(AlignedCheckpointTest, ATopicOfAnotherNameIsTakenOver) {
  Align(&transfer_.to_graph)->set_topic("mirrored-flights");
  EXPECT_TRUE(AdaptManifest(transfer_, manifest_).ok());
}

TEST_F(AlignedCheckpointTest, FromHashToPartitionsAndBackIsRefused) {
  transfer_.from_graph = Graph(2);
  EXPECT_EQ(Refusal(),
            "operator 'count' is keyed by route, by hash in the checkpoint and keyed by route, "
            "aligned with 4 partitions by murmur2 in the new job");
  Align(&transfer_.from_graph);
  transfer_.to_graph = Graph(2);
  EXPECT_EQ(Refusal(),
            "operator 'count' is keyed by route, aligned with 4 partitions by murmur2 in the "
            "checkpoint and keyed by route, by hash in the new job");
}

TEST_F(AlignedCheckpointTest, AnotherNumberOfPartitionsIsRefused) {
  Align(&transfer_.to_graph)->set_partitions(5);
  EXPECT_THAT(Refusal(), HasSubstr("aligned with 4 partitions by murmur2 in the checkpoint and "
                                   "keyed by route, aligned with 5 partitions by murmur2"));
}

TEST_F(AlignedCheckpointTest, AnotherPartitionerIsRefused) {
  Align(&transfer_.to_graph)->set_partitioner("crc32");
  EXPECT_THAT(Refusal(), HasSubstr("aligned with 4 partitions by crc32 in the new job"));
}

TEST_F(AlignedCheckpointTest, AnotherKeyOfThePartitionsIsRefused) {
  Align(&transfer_.to_graph)->set_key("origin");
  EXPECT_THAT(Refusal(), HasSubstr("keyed by origin, aligned with 4 partitions by murmur2 in the "
                                   "new job"));
}

// Its records have four bytes for a key, or eight, and so go to other partitions.
TEST_F(AlignedCheckpointTest, AWiderIntegerIsAnotherKey) {
  Align(&transfer_.from_graph)->set_key("route: int32");
  Align(&transfer_.to_graph)->set_key("route: int64");
  EXPECT_THAT(Refusal(), HasSubstr("keyed by route: int64, aligned with"));
}

TEST_F(KeyedCheckpointTest, AnotherNumberOfKeyGroupsIsRefusedAtTheSameParallelismToo) {
  transfer_.to_graph = Graph(2);
  transfer_.to_graph.set_max_parallelism(64);
  EXPECT_EQ(AdaptManifest(transfer_, manifest_).status().message(),
            "operator 'count' has state in 1024 key groups in the checkpoint, and the new job has "
            "64 (its maximal parallelism)");
}

// As DescribeWindows writes it (api/weir/environment.cc).
class WindowCheckpointTest : public KeyedCheckpointTest {
 protected:
  static void SetWindow(proto::JobGraph& graph, const std::string& window,
                        const std::string& lateness) {
    OperatorDescriptor* count = graph.mutable_vertices(1)->mutable_operators(0);
    count->set_type("Window");
    (*count->mutable_configuration())["window"] = window;
    (*count->mutable_configuration())["allowed-lateness"] = lateness;
  }
  WindowCheckpointTest() { SetWindow(transfer_.from_graph, "tumbling 1h", "5m"); }
};

TEST_F(WindowCheckpointTest, AnotherLatenessIsTaken) {
  SetWindow(transfer_.to_graph, "tumbling 1h", "10m");
  EXPECT_TRUE(AdaptManifest(transfer_, manifest_).ok());
}

TEST_F(WindowCheckpointTest, AnotherWindowIsRefusedWithBoth) {
  SetWindow(transfer_.to_graph, "sliding 1h every 5m, offset 1m", "5m");
  EXPECT_EQ(AdaptManifest(transfer_, manifest_).status().message(),
            "operator 'count' has windows 'tumbling 1h' in the checkpoint and 'sliding 1h every "
            "5m, offset 1m' in the new job, and its state cannot be cut anew");
}

TEST_F(WindowCheckpointTest, AnotherWindowIsTakenWhereThereIsNoState) {
  SetWindow(transfer_.to_graph, "tumbling 2h", "5m");
  manifest_.clear_tasks();
  EXPECT_TRUE(AdaptManifest(transfer_, manifest_).ok());
}

class CopyCheckpointTest : public RestoredCheckpointTest {
 protected:
  CopyCheckpointTest() {
    StateObjectStore old(files_, layout_.JobDirectory(JobId("old")));
    *manifest_.mutable_tasks(0)->mutable_operators(1)->mutable_state() =
        old.Write("a large state", 0, "blobs/w-1/4-1").value();
    *transfer_.checkpoint.mutable_manifest() = manifest_;
  }
  absl::StatusOr<CopiedCheckpoint> Copy(uint64_t inline_max = 64 * 1024) {
    return CopyCheckpoint(transfer_, files_, layout_, inline_max);
  }
  TestingFileSystem files_;
  StorageLayout layout_{"/w", "east"};
};

TEST_F(CopyCheckpointTest, BlobsBecomeTheNewJobsOwn) {
  const auto copy = Copy();
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->owned.epoch(), 0u);
  EXPECT_FALSE(copy->owned.sinks_prepared());
  const proto::StateObject& state = copy->owned.manifest().tasks(0).operators(0).state();
  EXPECT_EQ(state.blob(), "blobs/old/0-1");
  StateObjectStore store(files_, layout_.JobDirectory(JobId("new")));
  EXPECT_EQ(store.Read(state).value(), "a large state");
}

TEST_F(CopyCheckpointTest, ObjectsOfOperatorStateAreCopiedToo) {
  StateObjectStore old(files_, layout_.JobDirectory(JobId("old")));
  proto::OperatorStateSnapshot* state = transfer_.checkpoint.mutable_manifest()
                                            ->mutable_tasks(0)
                                            ->mutable_operators(1)
                                            ->mutable_operator_state();
  state->set_parallelism(2);
  *state->mutable_lists() = old.Write("lists", 0, "blobs/w-1/4-2").value();
  *state->mutable_union_lists() = old.Write("unions", 100, "").value();
  *state->mutable_broadcast() = old.Write("broadcast", 0, "blobs/w-1/4-3").value();
  const auto copy = Copy();
  ASSERT_TRUE(copy.ok()) << copy.status();
  StateObjectStore store(files_, layout_.JobDirectory(JobId("new")));
  const auto& copied = copy->owned.manifest().tasks(0).operators(0).operator_state();
  EXPECT_EQ(copied.parallelism(), 2u);
  EXPECT_EQ(store.Read(copied.lists()).value(), "lists");
  EXPECT_EQ(store.Read(copied.union_lists()).value(), "unions");
  EXPECT_EQ(store.Read(copied.broadcast()).value(), "broadcast");
  EXPECT_NE(copied.lists().blob(), copied.broadcast().blob());
}

TEST_F(CopyCheckpointTest, ALargeManifestIsAnObject) {
  const auto copy = Copy(10);
  ASSERT_TRUE(copy.ok()) << copy.status();
  StateObjectStore store(files_, layout_.JobDirectory(JobId("new")));
  const auto manifest = store.ReadManifest(copy->owned);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->coordinators_size(), 1);
}

TEST_F(CopyCheckpointTest, ACorruptBlobIsNamed) {
  const std::string path = layout_.JobDirectory(JobId("old")) + "/blobs/w-1/4-1";
  ASSERT_TRUE(files_.memory.Replace(path, "another state").ok());
  EXPECT_TRUE(absl::IsDataLoss(Copy().status()));
  EXPECT_THAT(std::string(Copy().status().message()), HasSubstr("blobs/w-1/4-1"));
}

// Its elements are dealt out at the restore, by the numbers of subtasks that it knows itself.
TEST_F(RestoredCheckpointTest, OperatorStateFitsEveryParallelism) {
  for (proto::TaskSnapshot& task : *manifest_.mutable_tasks()) {
    task.mutable_operators(1)->clear_state();
    task.mutable_operators(1)->mutable_operator_state()->set_parallelism(2);
    task.mutable_operators(1)->mutable_operator_state()->mutable_lists()->set_blob("lists");
  }
  transfer_.to_graph.mutable_vertices(0)->set_parallelism(3);
  const auto adapted = Adapt();
  ASSERT_TRUE(adapted.ok()) << adapted.status();
  ASSERT_EQ(adapted->manifest.tasks_size(), 2);
  for (const proto::TaskSnapshot& task : adapted->manifest.tasks()) {
    EXPECT_EQ(task.parallelism(), 2u);
    EXPECT_EQ(task.operators(0).operator_state().lists().blob(), "lists");
    EXPECT_FALSE(task.operators(0).has_state());
  }
}

TEST_F(RestoredCheckpointTest, AnOperatorWithOperatorStateIsNotLeftOutSilently) {
  for (proto::TaskSnapshot& task : *manifest_.mutable_tasks()) {
    task.mutable_operators(1)->clear_state();
    task.mutable_operators(1)->mutable_operator_state()->set_parallelism(2);
  }
  WithoutCount();
  EXPECT_EQ(Refusal(),
            "the new job has no operator 'count', whose state is in the checkpoint; "
            "--allow-non-restored leaves it out");
}

}  // namespace
}  // namespace weir::jobmanager
