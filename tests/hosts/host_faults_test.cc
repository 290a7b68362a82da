// A cluster over hosts that are lost and come back under other addresses, and over links that are
// cut one way and both, under one exactly-once job with keyed state: after each fault the job is
// behind it within a bound, nothing is lost and nothing written twice. docs/operations.md, "Hosts".
//
// Needs root, for network namespaces: without, it is skipped (exit code 77), and fails where
// WEIR_REQUIRE_ROOT=1.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include "tests/e2e/record_feeder.h"
#include "tests/hosts/counted_oracle.h"
#include "tests/hosts/host_cluster.h"
#include "tests/hosts/host_network.h"
#include "tests/support/cluster/weir_cluster.h"
#include "tests/support/kafka/kafka_cluster.h"
#include "tests/support/kafka/kafka_test.h"
#include "tests/support/kafka/oracle_reader.h"

namespace weir {
namespace {

constexpr absl::Duration kFlowTimeout = absl::Seconds(60);
// From the fault to the first number committed that was fed behind it: silence, the suspicion, a
// restart, a checkpoint; on two processors that do everything.
constexpr absl::Duration kRecoveryBound = absl::Seconds(20);
// For what was on its way when a link is cut; then nothing may come.
constexpr absl::Duration kOnItsWay = absl::Seconds(2);
constexpr absl::Duration kStandstill = absl::Seconds(3);
constexpr int kSkipped = 77;

#define WEIR_ASSERT_OK(expression)                 \
  do {                                             \
    const absl::Status weir_status = (expression); \
    ASSERT_TRUE(weir_status.ok()) << weir_status;  \
  } while (false)

/// One network, Kafka, cluster and job for all tests: each leaves the cluster whole.
class HostFaultsTest : public testing::Test {
 protected:
  static constexpr char kKafka[] = "kafka";

