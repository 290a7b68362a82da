#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/types/record.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "tests/unit/connectors/kafka/testing_transactional_kafka.h"

namespace weir::kafka {

using Prepared = std::optional<absl::StatusOr<std::vector<std::string>>>;

class TransactionalWriterClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + now; }
  absl::Duration Monotonic() const override { return now; }
  absl::Duration now = absl::Seconds(100);
};

inline constexpr char kFirst[] = "p~7~3~0";
inline constexpr char kSecond[] = "p~7~3~1";
inline constexpr char kThird[] = "p~7~3~2";

/// A writer of subtask 3 under fence 7, on a coordinator in memory and a pool that the test runs.
class TransactionalWriterTest : public testing::Test {
 protected:
  void MakeWriter(BlockingPool& pool, KafkaSinkOptions options = {}) {
    options.properties.Set("bootstrap.servers", "b:1");
    options.topic = "t";
    options.value_format = StringRecordFormat();
    auto resolved = ResolveSinkOptions(options, SchemaOf<std::string>());
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    TransactionalWriterSetup setup;
    setup.options = *resolved;
    setup.context.identity.job = JobId("run");
    setup.context.generation = Generation(5);
    setup.context.subtask_index = 3;
    setup.context.pool = &pool;
    setup.clients = std::make_shared<TestingTransactionalFactory>(kafka_);
    setup.transaction_clients = [this]() -> absl::StatusOr<std::shared_ptr<TransactionClient>> {
      return std::make_shared<TestingTransactionClient>(kafka_);
    };
    setup.steps = std::make_shared<TestingStepObserver>(kafka_);
    writer_ = std::make_unique<TransactionalWriter>(std::move(setup), clock_);
    writer_->SetWakeup([this] { ++wakeups_; });
  }
  static std::string Instructions() {
    return WriterInstructions{7, "p", absl::Minutes(1)}.Encode();
  }
  // With its first two slots warm.
  void Open(const KafkaSinkOptions& options = {}) {
    MakeWriter(pool_, options);
    ASSERT_TRUE(writer_->Open(Instructions()).ok());
    pool_.RunAll();
    ASSERT_TRUE(writer_->HasRoom());
    kafka_.log.clear();
  }
  void Write(const std::vector<std::string>& values) {
    RecordBuilder<std::string> builder;
    for (const std::string& value : values) builder.Append(value);
    ASSERT_TRUE(writer_->HasRoom());
    const absl::Status status = writer_->Write(std::make_shared<const Batch>(builder.Finish()));
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::Status WriteStatus(const std::string& value) {
    RecordBuilder<std::string> builder;
    builder.Append(value);
    return writer_->Write(std::make_shared<const Batch>(builder.Finish()));
  }
  void Barrier(uint64_t epoch, Prepared* result) {
    writer_->PrepareCommit(Epoch(epoch), [result](auto prepared) { *result = prepared; });
  }
  // The barrier, and all that follows from it.
  std::vector<Committable> Prepare(uint64_t epoch) {
    Prepared result;
    Barrier(epoch, &result);
    // Prepares; then asks about what waits since earlier epochs.
    for (int i = 0; i < 2; ++i) {
      pool_.RunAll();
      writer_->HasRoom();
    }
    std::vector<Committable> committables;
    EXPECT_TRUE(result.has_value());
    if (!result.has_value()) return committables;
    EXPECT_TRUE(result->ok()) << result->status();
    if (!result->ok()) return committables;
    for (const std::string& bytes : **result) {
      const auto committable = Committable::Decode(bytes);
      EXPECT_TRUE(committable.ok()) << committable.status();
      if (committable.ok()) committables.push_back(*committable);
    }
    return committables;
  }
  static std::vector<std::string> Ids(const std::vector<Committable>& committables) {
    std::vector<std::string> ids;
    for (const Committable& each : committables) ids.push_back(each.transactional_id);
    return ids;
  }
  void Permit(uint64_t epoch, std::optional<absl::Status>* result) {
    writer_->Commit(PermitAuthority::Grant(Epoch(epoch), LeaderTerm(1)),
                    [result](absl::Status status) { *result = std::move(status); });
  }
  absl::Status Commit(uint64_t epoch) {
    std::optional<absl::Status> result;
    Permit(epoch, &result);
    pool_.RunAll();
    writer_->HasRoom();
    return result.value_or(absl::UnknownError("no answer"));
  }

  double Metric(const std::string& name) const { return writer_->metrics()->Read().at(name); }

  TestingTransactionalKafka kafka_;
  ManualBlockingPool pool_;
  TransactionalWriterClock clock_;
  int wakeups_ = 0;
  std::unique_ptr<TransactionalWriter> writer_;
};

}  // namespace weir::kafka
