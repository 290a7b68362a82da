#include "weir/stream_functions.h"

#include <exception>

namespace weir::internal {

const absl::Status& FunctionState::Good() {
  static const absl::Status good;
  return good;
}

BatchExtras TakeExtras(const Batch& batch, std::span<const uint32_t> rows) {
  BatchExtras extras;
  if (const int64_t* times = batch.event_times(); times != nullptr) {
    std::vector<int64_t> taken;
    taken.reserve(rows.size());
    for (const uint32_t row : rows) taken.push_back(times[row]);
    extras.event_times = Buffer::FromVector(std::move(taken));
  }
  if (const ChangeKind* kinds = batch.change_kinds(); kinds != nullptr) {
    std::vector<ChangeKind> taken;
    taken.reserve(rows.size());
    for (const uint32_t row : rows) taken.push_back(kinds[row]);
    extras.change_kinds = Buffer::FromVector(std::move(taken));
  }
  if (batch.provenance() != nullptr) extras.provenance = batch.provenance()->Take(rows);
  return extras;
}

BatchPtr Select(const BatchPtr& batch, std::span<const uint32_t> rows) {
  if (rows.empty()) return nullptr;
  if (rows.size() == batch->num_rows()) return batch;
  return std::make_shared<const Batch>(batch->Take(rows));
}

absl::Status CheckFits(const BatchBuilder& builder) {
  return builder.full() ? builder.status() : absl::OkStatus();
}

absl::Status OnException(RecordErrors* errors, const Batch& batch, size_t row) {
  const std::exception_ptr thrown = std::current_exception();
  if (errors == nullptr) std::rethrow_exception(thrown);
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return errors->OnFailedRow(batch, row, error.what());
  } catch (...) {
    return errors->OnFailedRow(batch, row, "something that is no std::exception was thrown");
  }
}

std::vector<uint32_t> AllBut(size_t rows, std::span<const uint32_t> left_out) {
  std::vector<uint32_t> kept;
  kept.reserve(rows - left_out.size());
  auto next = left_out.begin();
  for (uint32_t row = 0; row < rows; ++row) {
    if (next != left_out.end() && *next == row) {
      ++next;
    } else {
      kept.push_back(row);
    }
  }
  return kept;
}

}  // namespace weir::internal
