#include "tests/support/kafka/kafka_cluster.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "tests/support/process/child_process.h"

namespace weir {
namespace {

constexpr absl::Duration kScriptTimeout = absl::Seconds(90);
constexpr absl::Duration kToolTimeout = absl::Minutes(4);
constexpr absl::Duration kKillTimeout = absl::Seconds(10);
// As kafka_server.sh has it.
constexpr int kMaxReplicas = 3;
// What the console consumer puts between the fields and behind a record: bytes no test writes.
constexpr char kFieldSeparator[] = "\x1f";
constexpr char kRecordSeparator[] = "\x1e\n";
constexpr char kNull[] = "\x1d";
constexpr char kHeaderSeparator[] = "\x1c";

std::string Script(const std::string& name) {
  const char* source = std::getenv("WEIR_SOURCE_DIR");
  return absl::StrCat(source == nullptr ? "." : source, "/tests/support/kafka/", name);
}

absl::StatusOr<std::string> RunScript(std::vector<std::string> argv, absl::Duration timeout) {
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  ChildProcessOptions options;
  options.argv = std::move(argv);
  WEIR_ASSIGN_OR_RETURN(ProcessResult result, ChildProcess::RunToEnd(std::move(options), timeout));
  if (result.exit_status != 0) {
    return absl::UnavailableError(absl::StrCat(name, " failed with exit status ",
                                               result.exit_status, ": ", result.standard_error));
  }
  return std::move(result.standard_output);
}

absl::Status SignalProcess(pid_t pid, int signal) {
  if (kill(pid, signal) == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("there is no process ", pid));
}

/// "CreateTime:1" -> 1 for the prefix "CreateTime:".
bool ParseLabelled(absl::string_view field, absl::string_view label, int64_t& value) {
  return absl::ConsumePrefix(&field, label) && absl::SimpleAtoi(field, &value);
}

std::optional<std::string> ParseBytes(absl::string_view field) {
  if (field == kNull) return std::nullopt;
  return std::string(field);
}

absl::StatusOr<KafkaTestRecord> ParseConsoleRecord(absl::string_view text) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, kFieldSeparator);
  KafkaTestRecord record;
  int64_t partition = 0;
  int64_t timestamp_ms = 0;
  const size_t headers = fields.size() == 6 ? 1 : 0;
  if (fields.size() != 5 + headers || !ParseLabelled(fields[0], "CreateTime:", timestamp_ms) ||
      !ParseLabelled(fields[1], "Partition:", partition) ||
      !ParseLabelled(fields[2], "Offset:", record.offset)) {
    return absl::InternalError(absl::StrCat("not a record of Java's console consumer: ", text));
  }
  record.timestamp_ms = timestamp_ms;
  record.partition = static_cast<int32_t>(partition);
  record.key = ParseBytes(fields[3 + headers]);
  record.value = ParseBytes(fields[4 + headers]);
  if (headers == 0 || fields[3] == "NO_HEADERS") return record;
  for (absl::string_view header : absl::StrSplit(fields[3], kHeaderSeparator)) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(header, absl::MaxSplits(':', 1));
    record.headers.insert(parts);
  }
  return record;
}

}  // namespace

bool KafkaIsFetched() {
  ChildProcessOptions options;
  options.argv = {"bash", "-c", "source \"$0\" && kafka_is_fetched", Script("kafka_env.sh")};
  absl::StatusOr<ProcessResult> result =
      ChildProcess::RunToEnd(std::move(options), absl::Seconds(10));
  return result.ok() && result->exit_status == 0;
}

absl::StatusOr<std::unique_ptr<KafkaCluster>> KafkaCluster::Start(
    const KafkaClusterOptions& options) {
  std::string folder = (std::filesystem::temp_directory_path() / "weir-kafka-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::InternalError(absl::StrCat("cannot create the folder ", folder));
  }
  std::unique_ptr<KafkaCluster> cluster(new KafkaCluster(folder, options));
  std::vector<std::string> argv = cluster->ServerCommand("start");
  for (const std::string& argument :
       {std::string("--brokers"), absl::StrCat(options.brokers), std::string("--host"),
        options.host, std::string("--parent-pid"), absl::StrCat(getpid())}) {
    argv.push_back(argument);
  }
  for (const auto& [name, value] : options.broker_config) {
    argv.push_back("--broker-config");
    argv.push_back(absl::StrCat(name, "=", value));
  }
  WEIR_ASSIGN_OR_RETURN(std::string output, RunScript(std::move(argv), kScriptTimeout));
  absl::string_view bootstrap = absl::StripAsciiWhitespace(output);
  if (!absl::ConsumePrefix(&bootstrap, "bootstrap=")) {
    return absl::InternalError(absl::StrCat("kafka_server.sh start printed: ", output));
  }
  cluster->bootstrap_servers_ = std::string(bootstrap);
  WEIR_ASSIGN_OR_RETURN(cluster->client_, TopicClient::Connect(cluster->bootstrap_servers_));
  return cluster;
}

