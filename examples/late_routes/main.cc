// Flights in; an alert for every third late departure in a row on a route, exactly once.
//
//   late_routes run -- --brokers=localhost:9092 --parallelism=4
#include "route.h"

int main(int argc, char** argv) {
  return weir::RunJob(
      "late-routes", argc, argv, [](weir::Environment& env, const weir::Args& args) {
        weir::KafkaProperties properties;
        properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
        properties.Set("group.id", "late-routes");
        auto flights = weir::KafkaSource<Flight>::Builder();
        flights.Properties(properties)
            .Topics({args.Get("input", "flights")})
            .StartingOffsets(weir::Offsets::Earliest())
            .ValueOnly(weir::Json());
        if (args.GetBool("bounded", false)) flights.Bounded(weir::Offsets::Latest());
        const auto watermarks =
            weir::WatermarkStrategy::ForBoundedOutOfOrderness(
                args.GetDuration("late", std::chrono::hours(1)))
                .WithTimestampAssigner([](const Flight::View& flight) { return flight.date; });
        auto alerts = weir::KafkaSink<LateRoute>::Builder()
                          .Properties(properties)
                          .Topic(args.Get("output", "late-routes"))
                          .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                          .Key(&LateRoute::route)
                          .Value(weir::Json())
                          .Build();
        env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
        LateRoutesOf(env.FromSource(flights.Build(), watermarks, "flights").Uid("flights"))
            .SinkTo(alerts)
            .Name("alerts")
            .Uid("alerts");
      });
}