  static void SetUpTestSuite() {
    const absl::Status started = Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  static absl::Status Start() {
    WEIR_ASSIGN_OR_RETURN(network_, HostNetwork::Create());
    WEIR_RETURN_IF_ERROR(network_->AddHost(kKafka));
    KafkaClusterOptions options;
    options.host = network_->AddressOf(kKafka);
    options.command_prefix = network_->Inside(kKafka);
    WEIR_ASSIGN_OR_RETURN(kafka_, KafkaCluster::Start(options));
    for (const char* topic : {"in", "out"}) {
      WEIR_RETURN_IF_ERROR(kafka_->CreateTopic(topic, RecordFeeder::kPartitions));
    }
    WEIR_ASSIGN_OR_RETURN(cluster_, HostCluster::Start(*network_));
    WEIR_ASSIGN_OR_RETURN(job_,
                          cluster_->Submit("counted_copy",
                                           {absl::StrCat("--brokers=", kafka_->bootstrap_servers()),
                                            "--input=in", "--output=out", "--parallelism=3"},
                                           {{"checkpoint.interval", "300ms"},
                                            {"state.backend", "rocksdb"},
                                            {"restart.exponential-delay.max-backoff", "1s"}}));
    WEIR_ASSIGN_OR_RETURN(feeder_, RecordFeeder::Start(kafka_->bootstrap_servers(), "in"));
    WEIR_ASSIGN_OR_RETURN(reader_,
                          OracleReader<CountedOracle>::Start(kafka_->bootstrap_servers(), "out",
                                                             RecordFeeder::kPartitions));
    return absl::OkStatus();
  }

  static void TearDownTestSuite() {
    if (reader_ != nullptr) ExpectAllOnce();
    const bool failed =
        testing::UnitTest::GetInstance()->failed_test_count() > 0 || testing::Test::HasFailure();
    if (failed && cluster_ != nullptr) {
      for (const std::string& host : cluster_->hosts()) {
        const std::string log = cluster_->Log(host);
        std::cout << "--- end of " << host << "'s log\n"
                  << log.substr(log.size() - std::min<size_t>(log.size(), 3000)) << std::endl;
      }
      cluster_->KeepFiles();
      std::cout << "kept: " << cluster_->folder() << std::endl;
    }
    feeder_.reset();
    reader_.reset();
    cluster_.reset();
    kafka_.reset();
    network_.reset();
  }

  void SetUp() override {
    ASSERT_NE(reader_, nullptr) << "nothing was started";
    AwaitFlow(absl::Now(), kFlowTimeout);
  }

  // A test that failed leaves nothing cut for the next one.
  void TearDown() override {
    if (network_ != nullptr) WEIR_ASSERT_OK(network_->Mend());
  }

  /// Waits until a number is committed that was fed from now on; tells how long after `since`.
  void AwaitFlow(absl::Time since, absl::Duration bound) {
    const int64_t fed = feeder_->fed();
    const bool flows = AwaitTrue([&] { return reader_->oracle().complete_below() > fed; }, bound);
    const absl::Duration took = absl::Now() - since;
    const auto details = cluster_->client().DescribeJob(job_);
    ASSERT_TRUE(flows) << "the job does not flow within " << bound << ": "
                       << (details.ok() ? details->ShortDebugString()
                                        : details.status().ToString());
    const CountedOracle oracle = reader_->oracle();
    EXPECT_EQ(oracle.lost() + oracle.duplicated() + oracle.wrong(), 0) << oracle.problem();
    took_ = took;
  }
  /// From a fault on: the first number committed that was fed behind it, within the bound.
  void ExpectRecovery(const std::string& fault, absl::Time since) {
    AwaitFlow(since, kRecoveryBound);
    if (HasFatalFailure()) return;
    Tell(absl::StrCat(fault, ": flows again after ", absl::FormatDuration(Rounded(took_))));
  }
  static void Tell(const std::string& what) { std::cout << "    " << what << std::endl; }
  static absl::Duration Rounded(absl::Duration duration) {
    return absl::Trunc(duration, absl::Milliseconds(10));
  }

  /// As the leader tells it, which this process reaches whatever is cut between hosts.
  proto::JobDetails Details() {
    const auto details = cluster_->client().DescribeJob(job_);
    EXPECT_TRUE(details.ok()) << details.status();
    return details.value_or(proto::JobDetails());
  }
  uint64_t Generation() { return Details().summary().generation(); }
  uint64_t LatestCheckpoint() { return Details().checkpoints().latest_epoch(); }
  /// Numbers are fed, none is committed and no checkpoint comes about: the fault is one.
  void ExpectStandstill(absl::Duration duration) {
    absl::SleepFor(kOnItsWay);
    const int64_t committed = reader_->oracle().complete_below();
    const uint64_t checkpoint = LatestCheckpoint();
    absl::SleepFor(duration);
    EXPECT_EQ(LatestCheckpoint(), checkpoint);
    EXPECT_EQ(reader_->oracle().complete_below(), committed);
    EXPECT_GT(feeder_->fed(), committed);
  }
  void CutBothWays(const std::string& one, const std::string& other) {
    WEIR_ASSERT_OK(network_->Cut(one, other));
    WEIR_ASSERT_OK(network_->Cut(other, one));
  }
  /// A host with tasks of the job, and one with others of them.
  std::vector<std::string> TaskHosts() {
    const auto hosts = cluster_->HostsOf(job_);
    EXPECT_TRUE(hosts.ok()) << hosts.status();
    return hosts.value_or(std::vector<std::string>());
  }
  /// The processes that run the job there.
  std::vector<pid_t> WorkersOn(const std::string& host) {
    const auto processes = network_->Processes(host);
    EXPECT_TRUE(processes.ok()) << processes.status();
    const proto::JobDetails details = Details();
    std::vector<pid_t> workers;
    for (const proto::WorkerDetails& worker : details.workers()) {
      const auto pid = static_cast<pid_t>(worker.pid());
      if (processes.ok() && std::count(processes->begin(), processes->end(), pid) > 0) {
        workers.push_back(pid);
      }
    }
    return workers;
  }
  static bool IsAlive(pid_t pid) { return kill(pid, 0) == 0; }
  std::string Leader() {
    const auto leader = cluster_->Leader();
    EXPECT_TRUE(leader.ok()) << leader.status();
    return leader.value_or("jm-1");
  }
  /// It comes back under another address and is part of the cluster again.
  void BringBack(const std::string& host) {
    const std::string former = network_->AddressOf(host);
    WEIR_ASSERT_OK(cluster_->BringBack(host));
    ASSERT_NE(network_->AddressOf(host), former);
    WEIR_ASSERT_OK(cluster_->AwaitComplete());
  }

  void LoseTaskManagerHost(const std::string& host, bool with_disk);
  void CutOff(const std::string& what, const std::vector<std::pair<std::string, std::string>>& cuts,
              const std::string& victim);

  /// The stream ends: Java's consumer reads each number once, with the right count.
  static void ExpectAllOnce() {
    const absl::StatusOr<int64_t> fed = feeder_->Finish();
    ASSERT_TRUE(fed.ok()) << fed.status();
    EXPECT_TRUE(AwaitTrue([&] { return reader_->oracle().complete_below() >= *fed; }, kFlowTimeout))
        << "the last numbers do not come";
    const absl::Status canceled = cluster_->client().CancelJob(job_);
    EXPECT_TRUE(canceled.ok()) << canceled;
    const auto records = kafka_->ConsumeAll("out", {});
    ASSERT_TRUE(records.ok()) << records.status();
    CountedOracle oracle;
    for (const KafkaTestRecord& record : *records) {
      oracle.Take(record.key.value_or(""), record.value.value_or(""),
                  absl::StrCat("partition ", *record.partition, " offset ", record.offset));
    }
    const int64_t missing = *fed - oracle.complete_below();
    EXPECT_EQ(oracle.lost() + missing, 0) << "lost: " << oracle.problem();
    EXPECT_EQ(oracle.duplicated(), 0) << oracle.problem();
    EXPECT_EQ(oracle.wrong(), 0) << oracle.problem();
    EXPECT_EQ(oracle.taken(), *fed);
    Tell(absl::StrCat(*fed, " numbers: ", oracle.lost() + missing, " lost, ", oracle.duplicated(),
                      " duplicated, ", oracle.wrong(), " counted wrongly"));
  }

  static std::unique_ptr<HostNetwork> network_;
  static std::unique_ptr<KafkaCluster> kafka_;
  static std::unique_ptr<HostCluster> cluster_;
  static std::unique_ptr<RecordFeeder> feeder_;
  static std::unique_ptr<OracleReader<CountedOracle>> reader_;
  static std::string job_;
  absl::Duration took_;
};

std::unique_ptr<HostNetwork> HostFaultsTest::network_;
std::unique_ptr<KafkaCluster> HostFaultsTest::kafka_;
std::unique_ptr<HostCluster> HostFaultsTest::cluster_;
std::unique_ptr<RecordFeeder> HostFaultsTest::feeder_;
std::unique_ptr<OracleReader<CountedOracle>> HostFaultsTest::reader_;
std::string HostFaultsTest::job_;

// Its tasks go to the other two hosts, and it comes back under another address.
void HostFaultsTest::LoseTaskManagerHost(const std::string& host, bool with_disk) {
  const uint64_t generation = Generation();
  ASSERT_THAT(TaskHosts(), testing::Contains(host));
  const absl::Time lost = absl::Now();
  WEIR_ASSERT_OK(with_disk ? cluster_->LoseWithDisk(host) : cluster_->Lose(host));
  ExpectRecovery(absl::StrCat(host, " lost", with_disk ? " with its disk" : ""), lost);
  if (HasFatalFailure()) return;
  EXPECT_GT(Generation(), generation);
  EXPECT_THAT(TaskHosts(), testing::Not(testing::Contains(host)));
  BringBack(host);
}

TEST_F(HostFaultsTest, FirstTaskManagersHost) { LoseTaskManagerHost("tm-1", false); }
TEST_F(HostFaultsTest, SecondTaskManagersHostWithItsDisk) { LoseTaskManagerHost("tm-2", true); }
TEST_F(HostFaultsTest, ThirdTaskManagersHost) { LoseTaskManagerHost("tm-3", false); }

// Nothing but checkpoint storage is left of it. The other one takes over.
TEST_F(HostFaultsTest, LeadingJobManagersHost) {
  const std::string leader = Leader();
  const absl::Time lost = absl::Now();
  WEIR_ASSERT_OK(cluster_->Lose(leader));
  ExpectRecovery(absl::StrCat(leader, ", the leader, lost"), lost);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_NE(Leader(), leader);
  BringBack(leader);
}

// The one that came back before leads now, under an address that nobody was told of.
TEST_F(HostFaultsTest, TheOtherJobManagersHost) {
  const std::string leader = Leader();
  const absl::Time lost = absl::Now();
  WEIR_ASSERT_OK(cluster_->Lose(leader));
  ExpectRecovery(absl::StrCat(leader, ", the next leader, lost"), lost);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_NE(Leader(), leader);
  BringBack(leader);
}

// Who stands by is not missed.
TEST_F(HostFaultsTest, StandbysHost) {
  const uint64_t generation = Generation();
  const std::string standby = Leader() == "jm-1" ? "jm-2" : "jm-1";
  const absl::Time lost = absl::Now();
  WEIR_ASSERT_OK(cluster_->Lose(standby));
  ExpectRecovery(absl::StrCat(standby, ", the standby, lost"), lost);
  EXPECT_EQ(Generation(), generation);
  BringBack(standby);
}

// No JobManager is left at all; both come back under other addresses.
TEST_F(HostFaultsTest, BothJobManagersHosts) {
  const absl::Time lost = absl::Now();
  for (const char* host : {"jm-1", "jm-2"}) WEIR_ASSERT_OK(cluster_->Lose(host));
  for (const char* host : {"jm-1", "jm-2"}) WEIR_ASSERT_OK(cluster_->BringBack(host));
  ExpectRecovery("both JobManagers lost and back", lost);
  WEIR_ASSERT_OK(cluster_->AwaitComplete());
}

// What is cut off runs on and knows nothing; it must not be heard when it is back.
void HostFaultsTest::CutOff(const std::string& what,
                            const std::vector<std::pair<std::string, std::string>>& cuts,
                            const std::string& victim) {
  const uint64_t generation = Generation();
  const std::vector<pid_t> fenced = WorkersOn(victim);
  ASSERT_THAT(fenced, testing::Not(testing::IsEmpty()));
  const absl::Time cut = absl::Now();
  for (const auto& [from, to] : cuts) WEIR_ASSERT_OK(network_->Cut(from, to));
  ExpectRecovery(what, cut);
  if (HasFatalFailure()) return;
  EXPECT_GT(Generation(), generation);
  EXPECT_THAT(TaskHosts(),
              testing::AllOf(testing::Not(testing::IsEmpty()), testing::Each(testing::Ne(victim))));
  EXPECT_THAT(fenced, testing::Each(testing::Truly(IsAlive))) << "nobody was there to be fenced";
  WEIR_ASSERT_OK(network_->Mend());
  WEIR_ASSERT_OK(cluster_->AwaitComplete());
  EXPECT_TRUE(
      AwaitTrue([&] { return std::none_of(fenced.begin(), fenced.end(), IsAlive); }, kFlowTimeout))
      << "a worker of generation " << generation << " is still there";
  AwaitFlow(absl::Now(), kFlowTimeout);
}

TEST_F(HostFaultsTest, ATaskManagersHostIsCutOff) {
  const std::string victim = TaskHosts().at(0);
  CutOff(absl::StrCat(victim, " cut off"), {{victim, "*"}, {"*", victim}}, victim);
}

TEST_F(HostFaultsTest, WhatATaskManagersHostSendsIsLost) {
  const std::string victim = TaskHosts().at(0);
  CutOff(absl::StrCat("what ", victim, " sends cut off"), {{victim, "*"}}, victim);
}

TEST_F(HostFaultsTest, WhatIsSentToATaskManagersHostIsLost) {
  const std::string victim = TaskHosts().at(0);
  CutOff(absl::StrCat("what is sent to ", victim, " cut off"), {{"*", victim}}, victim);
}

// The TaskManager's worker still reaches Kafka and its peers, and its TaskManager nobody.
TEST_F(HostFaultsTest, TheLinkOfATaskManagerAndTheLeaderIsCut) {
  const std::string victim = TaskHosts().at(0);
  const std::string leader = Leader();
  CutOff(absl::StrCat("the link of ", victim, " and ", leader, " cut"),
         {{victim, leader}, {leader, victim}}, victim);
}

// Both are there for the leader; what they exchange is not. The job waits for the link.
TEST_F(HostFaultsTest, TheLinkOfTwoTaskManagersIsCut) {
  const std::vector<std::string> hosts = TaskHosts();
  ASSERT_GE(hosts.size(), 2u);
  CutBothWays(hosts[0], hosts[1]);
  ExpectStandstill(kStandstill);
  const absl::Time mended = absl::Now();
  WEIR_ASSERT_OK(network_->Mend());
  ExpectRecovery(absl::StrCat("the link of ", hosts[0], " and ", hosts[1], " cut for 5s"), mended);
}

// Nothing can be read or committed there, so no checkpoint is complete until it is mended.
TEST_F(HostFaultsTest, TheLinkOfATaskManagerAndKafkaIsCut) {
  const auto busy = cluster_->BusyHostsOf(job_);
  ASSERT_TRUE(busy.ok()) << busy.status();
  ASSERT_THAT(*busy, testing::Not(testing::IsEmpty())) << Details().ShortDebugString();
  CutBothWays(busy->front(), kKafka);
  ExpectStandstill(kStandstill);
  const absl::Time mended = absl::Now();
  WEIR_ASSERT_OK(network_->Mend());
  ExpectRecovery(absl::StrCat("the link of ", busy->front(), " and Kafka cut for 5s"), mended);
}

// Its broker dies with everything that was in flight, and comes back with its disk.
TEST_F(HostFaultsTest, KafkasHost) {
  WEIR_ASSERT_OK(network_->Unplug(kKafka));
  WEIR_ASSERT_OK(kafka_->KillBroker(1));
  const absl::Time lost = absl::Now();
  absl::SleepFor(kOnItsWay);
  const uint64_t checkpoint = LatestCheckpoint();
  absl::SleepFor(kStandstill);
  EXPECT_EQ(LatestCheckpoint(), checkpoint);
  WEIR_ASSERT_OK(network_->Plug(kKafka));
  WEIR_ASSERT_OK(kafka_->RestartBroker(1));
  const absl::Time back = absl::Now();
  ExpectRecovery(absl::StrCat("Kafka's host lost for ", absl::FormatDuration(Rounded(back - lost))),
                 back);
}

// The leader reaches nobody: it keeps the lock of its storage, and the cluster waits for it.
TEST_F(HostFaultsTest, TheLeadersHostIsCutOffForAWhile) {
  const auto before = cluster_->client().DescribeCluster();
  ASSERT_TRUE(before.ok()) << before.status();
  const std::string leader = Leader();
  CutBothWays(leader, "*");
  ExpectStandstill(HostCluster::kSilence * 2 - kOnItsWay);
  const absl::Time mended = absl::Now();
  WEIR_ASSERT_OK(network_->Mend());
  ExpectRecovery(absl::StrCat(leader, ", the leader, cut off for 4s"), mended);
  WEIR_ASSERT_OK(cluster_->AwaitComplete());
  const auto after = cluster_->client().DescribeCluster();
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->leader_address(), before->leader_address());
  EXPECT_EQ(after->term(), before->term());
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  const absl::Status isolated = weir::HostNetwork::Isolate();
  if (!isolated.ok()) {
    const char* required = std::getenv("WEIR_REQUIRE_ROOT");
    const bool fails = required != nullptr && std::string(required) == "1";
    std::printf("%s: %s%s\n", fails ? "FAILED" : "skipped", isolated.ToString().c_str(),
                fails ? " (WEIR_REQUIRE_ROOT=1 makes this a failure)" : "");
    return fails ? 1 : weir::kSkipped;
  }
  if (!weir::KafkaIsFetched()) {
    const char* required = std::getenv("WEIR_REQUIRE_KAFKA");
    std::printf("Kafka is not fetched: run ./dev setup\n");
    return required != nullptr && std::string(required) == "1" ? 1 : weir::kSkipped;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
