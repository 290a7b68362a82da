#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/exec/blocking_pool.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/record_checksum.h"
#include "connectors/kafka/transactional/stored_record_reader.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "connectors/kafka/transactional/transactional_producer.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// A pool whose works run when the test says so, on its thread.
class ManualBlockingPool final : public BlockingPool {
 public:
  void Submit(std::function<void()> work) override { works.push_back(std::move(work)); }
  bool RunOne() {
    if (works.empty()) return false;
    const std::function<void()> work = std::move(works.front());
    works.pop_front();
    work();
    return true;
  }
  void RunAll() {
    while (RunOne()) {
    }
  }
  std::deque<std::function<void()>> works;
};

/// A coordinator and a partition in memory, as far as a writer sees them.
class TestingTransactionalKafka {
 public:
  struct Record {
    std::string value;
    std::string id;
    bool committed = false;
  };

  std::vector<std::string> log;  // "init id", "begin id", "marker id 5 metadata", "flush id", ...
  std::vector<Record> records;   // of partition 0, by offset
  int64_t log_start = 0;         // retention has removed what is before
  std::map<std::string, DescribedTransaction> transactions;
  std::map<std::string, GroupOffset> offsets;  // by group; others are absent
  std::vector<TransactionalProducerOptions> made;
  int live_producers = 0;
  int64_t next_producer_id = 1000;

  // Called at the next call, "marker p~1~0~0"; by the call that takes it.
  std::map<std::string, std::function<void()>> during;
  // What the test wants to happen, under "call id": "commit p~1~0~0". Taken by the call.
  std::map<std::string, absl::Status> errors;
  std::set<std::string> repeat_commits;  // ids
  std::set<std::string> repeat_markers;  // ids
  size_t room = 1000000;                 // of each producer's queue
  bool deliver_on_poll = true;
  bool forget_reports = false;
  std::optional<absl::Status> fail_records;
  absl::Status describe_error;
  bool cancelled = false;

  absl::Status Call(const std::string& call, const std::string& id, const std::string& more = "") {
    log.push_back(absl::StrCat(call, " ", id, more.empty() ? "" : " ", more));
    if (auto meanwhile = during.extract(absl::StrCat(call, " ", id))) meanwhile.mapped()();
    const auto error = errors.find(absl::StrCat(call, " ", id));
    if (error == errors.end()) return absl::OkStatus();
    const absl::Status status = error->second;
    errors.erase(error);
    return status;
  }
  // Of TransactionClient::WriteOffset, by the holder of `id`.
  WriteOffsetAnswer Mark(const std::string& id, const TransactionOffset& offset) {
    const absl::Status status = Call("marker", id,
                                     absl::StrCat(offset.group == id ? "" : offset.group + " ",
                                                  offset.offset, " [", offset.metadata, "]"));
    return {repeat_markers.erase(id) > 0 ? 1 : 0, status};
  }
  absl::Status Commit(const std::string& id) {
    if (absl::Status status = Call("commit", id); !status.ok()) return status;
    transactions[id].state = TransactionState::kCompleteCommit;
    transactions[id].start_time.reset();
    for (Record& record : records) {
      if (record.id == id) record.committed = true;
    }
    return absl::OkStatus();
  }
  std::vector<std::string> CommittedValues() const {
    std::vector<std::string> values;
    for (const Record& record : records) {
      if (record.committed) values.push_back(record.value);
    }
    return values;
  }
  std::vector<std::string> Calls(const std::string& call) const {
    std::vector<std::string> found;
    for (const std::string& line : log) {
      if (line.rfind(call + " ", 0) == 0) found.push_back(line.substr(call.size() + 1));
    }
    return found;
  }
};

class TestingTransactionalProducer final : public KafkaTransactionalProducer {
 public:
  TestingTransactionalProducer(TestingTransactionalKafka& kafka,
                               const TransactionalProducerOptions& options)
      : kafka_(kafka), id_(options.configuration.values.at("transactional.id")) {
    ++kafka_.live_producers;
  }
  ~TestingTransactionalProducer() override {
    kafka_.log.push_back("close " + id_);
    --kafka_.live_producers;
  }

