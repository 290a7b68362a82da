#include "common/types/schema.h"

#include <set>

#include "absl/status/status.h"

namespace weir {

std::optional<size_t> Schema::IndexOf(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name == name) return i;
  }
  return std::nullopt;
}

absl::Status Schema::Validate() const {
  std::set<std::string_view> names;
  for (const Field& field : fields_) {
    if (field.name.empty()) {
      return absl::InvalidArgumentError("a field without a name in schema " + ToString());
    }
    if (!names.insert(field.name).second) {
      return absl::InvalidArgumentError("field \"" + field.name + "\" appears twice in schema " +
                                        ToString());
    }
  }
  return absl::OkStatus();
}

std::string Schema::ToString() const {
  std::string text = "(";
  for (const Field& field : fields_) {
    if (text.size() > 1) text += ", ";
    text += field.name;
    text += ' ';
    text += DataTypeName(field.type);
    if (field.nullable) text += '?';
  }
  return text + ")";
}

}  // namespace weir
