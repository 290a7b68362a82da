// A job for tests whose function does what each record tells it to. Orders pass through; those with
// a `fault` crash, throw, stall or take memory. --plan=segfault crashes the planner, too;
// with --plan=pid the graph depends on more than the arguments;
// with --keyed=true orders go to the subtask of their id, with a filler that stays behind there;
// the sink has no room while the file of --hold is there;
// --properties=KEY=VALUE|KEY=VALUE is handed to Kafka.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/held_sink.h"
#include "weir/weir.h"

namespace {

struct Order {
  int64_t id = 0;
  std::string fault;
  int64_t amount = 0;  // milliseconds of a stall, MiB of memory
  WEIR_RECORD(Order, id, fault, amount)
};

struct BulkyOrder {
  int64_t id = 0;
  std::string fault;
  int64_t amount = 0;
  std::string filler;
  WEIR_RECORD(BulkyOrder, id, fault, amount, filler)
};

std::vector<std::vector<char>> kept_memory;

[[gnu::noinline]] void WriteToNowhere() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

[[gnu::noinline]] void Throw(const char* what) { throw std::runtime_error(what); }

void ThrowUncaught() noexcept { Throw("not caught"); }

void Obey(const Order& order) {
  if (order.fault == "segfault") WriteToNowhere();
  if (order.fault == "abort") std::abort();
  if (order.fault == "terminate") ThrowUncaught();
  if (order.fault == "exit") {
    std::fputs("gave up\n", stderr);
    std::_Exit(7);
  }
  if (order.fault == "throw") Throw("no such order");
  if (order.fault == "stall") {
    std::this_thread::sleep_for(std::chrono::milliseconds(order.amount));
  }
  if (order.fault == "gulp") {
    kept_memory.emplace_back(static_cast<size_t>(order.amount) << 20, 'x');
  }
  if (order.fault == "allocate") {
    for (int64_t i = 0; i < order.amount; ++i) {
      kept_memory.emplace_back(size_t{1} << 20, 'x');
      // So that it is killed on the way, not when all of it is there.
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
}

int64_t KeyOf(const BulkyOrder::View& order) {
  if (order.fault == "key") Throw("no key");
  return order.id;
}

class ObeyKeyed final : public weir::KeyedProcessFunction<int64_t, BulkyOrder, Order> {
 public:
  void ProcessElement(const BulkyOrder::View& order, Context&,
                      weir::Collector<Order>& out) override {
    const Order owned{order.id, std::string(order.fault), order.amount};
    Obey(owned);
    out.Collect(owned);
  }
};

void SetAll(const std::string& text, weir::KafkaProperties& properties) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('|', begin), text.size());
    const size_t equals = text.find('=', begin);
    properties.Set(text.substr(begin, equals - begin), text.substr(equals + 1, end - equals - 1));
    begin = end + 1;
  }
}

template <class T>
weir::SourceOf<T> OrdersOf(const weir::KafkaProperties& properties, const weir::Args& args) {
  return weir::KafkaSource<T>::Builder()
      .Properties(properties)
      .Topics({args.Get("input", "in")})
      .StartingOffsets(weir::Offsets::Earliest())
      .ValueOnly(weir::Json())
      .Build();
}

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob("faulty", argc, argv, [](weir::Environment& env, const weir::Args& args) {
    const std::string plan = args.Get("plan", "");
    if (plan == "segfault") WriteToNowhere();
    weir::KafkaProperties properties;
    properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
    properties.Set("group.id", "faulty");
    SetAll(args.Get("properties", ""), properties);
    auto sink = weir::KafkaSink<Order>::Builder()
                    .Properties(properties)
                    .Topic(args.Get("output", "out"))
                    .Delivery(weir::DeliveryGuarantee::kAtLeastOnce)
                    .Value(weir::Json())
                    .Build();
    if (const std::string hold = args.Get("hold", ""); !hold.empty()) {
      sink = weir::SinkOf<Order>(std::make_shared<const HeldSink>(sink.sink(), hold));
    }
    env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
    const auto watermarks = weir::WatermarkStrategy::Monotonic();
    if (args.GetBool("keyed", false)) {
      // Little waits in Kafka's client, against what its topic has.
      properties.Set("queued.max.messages.kbytes", "16384");
      env.FromSource(OrdersOf<BulkyOrder>(properties, args), watermarks, "orders")
          .KeyBy(KeyOf)
          .Process(ObeyKeyed())
          .Name("obey")
          .SinkTo(sink)
          .Name("copies");
      return;
    }
    env.FromSource(OrdersOf<Order>(properties, args), watermarks, "orders")
        .Map([](const Order& order) {
          Obey(order);
          return order;
        })
        .Name(plan == "pid" ? "obey " + std::to_string(getpid()) : "obey")
        .SinkTo(sink)
        .Name("copies");
  });
}
