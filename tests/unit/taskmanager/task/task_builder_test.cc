#include "taskmanager/task/task_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TaskDescription Describe(std::vector<std::string> uids) {
  TaskDescription description;
  description.subtask = SubtaskId{VertexId(1), 0};
  description.name = "task";
  description.operator_uids = std::move(uids);
  return description;
}

TEST(TaskBuilder, OneStreamMayHaveTwoReaders) {
  TestingPipeline pipeline;
  const auto second = std::make_shared<WriterScript>();
  pipeline.AddNode("sink", StreamNode::Kind::kSink).sink =
      std::make_shared<TestingSink>(pipeline.writer);
  StreamNode& other = pipeline.AddNode("other", StreamNode::Kind::kSink);
  other.inputs = {{1}};
  other.sink = std::make_shared<TestingSink>(second);
  pipeline.reader->Add({1, 2});
  const auto task =
      BuildTask(pipeline.graph, Describe({"source", "sink", "other"}), pipeline.Environment())
          .value();
  task->Start();
  task->AddSplits({{"numbers-0", "0", {}, false}});
  RunUntilBlocked(*task);

  EXPECT_THAT(pipeline.writer->written, ElementsAre(1, 2));
  EXPECT_THAT(second->written, ElementsAre(1, 2));
}

TEST(TaskBuilder, UnknownOperatorIsNamed) {
  TestingPipeline pipeline;
  const auto task = BuildTask(pipeline.graph, Describe({"source", "gone"}), pipeline.Environment());
  EXPECT_EQ(task.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(task.status().message()), HasSubstr("'gone'"));
}

TEST(TaskBuilder, MissingQueueIsNamed) {
  TestingPipeline pipeline;
  pipeline.Summing();
  const auto task = BuildTask(pipeline.graph, Describe({"source"}), pipeline.Environment());
  EXPECT_THAT(std::string(task.status().message()), HasSubstr("no channel to operator 'sum'"));
}

TEST(TaskBuilder, TransformNeedsAnInput) {
  TestingPipeline pipeline;
  pipeline.Summing();
  const auto task = BuildTask(pipeline.graph, Describe({"sum"}), pipeline.Environment());
  EXPECT_EQ(task.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace weir::taskmanager
