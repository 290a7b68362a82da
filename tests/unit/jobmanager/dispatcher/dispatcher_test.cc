#include "jobmanager/dispatcher/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "common/base/seeded_random.h"
#include "state/checkpoint/checked_file.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"
#include "tests/unit/jobmanager/testing_task_manager.h"

namespace weir::jobmanager {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

template <class Response>
using Answer = absl::StatusOr<Response>;

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() {
    EXPECT_TRUE(files_.MakeDirectory(layout_.ClusterLogDirectory()).ok());
    task_manager_.plan = TestingGraph(1);
  }

  std::unique_ptr<Dispatcher> MakeDispatcher(const std::string& process = "jm-1") {
    return std::make_unique<Dispatcher>(
        Dispatcher::Identity{"east", process, "127.0.0.1:6123", 7},
        Dispatcher::Dependencies{clock_, executor_, pool_, files_, random_, layout_, config_,
                                 [this](const ArtifactId& id) -> absl::StatusOr<bool> {
                                   return artifacts_.count(id.value()) > 0;
                                 },
                                 [this](const absl::Status& why) { lost_ = why; }});
  }
  /// Leads, with one TaskManager of two slots.
  void Lead() {
    TakeOver();
    task_manager_.Connect(dispatcher_->task_managers());
    executor_.RunReady();
  }
  void TakeOver() {
    dispatcher_ = MakeDispatcher();
    dispatcher_->TakeOver([this] { ++taken_over_; });
    executor_.Advance(absl::Seconds(1));
  }
  static proto::SubmitJobRequest RequestOf(const std::string& token, const std::string& name = "") {
    proto::SubmitJobRequest request;
    request.set_client_token(token);
    request.set_artifact("sha");
    request.set_name(name);
    return request;
  }
  Answer<proto::SubmitJobResponse> Submit(const proto::SubmitJobRequest& request) {
    Answer<proto::SubmitJobResponse> answer = absl::UnknownError("no answer");
    dispatcher_->SubmitJob(request, [&answer](Answer<proto::SubmitJobResponse> response) {
      answer = std::move(response);
    });
    executor_.Advance(absl::Seconds(1));
    return answer;
  }
  void CancelNow(const std::string& job) {
    proto::CancelJobRequest request;
    request.set_job(job);
    dispatcher_->CancelJob(request, [](Answer<proto::CancelJobResponse>) {});
    executor_.Advance(absl::Seconds(1));
  }
  Answer<proto::JobDetails> Describe(const std::string& job) {
    proto::DescribeJobRequest request;
    request.set_job(job);
    Answer<proto::JobDetails> answer = absl::UnknownError("no answer");
    dispatcher_->DescribeJob(request,
                             [&answer](Answer<proto::JobDetails> a) { answer = std::move(a); });
    return answer;
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  SeededRandom random_{1};
  TestingFileSystem files_;
  StorageLayout layout_{"/w", "east"};
  Config config_;
  std::set<std::string> artifacts_ = {"sha"};
  WorkerBehavior behavior_;
  TestingTaskManager task_manager_{"tm-a", 2, executor_, behavior_};
  absl::Status lost_;
  int taken_over_ = 0;
  std::unique_ptr<Dispatcher> dispatcher_;
};

// Leadership

TEST_F(DispatcherTest, TheFirstLeaderHasTermOne) {
  TakeOver();
  EXPECT_TRUE(dispatcher_->serving());
  EXPECT_EQ(dispatcher_->term(), LeaderTerm(1));
}

TEST_F(DispatcherTest, EveryLeaderHasATermOfItsOwn) {
  TakeOver();
  TakeOver();
  EXPECT_EQ(dispatcher_->term(), LeaderTerm(2));
}

TEST_F(DispatcherTest, ALeaderWritesItsProbe) {
  TakeOver();
  const auto names = files_.List(layout_.ProbeDirectory());
  ASSERT_THAT(*names, SizeIs(1));
  EXPECT_EQ("1-" + files_.memory.Read(layout_.ProbeDirectory() + "/" + (*names)[0]).value(),
            (*names)[0]);
}

TEST_F(DispatcherTest, AProbeThatCannotBeWrittenNowIsWrittenLater) {
  files_.Inject({Call::kReplace, absl::UnavailableError("gone"), "/probe/", false, 1});
  TakeOver();
  EXPECT_EQ(taken_over_, 1);
}

TEST_F(DispatcherTest, ACorruptClusterLogIsTold) {
  ASSERT_TRUE(
      files_.memory.Replace(layout_.ClusterLogDirectory() + "/0000000001", "garbage\n").ok());
  TakeOver();
  EXPECT_TRUE(absl::IsDataLoss(lost_));
  EXPECT_FALSE(dispatcher_->serving());
}

TEST_F(DispatcherTest, ALeaderThatWasReplacedLearnsItWhenItAppends) {
  Lead();
  const auto successor = MakeDispatcher("jm-2");
  successor->TakeOver([] {});
  executor_.RunReady();
  EXPECT_TRUE(absl::IsAborted(Submit(RequestOf("t")).status()));
  EXPECT_TRUE(absl::IsAborted(lost_));
}

TEST_F(DispatcherTest, ANewLeaderServesTheJobsThatWereAcknowledged) {
  Lead();
  const std::string job = Submit(RequestOf("t"))->job();
  task_manager_.Forget();
  TakeOver();
  EXPECT_EQ(Describe(job)->summary().name(), "flights");
}

TEST_F(DispatcherTest, AJobWithoutARegistrationIsGarbage) {
  Lead();
  files_.Inject({Call::kCreate, absl::UnavailableError("gone"), "/w/east/log/", false, 1000000});
  Submit(RequestOf("t")).status().IgnoreError();
  task_manager_.Forget();
  dispatcher_.reset();
  files_.ClearFaults();
  TakeOver();
  EXPECT_THAT(dispatcher_->jobs(), IsEmpty());
}

TEST_F(DispatcherTest, OneJobWithABrokenLogDoesNotStopTheOthers) {
  Lead();
  const std::string broken = Submit(RequestOf("t1", "broken"))->job();
  const std::string good = Submit(RequestOf("t2", "good"))->job();
  ASSERT_TRUE(
      files_.memory.Replace(layout_.JobLogDirectory(JobId(broken)) + "/0000000001", "x\n").ok());
  task_manager_.Forget();
  TakeOver();
  EXPECT_TRUE(Describe(good).ok());
  EXPECT_EQ(Describe(broken).status(),
            absl::FailedPreconditionError(absl::StrCat(
                "job ", broken, " cannot be taken over: ", layout_.JobLogDirectory(JobId(broken)),
                "/0000000001 is corrupt: its header line is unknown")));
  proto::ListJobsResponse jobs;
  dispatcher_->ListJobs({}, [&jobs](const auto& answer) { jobs = *answer; });
  ASSERT_THAT(jobs.jobs(), SizeIs(2));
  EXPECT_EQ(jobs.jobs(1).job(), broken);
  EXPECT_EQ(jobs.jobs(1).state(), "UNREADABLE");
  EXPECT_THAT(jobs.jobs(1).reason(), HasSubstr("cannot be taken over: "));
}

// Submission

TEST_F(DispatcherTest, ASubmittedJobIsRegisteredAndRuns) {
  Lead();
  const auto answer = Submit(RequestOf("t"));
  ASSERT_EQ(answer.status(), absl::OkStatus());
  EXPECT_EQ(Describe(answer->job())->summary().state(), "RUNNING");
}

TEST_F(DispatcherTest, TheSameTokenIsTheSameJob) {
  Lead();
  const auto first = Submit(RequestOf("t"));
  const auto again = Submit(RequestOf("t"));
  EXPECT_EQ(again->job(), first->job());
  EXPECT_THAT(dispatcher_->jobs(), SizeIs(1));
}

TEST_F(DispatcherTest, TheSameTokenIsTheSameJobForTheNextLeaderToo) {
  Lead();
  const auto first = Submit(RequestOf("t"));
  task_manager_.Forget();
  TakeOver();
  EXPECT_EQ(Submit(RequestOf("t"))->job(), first->job());
}

TEST_F(DispatcherTest, TheSameTokenTwiceAtOnceIsOneJob) {
  Lead();
  std::vector<std::string> jobs;
  for (int i = 0; i < 2; ++i) {
    dispatcher_->SubmitJob(RequestOf("t"), [&jobs](Answer<proto::SubmitJobResponse> answer) {
      jobs.push_back(answer->job());
    });
  }
  executor_.Advance(absl::Seconds(1));
  ASSERT_THAT(jobs, SizeIs(2));
  EXPECT_EQ(jobs[0], jobs[1]);
}

TEST_F(DispatcherTest, TwoTokensAreTwoJobs) {
  Lead();
  EXPECT_NE(Submit(RequestOf("t1"))->job(), Submit(RequestOf("t2"))->job());
}

TEST_F(DispatcherTest, ASubmissionWithoutATokenIsRefused) {
  Lead();
  EXPECT_EQ(Submit(RequestOf("")).status(), absl::InvalidArgumentError("client_token is missing"));
}

TEST_F(DispatcherTest, AnArtifactThatWasNeverUploadedIsNamed) {
  Lead();
  artifacts_.clear();
  EXPECT_EQ(Submit(RequestOf("t")).status(),
            absl::NotFoundError("artifact sha was never uploaded"));
}

TEST_F(DispatcherTest, ARefusedTokenMayBeTriedAgain) {
  Lead();
  artifacts_.clear();
  ASSERT_FALSE(Submit(RequestOf("t")).ok());
  artifacts_ = {"sha"};
  EXPECT_EQ(Submit(RequestOf("t")).status(), absl::OkStatus());
}

TEST_F(DispatcherTest, APlanThatDiffersFromTheTaskManagersIsRefused) {
  Lead();
  proto::SubmitJobRequest request = RequestOf("t");
  request.mutable_plan()->set_fingerprint("other");
  const absl::Status status = Submit(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("the plan that was submitted differs from the one a TaskManager makes of "
                        "the same binary and arguments"));
}

TEST_F(DispatcherTest, NamesThatCannotBeAreRefused) {
  Lead();
  for (const std::string& name : {std::string("two\nlines"), std::string("job-1"),
                                  std::string("a/b"), std::string(201, 'x')}) {
    proto::SubmitJobRequest request = RequestOf(name);
    request.set_name(name);
    EXPECT_TRUE(absl::IsInvalidArgument(Submit(request).status())) << name;
  }
}

TEST_F(DispatcherTest, APlanThatAgreesIsTaken) {
  Lead();
  proto::SubmitJobRequest request = RequestOf("t");
  *request.mutable_plan() = TestingGraph(1);
  EXPECT_EQ(Submit(request).status(), absl::OkStatus());
}

TEST_F(DispatcherTest, ThePlannersSentenceIsPassedOn) {
  Lead();
  task_manager_.plan = absl::InvalidArgumentError("'a.out' is no Weir job");
  EXPECT_EQ(Submit(RequestOf("t")).status(), absl::InvalidArgumentError("'a.out' is no Weir job"));
}

TEST_F(DispatcherTest, WithoutATaskManagerNothingCanBeSubmitted) {
  TakeOver();
  EXPECT_EQ(Submit(RequestOf("t")).status(),
            absl::ResourceExhaustedError("no TaskManager is registered that could plan the job"));
}

TEST_F(DispatcherTest, ATaskManagerThatDoesNotPlanInTimeIsTold) {
  Lead();
  task_manager_.plan.reset();
  absl::Status status;
  dispatcher_->SubmitJob(RequestOf("t"), [&status](Answer<proto::SubmitJobResponse> answer) {
    status = answer.status();
  });
  executor_.Advance(absl::Seconds(30));
  EXPECT_EQ(status,
            absl::UnavailableError("the TaskManager that was to plan the job did not answer"));
}

TEST_F(DispatcherTest, ABadOptionIsRefusedBeforeAnythingIsPlanned) {
  Lead();
  proto::SubmitJobRequest request = RequestOf("t");
  (*request.mutable_configuration())["checkpoint.intervall"] = "1s";
  EXPECT_TRUE(absl::IsInvalidArgument(Submit(request).status()));
  EXPECT_EQ(task_manager_.plans_made, 0);
}

TEST_F(DispatcherTest, ASubmissionIsNotAcknowledgedBeforeItIsRegistered) {
  Lead();
  files_.Inject({Call::kCreate, absl::UnavailableError("gone"), "/w/east/log/", true, 1000000});
  EXPECT_EQ(Submit(RequestOf("t")).status(), absl::UnknownError("no answer"));
}

TEST_F(DispatcherTest, AJobIsNamedAfterItsPlan) {
  Lead();
  EXPECT_EQ(Describe(Submit(RequestOf("t"))->job())->summary().name(), "flights");
}

TEST_F(DispatcherTest, ASubmissionMayNameItsJob) {
  Lead();
  EXPECT_EQ(Describe(Submit(RequestOf("t", "mine"))->job())->summary().name(), "mine");
}

// Look-up

TEST_F(DispatcherTest, AJobIsFoundByItsName) {
  Lead();
  const std::string job = Submit(RequestOf("t", "mine"))->job();
  EXPECT_EQ(Describe("mine")->summary().job(), job);
}

TEST_F(DispatcherTest, ANameOfTwoLiveJobsStandsForNeither) {
  Lead();
  const std::string first = Submit(RequestOf("t1", "mine"))->job();
  const std::string second = Submit(RequestOf("t2", "mine"))->job();
  const absl::Status status = Describe("mine").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(first), HasSubstr(second)));
}

