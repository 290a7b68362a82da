#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

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

/// Two places that one airport's passengers go to on the same day.
struct CoVisit {
  std::string place;
  std::string other;
  WEIR_RECORD(CoVisit, place, other)
};

/// Who goes to `place` also goes to these, the most often first: "ORD 31, ATL 27, ...".
struct Recommendation {
  std::string place;
  std::string others;
  WEIR_RECORD(Recommendation, place, others)
};

/// The pairs of an airport's destinations of one day, each in both directions.
class PairsOfDay final : public weir::ProcessWindowFunction<Flight, CoVisit, std::string> {
 public:
  void Process(const std::string&, weir::WindowContext&, std::span<const Flight> flights,
               weir::Collector<CoVisit>& out) override {
    std::vector<std::string> places;
    for (const Flight& flight : flights) places.push_back(flight.destination);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    for (const std::string& place : places) {
      for (const std::string& other : places) {
        if (place != other) out.Collect(CoVisit{place, other});
      }
    }
  }
};

/// Counts the other places of each place, and says which come most often, once for all the pairs of
/// a day.
class TopOthers final : public weir::KeyedProcessFunction<std::string, CoVisit, Recommendation> {
 public:
  static constexpr size_t kTop = 5;
  explicit TopOthers(size_t top = kTop) : top_(top) {}

  void Open(weir::RuntimeContext& context) override {
    counts_ = context.GetMapState(weir::MapStateDescriptor<std::string, int64_t>("counts"));
  }

  void ProcessElement(const CoVisit::View& visit, Context& context,
                      weir::Collector<Recommendation>&) override {
    const std::string other(visit.other);
    counts_.Put(other, counts_.Get(other).value_or(0) + 1);
    context.Timers().RegisterEventTimeTimer(*context.Timestamp());
  }

  void OnTimer(weir::Timestamp, Context& context, weir::Collector<Recommendation>& out) override {
    std::vector<std::pair<int64_t, std::string>> others;
    counts_.ForEach([&](const std::string& other, int64_t count) {
      others.emplace_back(-count, other);  // equal counts in the order of their names
    });
    const size_t top = std::min(top_, others.size());
    std::partial_sort(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(top),
                      others.end());
    std::string text;
    for (size_t i = 0; i < top; ++i) {
      if (i > 0) text += ", ";
      text += others[i].second + " " + std::to_string(-others[i].first);
    }
    out.Collect(Recommendation{context.CurrentKey(), text});
  }

 private:
  size_t top_;
  weir::MapState<std::string, int64_t> counts_;
};

inline weir::DataStream<Recommendation> RecommendationsOf(const weir::DataStream<Flight>& flights,
                                                          size_t top = TopOthers::kTop) {
  return flights.KeyBy(&Flight::origin)
      .Window(weir::Tumbling(std::chrono::hours(24)))
      .Process(PairsOfDay())
      .Name("pairs of a day")
      .Uid("pairs")
      .KeyBy(&CoVisit::place)
      .Process(TopOthers(top))
      .Name("top others")
      .Uid("top");
}
