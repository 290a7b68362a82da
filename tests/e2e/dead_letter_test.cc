// Error policies on real Kafka, with records that cannot be decoded and a function that throws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <string>

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DeadLetterTest : public RecordCopyTest {
 protected:
  void SetUp() override {
    RecordCopyTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("dead"), 1));
    StartCluster();
  }
  WeirJob Copy(std::vector<std::string> arguments) {
    arguments.push_back("--throw-every=10");
    arguments.push_back(absl::StrCat("--dead-letters=", TopicName("dead")));
    return RecordCopy(arguments);
  }
  void ProduceBad(int32_t partition, const std::string& value) {
    KafkaTestRecord bad;
    bad.key = "k";
    bad.value = value;
    bad.partition = partition;
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), {bad}));
  }
  // By value; there have to be so many, and no more.
  std::map<std::string, KafkaTestRecord> DeadLetters(size_t count) {
    KafkaReadOptions options;
    options.headers = true;
    const auto records = cluster().ConsumeAll(TopicName("dead"), options);
    EXPECT_TRUE(records.ok()) << records.status();
    std::map<std::string, KafkaTestRecord> letters;
    if (!records.ok()) return letters;
    EXPECT_EQ(records->size(), count);
    for (const KafkaTestRecord& record : *records) {
      EXPECT_TRUE(letters.emplace(record.value.value_or("(none)"), record).second)
          << *record.value << " is there twice";
    }
    return letters;
  }
};

TEST_F(DeadLetterTest, RecordsGoThereWithWhereTheyCameFromAndWhy) {
  Produce(0, 100);
  ProduceBad(1, "no JSON");
  const auto job =
      weir().Submit(Copy({"--bounded=1", "--on-error=dead-letter", "--delivery=exactly-once"}));
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitState(*job, "FINISHED"));
  EXPECT_EQ(Output(90).size(), 90u);
  const auto letters = DeadLetters(11);
  ASSERT_TRUE(letters.count("no JSON") == 1 && letters.count(R"({"id":30})") == 1);
  const KafkaTestRecord& raw = letters.at("no JSON");
  EXPECT_EQ(raw.key, "k");
  std::map<std::string, std::string> headers = raw.headers;
  EXPECT_THAT(headers["weir.errors.message"], HasSubstr("cannot be read as json"));
  headers.erase("weir.errors.message");
  const std::map<std::string, std::string> expected = {{"weir.errors.topic", TopicName("input")},
                                                       {"weir.errors.partition", "1"},
                                                       {"weir.errors.offset", "50"},
                                                       {"weir.errors.operator", "numbers"},
                                                       {"weir.errors.operator.uid", "numbers"},
                                                       {"weir.errors.job", "record-copy"},
                                                       {"weir.errors.job.id", *job},
                                                       {"weir.errors.subtask", "0"},
                                                       {"weir.errors.format", "raw"}};
  EXPECT_EQ(headers, expected);
  const KafkaTestRecord& json = letters.at(R"({"id":30})");
  EXPECT_EQ(json.key, std::nullopt);
  EXPECT_EQ(json.headers.at("weir.errors.message"), "a user function threw: this one");
  EXPECT_EQ(json.headers.at("weir.errors.operator"), "fan");
  EXPECT_EQ(json.headers.at("weir.errors.partition"), "0");
  EXPECT_EQ(json.headers.at("weir.errors.offset"), "15");
  EXPECT_EQ(json.headers.at("weir.errors.format"), "json");
}

// The dead letters are as exact as the job's other output.
TEST_F(DeadLetterTest, EachIsThereOnceWhenTheWorkerIsKilled) {
  Produce(0, 200);
  const auto job = weir().Submit(Copy({"--on-error=dead-letter", "--delivery=exactly-once"}));
  WEIR_ASSERT_OK(job);
  for (int64_t round = 1; round <= 3; ++round) {
    const auto now = Describe(*job);
    WEIR_ASSERT_OK(now);
    const uint64_t completed = now->checkpoints().completed();
    Produce(round * 200, 200);
    ASSERT_TRUE(AwaitTrue([&] {
      const auto later = Describe(*job);
      return later.ok() && later->checkpoints().completed() > completed &&
             later->workers_size() == 1 && later->workers(0).pid() != 0;
    }));
    const auto victim = Describe(*job);
    WEIR_ASSERT_OK(victim);
    kill(static_cast<pid_t>(victim->workers(0).pid()), SIGKILL);
    ASSERT_TRUE(AwaitTrue([&] {
      const auto later = Describe(*job);
      return later.ok() && later->summary().state() == "RUNNING" &&
             later->summary().generation() > victim->summary().generation();
    }));
  }
  EXPECT_EQ(Output(720).size(), 720u);  // waits for them
  proto::StopJobRequest stop;
  stop.set_job(*job);
  WEIR_ASSERT_OK(weir().client().StopJob(stop));
  ASSERT_TRUE(AwaitState(*job, "FINISHED"));
  const auto copies = Output(0);
  EXPECT_EQ(copies.size(), 720u);
  for (const auto& [value, times] : copies) EXPECT_EQ(times, 1) << value;
  EXPECT_EQ(DeadLetters(80).size(), 80u);
}

