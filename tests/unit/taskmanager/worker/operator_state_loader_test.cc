#include "taskmanager/worker/operator_state_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/net/message_stream.h"
#include "taskmanager/task/task_snapshot_conversion.h"
#include "taskmanager/worker/operator_state_limits.h"

namespace weir::taskmanager {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// Operator 'buffer' of vertex 1, with three subtasks in the checkpoint; each object is a blob that
/// is called after it.
class OperatorStateLoaderTest : public testing::Test {
 protected:
  OperatorStateLoaderTest() {
    proto::OperatorStateParts* parts = deployment_.add_operator_states();
    parts->set_vertex(1);
    parts->set_uid("buffer");
    for (int i = 0; i < 3; ++i) {
      proto::OperatorStateSnapshot* part = parts->add_parts();
      SetBlob(absl::StrCat("lists-", i), part->mutable_lists());
      proto::ListSize* size = part->add_list_sizes();
      size->set_name("held");
      size->set_elements(4);
    }
    SetParallelism(3);
  }
  static void SetBlob(const std::string& name, proto::StateObject* object) {
    object->set_blob(name);
    object->set_size_bytes(name.size());
  }
  proto::OperatorStateSnapshot* Part(int index) {
    return deployment_.mutable_operator_states(0)->mutable_parts(index);
  }
  void SetParallelism(uint32_t parallelism) {
    deployment_.mutable_graph()->clear_vertices();
    proto::JobVertex* vertex = deployment_.mutable_graph()->add_vertices();
    vertex->set_id(1);
    vertex->set_parallelism(parallelism);
  }
  OperatorStateLoader Loader() {
    return OperatorStateLoader(deployment_, [this](const proto::StateObject& object) {
      fetched_.push_back(object.blob());
      return storage_.ok() ? absl::StatusOr<std::string>(object.blob()) : storage_;
    });
  }
  std::vector<std::string> FetchedBy(uint32_t index) {
    fetched_.clear();
    OperatorStateLoader loader = Loader();
    const auto loaded = loader.Load({VertexId(1), index});
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return fetched_;
  }

  proto::Deployment deployment_;
  absl::Status storage_;
  std::vector<std::string> fetched_;
};

TEST_F(OperatorStateLoaderTest, AtTheSameParallelismASubtaskLoadsItsOwnLists) {
  EXPECT_THAT(FetchedBy(1), ElementsAre("lists-1"));
}

TEST_F(OperatorStateLoaderTest, AtAnotherParallelismThePartsOfItsShare) {
  SetParallelism(2);
  EXPECT_THAT(FetchedBy(0), ElementsAre("lists-0", "lists-1"));
  EXPECT_THAT(FetchedBy(1), ElementsAre("lists-1", "lists-2"));
  SetParallelism(6);
  EXPECT_THAT(FetchedBy(5), ElementsAre("lists-2"));
}

TEST_F(OperatorStateLoaderTest, UnionListsAreLoadedByAllAndBroadcastStateIsOne) {
  for (int i = 0; i < 3; ++i) {
    SetBlob(absl::StrCat("union-", i), Part(i)->mutable_union_lists());
    SetBlob(absl::StrCat("broadcast-", i), Part(i)->mutable_broadcast());
  }
  EXPECT_THAT(FetchedBy(1),
              UnorderedElementsAre("union-0", "union-1", "union-2", "lists-1", "broadcast-1"));
  SetParallelism(5);
  EXPECT_THAT(FetchedBy(4),
              UnorderedElementsAre("union-0", "union-1", "union-2", "lists-2", "broadcast-1"));
}

TEST_F(OperatorStateLoaderTest, AWorkersTasksShareWhatIsLoaded) {
  SetBlob("union-0", Part(0)->mutable_union_lists());
  OperatorStateLoader loader = Loader();
  const auto first = loader.Load({VertexId(1), 0});
  const auto second = loader.Load({VertexId(1), 1});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_THAT(fetched_, UnorderedElementsAre("union-0", "lists-0", "lists-1"));
  EXPECT_EQ(first->at("buffer")[0].union_lists, second->at("buffer")[0].union_lists);
  EXPECT_EQ(loader.loaded_bytes(), 7u * 3);
  EXPECT_EQ(second->at("buffer")[0].lists, nullptr) << "it does not need them";
  EXPECT_EQ(second->at("buffer")[0].list_sizes.at("held"), 4u);
}

TEST_F(OperatorStateLoaderTest, OtherVerticesHaveTheirOwn) {
  OperatorStateLoader loader = Loader();
  const auto loaded = loader.Load({VertexId(2), 0});
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(*loaded, IsEmpty());
  EXPECT_THAT(fetched_, IsEmpty());
}

TEST_F(OperatorStateLoaderTest, WhatIsInlinedIsVerified) {
  *Part(0)->mutable_lists() = InlinedObject("the lists");
  OperatorStateLoader loader = Loader();
  const auto loaded = loader.Load({VertexId(1), 0});
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(*loaded->at("buffer")[0].lists, "the lists");
  Part(0)->mutable_lists()->set_inlined("the LISTS");
  OperatorStateLoader damaged = Loader();
  const absl::Status status = damaged.Load({VertexId(1), 0}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("the operator state of operator 'buffer' in subtask 0 "
                                          "does not match its SHA-256"));
}

TEST_F(OperatorStateLoaderTest, ErrorsOfStorageAreItsErrors) {
  storage_ = absl::UnavailableError("storage is away");
  OperatorStateLoader loader = Loader();
  EXPECT_EQ(loader.Load({VertexId(1), 0}).status(), storage_);
}

TEST(OperatorStateLimitsTest, AllInlineStateOfAJobFitsIntoAMessage) {
  for (const uint32_t parallelism : {1u, 4u, 100u, 1000u}) {
    proto::JobGraph graph;
    uint64_t objects = 0;
    for (int i = 0; i < 3; ++i) {
      proto::JobVertex* vertex = graph.add_vertices();
      vertex->set_parallelism(parallelism);
      for (const auto kind :
           {proto::OperatorDescriptor::SOURCE, proto::OperatorDescriptor::TRANSFORM,
            proto::OperatorDescriptor::TRANSFORM}) {
        vertex->add_operators()->set_kind(kind);
      }
      objects += uint64_t{2} * 3 * parallelism;
    }
    const uint64_t most = OperatorStateInlineMax(graph, 100u << 20);
    EXPECT_LE(objects * most, kInlineOperatorStateBytes);
    EXPECT_GT((objects + 1) * (most + 1), kInlineOperatorStateBytes);
    EXPECT_EQ(OperatorStateInlineMax(graph, 7), 7u);
  }
  // Restored, and of some epochs without receipt besides.
  static_assert(4 * kInlineOperatorStateBytes < kMaxMessageBytes);
}

TEST(OperatorStateLimitsTest, AJobWithoutOperatorsHasNoLimitOfItsOwn) {
  EXPECT_EQ(OperatorStateInlineMax(proto::JobGraph(), 4096), 4096u);
}

}  // namespace
}  // namespace weir::taskmanager
