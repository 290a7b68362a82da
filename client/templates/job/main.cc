// Payments in, alerts about the large ones out; both as JSON, each exactly once.
//
//   @NAME@ run -- --brokers=localhost:9092 --input=payments --output=alerts
#include "payment.h"

int main(int argc, char** argv) {
  return weir::RunJob("@NAME@", argc, argv, [](weir::Environment& env, const weir::Args& args) {
    weir::KafkaProperties properties;
    properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
    properties.Set("group.id", "@NAME@");
    auto payments = weir::KafkaSource<Payment>::Builder();
    payments.Properties(properties)
        .Topics({args.Get("input", "payments")})
        .StartingOffsets(weir::Offsets::Earliest())
        .ValueOnly(weir::Json());
    // Ends at what is there now, instead of waiting for more.
    if (args.GetBool("bounded", false)) payments.Bounded(weir::Offsets::Latest());
    auto alerts = weir::KafkaSink<Alert>::Builder()
                      .Properties(properties)
                      .Topic(args.Get("output", "alerts"))
                      .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                      .Key(&Alert::account)
                      .Value(weir::Json())
                      .Build();

    env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
    // State of a checkpoint is found again by the uid, whatever becomes of names and of the graph.
    AlertsOf(env.FromSource(payments.Build(), weir::WatermarkStrategy::Monotonic(), "payments")
                 .Uid("payments"))
        .SinkTo(alerts)
        .Name("alerts")
        .Uid("alerts");
  });
}
