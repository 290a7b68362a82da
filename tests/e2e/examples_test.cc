// Every example is submitted in each of the three ways: with the CLI, by its own binary, and by the
// Python client.

#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/cluster_test.h"
#include "tests/e2e/python_client.h"
#include "tests/support/process/child_process.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::ElementsAreArray;

constexpr absl::Duration kTimeout = absl::Seconds(60);

struct Example {
  std::string program;
  std::string output_option = "output";
  std::vector<std::string> more_topics;  // "--late-output" of a topic of its own, and so on
  std::vector<std::string> input;
  std::vector<std::string> output;
};

std::ostream& operator<<(std::ostream& out, const Example& example) {
  return out << example.program;
}

std::string FlightOf(int id, const std::string& date, int delay, const std::string& origin,
                     const std::string& destination) {
  return absl::StrCat("{\"id\":", id, ",\"date\":\"", date, "\",\"delay\":", delay,
                      ",\"origin\":\"", origin, "\",\"destination\":\"", destination, "\"}");
}

std::vector<Example> Examples() {
  Example strings;
  strings.program = "kafka_to_kafka";
  strings.input = strings.output = {"one", "two"};
  Example flights;
  flights.program = "flight_delays";
  flights.input = {R"({"id":1,"date":"2001-01-01 00:01","delay":14,"distance":599,)"
                   R"("origin":"SAN","destination":"SFO"})",
                   R"({"id":2,"date":"2001-01-01 00:05","delay":60,"distance":599,)"
                   R"("origin":"SFO","destination":"SAN"})"};
  flights.output = {R"({"id":2,"date":"2001-01-01 00:05","delay":60,"distance":599,)"
                    R"("origin":"SFO","destination":"SAN","delay_class":"major"})"};
  Example tags;
  tags.program = "page_tags";
  tags.output_option = "tags";
  tags.more_topics = {"direct"};
  tags.input = {R"({"id":1,"at":"2024-05-01 12:00:00.5","user":"u-7","tags":"news,sport",)"
                R"("referrer":null})"};
  tags.output = {R"({"tag":"news","page_view":1,"user":"u-7","at":"2024-05-01 12:00:00.5"})",
                 R"({"tag":"sport","page_view":1,"user":"u-7","at":"2024-05-01 12:00:00.5"})"};
  Example routes;
  routes.program = "late_routes";
  routes.input = {FlightOf(1, "2001-01-01 00:01:00", 20, "SAN", "SFO"),
                  FlightOf(2, "2001-01-01 08:30:00", 15, "SAN", "SFO"),
                  FlightOf(3, "2001-01-01 12:00:00", 90, "SAN", "SFO")};
  routes.output = {R"({"route":"SAN-SFO","flights":3,"last_flight":3})"};
  Example visits;
  visits.program = "co_visits";
  visits.input = {FlightOf(1, "2001-01-01 00:01:00", 0, "SAN", "SFO"),
                  FlightOf(2, "2001-01-01 08:30:00", 0, "SAN", "ORD"),
                  FlightOf(3, "2001-01-03 00:00:00", 0, "LAX", "ORD")};
  visits.output = {R"({"place":"ORD","others":"SFO 1"})", R"({"place":"SFO","others":"ORD 1"})"};
  Example airports;
  airports.program = "airport_delays";
  airports.more_topics = {"late-output"};
  airports.input = {FlightOf(1, "2001-01-01 00:01:00", 20, "SAN", "SFO"),
                    FlightOf(2, "2001-01-03 00:00:00", 0, "LAX", "ORD")};
  for (const char* until : {"01:00:00", "02:00:00", "03:00:00"}) {
    airports.output.push_back(
        absl::StrCat(R"({"airport":"SAN","until":"2001-01-01 )", until,
                     R"(","flights":1,"delayed":1,"mean_minutes":20,"worst_minutes":20})"));
  }
  return {strings, flights, tags, routes, visits, airports};
}

enum class Way { kCli, kOwnBinary, kPython };
constexpr const char* kWays[] = {"cli", "own_binary", "python"};

std::ostream& operator<<(std::ostream& out, Way way) { return out << kWays[static_cast<int>(way)]; }

