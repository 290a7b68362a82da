#include "taskmanager/task/operator_boundary.h"

#include "absl/strings/str_cat.h"

namespace weir::taskmanager {

void OperatorBoundary::Record(const OperatorIdentity& identity, const Batch* batch,
                              const absl::Status& status) {
  if (failure_.has_value()) return;
  const uint32_t row = ThisThreadsCall().row.load(std::memory_order_relaxed);
  failure_ = TaskFailure{identity.uid, identity.name, status, PositionOf(batch, row)};
}

void OperatorBoundary::RecordAt(const OperatorIdentity& identity, const std::string& position,
                                const absl::Status& status) {
  if (failure_.has_value()) return;
  failure_ = TaskFailure{identity.uid, identity.name, status, position};
}

absl::Status OperatorBoundary::FromException(const std::exception& error) {
  return absl::UnknownError(absl::StrCat("a user function threw: ", error.what()));
}

}  // namespace weir::taskmanager
