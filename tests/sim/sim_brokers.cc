#include "tests/sim/sim_brokers.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "tests/sim/keyed/keyed_records.h"
#include "tests/sim/model_job.h"

namespace weir::sim {
namespace {

kafka::ResolvedSinkOptions MakeSinkOptions(const SimConfig& config) {
  kafka::KafkaSinkOptions options;
  options.topic = kTopic;
  options.key_field = config.keyed.on() ? "key" : "split";
  options.value_format = kafka::JsonRecordFormat();
  options.delivery = DeliveryGuarantee::kExactlyOnce;
  options.properties.Set("bootstrap.servers", "model:9092");
  options.properties.Set("key.serializer", "org.apache.kafka.common.serialization.LongSerializer");
  options.properties.Set("transaction.timeout.ms",
                         absl::StrCat(absl::ToInt64Milliseconds(config.transaction_timeout)));
  absl::StatusOr<kafka::ResolvedSinkOptions> resolved = kafka::ResolveSinkOptions(
      options, config.keyed.on() ? SchemaOf<KeyedResult>() : RecordSchema());
  WEIR_CHECK(resolved.ok()) << resolved.status();
  return *std::move(resolved);
}

}  // namespace

SimBrokers::SimBrokers(SimWorld& world, const SimConfig& config)
    : world_(world),
      config_(config),
      random_(world.Fork("brokers")),
      marker_random_(world.Fork("markers")),
      broker_(MakeOptions()),
      sink_(MakeSinkOptions(config)) {
  broker_.CreateTopic(kTopic, static_cast<int32_t>(config.topic_partitions));
}

TransactionBroker::Options SimBrokers::MakeOptions() {
  TransactionBroker::Options options;
  options.now = [this] { return world_.now(); };
  options.random = &marker_random_;
  options.max_marker_delay = absl::Milliseconds(config_.slow_markers ? 60 : 4);
  options.on_decided = [this](const DecidedTransaction& decided) {
    world_.Trace(decided.result == kafka::TransactionResult::kCommit ? "committed" : "aborted",
                 decided.id, absl::StrCat("epoch ", decided.producer.epoch));
    if (observer_) observer_(decided);
    if (config_.retention && decided.timed_out && Chance(random_, 500)) {
      world_.Schedule(RandomMs(0, 2000), [this, decided] { Expire(decided); });
    }
  };
  return options;
}

void SimBrokers::Expire(const DecidedTransaction& decided) {
  for (const auto& [partition, records] : decided.records) {
    PartitionLog* log = nullptr;
    if (records.empty() || broker_.Log(partition, &log) != kafka::KafkaError::kNone) continue;
    log->DeleteBefore(records.front().offset + 1);
  }
}

SimBrokers::Fate SimBrokers::DrawFate(const std::string& what) {
  if (healed_ || config_.broker_loss == 0) return Fate::kAnswered;
  const bool commits = absl::EndsWith(what, "committing it");
  const bool replays = commits && absl::StrContains(what, "~replay");
  const uint32_t rate = commits ? 3 * config_.broker_loss : config_.broker_loss;
  // What the bug needs, and a seed in thousands would have otherwise.
  const bool marker = config_.bug == PlantedBug::kRepeatedHandleReused &&
                      absl::StartsWith(what, "offset of group") &&
                      absl::StrContains(what, "transaction");
  if (marker && Chance(random_, 150)) return Fate::kLate;
  if (!Chance(random_, replays ? 600 : rate)) return Fate::kAnswered;
  if (commits && Chance(random_, 700)) return Fate::kLate;
  switch (random_.Below(4)) {
    case 0:
      return Fate::kLost;
    case 1:
      return Fate::kLate;
    default:
      return Fate::kAnswerLost;
  }
}

void SimBrokers::ExecuteLate(const std::function<kafka::KafkaError()>& request) {
  const std::set<std::string> before = broker_.transactions().open();
  (void)request();
  for (const std::string& id : broker_.transactions().open()) {
    if (before.count(id) == 0) opened_late_[id] = broker_.transactions().Find(id)->producer;
  }
}

bool SimBrokers::OpenedLate(const std::string& id, kafka::ProducerIdAndEpoch producer) const {
  const auto opened = opened_late_.find(id);
  return opened != opened_late_.end() && opened->second == producer;
}

void SimBrokers::Fault() {
  if (healed_) return;
  const uint64_t kind = random_.Below(4);
  if (kind != 0) {
    broker_.TakeCoordinatorAway(random_.Below(TransactionBroker::kCoordinators),
                                world_.now() + RandomMs(20, Chance(random_, 200) ? 6000 : 1200));
  }
  if (kind == 0 || kind == 3) {
    kafka::TopicPartition partition{kTopic, 0};
    if (Chance(random_, 400)) {
      partition = {TransactionBroker::kOffsetsTopic, 0};
      partition.partition =
          static_cast<int32_t>(random_.Below(TransactionBroker::kOffsetsPartitions));
    } else {
      partition.partition = static_cast<int32_t>(random_.Below(config_.topic_partitions));
    }
    broker_.TakeLeaderAway(partition,
                           world_.now() + RandomMs(20, Chance(random_, 200) ? 6000 : 1200));
  }
}

void SimBrokers::Heal() {
  healed_ = true;
  broker_.Heal();
}

}  // namespace weir::sim
