#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/connector/source.h"
#include "common/formats/format.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/kafka_split.h"
#include "connectors/kafka/pending_records.h"
#include "connectors/kafka/resolved_source_options.h"

namespace weir::kafka {

/// Reads the partitions of one subtask with one consumer; see SourceReader.
///
/// Every Consume of the client gives up to max.poll.records messages of several partitions; they
/// are handed out as batches of one partition each, of about kBatchBytes at most, payloads copied
/// once, into the columns. The event time of a row is its record's timestamp.
///
/// A bounded partition ends when the position of the consumer reaches the stopping offset: control
/// records and aborted transactions move it without records (FLINK-34470).
///
/// Errors: what RecordErrors says of a record that cannot be decoded; what
/// KafkaConsumerClient::Consume returns.
class KafkaReader final : public SourceReader {
 public:
  static constexpr size_t kBatchBytes = size_t{1} << 20;

  KafkaReader(ResolvedSourceOptions options, std::shared_ptr<const KafkaClientFactory> clients,
              uint32_t subtask_index);

  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }
  void SetErrors(RecordErrors* errors) override { errors_ = errors; }
  absl::Status AddSplits(const std::vector<SourceSplit>& splits) override;
  absl::StatusOr<ReadResult> Poll() override;
  absl::StatusOr<std::vector<SourceSplit>> Snapshot() override;
  void NotifyCheckpointComplete(const std::vector<SourceSplit>& splits) override;

  std::shared_ptr<const SourceMetrics> metrics() const override { return pending_; }

  KafkaConsumerClient::CommitCounts commit_counts() const;

 private:
  struct Split {
    SourceSplit given;  // as added; id and watermark go back unchanged
    KafkaSplit at;      // behind the last batch that was returned
    bool finished = false;
    size_t pending = 0;       // messages of it in groups_
    int64_t assignment = -1;  // -1: not read
    bool recount = true;      // it had messages since it was found to have none
  };
  /// Messages of one partition that were consumed and not yet returned, [next, end) of messages_.
  struct Group {
    size_t split = 0;
    size_t next = 0;
    size_t end = 0;
  };

  absl::Status OpenClient();
  absl::Status ConsumeMore();
  void GroupMessages();
  // The next batch of the first group; null when all its messages lie behind the stopping offset.
  absl::StatusOr<BatchPtr> TakeBatch(Group& group);
  size_t CollectPayloads(const Group& group);
  // What becomes of failed_, of the first `taken` messages.
  absl::Status TellFailures(const Split& split, const Group& group, size_t taken);
  // Those of the first `count` messages of the group that were decoded, into kept_.
  void FindKept(const Group& group, size_t count);
  BatchExtras MakeExtras(const Split& split);
  // Moves positions over what gave no records, and ends the splits that are at their end.
  absl::Status AdvancePositions(bool only_bounded);
  absl::Status Finish(Split& split);
  // Of one split, behind `position`; false when its end is not known yet.
  bool CountPending(const Split& split, int64_t position);
  void CountIdleSplits();
  bool AllFinished() const;

  const ResolvedSourceOptions options_;
  const std::shared_ptr<const KafkaClientFactory> clients_;
  const uint32_t subtask_index_;
  std::function<void()> wakeup_;
  std::unique_ptr<Deserializer> deserializer_;
  BatchBuilder builder_;
  std::unique_ptr<KafkaConsumerClient> client_;
  const std::shared_ptr<PendingRecordCounts> pending_ = std::make_shared<PendingRecordCounts>();
  bool splits_added_ = false;
  std::vector<Split> splits_;
  std::vector<size_t> split_of_assignment_;
  ConsumedBatch consumed_;
  std::vector<ConsumedMessage> messages_;  // those of consumed_, by partition
  std::deque<Group> groups_;
  std::vector<Payload> payloads_;    // scratch
  std::vector<DecodeError> failed_;  // scratch
  std::vector<size_t> kept_;         // scratch: in messages_, one per row
  RecordErrors* errors_ = nullptr;
};

}  // namespace weir::kafka
