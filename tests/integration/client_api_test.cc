// The public API over real gRPC: ClusterClient, the Client service, artifacts there and back.

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/cluster_client.h"
#include "client/submit.h"
#include "common/base/sha256.h"
#include "common/base/system_random.h"
#include "common/exec/mutex.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/exec/thread_executor.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/leader_redirect.h"
#include "common/time/system_clock.h"
#include "jobmanager/dispatcher/grpc_client_service.h"
#include "taskmanager/agent/grpc_artifact_fetcher.h"
#include "tests/support/net/net_balancer.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

// Answers every call with what the test has put in; lists and descriptions only.
class TestingClientApi final : public jobmanager::ClientApi {
 public:
  void Plan(proto::PlanRequest, Reply<proto::PlanResponse> reply) override {
    held_.push_back(std::move(reply));  // never answered
  }
  void SubmitJob(proto::SubmitJobRequest request, Reply<proto::SubmitJobResponse> reply) override {
    submitted = std::move(request);
    proto::SubmitJobResponse response;
    response.set_job("job-1");
    reply(response);
  }
  void ListJobs(proto::ListJobsRequest, Reply<proto::ListJobsResponse> reply) override {
    ++lists;
    if (!status.ok()) return reply(status);
    proto::ListJobsResponse response;
    response.add_jobs()->set_job("job-1");
    reply(response);
  }
  void DescribeJob(proto::DescribeJobRequest request, Reply<proto::JobDetails> reply) override {
    reply(absl::NotFoundError(absl::StrCat("there is no job '", request.job(), "'")));
  }
  void AwaitJobEvents(proto::WatchJobRequest request,
                      Reply<std::vector<proto::JobEvent>> reply) override {
    if (request.after_sequence() >= events.size()) {
      if (hold_watches) return watches_.push_back(std::move(reply));
      return reply(absl::UnavailableError("no more"));
    }
    reply(std::vector<proto::JobEvent>{events[request.after_sequence()]});
  }
  void CancelJob(proto::CancelJobRequest, Reply<proto::CancelJobResponse> reply) override {
    if (++cancels > drop_cancels) reply(proto::CancelJobResponse());
  }
  void SuspendJob(proto::SuspendJobRequest, Reply<proto::SuspendJobResponse>) override {}
  void ResumeJob(proto::ResumeJobRequest, Reply<proto::ResumeJobResponse>) override {}
  void RestartJob(proto::RestartJobRequest, Reply<proto::RestartJobResponse>) override {}
  void ReadJobLogs(proto::ReadJobLogsRequest, Reply<proto::ReadJobLogsResponse>) override {}
  void StopJob(proto::StopJobRequest, Reply<proto::StopJobResponse> reply) override {
    reply(proto::StopJobResponse());
  }
  void ListCheckpoints(proto::ListCheckpointsRequest,
                       Reply<proto::ListCheckpointsResponse> reply) override {
    reply(proto::ListCheckpointsResponse());
  }
  void Transactions(proto::TransactionsRequest request,
                    Reply<proto::TransactionsResponse> reply) override {
    proto::TransactionsResponse response;
    response.add_sentences(request.transactional_id());
    reply(response);
  }
  void DeadLetters(proto::DeadLettersRequest request,
                   Reply<proto::DeadLettersResponse> reply) override {
    proto::DeadLettersResponse response;
    response.set_operator_uid(request.operator_uid());
    reply(response);
  }
  void DescribeCluster(proto::DescribeClusterRequest, Reply<proto::ClusterDetails> reply) override {
    reply(proto::ClusterDetails());
  }

  std::vector<proto::JobEvent> events;  // by sequence, from 1
  bool hold_watches = false;            // behind the last one
  absl::Status status;
  int lists = 0;
  int cancels = 0;
  int drop_cancels = 0;  // the first ones: their replies are dropped
  proto::SubmitJobRequest submitted;

 private:
  std::vector<Reply<proto::PlanResponse>> held_;
  std::vector<Reply<std::vector<proto::JobEvent>>> watches_;
};

ThreadExecutorOptions Named(std::string name) {
  ThreadExecutorOptions options;
  options.name = std::move(name);
  return options;
}

