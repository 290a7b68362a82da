#include "taskmanager/task/operator_boundary.h"

#include "absl/strings/str_cat.h"

namespace weir::taskmanager {
namespace {

std::string PositionOf(const Batch* batch) {
  if (batch == nullptr || batch->num_rows() == 0 || batch->provenance() == nullptr) return "";
  const Provenance& provenance = *batch->provenance();
  std::string text = provenance.Describe(0);
  const int64_t last = provenance.OffsetOf(batch->num_rows() - 1);
  if (last >= 0 && batch->num_rows() > 1) absl::StrAppend(&text, " to offset ", last);
  return text;
}

}  // namespace

void OperatorBoundary::Record(const OperatorIdentity& identity, const Batch* batch,
                              const absl::Status& status) {
  if (failure_.has_value()) return;
  failure_ = TaskFailure{identity.uid, identity.name, status, PositionOf(batch)};
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