TEST_F(DispatcherTest, ANameStandsForTheLiveJobThenForTheNewestEndedOne) {
  Lead();
  const std::string live = Submit(RequestOf("t1", "mine"))->job();
  executor_.Advance(absl::Milliseconds(10));
  const std::string ended = Submit(RequestOf("t2", "mine"))->job();
  CancelNow(ended);
  EXPECT_EQ(Describe("mine")->summary().job(), live);
  CancelNow(live);
  EXPECT_EQ(Describe("mine")->summary().job(), ended);
}

TEST_F(DispatcherTest, AnUnknownJobIsNamed) {
  Lead();
  EXPECT_EQ(Describe("none").status(), absl::NotFoundError("there is no job 'none'"));
}

TEST_F(DispatcherTest, ListsEveryJob) {
  Lead();
  Submit(RequestOf("t1")).status().IgnoreError();
  Submit(RequestOf("t2")).status().IgnoreError();
  proto::ListJobsResponse jobs;
  dispatcher_->ListJobs({}, [&jobs](Answer<proto::ListJobsResponse> a) { jobs = *std::move(a); });
  EXPECT_THAT(jobs.jobs(), SizeIs(2));
}

TEST_F(DispatcherTest, DescribesTheCluster) {
  Lead();
  proto::ClusterDetails cluster;
  dispatcher_->DescribeCluster(
      {}, [&cluster](Answer<proto::ClusterDetails> a) { cluster = *std::move(a); });
  EXPECT_EQ(cluster.term(), 1u);
  EXPECT_EQ(cluster.leader_address(), "127.0.0.1:6123");
  EXPECT_THAT(cluster.task_managers(), SizeIs(1));
}

