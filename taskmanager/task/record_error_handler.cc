#include "taskmanager/task/record_error_handler.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/formats/json_format.h"

namespace weir::taskmanager {
namespace {

constexpr absl::Duration kBudgetPeriod = absl::Minutes(1);
constexpr absl::Duration kLogInterval = absl::Minutes(1);

std::optional<ByteArray> Bytes(const Payload& payload) {
  if (payload.null) return std::nullopt;
  ByteArray bytes(payload.size);
  if (payload.size > 0) std::memcpy(bytes.data(), payload.data, payload.size);
  return bytes;
}

std::string PositionOf(const FailedRecord& record) {
  Provenance provenance;
  provenance.topic = record.topic;
  provenance.partition = record.partition;
  provenance.first_offset = record.offset;
  return provenance.Describe(0);
}

}  // namespace

RecordErrorHandler::RecordErrorHandler(Options options, const OperatorIdentity& identity,
                                       OperatorCounters& counters, OperatorBoundary& boundary,
                                       const Clock& clock, Output& dead_letters)
    : options_(std::move(options)),
      identity_(identity),
      counters_(counters),
      boundary_(boundary),
      clock_(clock),
      dead_letters_(dead_letters) {}

absl::Status RecordErrorHandler::OnFailedRecord(const FailedRecord& record) {
  WEIR_RETURN_IF_ERROR(Decide(PositionOf(record), absl::InvalidArgumentError(record.reason)));
  Count(counters_.records_in, 1);
  if (options_.policy.action != ErrorAction::kDeadLetter) return absl::OkStatus();
  DeadLetter letter = Letter(record.reason);
  letter.key = Bytes(record.key);
  letter.value = Bytes(record.value);
  letter.format = "raw";
  letter.topic = record.topic;
  letter.partition = record.partition;
  letter.offset = record.offset;
  letters_.Append(letter);
  return absl::OkStatus();
}

absl::Status RecordErrorHandler::OnFailedRow(const Batch& batch, size_t row,
                                             const std::string& reason) {
  const Provenance* provenance = batch.provenance().get();
  const std::string sentence = absl::StrCat("a user function threw: ", reason);
  const std::string position = provenance == nullptr ? "" : provenance->Describe(row);
  WEIR_RETURN_IF_ERROR(Decide(position, absl::UnknownError(sentence)));
  if (options_.policy.action != ErrorAction::kDeadLetter) return absl::OkStatus();
  DeadLetter letter = Letter(sentence);
  WEIR_ASSIGN_OR_RETURN(letter.value, AsJson(batch, row));
  letter.format = "json";
  if (provenance != nullptr) {
    letter.topic = provenance->topic;
    letter.partition = provenance->partition;
    if (const int64_t offset = provenance->OffsetOf(row); offset >= 0) letter.offset = offset;
  }
  letters_.Append(letter);
  return absl::OkStatus();
}

absl::Status RecordErrorHandler::Flush() {
  if (letters_.rows() == 0) return absl::OkStatus();
  if (letters_.full()) return letters_.batch_builder().status();
  return dead_letters_.Emit(std::make_shared<const Batch>(letters_.Finish()));
}

absl::Status RecordErrorHandler::Decide(const std::string& position, const absl::Status& failure) {
  const bool fails = options_.policy.action == ErrorAction::kFail;
  const absl::Status status = fails ? failure : CheckBudget(failure);
  if (!status.ok()) {
    boundary_.RecordAt(identity_, position, status);
    return status;
  }
  // Dead letters are counted when they leave.
  if (options_.policy.action == ErrorAction::kSkip) Count(counters_.skipped, 1);
  Tell(position, failure.message());
  return absl::OkStatus();
}

absl::Status RecordErrorHandler::CheckBudget(const absl::Status& failure) {
  const int64_t budget = options_.policy.budget_per_minute;
  if (budget == 0) return absl::OkStatus();
  const absl::Duration now = clock_.Monotonic();
  if (now - minute_began_ >= kBudgetPeriod) {
    minute_began_ = now;
    in_minute_ = 0;
  }
  if (++in_minute_ <= budget) return absl::OkStatus();
  return absl::Status(failure.code(), absl::StrCat("its error budget of ", budget,
                                                   " records per minute is used up; the last: ",
                                                   failure.message()));
}

// The first, and then once a minute with their number.
void RecordErrorHandler::Tell(const std::string& position, absl::string_view reason) {
  ++untold_;
  const absl::Duration now = clock_.Monotonic();
  if (now - told_at_ < kLogInterval) return;
  told_at_ = now;
  LogWarning(options_.policy.action == ErrorAction::kSkip ? "records were skipped"
                                                          : "records went to the dead letters",
             {{"operator", identity_.name},
              {"records", std::exchange(untold_, 0)},
              {"last", position},
              {"reason", reason}});
}

DeadLetter RecordErrorHandler::Letter(const std::string& reason) const {
  DeadLetter letter;
  letter.job = options_.job;
  letter.job_id = options_.job_id;
  letter.operator_name = identity_.name;
  letter.operator_uid = identity_.uid;
  letter.subtask = static_cast<int32_t>(options_.subtask);
  letter.error = reason;
  return letter;
}

absl::StatusOr<ByteArray> RecordErrorHandler::AsJson(const Batch& batch, size_t row) {
  if (schema_ != batch.schema()) {
    schema_ = batch.schema();
    serializer_ = std::make_unique<JsonSerializer>(schema_);
  }
  ByteRows rows;
  WEIR_RETURN_IF_ERROR(serializer_->Serialize(batch.Slice(row, 1), &rows));
  return *Bytes(rows[0]);
}

}  // namespace weir::taskmanager
