#include "taskmanager/task/task_observer.h"

#include "absl/strings/str_cat.h"

namespace weir::taskmanager {

std::string TaskFailure::ToString() const {
  std::string text;
  if (!operator_name.empty()) text = absl::StrCat("operator '", operator_name, "' failed");
  if (!position.empty()) absl::StrAppend(&text, text.empty() ? "" : " ", "at ", position);
  absl::StrAppend(&text, text.empty() ? "" : ": ", status.message());
  return text;
}

}  // namespace weir::taskmanager
