#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

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

/// A route on which `flights` departures in a row were late.
struct LateRoute {
  std::string route;
  int64_t flights = 0;
  int64_t last_flight = 0;
  WEIR_RECORD(LateRoute, route, flights, last_flight)
};

inline std::string RouteOf(const Flight::View& flight) {
  std::string route(flight.origin);
  route += '-';
  route += flight.destination;
  return route;
}

/// Tells of every third late departure in a row on a route. A route without a flight for a day is
/// forgotten.
class ThreeLateInARow final : public weir::KeyedProcessFunction<std::string, Flight, LateRoute> {
 public:
  static constexpr int64_t kLateFromMinutes = 15;

  void Open(weir::RuntimeContext& context) override {
    late_ = context.GetState(weir::ValueStateDescriptor<int64_t>("late in a row"));
    forget_at_ = context.GetState(weir::ValueStateDescriptor<weir::Timestamp>("forget at"));
  }

  void ProcessElement(const Flight::View& flight, Context& context,
                      weir::Collector<LateRoute>& out) override {
    weir::TimerService& timers = context.Timers();
    if (forget_at_.Peek() != nullptr) timers.DeleteEventTimeTimer(*forget_at_.Peek());
    if (flight.delay < kLateFromMinutes) {
      late_.Clear();
      return forget_at_.Clear();
    }
    // The timer may be yet to come: the watermark lies behind the flights.
    const bool forgotten = forget_at_.Peek() != nullptr && flight.date >= *forget_at_.Peek();
    const int64_t late = forgotten ? 1 : late_.Value().value_or(0) + 1;
    late_.Update(late);
    if (late % 3 == 0) out.Collect(LateRoute{context.CurrentKey(), late, flight.id});
    const weir::Timestamp forget_at = flight.date + std::chrono::hours(24);
    forget_at_.Update(forget_at);
    timers.RegisterEventTimeTimer(forget_at);
  }

  void OnTimer(weir::Timestamp, Context&, weir::Collector<LateRoute>&) override {
    late_.Clear();
    forget_at_.Clear();
  }

 private:
  weir::ValueState<int64_t> late_;
  weir::ValueState<weir::Timestamp> forget_at_;
};

inline weir::DataStream<LateRoute> LateRoutesOf(const weir::DataStream<Flight>& flights) {
  return flights.KeyBy(RouteOf).Process(ThreeLateInARow()).Name("three late in a row").Uid("late");
}

/// The same without an exchange, where the flights' topic is partitioned by their routes.
inline weir::DataStream<LateRoute> LateRoutesByPartition(const weir::DataStream<Flight>& flights) {
  return flights.KeyByPartition(RouteOf)
      .Process(ThreeLateInARow())
      .Name("three late in a row")
      .Uid("late");
}