// One JobManager as seen by clients. `api` and its counters are set before calls are made.
class TestJobManager {
 public:
  explicit TestJobManager(const std::string& directory, SecurityOptions security = {})
      : factory_(GrpcChannelFactory::Create(security).value()),
        store_(directory, random_),
        service_(executor_, pool_, factory_->authorizer(), api, store_),
        server_(factory_->StartServer("127.0.0.1:0", {&service_}).value()) {}
  ~TestJobManager() {
    service_.Shutdown();
    server_->Shutdown();
  }
  const std::string& address() const { return server_->address(); }
  void Shutdown() {
    service_.Shutdown();
    server_->Shutdown();
  }

  TestingClientApi api;

 private:
  SystemRandom random_;
  ThreadExecutor executor_{Named("jobmanager")};
  ThreadBlockingPool pool_{ThreadBlockingPoolOptions()};
  std::unique_ptr<GrpcChannelFactory> factory_;
  jobmanager::ArtifactStore store_;
  jobmanager::GrpcClientService service_;
  std::unique_ptr<GrpcServer> server_;
};

class ClientApiTest : public testing::Test {
 protected:
  std::unique_ptr<ClusterClient> Client(std::vector<std::string> addresses,
                                        const std::string& token = "") {
    ClusterClientOptions options;
    options.addresses = std::move(addresses);
    options.security.token = token;
    options.call_timeout = absl::Seconds(10);
    options.unreachable_timeout = absl::Milliseconds(300);
    return MakeClusterClient(options).value();
  }

  // A file that looks like a job, larger than a few chunks.
  std::string MakeJob() {
    const std::string path = directory_.File("job");
    std::ofstream(path, std::ios::binary) << "\x7f"
                                             "ELF"
                                          << std::string(1'500'000, 'x') << "WEIR_JOB_"
                                          << "BINARY_V1";
    return path;
  }

  TemporaryDirectory directory_;
};

TEST_F(ClientApiTest, SubmitsAJobWithItsArtifact) {
  TestJobManager manager(directory_.File("artifacts"));
  const auto client = Client({manager.address()});
  SystemRandom random;
  JobSubmission submission;
  submission.binary = MakeJob();
  submission.arguments = {"--brokers", "x"};
  submission.configuration = {{"checkpoint.interval", "500ms"}};
  const auto job = Submit(*client, random, submission);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(*job, "job-1");
  EXPECT_EQ(manager.api.submitted.artifact(), Sha256HexOfFile(submission.binary).value());
  EXPECT_EQ(manager.api.submitted.arguments_size(), 2);
  EXPECT_EQ(manager.api.submitted.client_token().size(), 32u);
  // Again: the cluster has the artifact.
  EXPECT_TRUE(client->UploadArtifact(submission.binary).ok());
}

TEST_F(ClientApiTest, AQuestionAboutTransactionsIsAnswered) {
  TestJobManager manager(directory_.File("artifacts"));
  proto::TransactionsRequest request;
  request.set_transactional_id("p~1~0~0");
  const auto response = Client({manager.address()})->Transactions(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->sentences(0), "p~1~0~0");
}

TEST_F(ClientApiTest, AQuestionAboutDeadLettersIsAnswered) {
  TestJobManager manager(directory_.File("artifacts"));
  proto::DeadLettersRequest request;
  request.set_operator_uid("parse");
  const auto response = Client({manager.address()})->DeadLetters(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->operator_uid(), "parse");
}

proto::JobEvent StateEvent(uint64_t sequence, const std::string& state) {
  proto::JobEvent event;
  event.set_sequence(sequence);
  event.set_kind(proto::JobEvent::STATE);
  event.mutable_job()->set_state(state);
  return event;
}

TEST_F(ClientApiTest, AWatchGetsEachEventOnceUntilTheJobHasEnded) {
  TestJobManager manager(directory_.File("artifacts"));
  manager.api.events = {StateEvent(1, "DEPLOYING"), StateEvent(2, "RUNNING"),
                        StateEvent(3, "FINISHED")};
  std::vector<std::string> states;
  const absl::Status watched =
      Client({manager.address()})->WatchJob("flights", [&](const proto::JobEvent& event) {
        states.push_back(event.job().state());
        return true;
      });
  EXPECT_EQ(watched, absl::OkStatus());
  EXPECT_EQ(states, std::vector<std::string>({"DEPLOYING", "RUNNING", "FINISHED"}));
}

