// Flights in; for each place, the places that are visited from the same airports on the same days.
//
//   co_visits run -- --brokers=localhost:9092 --parallelism=4
//
// Of each place the five that come most often; --top=N: N of them.
#include <stdexcept>

#include "visit.h"

int main(int argc, char** argv) {
  return weir::RunJob("co-visits", argc, argv, [](weir::Environment& env, const weir::Args& args) {
    weir::KafkaProperties properties;
    properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
    properties.Set("group.id", "co-visits");
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
    auto recommendations = weir::KafkaSink<Recommendation>::Builder()
                               .Properties(properties)
                               .Topic(args.Get("output", "recommendations"))
                               .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                               .Key(&Recommendation::place)
                               .Value(weir::Json())
                               .Build();
    env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
    const int64_t top = args.GetInt("top", TopOthers::kTop);
    if (top < 1) throw std::invalid_argument("--top must be at least 1");
    RecommendationsOf(env.FromSource(flights.Build(), watermarks, "flights").Uid("flights"),
                      static_cast<size_t>(top))
        .SinkTo(recommendations)
        .Name("recommendations")
        .Uid("recommendations");
  });
}
