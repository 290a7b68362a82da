#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/exec/mutex.h"
#include "tests/support/kafka/committed_topic_reader.h"
#include "tests/support/kafka/topic_client.h"

namespace weir {

/// A flight of examples/data.
struct TestFlight {
  int64_t id = 0;
  std::string date;
  int64_t delay = 0;
  int64_t distance = 0;
  std::string origin;
  std::string destination;

  std::string Json() const;
};

/// All flights of a zstd-compressed file as those in examples/data, with ids from 1.
absl::Status ForEachFlight(const std::string& file,
                           const std::function<void(const TestFlight&)>& visit);
/// The committed slice of 200,000 flights.
std::string FileOfSomeFlights();
/// The first `count` flights of it.
absl::StatusOr<std::vector<TestFlight>> LoadFlights(size_t count);

/// Writes flights into a topic at a steady rate, on a thread of its own, from Start to Finish.
class FlightFeeder {
 public:
  static absl::StatusOr<std::unique_ptr<FlightFeeder>> Start(const std::string& bootstrap_servers,
                                                             const std::string& topic);
  ~FlightFeeder();

  /// The last id that is acknowledged.
  int64_t fed() const;
  /// Ends the stream; returns every flight of it, all acknowledged.
  absl::StatusOr<std::vector<TestFlight>> Finish();

 private:
  FlightFeeder() = default;
  void Run();

  std::vector<TestFlight> flights_;
  std::unique_ptr<TopicClient> client_;
  std::string topic_;
  mutable Mutex mutex_;
  size_t fed_ WEIR_GUARDED_BY(mutex_) = 0;
  bool finishing_ WEIR_GUARDED_BY(mutex_) = false;
  absl::Status status_ WEIR_GUARDED_BY(mutex_);
  std::thread thread_;
};

/// What came out, compared with what the job must write.
struct FlightReport {
  size_t expected = 0;
  size_t lost = 0;
  size_t wrong = 0;
  size_t duplicates = 0;
  std::string example;  // of a lost or wrong record
};

/// Reads delayed flights from all partitions of a topic while they come, on a thread of its own.
class DelayedFlightReader {
 public:
  static absl::StatusOr<std::unique_ptr<DelayedFlightReader>> Start(
      const std::string& bootstrap_servers, const std::string& topic, int partitions);

  /// The largest id that has come, 0 before the first.
  int64_t largest_id() const;
  /// Against an oracle that shares nothing with the job: keys, values and ids.
  FlightReport Compare(const std::vector<TestFlight>& fed) const;

 private:
  DelayedFlightReader() = default;
  void Take(const CommittedTopicReader::Record& record);

  mutable Mutex mutex_;
  /// "key TAB value" with its keys sorted, and how often it came, by id (0: no id).
  std::map<int64_t, std::map<std::string, size_t>> records_ WEIR_GUARDED_BY(mutex_);
  std::unique_ptr<CommittedTopicReader> reader_;  // goes first: it calls here
};

}  // namespace weir
