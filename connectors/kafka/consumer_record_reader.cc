#include "connectors/kafka/consumer_record_reader.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/exec/mutex.h"

namespace weir::kafka {
namespace {

constexpr size_t kRecordsAtOnce = 1000;
// The longest sleep: a position that moves without a record wakes nobody.
constexpr absl::Duration kLook = absl::Milliseconds(50);

/// A wake-up that may come before the sleep.
class Alarm {
 public:
  void Ring() {
    MutexLock lock(mutex_);
    rung_ = true;
    changed_.SignalAll();
  }
  void Sleep() {
    MutexLock lock(mutex_);
    if (!rung_) changed_.WaitFor(mutex_, kLook);
    rung_ = false;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool rung_ WEIR_GUARDED_BY(mutex_) = false;
};

// What concerns how brokers are reached; the rest may be for another kind of client.
bool ConcernsConnections(const std::string& name) {
  constexpr absl::string_view kPrefixes[] = {"security.", "sasl.",   "ssl.",
                                             "socket.",   "broker.", "reconnect."};
  for (const absl::string_view prefix : kPrefixes) {
    if (absl::StartsWith(name, prefix)) return true;
  }
  return name == "bootstrap.servers" || name == "client.id" || name == "client.rack" ||
         name == "metadata.broker.list";
}

ClientConfiguration ReadingConfiguration(const ClientConfiguration& connection,
                                         ReadIsolation isolation) {
  ClientConfiguration configuration;
  configuration.kind = ClientKind::kConsumer;
  configuration.headers = true;
  for (const auto& [name, value] : connection.values) {
    if (ConcernsConnections(name)) configuration.values[name] = value;
  }
  std::map<std::string, std::string>& values = configuration.values;
  values["group.id"] = "weir-record-reader";  // librdkafka wants one; nothing is committed to it
  values["enable.auto.commit"] = "false";
  values["enable.auto.offset.store"] = "false";
  values["isolation.level"] =
      isolation == ReadIsolation::kCommitted ? "read_committed" : "read_uncommitted";
  values["enable.partition.eof"] = "true";
  values["auto.offset.reset"] = "earliest";  // what retention has left of the stretch
  values["check.crcs"] = "true";
  return configuration;
}

class ConsumerRecordReader final : public StoredRecordReader {
 public:
  ConsumerRecordReader(const KafkaClientFactory& clients, ClientConfiguration configuration,
                       const Clock& clock)
      : clients_(clients), configuration_(std::move(configuration)), clock_(clock) {}

  absl::Status Read(const TopicPartition& partition, int64_t first, int64_t last,
                    absl::Duration timeout, const Visitor& visitor) override;

 private:
  const KafkaClientFactory& clients_;
  const ClientConfiguration configuration_;
  const Clock& clock_;
};

absl::Status ConsumerRecordReader::Read(const TopicPartition& partition, int64_t first,
                                        int64_t last, absl::Duration timeout,
                                        const Visitor& visitor) {
  const auto alarm = std::make_shared<Alarm>();
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<KafkaConsumerClient> consumer,
                        clients_.MakeConsumer(configuration_, [alarm] { alarm->Ring(); }));
  WEIR_RETURN_IF_ERROR(consumer->Assign({{partition.topic, partition.partition, first}}));
  ConsumedBatch batch;
  std::vector<StoredRecord> records;
  absl::Duration deadline = clock_.Monotonic() + timeout;
  while (true) {
    WEIR_RETURN_IF_ERROR(consumer->Consume(kRecordsAtOnce, &batch));
    records.clear();
    for (size_t i = 0; i < batch.messages.size(); ++i) {
      const ConsumedMessage& message = batch.messages[i];
      if (message.offset < first || message.offset > last) continue;
      const bool headers = i < batch.headers.size() && !batch.headers[i].empty();
      records.push_back({message.offset, message.timestamp_ms, message.key, message.value,
                         headers ? &batch.headers[i] : nullptr});
    }
    if (!records.empty()) WEIR_RETURN_IF_ERROR(visitor(records));
    if (!batch.messages.empty()) {
      if (batch.messages.back().offset >= last) return absl::OkStatus();
      deadline = clock_.Monotonic() + timeout;
      continue;
    }
    if (consumer->Position(0) > last) return absl::OkStatus();
    if (clock_.Monotonic() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("reading topic '", partition.topic, "', partition ", partition.partition,
                       ", offsets ", first, " to ", last, " took too long"));
    }
    alarm->Sleep();
  }
}

}  // namespace

std::unique_ptr<StoredRecordReader> MakeConsumerRecordReader(const KafkaClientFactory& clients,
                                                             const ClientConfiguration& connection,
                                                             const Clock& clock,
                                                             ReadIsolation isolation) {
  return std::make_unique<ConsumerRecordReader>(clients,
                                                ReadingConfiguration(connection, isolation), clock);
}

}  // namespace weir::kafka
