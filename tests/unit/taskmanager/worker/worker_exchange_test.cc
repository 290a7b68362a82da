#include "taskmanager/worker/worker_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/support/exchange/memory_exchange.h"
#include "tests/support/manual_executor.h"
#include "tests/unit/taskmanager/exchange/testing_exchange.h"

namespace weir::taskmanager {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A source of two subtasks, dealt out to an operator of three, and a sink behind that. Slots 0 and
// 2 are in worker w0, slot 1 in w1.
class WorkerExchangeTest : public testing::Test {
 protected:
  struct Worker {
    std::unique_ptr<ExchangeTransport> transport;
    std::unique_ptr<WorkerExchange> exchange;
    proto::Deployment deployment;
    bool ready = false;
    std::vector<std::string> lost;
  };

  WorkerExchangeTest() {
    StreamNode source;
    source.id = 1;
    source.kind = StreamNode::Kind::kSource;
    source.uid = "source";
    source.output_schema = NumbersSchema();
    StreamNode op;
    op.id = 2;
    op.uid = "op";
    op.output_schema = NumbersSchema();
    graph_.nodes = {source, op};
    AddVertex(1, 2, "source");
    AddVertex(2, 3, "op");
    AddVertex(3, 3, "sink");
    AddEdge(1, 2, "source", proto::JobEdge::HASH);
    AddEdge(2, 3, "op", proto::JobEdge::FORWARD);
  }

  void AddVertex(uint64_t id, uint32_t parallelism, const std::string& uid) {
    proto::JobVertex* vertex = plan_.add_vertices();
    vertex->set_id(id);
    vertex->set_parallelism(parallelism);
    vertex->add_operators()->set_uid(uid);
  }
  void AddEdge(uint64_t source, uint64_t target, const std::string& uid,
               proto::JobEdge::Exchange exchange) {
    proto::JobEdge* edge = plan_.add_edges();
    edge->set_source_vertex(source);
    edge->set_target_vertex(target);
    edge->set_source_uid(uid);
    edge->set_exchange(exchange);
  }

  proto::Deployment DeploymentOf(const std::string& self,
                                 const std::vector<std::string>& slots) const {
    proto::Deployment deployment;
    *deployment.mutable_graph() = plan_;
    for (const std::string& worker : slots) deployment.add_slot_workers(worker);
    for (const proto::JobVertex& vertex : plan_.vertices()) {
      for (uint32_t index = 0; index < vertex.parallelism(); ++index) {
        if (slots[index] != self) continue;
        proto::TaskDeployment* task = deployment.add_tasks();
        task->set_vertex(vertex.id());
        task->set_index(index);
      }
    }
    return deployment;
  }

  Worker& Add(const std::string& name, const std::string& location = "here") {
    auto worker = std::make_unique<Worker>();
    worker->transport = network_.MakeTransport(absl::StrCat("host:", name));
    proto::ExchangePeer own;
    own.set_worker(name);
    own.set_location(location);
    own.add_addresses(absl::StrCat("unix-abstract:", name));
    own.add_addresses(absl::StrCat("host:", name));
    worker->exchange = std::make_unique<WorkerExchange>(executor_, *worker->transport, own);
    worker->deployment = DeploymentOf(name, {"w0", "w1", "w0"});
    workers_.push_back(std::move(worker));
    return *workers_.back();
  }

  absl::Status Open(Worker& worker, const std::vector<proto::ExchangePeer>& peers,
                    const ChannelMap& channels) {
    const WorkerExchange::Peers list(peers.begin(), peers.end());
    return worker.exchange->Open(
        Generation(1), channels, list,
        {[&worker] { worker.ready = true; },
         [&worker](const absl::Status& why) { worker.lost.push_back(why.ToString()); }});
  }
  absl::Status Open(Worker& worker, const std::vector<proto::ExchangePeer>& peers) {
    const ChannelMap channels(graph_, worker.deployment, WorkerId(worker.exchange->own().worker()));
    return Open(worker, peers, channels);
  }
  void RunAll() {
    for (int round = 0; round < 10; ++round) {
      executor_.RunReady();
      network_.RunAll();
    }
  }

