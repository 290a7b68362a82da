// The job of the step campaign: keyed records from one topic to another, exactly once. With --stops
// its worker processes stop where the orders in that directory say (tests/support/steps).
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "api/run/worker_mode.h"
#include "connectors/kafka/kafka_sink.h"
#include "connectors/kafka/rdkafka_admin.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "tests/support/steps/step_stop.h"
#include "weir/weir.h"

namespace {

struct Numbered {
  int64_t id = 0;
  std::string key;
  WEIR_RECORD(Numbered, id, key)
};

class StoppingObserver final : public weir::kafka::TransactionStepObserver {
 public:
  explicit StoppingObserver(std::string directory) : stop_(std::move(directory)) {}
  void OnStep(weir::kafka::TransactionStep step, const std::string& id) override {
    stop_.OnStep(weir::kafka::TransactionStepName(step), id);
  }

 private:
  weir::StepStop stop_;
};

weir::SinkOf<Numbered> MakeSink(const weir::Args& args, const weir::KafkaProperties& properties) {
  weir::kafka::KafkaSinkOptions options;
  options.properties = properties;
  const std::string timeout = args.Get("transaction-timeout-ms", "");
  if (!timeout.empty()) options.properties.Set("transaction.timeout.ms", timeout);
  options.topic = args.Get("output", "out");
  options.key_field = "key";
  options.value_format = weir::Json();
  options.delivery = weir::DeliveryGuarantee::kExactlyOnce;
  options.transactional_id_prefix = args.Get("prefix", "steps");
  std::shared_ptr<weir::kafka::TransactionStepObserver> steps;
  const std::string stops = args.Get("stops", "");
  if (!stops.empty()) steps = std::make_shared<StoppingObserver>(stops);
  return weir::SinkOf<Numbered>(std::make_shared<const weir::kafka::KafkaSink>(
      options, weir::SchemaOf<Numbered>(), weir::kafka::RdKafkaClients(), std::move(steps)));
}

void Build(weir::Environment& env, const weir::Args& args) {
  weir::KafkaProperties properties;
  properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
  properties.Set("reconnect.backoff.max.ms", "200");
  auto source = weir::KafkaSource<Numbered>::Builder()
                    .Properties(properties)
                    .Topics({args.Get("input", "in")})
                    .ValueOnly(weir::Json())
                    .Build();
  env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 2)));
  env.FromSource(source, weir::WatermarkStrategy::Monotonic(), "numbers")
      .SinkTo(MakeSink(args, properties))
      .Name("copies");
}

// The report that answers a barrier has been handed to the transport.
void StopBehindAnswers(weir::StepStop& stop, std::optional<uint64_t>& last,
                       const weir::proto::Envelope& envelope) {
  if (!envelope.has_worker_report()) return;
  for (const weir::proto::CheckpointAnswer& answer : envelope.worker_report().answers()) {
    if (!answer.declined().empty() || (last && answer.epoch() <= *last)) continue;
    last = answer.epoch();
    stop.OnStep("after-acknowledgement", absl::StrCat("epoch ", answer.epoch()));
  }
}

std::string StopsOf(const weir::JobCommandLine& line) {
  constexpr char kFlag[] = "--stops=";
  for (const std::string& argument : line.job_arguments) {
    if (argument.rfind(kFlag, 0) == 0) return argument.substr(sizeof(kFlag) - 1);
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  const weir::JobCommandLine line = weir::JobCommandLine::Parse(argc, argv);
  const std::string stops = StopsOf(line);
  if (line.verb != "__worker" || stops.empty()) {
    return weir::RunJob("step-copy", argc, argv, Build);
  }
  const auto stop = std::make_shared<weir::StepStop>(stops);
  const auto last = std::make_shared<std::optional<uint64_t>>();  // touched on one executor
  const absl::Status ended =
      weir::RunWorkerMode(weir::JobProgram("step-copy", Build), line,
                          [stop, last](const weir::proto::Envelope& envelope) {
                            StopBehindAnswers(*stop, *last, envelope);
                          });
  std::fprintf(stderr, "step-copy: %s\n", ended.ToString().c_str());
  return 1;
}
