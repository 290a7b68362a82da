// Flights in, delayed departures with their delay class out; both as JSON keyed by origin.
//
//   flight_delays run -- --brokers=localhost:9092 --input=flights --output=delayed-flights
//
// Each exactly once; --delivery=at-least-once for brokers without transactions.
#include "flight.h"

namespace {

weir::DeliveryGuarantee DeliveryOf(const weir::Args& args) {
  const bool again = args.Get("delivery", "exactly-once") == "at-least-once";
  return again ? weir::DeliveryGuarantee::kAtLeastOnce : weir::DeliveryGuarantee::kExactlyOnce;
}

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob(
      "flight-delays", argc, argv, [](weir::Environment& env, const weir::Args& args) {
        weir::KafkaProperties properties;
        properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
        properties.Set("group.id", "flight-delays");
        auto flights = weir::KafkaSource<Flight>::Builder()
                           .Properties(properties)
                           .Topics({args.Get("input", "flights")})
                           .StartingOffsets(weir::Offsets::Earliest())
                           .ValueOnly(weir::Json())
                           .Build();
        auto delayed_flights = weir::KafkaSink<DelayedFlight>::Builder()
                                   .Properties(properties)
                                   .Topic(args.Get("output", "delayed-flights"))
                                   .Delivery(DeliveryOf(args))
                                   .Key(&DelayedFlight::origin)
                                   .Value(weir::Json())
                                   .Build();

        env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
        env.FromSource(flights, weir::WatermarkStrategy::Monotonic(), "flights")
            .Filter([](const Flight::View& flight) { return flight.delay >= kDelayedFromMinutes; })
            .Name("delayed")
            .Map([](const Flight::View& flight) {
              return DelayedFlight::View{.id = flight.id,
                                         .date = flight.date,
                                         .delay = flight.delay,
                                         .distance = flight.distance,
                                         .origin = flight.origin,
                                         .destination = flight.destination,
                                         .delay_class = DelayClass(flight.delay)};
            })
            .Name("classify")
            .SinkTo(delayed_flights)
            .Name("delayed-flights");
      });
}