  ManualExecutor executor_;
  MemoryExchange network_{1};
  StreamGraph graph_;
  proto::JobGraph plan_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

TEST_F(WorkerExchangeTest, OnlyChannelsToOtherWorkersAreExchanged) {
  const proto::Deployment deployment = DeploymentOf("w0", {"w0", "w1", "w0"});
  const ChannelMap channels(graph_, deployment, WorkerId("w0"));
  EXPECT_TRUE(channels.leaves_worker());
  const auto plan = channels.PlanExchange(Generation(7), {{WorkerId("w1"), {"host:w1", "sesame"}}});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->generation, Generation(7));
  // Source 0 here, to operator 1 there; source 1 there, to operators 0 and 2 here.
  ASSERT_THAT(plan->outputs, SizeIs(1));
  EXPECT_EQ(plan->outputs[0].id, (ChannelId{0, 0, 1}));
  EXPECT_EQ(plan->outputs[0].address, (ExchangeAddress{"host:w1", "sesame", ""}));
  std::vector<ChannelId> inputs;
  for (const RemoteInput& input : plan->inputs) inputs.push_back(input.id);
  EXPECT_THAT(inputs, ElementsAre(ChannelId{0, 1, 0}, ChannelId{0, 1, 2}));
}

TEST_F(WorkerExchangeTest, AJobInOneWorkerNeedsNoPeer) {
  const proto::Deployment deployment = DeploymentOf("w0", {"w0", "w0", "w0"});
  EXPECT_FALSE(ChannelMap(graph_, deployment, WorkerId("w0")).leaves_worker());
}

TEST_F(WorkerExchangeTest, ConnectGivesEachTaskItsEndsInOrder) {
  Worker& w0 = Add("w0");
  Worker& w1 = Add("w1", "elsewhere");
  ChannelMap channels(graph_, w0.deployment, WorkerId("w0"));
  ASSERT_TRUE(Open(w0, {w1.exchange->own()}, channels).ok());
  TaskDescription source;
  source.subtask = {VertexId(1), 0};
  ASSERT_TRUE(channels.Connect(plan_.vertices(0), &w0.exchange->endpoint(), source).ok());
  ASSERT_THAT(source.outputs, SizeIs(1));
  ASSERT_THAT(source.outputs[0].channels, SizeIs(3));
  EXPECT_EQ(source.outputs[0].target_uid, "op");
  EXPECT_EQ(source.outputs[0].channels[1], w0.exchange->endpoint().Output({0, 0, 1}));
  TaskDescription op;
  op.subtask = {VertexId(2), 2};
  ASSERT_TRUE(channels.Connect(plan_.vertices(1), &w0.exchange->endpoint(), op).ok());
  ASSERT_THAT(op.inputs, SizeIs(2));
  EXPECT_EQ(op.inputs[1], w0.exchange->endpoint().Input({0, 1, 2}));
  // Both ends of a channel within the worker are one queue.
  ASSERT_TRUE(source.outputs[0].channels[2]->Push(EndOfInput()).ok());
  EXPECT_TRUE(op.inputs[0]->Pop().has_value());
}

TEST_F(WorkerExchangeTest, QueuesWithinTheWorkerShareItsMemory) {
  constexpr size_t kBudget = 1u << 20;
  proto::Deployment deployment = DeploymentOf("w0", {"w0", "w0", "w0"});
  deployment.set_exchange_memory_bytes(kBudget);
  ChannelMap channels(graph_, deployment, WorkerId("w0"));
  const BatchPtr batch = CountingBatch(0, 500);
  size_t filled = 0;
  size_t queues = 0;
  const auto fill = [&](int vertex, uint32_t index) {
    TaskDescription task;
    task.subtask = {VertexId(plan_.vertices(vertex).id()), index};
    ASSERT_TRUE(channels.Connect(plan_.vertices(vertex), nullptr, task).ok());
    for (const TaskDescription::Output& output : task.outputs) {
      for (const auto& channel : output.channels) {
        ++queues;
        while (channel->HasRoom()) {
          ASSERT_TRUE(channel->Push(batch).ok());
          filled += batch->size_bytes() + sizeof(Batch);
        }
      }
    }
  };
  for (uint32_t index = 0; index < 2; ++index) fill(0, index);
  for (uint32_t index = 0; index < 3; ++index) fill(1, index);
  EXPECT_EQ(queues, 9u);
  EXPECT_LE(filled, kBudget + queues * (batch->size_bytes() + sizeof(Batch)));
  EXPECT_GE(filled, kBudget - queues);
}

TEST_F(WorkerExchangeTest, PeersOfOnePlaceTakeTheLocalSocketOthersThePort) {
  Worker& w0 = Add("w0", "here");
  Worker& w1 = Add("w1", "there");
  ASSERT_TRUE(Open(w0, {w1.exchange->own()}).ok());
  ASSERT_TRUE(Open(w1, {w0.exchange->own()}).ok());
  RunAll();  // the test's network knows the ports only
  EXPECT_TRUE(w0.ready);
  EXPECT_TRUE(w1.ready);
  EXPECT_TRUE(w0.exchange->ready());

  Worker& neighbour = Add("w0", "there");
  ASSERT_TRUE(Open(neighbour, {w1.exchange->own()}).ok());
  RunAll();
  EXPECT_FALSE(neighbour.ready) << "it has asked for a local socket";
}

TEST_F(WorkerExchangeTest, AWorkerThatCannotBeReachedIsNamed) {
  Worker& w0 = Add("w0");
  proto::ExchangePeer local;
  local.set_worker("w1");
  local.set_location("elsewhere");
  local.add_addresses("unix-abstract:w1");
  EXPECT_THAT(Open(w0, {local}).ToString(),
              HasSubstr("worker w1 takes records on its own machine only"));
  EXPECT_THAT(Open(w0, {}).ToString(), HasSubstr("no address of worker w1 is known"));
}

TEST_F(WorkerExchangeTest, ALostPeerIsToldAfterAWhileAndNotOnceClosed) {
  Worker& w0 = Add("w0", "here");
  Worker& w1 = Add("w1", "there");
  ASSERT_TRUE(Open(w0, {w1.exchange->own()}).ok());
  ASSERT_TRUE(Open(w1, {w0.exchange->own()}).ok());
  RunAll();
  network_.Break("host:w0", "host:w1");
  RunAll();
  EXPECT_THAT(w0.lost, IsEmpty());
  w1.exchange->Close();
  executor_.Advance(WorkerExchange::kLossGrace);
  EXPECT_THAT(w0.lost, ElementsAre(HasSubstr("worker w1")));
  EXPECT_THAT(w1.lost, IsEmpty());
}

}  // namespace
}  // namespace weir::taskmanager
