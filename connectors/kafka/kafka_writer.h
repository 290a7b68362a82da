#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/connector/sink.h"
#include "common/time/clock.h"
#include "connectors/kafka/delivery_accounts.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/record_serializer.h"
#include "connectors/kafka/resolved_sink_options.h"

namespace weir::kafka {

/// Writes one subtask's records to a topic, at least once or with no guarantee; see SinkWriter.
///
/// Reports of the client are taken in HasRoom, Write and PrepareCommit: the wake-up makes the task
/// call HasRoom. A barrier is answered when all records before it are acknowledged (at least once)
/// or at once (none). The first record that could not be delivered fails everything that follows,
/// in both modes.
///
/// Errors: of the client, naming topic, partition and the broker's reason; UNAVAILABLE when no
/// broker was ever reached within kConnectTimeout; INVALID_ARGUMENT for rows that take something
/// back (change kinds), or that the format cannot write.
class KafkaWriter final : public SinkWriter {
 public:
  static constexpr absl::Duration kConnectTimeout = absl::Seconds(15);

  KafkaWriter(ResolvedSinkOptions options, std::shared_ptr<const KafkaClientFactory> clients,
              uint32_t subtask_index, const Clock& clock);

  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }
  absl::Status Open(const std::string& recovered) override;
  bool HasRoom() override;
  absl::Status Write(const BatchPtr& batch) override;
  void PrepareCommit(Epoch epoch, PrepareDone done) override;

  const DeliveryAccounts& accounts() const { return accounts_; }

 private:
  // Hands what is left of backlog_ to the client, as far as it has room.
  void SendBacklog();
  // Takes reports, sends on, answers barriers.
  void Work();
  void CheckConnection();

  const ResolvedSinkOptions options_;
  const std::shared_ptr<const KafkaClientFactory> clients_;
  const uint32_t subtask_index_;
  const Clock& clock_;
  std::function<void()> wakeup_;
  RecordSerializer serializer_;
  std::unique_ptr<KafkaProducerClient> client_;
  DeliveryAccounts accounts_;
  std::optional<absl::Duration> opened_at_;

  OutgoingBatch backlog_;  // the last batch, until the client has taken all of it
  uint64_t backlog_account_ = 0;
};

}  // namespace weir::kafka
