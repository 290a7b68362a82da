#include "tests/e2e/flight_stream.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

constexpr size_t kFlightsMax = 60'000;
constexpr size_t kBatch = 40;
constexpr absl::Duration kBatchInterval = absl::Milliseconds(20);

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

absl::Status ForEachFlight(const std::string& file,
                           const std::function<void(const TestFlight&)>& visit) {
  const std::unique_ptr<FILE, int (*)(FILE*)> lines(
      popen(absl::StrCat("zstd -dcq '", file, "'").c_str(), "r"), &pclose);
  if (lines == nullptr) return absl::UnavailableError("zstd cannot be started");
  std::array<char, 512> line{};
  TestFlight flight;
  for (bool header = true; fgets(line.data(), line.size(), lines.get()) != nullptr;) {
    if (std::exchange(header, false)) continue;
    const std::vector<absl::string_view> fields =
        absl::StrSplit(absl::StripTrailingAsciiWhitespace(line.data()), ',');
    if (fields.size() != 5 || !absl::SimpleAtoi(fields[1], &flight.delay) ||
        !absl::SimpleAtoi(fields[2], &flight.distance)) {
      return absl::DataLossError(absl::StrCat("not a flight: ", line.data()));
    }
    ++flight.id;
    flight.date = std::string(fields[0]);
    flight.origin = std::string(fields[3]);
    flight.destination = std::string(fields[4]);
    visit(flight);
  }
  return flight.id > 0 ? absl::OkStatus() : absl::NotFoundError(absl::StrCat(file, " is empty"));
}

std::string FileOfSomeFlights() {
  const char* source = std::getenv("WEIR_SOURCE_DIR");
  return absl::StrCat(source == nullptr ? "." : source,
                      "/examples/data/us-flights-2001-200k.csv.zst");
}

absl::StatusOr<std::vector<TestFlight>> LoadFlights(size_t count) {
  const std::string file = FileOfSomeFlights();
  std::vector<TestFlight> flights;
  WEIR_RETURN_IF_ERROR(ForEachFlight(file, [&](const TestFlight& flight) {
    if (flights.size() < count) flights.push_back(flight);
  }));
  if (flights.size() == count) return flights;
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
  std::unique_ptr<DelayedFlightReader> reader(new DelayedFlightReader);
  WEIR_ASSIGN_OR_RETURN(
      reader->reader_,
      CommittedTopicReader::Start(bootstrap_servers, topic, partitions,
                                  [raw = reader.get()](const auto& record) { raw->Take(record); }));
  return reader;
}

void DelayedFlightReader::Take(const CommittedTopicReader::Record& record) {
  const nlohmann::json json =
      nlohmann::json::parse(record.value.begin(), record.value.end(), nullptr, false);
  const bool known = json.is_object() && json.contains("id") && json["id"].is_number_integer();
  const int64_t id = known ? json["id"].get<int64_t>() : 0;
  MutexLock lock(mutex_);
  ++records_[id][json.is_discarded() ? std::string(record.value) : Record(record.key, json)];
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