TEST_F(ClientApiTest, AWatcherMayLeave) {
  TestJobManager manager(directory_.File("artifacts"));
  manager.api.events = {StateEvent(1, "RUNNING")};
  int seen = 0;
  const absl::Status watched =
      Client({manager.address()})->WatchJob("flights", [&](const proto::JobEvent&) {
        ++seen;
        return false;
      });
  EXPECT_EQ(watched, absl::OkStatus());
  EXPECT_EQ(seen, 1);
}

TEST_F(ClientApiTest, AWatchThatWaitsEndsWithTheService) {
  TestJobManager manager(directory_.File("artifacts"));
  manager.api.events = {StateEvent(1, "RUNNING")};
  manager.api.hold_watches = true;
  std::thread shutting;
  const absl::Status watched =
      Client({manager.address()})->WatchJob("flights", [&](const proto::JobEvent&) {
        shutting = std::thread([&] { manager.Shutdown(); });
        return true;
      });
  shutting.join();
  EXPECT_TRUE(absl::IsUnavailable(watched)) << watched;
}

TEST_F(ClientApiTest, ArtifactComesBackAsItWas) {
  TestJobManager manager(directory_.File("artifacts"));
  const std::string binary = MakeJob();
  const auto sha256 = Client({manager.address()})->UploadArtifact(binary);
  ASSERT_TRUE(sha256.ok()) << sha256.status();
  const auto factory = GrpcChannelFactory::Create({}).value();
  ThreadExecutor executor(Named("taskmanager"));
  ThreadBlockingPool pool{ThreadBlockingPoolOptions()};
  taskmanager::GrpcArtifactFetcher fetcher(executor, pool, *factory, [&] {
    return std::vector<std::string>{"127.0.0.1:1", manager.address()};
  });
  Mutex mutex;
  CondVar changed;
  std::vector<absl::Status> results;
  const auto fetch = [&](const std::string& id) {
    executor.Post([&, id] {
      fetcher.Fetch(ArtifactId(id), directory_.File("fetched"), [&](const absl::Status& status) {
        MutexLock lock(mutex);
        results.push_back(status);
        changed.SignalAll();
      });
    });
    MutexLock lock(mutex);
    while (results.empty()) changed.Wait(mutex);
    const absl::Status result = results.back();
    results.clear();
    return result;
  };
  EXPECT_TRUE(fetch(*sha256).ok());
  EXPECT_EQ(Sha256HexOfFile(directory_.File("fetched")).value(), *sha256);
  const std::string unknown(64, '0');
  EXPECT_EQ(fetch(unknown), absl::NotFoundError(absl::StrCat(
                                "cannot fetch artifact ", unknown, " from ", manager.address(),
                                ": the cluster has no artifact ", unknown)));
}

