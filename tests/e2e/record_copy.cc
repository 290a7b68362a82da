// A job for tests: JSON records from one topic to another, with what shows a fault switched on by
// arguments. --start and --delivery say how it reads and writes, --bounded ends it, --fan writes
// each record so often, --keyed expects a key in each record and writes it as Kafka's key, too,
// --property=key=value is handed to Kafka. --on-error=skip|dead-letter is what source and flatMap
// do with a record they cannot deal with, at most --budget a minute; --dead-letters names the
// topic;
// --throw-every=n lets the flatMap throw for each n-th id.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "weir/weir.h"

namespace {

struct Numbered {
  int64_t id = 0;
  WEIR_RECORD(Numbered, id)
};

struct KeyedNumber {
  std::string key;
  int64_t id = 0;
  WEIR_RECORD(KeyedNumber, key, id)
};

weir::Offsets StartOf(const weir::Args& args) {
  const std::string start = args.Get("start", "earliest");
  if (start == "latest") return weir::Offsets::Latest();
  if (start == "committed") return weir::Offsets::Committed(weir::OffsetReset::kEarliest);
  if (start == "timestamp") return weir::Offsets::Timestamp(args.GetInt("timestamp", 0));
  if (start == "specific") {
    return weir::Offsets::Specific({{{args.Get("input", "in"), 0}, args.GetInt("offset", 0)}});
  }
  return weir::Offsets::Earliest();
}

weir::DeliveryGuarantee DeliveryOf(const weir::Args& args) {
  const std::string delivery = args.Get("delivery", "");
  return delivery == "none"           ? weir::DeliveryGuarantee::kNone
         : delivery == "exactly-once" ? weir::DeliveryGuarantee::kExactlyOnce
                                      : weir::DeliveryGuarantee::kAtLeastOnce;
}

weir::ErrorPolicy ErrorsOf(const weir::Args& args) {
  const std::string name = args.Get("on-error", "");
  const std::string topic = args.Get("dead-letters", "dead-letters");
  const int64_t budget = args.GetInt("budget", 0);
  weir::KafkaProperties brokers;
  brokers.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
  if (name.empty()) return weir::ErrorPolicy::Fail();
  const weir::ErrorPolicy policy =
      name == "skip" ? weir::ErrorPolicy::Skip()
                     : weir::ErrorPolicy::DeadLetter(weir::KafkaDeadLetterTopic(brokers, topic));
  return budget == 0 ? policy : policy.AtMostPerMinute(budget);
}

template <class Number>
void Copy(weir::Environment& env, const weir::Args& args) {
  weir::KafkaProperties properties;
  properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
  properties.Set("group.id", args.Get("group", "record-copy"));
  weir::KafkaProperties sink_properties = properties;
  const std::string property = args.Get("property", "");
  if (const size_t equals = property.find('='); equals != std::string::npos) {
    sink_properties.Set(property.substr(0, equals), property.substr(equals + 1));
  }
  auto builder = weir::KafkaSource<Number>::Builder();
  builder.Properties(properties)
      .Topics({args.Get("input", "in")})
      .StartingOffsets(StartOf(args))
      .ValueOnly(weir::Json());
  if (args.GetInt("bounded", 0) != 0) builder.Bounded(weir::Offsets::Latest());
  auto source = builder.Build();
  auto sink_builder = weir::KafkaSink<Number>::Builder();
  sink_builder.Properties(sink_properties)
      .Topic(args.Get("output", "out"))
      .Delivery(DeliveryOf(args))
      .Value(weir::Json());
  if constexpr (std::is_same_v<Number, KeyedNumber>) sink_builder.Key(&KeyedNumber::key);
  const std::string prefix = args.Get("prefix", "");
  if (!prefix.empty()) sink_builder.TransactionalIdPrefix(prefix);
  auto sink = sink_builder.Build();
  const int64_t fan = args.GetInt("fan", 1);
  const int64_t throw_every = args.GetInt("throw-every", 0);
  env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
  env.FromSource(source, weir::WatermarkStrategy::Monotonic(), "numbers")
      .OnError(ErrorsOf(args))
      .template FlatMap<Number>([fan, throw_every](const Number& number, auto& out) {
        if (throw_every > 0 && number.id % throw_every == 0) throw std::runtime_error("this one");
        for (int64_t i = 0; i < fan; ++i) out.Collect(number);
      })
      .Name("fan")
      .OnError(ErrorsOf(args))
      .SinkTo(sink)
      .Name("copies");
}

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob("record-copy", argc, argv,
                      [](weir::Environment& env, const weir::Args& args) {
                        if (args.GetInt("keyed", 0) != 0) {
                          Copy<KeyedNumber>(env, args);
                        } else {
                          Copy<Numbered>(env, args);
                        }
                      });
}
