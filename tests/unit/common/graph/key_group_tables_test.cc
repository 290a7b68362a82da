#include "common/graph/key_group_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/ids.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

proto::KeyGroupTable TableOf(const std::vector<std::pair<uint32_t, uint32_t>>& spans) {
  proto::KeyGroupTable table;
  table.set_vertex(2);
  for (const auto& [end, subtask] : spans) {
    table.add_spans()->set_end(end);
    table.mutable_spans(table.spans_size() - 1)->set_subtask(subtask);
  }
  return table;
}

// A source, what reads it by key, and what reads that in turn.
proto::JobGraph Graph() {
  proto::JobGraph graph;
  graph.set_max_parallelism(8);
  for (const uint32_t parallelism : {1, 3, 2}) {
    proto::JobVertex* vertex = graph.add_vertices();
    vertex->set_id(static_cast<uint64_t>(graph.vertices_size()));
    vertex->set_parallelism(parallelism);
    vertex->add_operators();
  }
  proto::JobEdge* hash = graph.add_edges();
  hash->set_target_vertex(2);
  hash->set_exchange(proto::JobEdge::HASH);
  proto::JobEdge* rebalance = graph.add_edges();
  rebalance->set_target_vertex(3);
  rebalance->set_exchange(proto::JobEdge::REBALANCE);
  return graph;
}

TEST(KeyGroupTables, AreMadeForKeyedVertices) {
  const std::vector<proto::KeyGroupTable> tables = MakeKeyGroupTables(Graph());
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(FindKeyGroupTable(tables, VertexId(2)), &tables[0]);
  EXPECT_EQ(FindKeyGroupTable(tables, VertexId(3)), nullptr);
  const auto table = ReadKeyGroupTable(tables[0], {3, 8});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(*table, DefaultKeyGroupTable({3, 8}));
}

TEST(KeyGroupTables, OfPartitionsHaveAsMany) {
  proto::JobGraph graph = Graph();
  graph.mutable_vertices(0)->mutable_operators(0)->mutable_partition_keying()->set_partitions(4);
  const std::vector<proto::KeyGroupTable> tables = MakeKeyGroupTables(graph);
  ASSERT_THAT(tables, SizeIs(2));
  EXPECT_EQ(tables[0].spans(0).end(), 4u);
}

// Not the ranges of the formula.
TEST(KeyGroupTables, AnyRunsAreRead) {
  const auto table = ReadKeyGroupTable(TableOf({{3, 1}, {7, 0}, {8, 2}}), {3, 8});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(*table, ElementsAre(1, 1, 1, 0, 0, 0, 0, 2));
  EXPECT_EQ(KeyGroupRangeIn(*table, 0), (KeyGroupRange{3, 7}));
  EXPECT_EQ(KeyGroupRangeIn(*table, 1), (KeyGroupRange{0, 3}));
  EXPECT_EQ(KeyGroupRangeIn(*table, 2), (KeyGroupRange{7, 8}));
  EXPECT_EQ(KeyGroupRangeIn(*table, 3).size(), 0u);
}

TEST(KeyGroupTables, WhatDoesNotFitIsRefused) {
  for (const auto& spans : std::vector<std::vector<std::pair<uint32_t, uint32_t>>>{
           {{3, 0}},                  // some groups are nobody's
           {{3, 0}, {9, 1}},          // more than there are
           {{3, 0}, {3, 1}, {8, 2}},  // an empty one
           {{3, 0}, {8, 3}},          // no such subtask
           {{3, 0}, {5, 1}, {8, 0}}}) {
    const auto table = ReadKeyGroupTable(TableOf(spans), {3, 8});
    EXPECT_EQ(table.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(table.status().message()), HasSubstr("key groups of vertex 2"));
  }
}

}  // namespace
}  // namespace weir