TEST_F(ClientApiTest, StoreRefusesBytesOfAnotherDigest) {
  SystemRandom random;
  jobmanager::ArtifactStore store(directory_.File("artifacts"), random);
  const ArtifactId id(std::string(64, '0'));
  {
    auto upload = store.BeginUpload(id);
    ASSERT_TRUE(upload.ok()) << upload.status();
    ASSERT_TRUE((*upload)->Write("hello").ok());
    EXPECT_EQ((*upload)->Commit().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_EQ(store.Contains(id).value(), false);
  EXPECT_EQ(store.BeginUpload(ArtifactId("../x")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientApiTest, FollowsAStandbyToTheLeader) {
  TestJobManager standby(directory_.File("a"));
  TestJobManager leader(directory_.File("a"));
  standby.api.status = NotLeaderError(leader.address());
  const auto client = Client({standby.address()});
  EXPECT_TRUE(client->ListJobs().ok());
  EXPECT_TRUE(client->ListJobs().ok());
  EXPECT_EQ(standby.api.lists, 1);  // and stays there
  EXPECT_EQ(leader.api.lists, 2);
}

TEST_F(ClientApiTest, GoesOnToTheNextAddress) {
  TestJobManager manager(directory_.File("a"));
  EXPECT_TRUE(Client({"127.0.0.1:1", manager.address()})->ListJobs().ok());
}

// One address for all JobManagers; the standby names a leader that can be reached inside only.
TEST_F(ClientApiTest, BehindABalancerAnotherConnectionFindsTheLeader) {
  TestJobManager standby(directory_.File("a"));
  TestJobManager leader(directory_.File("b"));
  standby.api.status = NotLeaderError("127.0.0.1:1");
  const NetBalancer balancer({standby.address(), leader.address()});
  const SystemClock clock;
  const absl::Duration start = clock.Monotonic();
  const auto client = Client({balancer.address()});
  EXPECT_EQ(client->ListJobs().status(), absl::OkStatus());
  EXPECT_LT(clock.Monotonic() - start, absl::Seconds(5));
  EXPECT_EQ(standby.api.lists, 1);
  EXPECT_EQ(leader.api.lists, 1);
}

TEST_F(ClientApiTest, NobodyThereIsUnavailableNamingTheAddresses) {
  EXPECT_EQ(Client({"127.0.0.1:1", "127.0.0.1:2"})->ListJobs().status(),
            absl::UnavailableError("no JobManager answers at 127.0.0.1:1, 127.0.0.1:2 "
                                   "(127.0.0.1:2: Connection refused)"));
}

TEST_F(ClientApiTest, ErrorsOfTheJobManagerPassUnchanged) {
  TestJobManager manager(directory_.File("a"));
  EXPECT_EQ(Client({manager.address()})->DescribeJob("x").status(),
            absl::NotFoundError("there is no job 'x'"));
}

TEST_F(ClientApiTest, TokenIsAskedForByEveryCall) {
  SecurityOptions security;
  security.token = "open sesame";
  TestJobManager manager(directory_.File("a"), security);
  EXPECT_TRUE(Client({manager.address()}, "open sesame")->ListJobs().ok());
  const auto stranger = Client({manager.address()});
  EXPECT_EQ(stranger->ListJobs().status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(stranger->UploadArtifact(MakeJob()).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(manager.api.lists, 1);
}

// A call that nobody ended would last until its time is up, and not be repeated.
TEST_F(ClientApiTest, DroppedReplyIsUnavailable) {
  TestJobManager manager(directory_.File("a"));
  manager.api.drop_cancels = 3;
  EXPECT_EQ(Client({manager.address()})->CancelJob("x"), absl::OkStatus());
  EXPECT_EQ(manager.api.cancels, 4);
}

TEST_F(ClientApiTest, WhereAllRepliesAreDroppedThatIsTheAnswer) {
  TestJobManager manager(directory_.File("a"));
  manager.api.drop_cancels = std::numeric_limits<int>::max();
  ClusterClientOptions options;
  options.addresses = {manager.address()};
  options.call_timeout = absl::Milliseconds(300);
  const auto client = MakeClusterClient(options).value();
  // The last try begins at any time before the end: on a busy machine that may come first.
  absl::Status status = client->CancelJob("x");
  for (int i = 0; i < 30 && absl::IsDeadlineExceeded(status); ++i) status = client->CancelJob("x");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST_F(ClientApiTest, ShutdownEndsCallsThatWaitForAnAnswer) {
  TestJobManager manager(directory_.File("a"));
  ClusterClientOptions options;
  options.addresses = {manager.address()};
  options.call_timeout = absl::Seconds(1);
  const auto client = MakeClusterClient(options).value();
  absl::Status status;
  std::thread caller([&] { status = client->Plan(proto::PlanRequest()).status(); });
  ASSERT_TRUE(Client({manager.address()})->ListJobs().ok());
  const SystemClock clock;
  const absl::Duration start = clock.Monotonic();
  manager.Shutdown();
  EXPECT_LT(clock.Monotonic() - start, absl::Seconds(1));
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

}  // namespace
}  // namespace weir
