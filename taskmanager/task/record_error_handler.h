#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/connector/record_errors.h"
#include "common/formats/format.h"
#include "common/operator/dead_letter.h"
#include "common/operator/error_policy.h"
#include "common/operator/operator.h"
#include "common/time/clock.h"
#include "taskmanager/task/operator_boundary.h"

namespace weir::taskmanager {

/// Carries out the error policy of one operator in one task: fails by name, counts what is skipped,
/// makes dead letters, and watches the budget.
///
/// Dead letters are kept until Flush, which the task calls behind each batch: they leave with it,
/// before any barrier.
/// Threads: the task's. Lifetime: borrows all arguments.
class RecordErrorHandler final : public RecordErrors {
 public:
  struct Options {
    ErrorPolicySpec policy;
    std::string job;  // its name
    std::string job_id;
    uint32_t subtask = 0;
  };
  RecordErrorHandler(Options options, const OperatorIdentity& identity, OperatorCounters& counters,
                     OperatorBoundary& boundary, const Clock& clock, Output& dead_letters);

  absl::Status OnFailedRecord(const FailedRecord& record) override;
  absl::Status OnFailedRow(const Batch& batch, size_t row, const std::string& reason) override;
  absl::Status Flush();

 private:
  // OK: the record is to be left out.
  absl::Status Decide(const std::string& position, const absl::Status& failure);
  absl::Status CheckBudget(const absl::Status& failure);
  void Tell(const std::string& position, absl::string_view reason);
  absl::StatusOr<ByteArray> AsJson(const Batch& batch, size_t row);
  DeadLetter Letter(const std::string& reason) const;

  const Options options_;
  const OperatorIdentity& identity_;
  OperatorCounters& counters_;
  OperatorBoundary& boundary_;
  const Clock& clock_;
  Output& dead_letters_;
  absl::Duration minute_began_ = -absl::InfiniteDuration();
  int64_t in_minute_ = 0;
  absl::Duration told_at_ = -absl::InfiniteDuration();
  uint64_t untold_ = 0;  // since the last log line
  RecordBuilder<DeadLetter> letters_;
  SchemaPtr schema_;  // of serializer_
  std::unique_ptr<Serializer> serializer_;
};

}  // namespace weir::taskmanager
