#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/time/system_clock.h"
#include "connectors/kafka/transactional/owner_record.h"
#include "connectors/kafka/transactional/transactional_committer.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/transactional/writer_instructions.h"
#include "tests/unit/connectors/kafka/testing_transactional_kafka.h"

namespace weir::kafka {

inline constexpr char kTopic[] = "out";
inline constexpr char kPrefix[] = "p";

/// Answers as the test has said; keeps what it was asked.
class ScriptedCoordinator final : public TransactionClient {
 public:
  explicit ScriptedCoordinator(TestingTransactionalKafka& kafka) : kafka_(kafka) {}

  EndTransactionAnswer EndTransaction(const std::string& id, ProducerIdAndEpoch producer,
                                      TransactionResult result, absl::Duration) override {
    if (id == OwnerId(kPrefix) || id == ReplayId(kPrefix)) {
      const absl::Status status = kafka_.Commit(id);
      return {status.ok() ? EndTransactionOutcome::kDone : EndTransactionOutcome::kRefused,
              kafka_.repeat_commits.erase(id) > 0 ? 1 : 0, status};
    }
    ended.push_back(absl::StrCat(id, result == TransactionResult::kCommit ? " commit " : " abort ",
                                 producer.producer_id, ":", producer.epoch));
    EndTransactionAnswer answer;
    answer.outcome = outcomes.count(id) > 0 ? outcomes[id] : EndTransactionOutcome::kDone;
    if (answer.outcome != EndTransactionOutcome::kDone) answer.detail = absl::InternalError("said");
    if (answer.outcome == EndTransactionOutcome::kDone && after_commit.count(id) > 0) {
      offsets[id] = {after_commit[id]};
    }
    return answer;
  }
  WriteOffsetAnswer WriteOffset(const std::string& id, ProducerIdAndEpoch,
                                const TransactionOffset& offset, absl::Duration) override {
    if (offset.partition != TopicPartition{kTopic, 0}) {
      released_elsewhere.push_back(offset.partition.topic);
      return {};
    }
    return kafka_.Mark(id, offset);
  }
  absl::StatusOr<ProducerIdAndEpoch> InitProducerId(const std::string& id, absl::Duration timeout,
                                                    absl::Duration) override {
    if (id == OwnerId(kPrefix)) {
      if (absl::Status status = kafka_.Call("init", id); !status.ok()) return status;
      return ProducerIdAndEpoch{1, 1};
    }
    if (timeout > max_timeout) return absl::InvalidArgumentError("too long");
    if (id == ReplayId(kPrefix)) {
      ++replay_id_taken;
    } else {
      taken.push_back(id);
    }
    return ProducerIdAndEpoch{1, 1};
  }
  absl::StatusOr<std::vector<ListedTransaction>> ListTransactions(
      const std::vector<TransactionState>&, absl::Duration) override {
    return listed;
  }
  absl::StatusOr<std::map<std::string, DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>& ids, absl::Duration) override {
    std::map<std::string, DescribedTransaction> found;
    for (const std::string& id : ids) {
      if (described.count(id) > 0) found[id].state = described[id];
      if (id == ReplayId(kPrefix)) found[id].producer = {2, 1};
    }
    return found;
  }
  absl::StatusOr<GroupOffset> FetchOffset(const std::string& group, const TopicPartition& partition,
                                          FetchOffsetOptions options, absl::Duration) override {
    EXPECT_TRUE(options.require_stable);
    EXPECT_EQ(partition, (TopicPartition{kTopic, 0}));
    std::deque<GroupOffset>& answers = offsets[group];
    if (answers.empty()) return GroupOffset();
    const GroupOffset answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    return answer;
  }
  absl::StatusOr<std::map<TopicPartition, GroupOffset>> FetchGroupOffsets(
      const std::string& group, FetchOffsetOptions options, absl::Duration timeout) override {
    std::map<TopicPartition, GroupOffset> all = offsets_elsewhere;
    const GroupOffset here = *FetchOffset(group, {kTopic, 0}, options, timeout);
    if (here.kind != GroupOffset::Kind::kAbsent) all[{kTopic, 0}] = here;
    return all;
  }
  absl::StatusOr<PartitionOffsets> FetchPartitionOffsets(const TopicPartition&,
                                                         absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<RecordBatchRange> ReadBatchHeaders(const TopicPartition& partition,
                                                    OffsetRange range, absl::Duration) override {
    EXPECT_EQ(partition, (TopicPartition{kTopic, 0}));
    RecordBatchRange found;
    found.offsets.log_start_offset = kafka_.log_start;
    for (int64_t at = std::max(range.from, kafka_.log_start); at < range.to; ++at) {
      const auto writer = writers.find(kafka_.records[static_cast<size_t>(at)].id);
      if (writer == writers.end()) continue;
      const ProducerIdAndEpoch& who = writer->second;
      found.headers.push_back({at, at, who.producer_id, who.epoch, 0, 1, true, false});
    }
    return found;
  }
  void Cancel() override {}

  std::map<TopicPartition, GroupOffset> offsets_elsewhere;  // of the owner's group
  std::vector<std::string> released_elsewhere;              // topics
  std::map<std::string, EndTransactionOutcome> outcomes;
  std::map<std::string, std::deque<GroupOffset>> offsets;  // the last answer is repeated
  std::map<std::string, GroupOffset> after_commit;
  std::vector<ListedTransaction> listed;
  std::map<std::string, TransactionState> described;
  absl::Duration max_timeout = absl::Hours(1);
  std::map<std::string, ProducerIdAndEpoch> writers;  // of the records, by transactional id
  std::vector<std::string> ended;
  std::vector<std::string> taken;
  int replay_id_taken = 0;

 private:
  TestingTransactionalKafka& kafka_;
};

inline GroupOffset Value(const std::string& metadata) {
  return {GroupOffset::Kind::kValue, 1, metadata};
}

class TransactionalCommitterTest : public ::testing::Test {
 protected:
  TransactionalCommitterTest() {
    recovery_.identity = {"east", JobId("job-1"), "flights", OperatorUid("sink")};
    recovery_.generation = Generation(3);
    recovery_.ended_jobs = {"job-0"};
  }
  absl::StatusOr<WriterInstructions> Recover() {
    TransactionalCommitterSetup setup;
    setup.topic = kTopic;
    setup.prefix = kPrefix;
    setup.transaction_timeout = transaction_timeout_;
    setup.aborted_transactions = aborted_transactions_;
    setup.clients = std::make_shared<TestingTransactionalFactory>(kafka_);
    setup.transaction_clients = [this]() -> absl::StatusOr<std::shared_ptr<TransactionClient>> {
      return std::shared_ptr<TransactionClient>(coordinator_);
    };
    setup.steps = std::make_shared<TestingStepObserver>(kafka_);
    committer_ = std::make_unique<TransactionalCommitter>(std::move(setup), clock_);
    const absl::StatusOr<std::string> recovered = committer_->Recover(recovery_);
    if (!recovered.ok()) return recovered.status();
    return WriterInstructions::Decode(*recovered);
  }
  static Committable Prepared(uint32_t subtask, uint64_t epoch, const std::string& run = "job-1") {
    Committable one;
    one.transactional_id = TransactionalId{kPrefix, 5, subtask, 0}.ToString();
    one.topic = kTopic;
    one.marker = {run, 2, Epoch(epoch), {100 + subtask, 0}};
    one.started = absl::FromUnixSeconds(1'000'000'000);
    one.timeout = absl::Minutes(15);
    one.ranges[2] = {40, 49, 10, 7};
    return one;
  }
  void AddUncommitted(uint64_t epoch, const std::vector<Committable>& committables) {
    UncommittedEpoch uncommitted{PermitAuthority::Grant(Epoch(epoch), LeaderTerm(1)), {}};
    for (const Committable& one : committables) uncommitted.committables.push_back(one.Encode());
    recovery_.uncommitted.push_back(uncommitted);
  }
  void Own(const OwnerRecord& record) {
    coordinator_->offsets[OwnerId(kPrefix)] = {Value(record.Encode())};
  }
  void OwnElsewhere(const std::string& topic, const OwnerRecord& record) {
    coordinator_->offsets_elsewhere[{topic, 0}] = Value(record.Encode());
  }

  SystemClock clock_;
  TestingTransactionalKafka kafka_;
  std::shared_ptr<ScriptedCoordinator> coordinator_ = std::make_shared<ScriptedCoordinator>(kafka_);
  std::unique_ptr<TransactionalCommitter> committer_;
  SinkRecovery recovery_;
  absl::Duration transaction_timeout_ = absl::Hours(1);
  AbortedTransactionPolicy aborted_transactions_ = AbortedTransactionPolicy::kReplay;
};

}  // namespace weir::kafka