  absl::Status Begin(TransactionDeliveryListener& listener) override {
    listener_ = &listener;
    return kafka_.Call("begin", id_);
  }
  absl::StatusOr<size_t> Produce(std::span<const OutgoingMessage> messages) override {
    if (absl::Status status = kafka_.Call("produce", id_); !status.ok()) return status;
    const size_t taken = std::min(messages.size(), kafka_.room - queue_.size());
    for (size_t i = 0; i < taken; ++i) {
      queue_.emplace_back(messages[i].value.data, messages[i].value.size);
    }
    DescribedTransaction& transaction = kafka_.transactions[id_];
    transaction.state = TransactionState::kOngoing;
    transaction.start_time = absl::FromUnixSeconds(77);
    return taken;
  }
  absl::Status Poll() override {
    if (kafka_.deliver_on_poll) Deliver();
    return absl::OkStatus();
  }
  absl::Status Init(absl::Duration) override {
    if (absl::Status status = kafka_.Call("init", id_); !status.ok()) return status;
    DescribedTransaction& transaction = kafka_.transactions[id_];
    transaction.state = TransactionState::kEmpty;
    transaction.producer = {kafka_.next_producer_id++, 0};
    transaction.timeout = absl::Minutes(1);
    return absl::OkStatus();
  }
  absl::Status Flush(absl::Duration) override {
    Deliver();
    return kafka_.Call("flush", id_);
  }
  absl::Status Commit(absl::Duration) override {
    if (absl::Status status = kafka_.Commit(id_); !status.ok()) return status;
    repeated_ = repeated_ || kafka_.repeat_commits.erase(id_) > 0;
    return absl::OkStatus();
  }
  bool repeated() const override { return repeated_; }

 private:
  void Deliver() {
    for (const std::string& value : std::exchange(queue_, {})) {
      if (kafka_.fail_records.has_value()) {
        listener_->OnFailed(value.size(), *kafka_.fail_records);
        continue;
      }
      const auto offset = static_cast<int64_t>(kafka_.records.size());
      kafka_.records.push_back({value, id_});
      if (kafka_.forget_reports) continue;
      const Payload payload{value.data(), value.size(), false};
      listener_->OnDelivered(
          {0, offset, offset, 1, value.size(), RecordChecksum({nullptr, 0, true}, payload)});
    }
  }

  TestingTransactionalKafka& kafka_;
  const std::string id_;
  bool repeated_ = false;
  TransactionDeliveryListener* listener_ = nullptr;
  std::vector<std::string> queue_;
};

