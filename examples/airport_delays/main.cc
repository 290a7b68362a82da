// Flights in; for each airport and hour, how the departures of the last three hours were.
//
//   airport_delays run -- --brokers=localhost:9092 --parallelism=4
//
// Each exactly once; --delivery=at-least-once for brokers without transactions. With --by-day the
// flights come day by day, and a day is over when the next one begins.
#include "airport.h"

namespace {

weir::DeliveryGuarantee DeliveryOf(const weir::Args& args) {
  const bool again = args.Get("delivery", "exactly-once") == "at-least-once";
  return again ? weir::DeliveryGuarantee::kAtLeastOnce : weir::DeliveryGuarantee::kExactlyOnce;
}

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob(
      "airport-delays", argc, argv, [](weir::Environment& env, const weir::Args& args) {
        weir::KafkaProperties properties;
        properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
        properties.Set("group.id", "airport-delays");
        // Results come in bursts, when hours end, and no reader waits for them by the millisecond.
        weir::KafkaProperties in_bursts = properties;
        in_bursts.Set("linger.ms", "100");
        auto flights = weir::KafkaSource<Flight>::Builder();
        flights.Properties(properties)
            .Topics({args.Get("input", "flights")})
            .StartingOffsets(weir::Offsets::Earliest())
            .ValueOnly(weir::Json());
        if (args.GetBool("bounded", false)) flights.Bounded(weir::Offsets::Latest());
        const auto late = args.GetDuration("late", std::chrono::hours(1));
        const auto order =
            args.GetBool("by-day", false)
                ? weir::WatermarkStrategy::ForGenerator([] { return std::make_unique<EndOfDay>(); })
                : weir::WatermarkStrategy::ForBoundedOutOfOrderness(late);
        const auto watermarks = order.WithTimestampAssigner(&Flight::date);
        auto delays_topic = weir::KafkaSink<AirportDelays>::Builder()
                                .Properties(in_bursts)
                                .Topic(args.Get("output", "airport-delays"))
                                .Delivery(DeliveryOf(args))
                                .Key(&AirportDelays::airport)
                                .Value(weir::Json())
                                .Build();
        auto late_topic = weir::KafkaSink<Flight>::Builder()
                              .Properties(properties)
                              .Topic(args.Get("late-output", "late-flights"))
                              .Delivery(DeliveryOf(args))
                              .Value(weir::Json())
                              .Build();
        env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
        const auto delays =
            DelaysOf(env.FromSource(flights.Build(), watermarks, "flights").Uid("flights"));
        delays.SinkTo(delays_topic).Name("delays").Uid("delays-out");
        delays.GetSideOutput(LateFlights()).SinkTo(late_topic).Name("late").Uid("late-out");
      });
}