std::vector<std::string> KafkaCluster::ServerCommand(const std::string& verb) const {
  std::vector<std::string> argv = command_prefix_;
  for (const std::string& argument :
       {Script("kafka_server.sh"), verb, std::string("--dir"), folder_}) {
    argv.push_back(argument);
  }
  return argv;
}

KafkaCluster::~KafkaCluster() {
  client_.reset();
  const absl::StatusOr<std::string> stopped = RunScript(ServerCommand("stop"), kScriptTimeout);
  std::error_code ignored;
  if (!keep_files_ && stopped.ok()) std::filesystem::remove_all(folder_, ignored);
}

absl::Status KafkaCluster::CreateTopic(const std::string& topic, int partitions) {
  return client_->CreateTopic(topic, partitions, std::min(brokers_, kMaxReplicas));
}

absl::Status KafkaCluster::Produce(const std::string& topic,
                                   const std::vector<KafkaTestRecord>& records) {
  return client_->Produce(topic, records);
}

absl::Status KafkaCluster::DeleteRecordsBefore(const std::string& topic, int32_t partition,
                                               int64_t offset) {
  return client_->DeleteRecordsBefore(topic, partition, offset);
}

absl::StatusOr<std::map<int32_t, int64_t>> KafkaCluster::EndOffsets(const std::string& topic) {
  return client_->EndOffsets(topic);
}

absl::StatusOr<std::vector<KafkaTestRecord>> KafkaCluster::ConsumeAll(
    const std::string& topic, const KafkaReadOptions& options) {
  std::vector<std::string> arguments = {
      "--topic",
      topic,
      "--from-beginning",
      "--isolation-level",
      options.isolation == KafkaIsolation::kReadCommitted ? "read_committed" : "read_uncommitted",
      "--timeout-ms",
      absl::StrCat(absl::ToInt64Milliseconds(options.quiet))};
  if (options.count > 0) {
    arguments.push_back("--max-messages");
    arguments.push_back(absl::StrCat(options.count));
  }
  const std::vector<std::string> properties = {
      "print.key=true",
      "print.partition=true",
      "print.offset=true",
      "print.timestamp=true",
      absl::StrCat("print.headers=", options.headers ? "true" : "false"),
      absl::StrCat("headers.separator=", kHeaderSeparator),
      absl::StrCat("key.separator=", kFieldSeparator),
      absl::StrCat("line.separator=", kRecordSeparator),
      absl::StrCat("null.literal=", kNull)};
  for (const std::string& property : properties) {
    arguments.push_back("--property");
    arguments.push_back(property);
  }
  WEIR_ASSIGN_OR_RETURN(std::string output, RunTool("console-consumer", arguments));
  std::vector<KafkaTestRecord> records;
  for (absl::string_view text : absl::StrSplit(output, kRecordSeparator, absl::SkipEmpty())) {
    WEIR_ASSIGN_OR_RETURN(KafkaTestRecord record, ParseConsoleRecord(text));
    records.push_back(std::move(record));
  }
  return records;
}

absl::StatusOr<std::string> KafkaCluster::RunTool(const std::string& tool,
                                                  const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {Script("kafka_tool.sh"), tool, "--bootstrap-server",
                                   bootstrap_servers_};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return RunScript(std::move(argv), kToolTimeout);
}

absl::StatusOr<pid_t> KafkaCluster::PidOfBroker(int broker) const {
  std::ifstream file(absl::StrCat(folder_, "/broker-", broker, "/pid"));
  pid_t pid = 0;
  if (!(file >> pid) || pid <= 0) {
    return absl::NotFoundError(absl::StrCat("there is no broker ", broker, " in ", folder_));
  }
  return pid;
}

absl::Status KafkaCluster::KillBroker(int broker) {
  WEIR_ASSIGN_OR_RETURN(const pid_t pid, PidOfBroker(broker));
  return KillAndAwaitEnd(pid, kKillTimeout);
}

absl::Status KafkaCluster::FreezeBroker(int broker) {
  WEIR_ASSIGN_OR_RETURN(const pid_t pid, PidOfBroker(broker));
  return SignalProcess(pid, SIGSTOP);
}

absl::Status KafkaCluster::ContinueBroker(int broker) {
  WEIR_ASSIGN_OR_RETURN(const pid_t pid, PidOfBroker(broker));
  return SignalProcess(pid, SIGCONT);
}

absl::Status KafkaCluster::RestartBroker(int broker) {
  std::vector<std::string> argv = ServerCommand("restart-broker");
  argv.push_back("--broker");
  argv.push_back(absl::StrCat(broker));
  return RunScript(std::move(argv), kScriptTimeout).status();
}

}  // namespace weir
