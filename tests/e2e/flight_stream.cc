#include "tests/e2e/flight_stream.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include "tests/support/process/child_process.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

constexpr size_t kFlightsMax = 60'000;
constexpr size_t kBatch = 40;
constexpr absl::Duration kBatchInterval = absl::Milliseconds(20);
constexpr int kPollMs = 20;

/// A line of the oracle and of the reader. nlohmann::json sorts the keys.
std::string Record(absl::string_view key, const nlohmann::json& value) {
  return absl::StrCat(key, "\t",
                      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

const char* DelayClassOf(int64_t delay) {
  if (delay >= 180) return "severe";
  if (delay >= 60) return "major";
  return delay >= 30 ? "moderate" : "minor";
}

nlohmann::json AsJson(const TestFlight& flight) {
  return {{"id", flight.id},         {"date", flight.date},
          {"delay", flight.delay},   {"distance", flight.distance},
          {"origin", flight.origin}, {"destination", flight.destination}};
}

}  // namespace

std::string TestFlight::Json() const { return AsJson(*this).dump(); }

absl::StatusOr<std::vector<TestFlight>> LoadFlights(size_t count) {
  const char* source = std::getenv("WEIR_SOURCE_DIR");
  const std::string file =
      absl::StrCat(source == nullptr ? "." : source, "/examples/data/us-flights-2001-200k.csv.zst");
  ChildProcessOptions options;
  options.argv = {"zstd", "-dcq", file};
  WEIR_ASSIGN_OR_RETURN(const ProcessResult result,
                        ChildProcess::RunToEnd(std::move(options), absl::Seconds(30)));
  std::vector<TestFlight> flights;
  bool header = true;
  for (absl::string_view line : absl::StrSplit(result.standard_output, '\n', absl::SkipEmpty())) {
    if (std::exchange(header, false)) continue;
    if (flights.size() == count) return flights;
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    TestFlight flight;
    flight.id = static_cast<int64_t>(flights.size()) + 1;
    if (fields.size() != 5 || !absl::SimpleAtoi(fields[1], &flight.delay) ||
        !absl::SimpleAtoi(fields[2], &flight.distance)) {
      return absl::DataLossError(absl::StrCat("not a flight: ", line));
    }
    flight.date = fields[0];
    flight.origin = fields[3];
    flight.destination = fields[4];
    flights.push_back(std::move(flight));
  }
  return absl::NotFoundError(absl::StrCat(file, " has ", flights.size(), " flights only"));
}

absl::StatusOr<std::unique_ptr<FlightFeeder>> FlightFeeder::Start(
    const std::string& bootstrap_servers, const std::string& topic) {
  std::unique_ptr<FlightFeeder> feeder(new FlightFeeder);
  WEIR_ASSIGN_OR_RETURN(feeder->flights_, LoadFlights(kFlightsMax));
  WEIR_ASSIGN_OR_RETURN(feeder->client_, TopicClient::Connect(bootstrap_servers));
  feeder->topic_ = topic;
  feeder->thread_ = std::thread([raw = feeder.get()] { raw->Run(); });
  return feeder;
}

FlightFeeder::~FlightFeeder() {
  if (thread_.joinable()) Finish().IgnoreError();
}

int64_t FlightFeeder::fed() const {
  MutexLock lock(mutex_);
  return static_cast<int64_t>(fed_);
}

void FlightFeeder::Run() {
  size_t next = 0;
  while (true) {
    std::vector<KafkaTestRecord> batch;
    for (; batch.size() < kBatch && next < flights_.size(); ++next) {
      KafkaTestRecord record;
      record.key = flights_[next].origin;
      record.value = flights_[next].Json();
      batch.push_back(std::move(record));
    }
    const absl::Status produced = batch.empty()
                                      ? absl::ResourceExhaustedError("the test ran out of flights")
                                      : client_->Produce(topic_, batch);
    {
      MutexLock lock(mutex_);
      status_ = produced;
      if (produced.ok()) fed_ = next;
      if (!produced.ok() || finishing_) return;
    }
    absl::SleepFor(kBatchInterval);
  }
}

absl::StatusOr<std::vector<TestFlight>> FlightFeeder::Finish() {
  {
    MutexLock lock(mutex_);
    finishing_ = true;
  }
  thread_.join();
  MutexLock lock(mutex_);
  if (!status_.ok()) return status_;
  return std::vector<TestFlight>(flights_.begin(),
                                 flights_.begin() + static_cast<std::ptrdiff_t>(fed_));
}

absl::StatusOr<std::unique_ptr<DelayedFlightReader>> DelayedFlightReader::Start(
    const std::string& bootstrap_servers, const std::string& topic, int partitions) {
  std::array<char, 512> error{};
  rd_kafka_conf_t* configuration = rd_kafka_conf_new();
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"bootstrap.servers", bootstrap_servers},
                                          {"group.id", "weir-e2e-reader"},
                                          {"enable.auto.commit", "false"},
                                          {"isolation.level", "read_committed"},
                                          {"fetch.wait.max.ms", "50"}}) {
    rd_kafka_conf_set(configuration, name.c_str(), value.c_str(), error.data(), error.size());
  }
  std::unique_ptr<DelayedFlightReader> reader(new DelayedFlightReader);
  reader->consumer_ = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, error.data(), error.size());
  if (reader->consumer_ == nullptr) return absl::InternalError(error.data());
  rd_kafka_poll_set_consumer(reader->consumer_);
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int32_t partition = 0; partition < partitions; ++partition) {
    rd_kafka_topic_partition_list_add(all, topic.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(reader->consumer_, all);
  rd_kafka_topic_partition_list_destroy(all);
  reader->thread_ = std::thread([raw = reader.get()] { raw->Run(); });
  return reader;
}

DelayedFlightReader::~DelayedFlightReader() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  if (thread_.joinable()) thread_.join();
  if (consumer_ != nullptr) {
    rd_kafka_consumer_close(consumer_);
    rd_kafka_destroy(consumer_);
  }
}