class ExamplesTest : public ClusterTest,
                     public testing::WithParamInterface<std::tuple<Example, Way>> {
 protected:
  const Example& example() const { return std::get<0>(GetParam()); }

  std::vector<std::string> Arguments() const {
    std::vector<std::string> arguments = {
        "--", absl::StrCat("--brokers=", cluster().bootstrap_servers()),
        absl::StrCat("--input=", TopicName("input")),
        absl::StrCat("--", example().output_option, "=", TopicName("output"))};
    for (const std::string& topic : example().more_topics) {
      arguments.push_back(absl::StrCat("--", topic, "=", TopicName(topic)));
    }
    return arguments;
  }

  /// The job's id.
  std::string Submit() {
    std::vector<std::string> argv;
    switch (std::get<1>(GetParam())) {
      case Way::kCli:
        argv = {WeirProgram("weir"), "submit", "-o", "json", WeirProgram(example().program)};
        break;
      case Way::kOwnBinary:
        argv = {WeirProgram(example().program), "submit", "-o", "json"};
        break;
      case Way::kPython:
        return SubmitWithPython();
    }
    argv.insert(argv.begin() + 2, {absl::StrCat("--jobmanager.addresses=", weir().addresses()),
                                   "--checkpoint.interval=200ms"});
    const nlohmann::json answer = Run(std::move(argv));
    EXPECT_EQ(answer.value("state", ""), "RUNNING");
    return answer.value("job_id", "");
  }

  // It stops the job after some checkpoints: then the few records have come out.
  std::string SubmitWithPython() {
    std::vector<std::string> argv = PythonClientCommand();
    for (const std::string& argument :
         {absl::StrCat("--address=", weir().addresses()), std::string("--checkpoints=5"),
          std::string("--checkpoint-interval=200ms"), WeirProgram(example().program)}) {
      argv.push_back(argument);
    }
    const nlohmann::json answer = Run(std::move(argv));
    EXPECT_EQ(answer.value("state", ""), "FINISHED");
    return answer.value("job", "");
  }

  nlohmann::json Run(std::vector<std::string> argv) const {
    ChildProcessOptions options;
    options.argv = std::move(argv);
    const std::vector<std::string> arguments = Arguments();
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    const auto result = ChildProcess::RunToEnd(std::move(options), kTimeout);
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) return nlohmann::json::object();
    EXPECT_EQ(result->exit_status, 0) << result->standard_error;
    nlohmann::json answer = nlohmann::json::parse(result->standard_output, nullptr, false);
    EXPECT_TRUE(answer.is_object()) << result->standard_output;
    return answer.is_object() ? answer : nlohmann::json::object();
  }
};

TEST_P(ExamplesTest, IsSubmittedAndReadsAndWrites) {
  if (std::get<1>(GetParam()) == Way::kPython) {
    if (const std::string why = MissingPythonClient(); !why.empty()) {
      ASSERT_FALSE(IsPythonClientRequired()) << why;
      GTEST_SKIP() << why;
    }
  }
  std::vector<std::string> topics = {"input", "output"};
  topics.insert(topics.end(), example().more_topics.begin(), example().more_topics.end());
  for (const std::string& topic : topics) {
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(topic), 1));
  }
  std::vector<KafkaTestRecord> records;
  for (const std::string& value : example().input) {
    KafkaTestRecord record;
    record.value = value;
    records.push_back(std::move(record));
  }
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
  StartCluster();
  ASSERT_FALSE(HasFatalFailure());

  const std::string job = Submit();
  ASSERT_FALSE(HasFailure());
  EXPECT_THAT(OutputValues(example().output.size()), ElementsAreArray(example().output));
  proto::StopJobRequest stop;
  stop.set_job(job);
  if (StateOf(job) == "RUNNING") WEIR_ASSERT_OK(weir().client().StopJob(stop));
  EXPECT_TRUE(AwaitState(job, "FINISHED"));
}

std::string NameOf(const testing::TestParamInfo<ExamplesTest::ParamType>& info) {
  return absl::StrCat(std::get<0>(info.param).program, "_by_",
                      kWays[static_cast<int>(std::get<1>(info.param))]);
}

INSTANTIATE_TEST_SUITE_P(Each, ExamplesTest,
                         testing::Combine(testing::ValuesIn(Examples()),
                                          testing::Values(Way::kCli, Way::kOwnBinary,
                                                          Way::kPython)),
                         NameOf);

}  // namespace
}  // namespace weir
