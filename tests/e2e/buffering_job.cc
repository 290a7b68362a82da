// A job for tests of operator state: numbers from one topic to another, exactly once, through a
// function that holds --buffer of them back in each subtask. A number below 0 makes its subtask
// give what it holds, and how many it has seen over all restores; behind it rows are counted for
// each key. --prefix is that of the transactional ids.
#include <cstdint>
#include <string>

#include "weir/weir.h"

namespace {

struct Number {
  int64_t id = 0;
  WEIR_RECORD(Number, id)
};

struct Counted {
  int64_t id = 0;
  int64_t count = 0;  // of rows of its key; behind a mark, of rows that its subtask has seen
  int64_t first = 0;  // behind a mark: the first number of the job's first subtask
  WEIR_RECORD(Counted, id, count, first)
};

/// Holds rows back in a list that is dealt out, counts in a union list, and keeps the first number
/// in broadcast state.
struct Buffer {
  void Open(weir::FunctionContext& context) {
    weir::OperatorStateStore& store = context.GetOperatorStateStore();
    held = store.GetListState(weir::ListStateDescriptor<Number>("held"));
    seen = store.GetUnionListState(weir::ListStateDescriptor<int64_t>("seen"));
    facts = store.GetBroadcastState(weir::MapStateDescriptor<std::string, int64_t>("facts"));
    // All subtasks have all counts: one of them goes on with their sum.
    int64_t sum = 0;
    for (const int64_t one : seen.Get()) sum += one;
    seen.Update({context.SubtaskIndex() == 0 ? sum : 0});
  }

  void operator()(const Number& number, weir::Collector<Counted>& out) {
    if (number.id < 0) {
      Flush(out);
      out.Collect(Counted{number.id, seen.Get().at(0), facts.Get("first").value_or(-1)});
      return seen.Update({0});
    }
    if (!facts.Contains("first")) facts.Put("first", number.id);
    seen.Update({seen.Get().at(0) + 1});
    held.Add(number);
    if (held.Peek()->size() >= size) Flush(out);
  }

  void Flush(weir::Collector<Counted>& out) {
    for (const Number& one : held.Get()) out.Collect(Counted{one.id, 0, 0});
    held.Clear();
  }

  size_t size = 0;
  weir::ListState<Number> held;
  weir::ListState<int64_t> seen;
  weir::BroadcastState<std::string, int64_t> facts;
};

class Count final : public weir::KeyedProcessFunction<int64_t, Counted, Counted> {
 public:
  void Open(weir::RuntimeContext& context) override {
    count_ = context.GetState(weir::ValueStateDescriptor<int64_t>("count"));
  }
  void ProcessElement(const Counted::View& row, Context&, weir::Collector<Counted>& out) override {
    if (row.id < 0) return out.Collect(Counted{row.id, row.count, row.first});
    count_.Update(count_.Value().value_or(0) + 1);
    out.Collect(Counted{row.id, *count_.Value(), 0});
  }

 private:
  weir::ValueState<int64_t> count_;
};

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob("buffering", argc, argv, [](weir::Environment& env, const weir::Args& args) {
    weir::KafkaProperties properties;
    properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
    properties.Set("group.id", "buffering");
    const auto numbers = weir::KafkaSource<Number>::Builder()
                             .Properties(properties)
                             .Topics({args.Get("input", "in")})
                             .StartingOffsets(weir::Offsets::Earliest())
                             .ValueOnly(weir::Json())
                             .Build();
    const auto counted = weir::KafkaSink<Counted>::Builder()
                             .Properties(properties)
                             .Topic(args.Get("output", "out"))
                             .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                             .TransactionalIdPrefix(args.Get("prefix", "buffering"))
                             .Value(weir::Json())
                             .Build();
    Buffer buffer;
    buffer.size = static_cast<size_t>(args.GetInt("buffer", 1000));
    env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
    env.FromSource(numbers, weir::WatermarkStrategy::None(), "numbers")
        .FlatMap<Counted>(buffer)
        .Name("buffer")
        .KeyBy([](const Counted::View& row) { return row.id < 0 ? row.id : row.id % 100; })
        .Process(Count())
        .Name("count")
        .SinkTo(counted)
        .Name("counted");
  });
}