// Letters go back to where they were read, or to a topic of one's own, and once.
TEST_F(DeadLetterTest, ReplayWritesEachLetterBackOnce) {
  Produce(0, 100);
  ProduceBad(1, "no JSON");
  const auto job =
      weir().Submit(Copy({"--bounded=1", "--on-error=dead-letter", "--delivery=exactly-once"}));
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitState(*job, "FINISHED"));
  const auto run = [&](std::vector<std::string> arguments) {
    const auto result = weir().Cli(std::move(arguments));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : ProcessResult();
  };
  EXPECT_THAT(run({"dlq", "list", *job}).standard_output,
              AllOf(HasSubstr("numbers"), HasSubstr("fan"), HasSubstr(TopicName("dead"))));
  const ProcessResult whose = run({"dlq", "show", *job});
  EXPECT_EQ(whose.exit_status, 2) << whose.standard_error;
  EXPECT_THAT(
      whose.standard_error,
      HasSubstr("the operators 'numbers' and 'fan' have dead letters; --operator says whose"));
  const ProcessResult shown = run({"dlq", "show", *job, "--operator=numbers"});
  EXPECT_THAT(shown.standard_output,
              AllOf(HasSubstr(absl::StrCat(TopicName("input"), "-1@50")),
                    HasSubstr("cannot be read as json"), Not(HasSubstr("no JSON"))));
  EXPECT_THAT(run({"dlq", "show", *job, "--operator=numbers", "--contents"}).standard_output,
              HasSubstr("no JSON"));
  for (const char* replayed : {"1 dead letters", "0 dead letters"}) {
    EXPECT_THAT(run({"dlq", "replay", *job, "--operator=numbers"}).standard_output,
                HasSubstr(replayed));
  }
  KafkaReadOptions options;
  options.headers = true;
  const auto input = cluster().ConsumeAll(TopicName("input"), options);
  WEIR_ASSERT_OK(input);
  ASSERT_EQ(input->size(), 102u);
  int again = 0;
  for (const KafkaTestRecord& record : *input) {
    if (record.headers.count("weir.replayed") == 0) continue;
    ++again;
    EXPECT_EQ(record.value, "no JSON");
    EXPECT_EQ(record.key, "k");
    EXPECT_EQ(record.partition, 1);
  }
  EXPECT_EQ(again, 1);
  const ProcessResult nowhere = run({"dlq", "replay", *job, "--operator=fan"});
  EXPECT_EQ(nowhere.exit_status, 4) << nowhere.standard_error;
  EXPECT_THAT(
      nowhere.standard_error,
      HasSubstr("operator 'fan' is no source: its dead letters are its input as JSON, and no "
                "topic is theirs; --to names one"));
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("fixed"), 2));
  const std::string to = absl::StrCat("--to=", TopicName("fixed"));
  EXPECT_THAT(run({"dlq", "replay", *job, "--operator=fan", to, "--limit=4"}).standard_output,
              HasSubstr("4 dead letters"));
  EXPECT_THAT(run({"dlq", "replay", *job, "--operator=fan", to}).standard_output,
              HasSubstr("6 dead letters"));
  const auto fixed = cluster().ConsumeAll(TopicName("fixed"), options);
  WEIR_ASSERT_OK(fixed);
  EXPECT_EQ(fixed->size(), 10u);
}

TEST_F(DeadLetterTest, BooksOfSkippedRecordsBalance) {
  Produce(0, 100);
  ProduceBad(0, "no JSON");
  const auto job = weir().Submit(Copy({"--on-error=skip"}));
  WEIR_ASSERT_OK(job);
  std::map<std::string, proto::OperatorCounts> counts;
  EXPECT_TRUE(AwaitTrue([&] {
    const auto details = Describe(*job);
    if (!details.ok() || details->tasks_size() != 1) return false;
    for (const auto& one : details->tasks(0).operators()) counts[one.name()] = one;
    return counts["copies"].records_out() == 90;
  }));
  EXPECT_EQ(counts["numbers"].records_in(), 101u);
  EXPECT_EQ(counts["numbers"].records_out(), 100u);
  EXPECT_EQ(counts["numbers"].skipped(), 1u);
  EXPECT_EQ(counts["fan"].records_in(), 100u);
  EXPECT_EQ(counts["fan"].records_out(), 90u);
  EXPECT_EQ(counts["fan"].skipped(), 10u);
  const auto table = weir().Cli({"describe", *job});
  WEIR_ASSERT_OK(table);
  EXPECT_THAT(table->standard_output, AllOf(HasSubstr("DEAD-LETTERED"), HasSubstr("SKIPPED")));
}

TEST_F(DeadLetterTest, AJobWithoutThemSaysSo) {
  const auto job = weir().Submit(RecordCopy({}));
  WEIR_ASSERT_OK(job);
  const auto list = weir().Cli({"dlq", "list", *job});
  WEIR_ASSERT_OK(list);
  EXPECT_EQ(list->exit_status, 4);
  EXPECT_EQ(list->standard_error, "weir: no operator of the job sends records to dead letters\n");
}

TEST_F(DeadLetterTest, BudgetThatIsUsedUpFailsTheJob) {
  Produce(0, 100);
  WeirJob job = Copy({"--on-error=skip", "--budget=4"});
  job.options["restart.strategy"] = "none";
  auto arguments = WeirCluster::SubmitArguments(job);
  arguments.insert(arguments.begin() + 1, "--no-wait");
  WEIR_ASSERT_OK(weir().Cli(arguments));
  ASSERT_TRUE(AwaitTrue([&] { return StateOf("record-copy") == "FAILED"; }));
  const auto details = Describe("record-copy");
  WEIR_ASSERT_OK(details);
  EXPECT_THAT(
      details->summary().reason(),
      AllOf(HasSubstr("operator 'fan' failed at topic"), HasSubstr("offset"),
            HasSubstr(": its error budget of 4 records per minute is used up; the last: a user "
                      "function threw: this one")));
}

}  // namespace
}  // namespace weir