/// Of partition 0; keys are null.
class TestingRecordReader final : public StoredRecordReader {
 public:
  explicit TestingRecordReader(TestingTransactionalKafka& kafka) : kafka_(kafka) {}
  absl::Status Read(const TopicPartition&, int64_t first, int64_t last, absl::Duration,
                    const Visitor& visitor) override {
    for (int64_t at = std::max(first, kafka_.log_start); at <= last; ++at) {
      // By value: the visitor appends.
      const std::string value = kafka_.records[static_cast<size_t>(at)].value;
      const StoredRecord record{
          at, 1000 + at, {nullptr, 0, true}, {value.data(), value.size(), false}};
      if (absl::Status status = visitor({&record, 1}); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  TestingTransactionalKafka& kafka_;
};

class TestingTransactionalFactory final : public KafkaClientFactory {
 public:
  explicit TestingTransactionalFactory(TestingTransactionalKafka& kafka) : kafka_(kafka) {}
  absl::Status CheckConfiguration(const ClientConfiguration&) const override {
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<KafkaConsumerClient>> MakeConsumer(
      const ClientConfiguration&, std::function<void()>) const override {
    return absl::UnimplementedError("no consumer here");
  }
  absl::StatusOr<std::unique_ptr<KafkaProducerClient>> MakeProducer(
      const ClientConfiguration&, const std::string&, std::function<void()>) const override {
    return absl::UnimplementedError("no plain producer here");
  }
  absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> MakeTransactionalProducer(
      const TransactionalProducerOptions& options) const override {
    kafka_.made.push_back(options);
    return std::make_unique<TestingTransactionalProducer>(kafka_, options);
  }
  absl::StatusOr<std::unique_ptr<KafkaAdminClient>> MakeAdmin(const ClientConfiguration&,
                                                              absl::Duration) const override {
    return absl::UnimplementedError("no admin here");
  }
  absl::StatusOr<std::unique_ptr<StoredRecordReader>> MakeRecordReader(
      const ClientConfiguration&) const override {
    return std::make_unique<TestingRecordReader>(kafka_);
  }

 private:
  TestingTransactionalKafka& kafka_;
};

/// Describes, marks and commits opening markers; a writer asks for nothing else.
class TestingTransactionClient final : public TransactionClient {
 public:
  explicit TestingTransactionClient(TestingTransactionalKafka& kafka) : kafka_(kafka) {}
  EndTransactionAnswer EndTransaction(const std::string& id, ProducerIdAndEpoch producer,
                                      TransactionResult result, absl::Duration) override {
    EXPECT_EQ(producer, kafka_.transactions[id].producer);
    EXPECT_EQ(result, TransactionResult::kCommit);
    const absl::Status status = kafka_.Commit(id);
    return {status.ok() ? EndTransactionOutcome::kDone : EndTransactionOutcome::kRefused,
            kafka_.repeat_commits.erase(id) > 0 ? 1 : 0, status};
  }
  WriteOffsetAnswer WriteOffset(const std::string& id, ProducerIdAndEpoch producer,
                                const TransactionOffset& offset, absl::Duration) override {
    if (producer != kafka_.transactions[id].producer) return {0, absl::AbortedError("fenced")};
    EXPECT_EQ(offset.partition.partition, 0);
    return kafka_.Mark(id, offset);
  }
  absl::StatusOr<ProducerIdAndEpoch> InitProducerId(const std::string&, absl::Duration,
                                                    absl::Duration) override {
    kafka_.log.push_back("a writer took an id over from outside");
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<ListedTransaction>> ListTransactions(
      const std::vector<TransactionState>&, absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::map<std::string, DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>& ids, absl::Duration) override {
    if (!kafka_.describe_error.ok()) return kafka_.describe_error;
    std::map<std::string, DescribedTransaction> found;
    for (const std::string& id : ids) {
      if (kafka_.transactions.count(id) > 0) found[id] = kafka_.transactions[id];
    }
    return found;
  }
  absl::StatusOr<GroupOffset> FetchOffset(const std::string& group, const TopicPartition&,
                                          FetchOffsetOptions, absl::Duration) override {
    return kafka_.offsets.count(group) > 0 ? kafka_.offsets[group] : GroupOffset();
  }
  absl::StatusOr<std::map<TopicPartition, GroupOffset>> FetchGroupOffsets(const std::string&,
                                                                          FetchOffsetOptions,
                                                                          absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<PartitionOffsets> FetchPartitionOffsets(const TopicPartition&,
                                                         absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<RecordBatchRange> ReadBatchHeaders(const TopicPartition&, OffsetRange,
                                                    absl::Duration) override {
    return absl::UnimplementedError("");
  }
  void Cancel() override { kafka_.cancelled = true; }

 private:
  TestingTransactionalKafka& kafka_;
};

/// Notes the steps in the same log as the calls: "step after-marker id".
class TestingStepObserver final : public TransactionStepObserver {
 public:
  explicit TestingStepObserver(TestingTransactionalKafka& kafka) : kafka_(kafka) {}
  void OnStep(TransactionStep step, const std::string& id) override {
    kafka_.log.push_back(absl::StrCat("step ", TransactionStepName(step), " ", id));
  }

 private:
  TestingTransactionalKafka& kafka_;
};

}  // namespace weir::kafka
