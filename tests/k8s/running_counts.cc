// Numbered events in; each with the count of events of its key so far, exactly once.
//
//   running_counts submit -- --brokers=kafka:9092 --parallelism=4
//
// Where the counts of a key are 1, 2, 3, ..., nothing was lost and nothing came twice, neither of
// the records nor of the state. --hoard=N keeps N MB for each event: a function that leaks.
#include <cstdint>
#include <string>
#include <vector>

#include "weir/weir.h"

namespace {

struct Event {
  int64_t id = 0;
  std::string key;
  WEIR_RECORD(Event, id, key)
};

struct Count {
  int64_t id = 0;
  std::string key;
  int64_t count = 0;
  WEIR_RECORD(Count, id, key, count)
};

std::string KeyOf(const Event::View& event) { return std::string(event.key); }

class RunningCount final : public weir::KeyedProcessFunction<std::string, Event, Count> {
 public:
  explicit RunningCount(int64_t hoarded_megabytes) : hoarded_megabytes_(hoarded_megabytes) {}

  void Open(weir::RuntimeContext& context) override {
    count_ = context.GetState(weir::ValueStateDescriptor<int64_t>("count"));
  }

  void ProcessElement(const Event::View& event, Context& context,
                      weir::Collector<Count>& out) override {
    if (hoarded_megabytes_ > 0) {
      hoard_.emplace_back(static_cast<size_t>(hoarded_megabytes_) << 20, 'x');
    }
    const int64_t count = count_.Value().value_or(0) + 1;
    count_.Update(count);
    out.Collect(Count{event.id, context.CurrentKey(), count});
  }

 private:
  const int64_t hoarded_megabytes_;
  std::vector<std::string> hoard_;
  weir::ValueState<int64_t> count_;
};

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob(
      "running-counts", argc, argv, [](weir::Environment& env, const weir::Args& args) {
        weir::KafkaProperties properties;
        properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
        properties.Set("group.id", "running-counts");
        auto events = weir::KafkaSource<Event>::Builder()
                          .Properties(properties)
                          .Topics({args.Get("input", "events")})
                          .StartingOffsets(weir::Offsets::Earliest())
                          .ValueOnly(weir::Json())
                          .Build();
        auto counts = weir::KafkaSink<Count>::Builder()
                          .Properties(properties)
                          .Topic(args.Get("output", "counts"))
                          .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                          .TransactionalIdPrefix(args.Get("prefix", "running-counts"))
                          .Key(&Count::key)
                          .Value(weir::Json())
                          .Build();
        env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
        env.FromSource(events, weir::WatermarkStrategy::None(), "events")
            .Uid("events")
            .KeyBy(KeyOf)
            .Process(RunningCount(args.GetInt("hoard", 0)))
            .Name("running count")
            .Uid("count")
            .SinkTo(counts)
            .Name("counts")
            .Uid("counts");
      });
}
