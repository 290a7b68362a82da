// The smallest job: the values of one topic, as strings, to another. Read back by Java's consumer.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

class KafkaToKafkaTest : public ClusterTest {
 protected:
  void CreateTopics() {
    for (const char* suffix : {"input", "output"}) {
      WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(suffix), 1));
    }
  }

  static std::vector<std::string> Strings() {
    std::vector<std::string> strings = {"",
                                        " ",
                                        "plain",
                                        "two\nlines",
                                        "tab\there",
                                        "{\"a\":1}",
                                        "\xc3\xa9t\xc3\xa9",
                                        "\xe6\xbc\xa2\xe5\xad\x97",
                                        "\xf0\x9f\x8c\x8a",
                                        std::string(20'000, 'x')};
    for (int i = 0; i < 500; ++i) strings.push_back(absl::StrCat("string ", i));
    return strings;
  }

  void Produce(const std::vector<std::string>& values) {
    std::vector<KafkaTestRecord> records;
    for (const std::string& value : values) {
      KafkaTestRecord record;
      record.value = value;
      records.push_back(std::move(record));
    }
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
  }

  std::vector<std::string> Output(size_t count) {
    KafkaReadOptions options;
    options.count = static_cast<int64_t>(count);
    options.quiet = absl::Seconds(count == 0 ? 5 : 20);
    const auto records = cluster().ConsumeAll(TopicName("output"), options);
    EXPECT_TRUE(records.ok()) << records.status();
    std::vector<std::string> values;
    if (!records.ok()) return values;
    for (const KafkaTestRecord& record : *records) {
      EXPECT_FALSE(record.key.has_value());
      values.push_back(record.value.value_or("(no value)"));
    }
    return values;
  }

  int64_t OutputEnd() {
    const auto ends = cluster().EndOffsets(TopicName("output"));
    return ends.ok() && ends->count(0) > 0 ? ends->at(0) : -1;
  }
};

TEST_F(KafkaToKafkaTest, StringsInAreStringsOut) {
  CreateTopics();
  StartCluster();
  const std::vector<std::string> strings = Strings();
  Produce({strings.begin(), strings.begin() + 200});
  const absl::StatusOr<std::string> job = weir().Submit(KafkaToKafka());
  WEIR_ASSERT_OK(job);
  Produce({strings.begin() + 200, strings.end()});
  EXPECT_THAT(Output(strings.size()), ElementsAreArray(strings));
  const absl::StatusOr<proto::JobDetails> details = Describe(*job);
  WEIR_ASSERT_OK(details);
  EXPECT_EQ(details->tasks_size(), 1);  // source and sink are one chain
  WEIR_ASSERT_OK(weir().client().CancelJob(*job));
  EXPECT_TRUE(AwaitState(*job, "CANCELED"));
  EXPECT_EQ(Output(0).size(), strings.size());  // to the end: nothing comes twice
}

// The whole cluster in one process; the first signal stops the sources and the job finishes.
TEST_F(KafkaToKafkaTest, RunsInOneProcessUntilItIsStopped) {
  CreateTopics();
  const std::vector<std::string> strings = Strings();
  Produce(strings);
  ChildProcessOptions options;
  options.argv = {WeirProgram("kafka_to_kafka"), "run", "--checkpoint.interval=100ms", "--"};
  for (const std::string& argument : JobArguments()) options.argv.push_back(argument);
  auto process = ChildProcess::Start(options);
  WEIR_ASSERT_OK(process);
  EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= static_cast<int64_t>(strings.size()); }))
      << (*process)->StandardError();
  WEIR_ASSERT_OK((*process)->Kill(SIGTERM));
  const absl::StatusOr<int> exit_status = (*process)->Wait(absl::Seconds(20));
  EXPECT_EQ(exit_status.value_or(-1), 0) << (*process)->StandardError();
  EXPECT_THAT((*process)->StandardError(), HasSubstr("kafka-to-kafka is FINISHED"));
  EXPECT_THAT(Output(strings.size()), ElementsAreArray(strings));
}

TEST_F(KafkaToKafkaTest, PlanNeedsNoBroker) {
  const auto plan = [](const std::string& format) {
    ChildProcessOptions options;
    options.argv = {WeirProgram("kafka_to_kafka"), "plan", absl::StrCat("--format=", format)};
    const auto result = ChildProcess::RunToEnd(options, absl::Seconds(20));
    EXPECT_TRUE(result.ok() && result->exit_status == 0)
        << (result.ok() ? result->standard_error : result.status().ToString());
    return result.ok() ? result->standard_output : "";
  };
  EXPECT_THAT(plan("text"), HasSubstr("kafka-to-kafka"));
  EXPECT_THAT(plan("dot"), testing::AllOf(HasSubstr("digraph"), HasSubstr("input")));
  const nlohmann::json json = nlohmann::json::parse(plan("json"), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json.value("job_name", ""), "kafka-to-kafka") << json;
  EXPECT_EQ(json.value("vertices", nlohmann::json::array()).size(), 1u) << json;
}

}  // namespace
}  // namespace weir
