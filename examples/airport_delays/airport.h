#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "weir/weir.h"

/// A flight as it is in the input topic; see examples/flight_delays.
struct Flight {
  int64_t id = 0;
  weir::Timestamp date = {};  // scheduled departure
  int64_t delay = 0;          // minutes; negative: early
  std::string origin;
  std::string destination;
  WEIR_RECORD(Flight, id, date, delay, origin, destination)
};

/// For flights that come day by day, in any order within a day: a day is over with the first flight
/// of a later one.
class EndOfDay final : public weir::WatermarkGenerator<Flight> {
 public:
  void OnEvent(const Flight::View&, weir::Timestamp time, weir::WatermarkOutput& output) override {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    output.EmitWatermark(day - std::chrono::microseconds(1));
  }
};

/// How an airport's departures of the last hours were.
struct AirportDelays {
  std::string airport;
  weir::Timestamp until = {};  // the end of the window
  int64_t flights = 0;
  int64_t delayed = 0;  // 15 minutes or more
  double mean_minutes = 0;
  int64_t worst_minutes = 0;
  WEIR_RECORD(AirportDelays, airport, until, flights, delayed, mean_minutes, worst_minutes)
};

struct DelaySums {
  int64_t flights = 0;
  int64_t delayed = 0;
  int64_t minutes = 0;
  int64_t worst = INT64_MIN;
  WEIR_RECORD(DelaySums, flights, delayed, minutes, worst)
};

inline constexpr int64_t kDelayedFromMinutes = 15;

/// Counts and adds up.
class SumDelays final : public weir::AggregateFunction<Flight::View, DelaySums, DelaySums> {
 public:
  void Add(const Flight::View& flight, DelaySums& sums) const override {
    Merge({1, flight.delay >= kDelayedFromMinutes ? 1 : 0, flight.delay, flight.delay}, sums);
  }
  DelaySums GetResult(const DelaySums& sums) const override { return sums; }
  void Merge(const DelaySums& other, DelaySums& sums) const override {
    sums.flights += other.flights;
    sums.delayed += other.delayed;
    sums.minutes += other.minutes;
    sums.worst = std::max(sums.worst, other.worst);
  }
};

/// Puts the airport and the window to the sums.
class DescribeAirport final
    : public weir::ProcessWindowFunction<DelaySums, AirportDelays, std::string> {
 public:
  void Process(const std::string& airport, weir::WindowContext& context,
               std::span<const DelaySums> sums, weir::Collector<AirportDelays>& out) override {
    const DelaySums& all = sums.front();
    const double mean = static_cast<double>(all.minutes) / static_cast<double>(all.flights);
    out.Collect(
        AirportDelays{airport, context.Window().End(), all.flights, all.delayed, mean, all.worst});
  }
};

/// Flights that came more than a day too late for the statistics.
inline const weir::OutputTag<Flight>& LateFlights() {
  static const weir::OutputTag<Flight> tag("late-flights");
  return tag;
}

/// The last three hours of each airport, every hour; once more for each flight that comes up to a
/// day late.
inline weir::DataStream<AirportDelays> DelaysOf(const weir::DataStream<Flight>& flights) {
  return flights.KeyBy(&Flight::origin)
      .Window(weir::Sliding(std::chrono::hours(3), std::chrono::hours(1)))
      .AllowedLateness(std::chrono::hours(24))
      .SideOutputLateData(LateFlights())
      .Aggregate(SumDelays(), DescribeAirport())
      .Name("delays of airports")
      .Uid("delays");
}
