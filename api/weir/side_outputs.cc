#include "weir/side_outputs.h"

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::internal {

SideOutputs::Side* SideOutputs::Add(const std::string& tag, const std::type_info& type,
                                    const Schema& schema) {
  const auto found = outputs_.find(tag);
  if (found == outputs_.end()) return nullptr;
  const absl::Status same = CheckRecordSchema(schema, *found->second.schema);
  if (!same.ok()) {
    status_.Update(absl::InvalidArgumentError(absl::StrCat(
        "side output '", tag, "' is written and read with different types: ", same.message())));
    return nullptr;
  }
  return &sides_.emplace_back(Side{tag, &type, found->second.output, nullptr});
}

void SideOutputs::Begin() {
  went_on_ = false;
  for (Side& side : sides_) {
    if (side.rows != nullptr) side.rows->Begin(*side.output);
  }
}

absl::Status SideOutputs::Flush() {
  WEIR_RETURN_IF_ERROR(status_);
  for (Side& side : sides_) {
    if (side.rows != nullptr) WEIR_RETURN_IF_ERROR(side.rows->Flush());
  }
  return absl::OkStatus();
}

}  // namespace weir::internal