void DelayedFlightReader::Run() {
  while (true) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_, kPollMs);
    MutexLock lock(mutex_);
    if (message != nullptr && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const absl::string_view key(static_cast<const char*>(message->key), message->key_len);
      const absl::string_view value(static_cast<const char*>(message->payload), message->len);
      const nlohmann::json json = nlohmann::json::parse(value.begin(), value.end(), nullptr, false);
      const bool known = json.is_object() && json.contains("id") && json["id"].is_number_integer();
      const int64_t id = known ? json["id"].get<int64_t>() : 0;
      ++records_[id][json.is_discarded() ? std::string(value) : Record(key, json)];
    }
    if (message != nullptr) rd_kafka_message_destroy(message);
    if (ending_) return;
  }
}

int64_t DelayedFlightReader::largest_id() const {
  MutexLock lock(mutex_);
  return records_.empty() ? 0 : records_.rbegin()->first;
}

FlightReport DelayedFlightReader::Compare(const std::vector<TestFlight>& fed) const {
  MutexLock lock(mutex_);
  FlightReport report;
  size_t right = 0;
  for (const TestFlight& flight : fed) {
    if (flight.delay < 15) continue;
    ++report.expected;
    nlohmann::json value = AsJson(flight);
    value["delay_class"] = DelayClassOf(flight.delay);
    const std::string expected = Record(flight.origin, value);
    const auto found = records_.find(flight.id);
    if (found == records_.end() || found->second.count(expected) == 0) {
      ++report.lost;
      report.example = absl::StrCat("lost: ", expected);
      continue;
    }
    right += found->second.at(expected);
  }
  size_t all = 0;
  for (const auto& [id, texts] : records_) {
    for (const auto& [text, count] : texts) all += count;
  }
  report.wrong = all - right;
  report.duplicates = right - (report.expected - report.lost);
  return report;
}

}  // namespace weir
