// The job that runs while hosts are lost: each number goes to the worker of its key, is counted
// there in RocksDB, and is written with its count, exactly once.
#include <cstdint>
#include <string>

#include "weir/weir.h"

namespace {

struct Numbered {
  std::string key;
  int64_t id = 0;
  WEIR_RECORD(Numbered, key, id)
};

struct Counted {
  std::string key;
  int64_t id = 0;
  int64_t count = 0;
  WEIR_RECORD(Counted, key, id, count)
};

class Count final : public weir::KeyedProcessFunction<std::string, Numbered, Counted> {
 public:
  void Open(weir::RuntimeContext& context) override {
    count_ = context.GetState(weir::ValueStateDescriptor<int64_t>("count"));
  }
  void ProcessElement(const Numbered::View& number, Context& context,
                      weir::Collector<Counted>& out) override {
    const int64_t count = count_.Value().value_or(0) + 1;
    count_.Update(count);
    out.Collect(Counted{context.CurrentKey(), number.id, count});
  }

 private:
  weir::ValueState<int64_t> count_;
};

void Build(weir::Environment& env, const weir::Args& args) {
  weir::KafkaProperties properties;
  properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
  properties.Set("group.id", "counted-copy");
  auto numbers = weir::KafkaSource<Numbered>::Builder()
                     .Properties(properties)
                     .Topics({args.Get("input", "in")})
                     .StartingOffsets(weir::Offsets::Earliest())
                     .ValueOnly(weir::Json())
                     .Build();
  auto copies = weir::KafkaSink<Counted>::Builder()
                    .Properties(properties)
                    .Topic(args.Get("output", "out"))
                    .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                    .Key(&Counted::key)
                    .Value(weir::Json())
                    .Build();
  env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 3)));
  env.FromSource(numbers, weir::WatermarkStrategy::Monotonic(), "numbers")
      .KeyBy(&Numbered::key)
      .Process(Count())
      .Name("count")
      .SinkTo(copies)
      .Name("copies");
}

}  // namespace

int main(int argc, char** argv) { return weir::RunJob("counted-copy", argc, argv, Build); }
