// Windows over the flights, on the real cluster, while workers die: examples/airport_delays
// (sliding windows) and examples/co_visits (a window between two shuffles, map state, top-N).

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

#include "tests/e2e/co_visits_oracle.h"
#include "tests/e2e/keyed_job.h"
#include "tests/e2e/late_routes_oracle.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

constexpr size_t kFlights = 60'000;  // of almost four days

/// What examples/airport_delays has to say: a loop over the flights for each hour they count in.
std::vector<std::string> AirportDelaysOf(const std::vector<TestFlight>& flights) {
  struct Sums {
    int64_t flights = 0;
    int64_t delayed = 0;
    int64_t minutes = 0;
    int64_t worst = INT64_MIN;
  };
  std::map<std::pair<std::string, int64_t>, Sums> windows;  // by the hour they end with
  for (const TestFlight& flight : flights) {
    const int64_t hour = absl::ToUnixSeconds(DateOf(flight)) / 3600;
    for (int64_t until = hour + 1; until <= hour + 3; ++until) {
      Sums& sums = windows[{flight.origin, until}];
      ++sums.flights;
      sums.delayed += flight.delay >= 15 ? 1 : 0;
      sums.minutes += flight.delay;
      sums.worst = std::max(sums.worst, flight.delay);
    }
  }
  std::vector<std::string> lines;
  for (const auto& [key, sums] : windows) {
    const double mean = static_cast<double>(sums.minutes) / static_cast<double>(sums.flights);
    lines.push_back(absl::StrCat(key.first, " ", key.second, " ", sums.flights, " ", sums.delayed,
                                 " ", absl::StrFormat("%.6f", mean), " ", sums.worst));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

class WindowedStreamTest : public KeyedJobTest {
 protected:
  void StartAirportDelays(bool rocks) {
    StartWith(kFlights);
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("late"), kPartitions));
    WeirJob job = JobOf("airport_delays");
    job.arguments.push_back(absl::StrCat("--late-output=", TopicName("late")));
    Submit(rocks ? OnRocksDb(job) : job);
  }

  void FeedWhileWorkersDie() {
    for (int which = 0; which < 3; ++which) {
      Feed(10);
      KillWorker(which);
    }
    FeedAll();
    FeedEnd();
  }

  /// Each window once, nothing else, nothing late.
  void ExpectAirportDelays() {
    const std::vector<std::string> expected = AirportDelaysOf(flights_);
    ASSERT_GT(expected.size(), 10'000u);
    AwaitOutput(expected.size());
    StopJob();
    std::vector<std::string> lines;
    for (const auto& [key, value] : Output(absl::Seconds(2))) {
      const nlohmann::json row = nlohmann::json::parse(value);
      EXPECT_EQ(row["airport"], key);
      absl::Time until;
      std::string error;
      ASSERT_TRUE(
          absl::ParseTime("%Y-%m-%d %H:%M:%S", row["until"].get<std::string>(), &until, &error))
          << error << ": " << value;
      lines.push_back(absl::StrCat(key, " ", absl::ToUnixSeconds(until) / 3600, " ",
                                   row["flights"].get<int64_t>(), " ",
                                   row["delayed"].get<int64_t>(), " ",
                                   absl::StrFormat("%.6f", row["mean_minutes"].get<double>()), " ",
                                   row["worst_minutes"].get<int64_t>()));
    }
    std::sort(lines.begin(), lines.end());
    EXPECT_THAT(lines, ElementsAreArray(expected));
    EXPECT_THAT(cluster().ConsumeAll(TopicName("late"), {}).value(), IsEmpty());
  }

  /// Each record of each place, in order, and no others.
  void ExpectRecommendations(const CoVisitsOracle& oracle,
                             absl::Duration patience = absl::Seconds(60)) {
    ASSERT_GT(oracle.places(), 100u);
    EXPECT_TRUE(AwaitTrue(
        [&] { return Output(absl::Seconds(2), oracle.records()).size() >= oracle.records(); },
        patience));
    StopJob();
    std::map<std::string, std::vector<std::string>> places;
    for (const auto& [place, value] : Output(absl::Seconds(2))) {
      const nlohmann::json row = nlohmann::json::parse(value);
      EXPECT_EQ(row["place"].get<std::string>(), place);
      places[place].push_back(row["others"].get<std::string>());
    }
    EXPECT_EQ(places.size(), oracle.places());
    for (const auto& [place, texts] : places) EXPECT_EQ(oracle.Check(place, texts), "");
  }
  CoVisitsOracle OracleOfFlights() const {
    CoVisitsOracle oracle;
    for (const TestFlight& flight : flights_) oracle.Add(flight);
    oracle.Count();
    return oracle;
  }
};

TEST_F(WindowedStreamTest, SlidingWindowsSayWhatTheFlightsSay) {
  StartAirportDelays(/*rocks=*/false);
  FeedWhileWorkersDie();
  ExpectAirportDelays();
}

TEST_F(WindowedStreamTest, SlidingWindowsWithTheirStateInRocksDb) {
  StartAirportDelays(/*rocks=*/true);
  FeedWhileWorkersDie();
  ExpectAirportDelays();
}

TEST_F(WindowedStreamTest, AWindowBetweenTwoShuffles) {
  StartWith(kFlights);
  Submit(JobOf("co_visits"));
  FeedWhileWorkersDie();
  ExpectRecommendations(OracleOfFlights());
}

TEST_F(WindowedStreamTest, AWindowBetweenTwoShufflesWithItsStateInRocksDb) {
  StartWith(kFlights);
  // The rows of a window are one value, read and written as a whole where memory cannot hold it.
  Submit(OnRocksDb(JobOf("co_visits"), "8mb"));
  FeedWhileWorkersDie();
  ExpectRecommendations(OracleOfFlights());
}

/// The flights of half a year, where they are; else those that lie in the repository. Nothing where
/// they have to be there (WEIR_REQUIRE_FLIGHTS=1) and are not, or are not where it is said.
std::string FileOfFlights() {
  const char* file = std::getenv("WEIR_FLIGHTS_FULL");
  const char* required = std::getenv("WEIR_REQUIRE_FLIGHTS");
  if (file != nullptr) return std::filesystem::is_regular_file(file) ? file : "";
  return required != nullptr && std::string(required) == "1" ? "" : FileOfSomeFlights();
}

// Three million of them, with the state in RocksDB. A worker dies in the middle. The last record of
// each place has all its counts, so that each pair of each day is seen.
TEST_F(WindowedStreamTest, HalfAYearThroughTwoShufflesAndAWindow) {
  const std::string file = FileOfFlights();
  ASSERT_NE(file, "") << "WEIR_FLIGHTS_FULL names no file (WEIR_REQUIRE_FLIGHTS=1 makes this a "
                         "failure)";
  const bool all = file != FileOfSomeFlights();
  StartWith(0);
  constexpr size_t kMoreThanThereArePlaces = 1000;
  WeirJob job = OnRocksDb(JobOf("co_visits"), "8mb");
  job.arguments.push_back(absl::StrCat("--top=", kMoreThanThereArePlaces));
  Submit(job);
  CoVisitsOracle oracle(kMoreThanThereArePlaces);
  std::vector<KafkaTestRecord> records;
  int64_t fed = 0;
  const auto flush = [&] {
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
    records.clear();
  };
  const absl::Status read = ForEachFlight(file, [&](const TestFlight& flight) {
    oracle.Add(flight);
    KafkaTestRecord& record = records.emplace_back();
    record.key = absl::StrCat(flight.origin, "-", flight.destination);
    record.value = flight.Json();
    if (records.size() == 20'000) flush();
    if (++fed == (all ? 1'500'000 : 100'000)) KillWorker(1);
  });
  WEIR_ASSERT_OK(read);
  flush();
  oracle.Count();
  ASSERT_GE(fed, all ? 2'900'000 : 200'000);
  RecordProperty("flights", static_cast<int>(fed));
  FeedEnd();
  ExpectRecommendations(oracle, absl::Seconds(240));
}

}  // namespace
}  // namespace weir
