#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/types/data_type.h"
#include "common/types/status_forward.h"

namespace weir {

struct Field {
  std::string name;
  DataType type = DataType::kInt64;
  bool nullable = false;

  bool operator==(const Field&) const = default;
};

/// The names and types of a batch's columns, in order. Immutable, and shared by all batches of a
/// stream as SchemaPtr.
///
/// Threads: immutable, so thread-safe.
/// Errors: a schema that comes from outside (a plan, a manifest) is checked with Validate.
class Schema {
 public:
  explicit Schema(std::vector<Field> fields) : fields_(std::move(fields)) {}

  static std::shared_ptr<const Schema> Make(std::vector<Field> fields) {
    return std::make_shared<const Schema>(std::move(fields));
  }

  const std::vector<Field>& fields() const { return fields_; }
  size_t num_fields() const { return fields_.size(); }
  const Field& field(size_t index) const { return fields_[index]; }

  /// The position of the field with this name (case matters); nothing when there is none.
  std::optional<size_t> IndexOf(std::string_view name) const;

  /// INVALID_ARGUMENT naming the field when a name is empty or appears twice.
  absl::Status Validate() const;

  /// "(id int64, origin string?)"; a question mark marks a nullable field.
  std::string ToString() const;

  bool operator==(const Schema&) const = default;

 private:
  std::vector<Field> fields_;
};

using SchemaPtr = std::shared_ptr<const Schema>;

}  // namespace weir
