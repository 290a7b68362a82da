// Flights in; an alert for every third late departure in a row on a route, exactly once.
//
//   late_routes run -- --brokers=localhost:9092 --parallelism=4
//
// With --partitions=N the input has N partitions, and each flight is where Java's clients put a
// record whose key is its route, "LAX-JFK": then nothing is exchanged between workers.
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
        // How soon partitions that are added to the input are seen.
        const auto discovery = args.GetDuration("discovery", std::chrono::minutes(5));
        flights.Property("partition.discovery.interval.ms",
                         std::to_string(discovery / std::chrono::milliseconds(1)));
        if (args.GetBool("bounded", false)) flights.Bounded(weir::Offsets::Latest());
        const int64_t partitions = args.GetInt("partitions", 0);
        if (partitions > 0) flights.PartitionedBy(weir::Murmur2Partitioner(), partitions);
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
        const auto input = env.FromSource(flights.Build(), watermarks, "flights").Uid("flights");
        (partitions > 0 ? LateRoutesByPartition(input) : LateRoutesOf(input))
            .SinkTo(alerts)
            .Name("alerts")
            .Uid("alerts");
      });
}
