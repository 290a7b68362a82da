#include "jobmanager/job/execution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::jobmanager {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ExecutionTest : public testing::Test {
 protected:
  ExecutionTest() {
    proto::JobVertex* vertex = graph_.add_vertices();
    vertex->set_id(1);
    vertex->set_parallelism(3);
  }
  Execution Make(const std::vector<std::string>& workers) const {
    ExecutionPlacement placement;
    for (const std::string& worker : workers) {
      placement.slot_workers.emplace_back(worker);
      placement.slot_task_managers.emplace_back("tm");
    }
    return Execution(Generation(4), graph_, placement);
  }
  static proto::WorkerReport ReportOf(
      const std::string& address,
      proto::WorkerReport::State state = proto::WorkerReport::INITIALIZING) {
    proto::WorkerReport report;
    report.set_state(state);
    if (!address.empty()) report.mutable_exchange()->add_addresses(address);
    return report;
  }
  static std::vector<std::string> PeersOf(const Execution& execution, const std::string& worker) {
    std::vector<std::string> peers;
    const proto::WorkerDirective directive = execution.DirectiveFor(WorkerId(worker), {});
    for (const proto::ExchangePeer& peer : directive.peers()) peers.push_back(peer.addresses(0));
    return peers;
  }

  proto::JobGraph graph_;
};

TEST_F(ExecutionTest, PeersAreToldOnceAllAreKnownUntilAWorkerIsReady) {
  Execution execution = Make({"w0", "w1", "w0"});
  EXPECT_FALSE(execution.OnReport(WorkerId("w0"), Generation(4), ReportOf("a0")));
  EXPECT_THAT(PeersOf(execution, "w0"), IsEmpty());
  EXPECT_FALSE(execution.OnReport(WorkerId("w1"), Generation(3), ReportOf("old")));
  EXPECT_THAT(PeersOf(execution, "w0"), IsEmpty());
  EXPECT_TRUE(execution.OnReport(WorkerId("w1"), Generation(4), ReportOf("a1")));
  EXPECT_FALSE(execution.OnReport(WorkerId("w1"), Generation(4), ReportOf("a1")));
  EXPECT_THAT(PeersOf(execution, "w0"), ElementsAre("a1"));
  EXPECT_THAT(PeersOf(execution, "w1"), ElementsAre("a0"));
  const auto ready = ReportOf("", proto::WorkerReport::READY);
  EXPECT_FALSE(execution.OnReport(WorkerId("w0"), Generation(4), ready));
  EXPECT_THAT(PeersOf(execution, "w0"), IsEmpty());
  EXPECT_THAT(PeersOf(execution, "w1"), ElementsAre("a0")) << "it is not through yet";
}

TEST_F(ExecutionTest, WhoDealsNothingOutIsNoPeer) {
  Execution execution = Make({"w0", "w1", "w1"});
  EXPECT_FALSE(execution.OnReport(WorkerId("w0"), Generation(4), ReportOf("")));
  EXPECT_FALSE(execution.OnReport(WorkerId("w1"), Generation(4), ReportOf("")));
  EXPECT_THAT(PeersOf(execution, "w0"), IsEmpty());
}

}  // namespace
}  // namespace weir::jobmanager