TEST_F(DispatcherTest, CancelsAJobByItsName) {
  Lead();
  Submit(RequestOf("t", "mine")).status().IgnoreError();
  proto::CancelJobRequest request;
  request.set_job("mine");
  dispatcher_->CancelJob(request, [](Answer<proto::CancelJobResponse>) {});
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(Describe("mine")->summary().state(), "CANCELED");
}

TEST_F(DispatcherTest, AnIntervalThatATransactionCannotOutliveIsRefused) {
  Lead();
  task_manager_.plan = TestingGraph(1, /*transactional=*/true);
  (*task_manager_.plan)
      ->mutable_vertices(0)
      ->mutable_operators(1)
      ->set_transaction_timeout_ms(60000);
  proto::SubmitJobRequest request = RequestOf("t");
  (*request.mutable_configuration())["checkpoint.interval"] = "1min";
  const absl::Status status = Submit(request).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most half of the transaction timeout"));
  EXPECT_THAT(dispatcher_->jobs(), IsEmpty());
  (*request.mutable_configuration())["checkpoint.interval"] = "30s";
  EXPECT_EQ(Submit(request).status(), absl::OkStatus());
}

TEST_F(DispatcherTest, SlotsThatAJobGivesBackGoToTheNext) {
  Lead();
  task_manager_.plan = TestingGraph(2);
  Submit(RequestOf("t1", "first")).status().IgnoreError();
  Submit(RequestOf("t2", "second")).status().IgnoreError();
  ASSERT_EQ(Describe("second")->summary().state(), "SCHEDULING");
  proto::CancelJobRequest request;
  request.set_job("first");
  dispatcher_->CancelJob(request, [](Answer<proto::CancelJobResponse>) {});
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(Describe("second")->summary().state(), "RUNNING");
}

}  // namespace
}  // namespace weir::jobmanager
