#include "common/formats/format.h"

#include <algorithm>

#include "absl/status/status.h"

#include "common/base/check.h"

namespace weir {

void ByteRows::Truncate(size_t rows) {
  if (rows >= ends_.size()) return;
  used_ = rows == 0 ? 0 : ends_[rows - 1];
  ends_.resize(rows);
  nulls_.resize(rows == 0 || nulls_.empty() ? 0 : rows);
}

void ByteRows::Reserve(size_t rows, size_t bytes) {
  ends_.reserve(ends_.size() + rows);
  if (capacity_ - used_ < bytes + kSlack) GrowArena(bytes);
}

void ByteRows::AppendNull() {
  Grow(0);
  ends_.push_back(used_);
  nulls_.resize(ends_.size() - 1, 0);
  nulls_.push_back(1);
}

void ByteRows::GrowArena(size_t bytes) {
  constexpr size_t kMinArena = 4096;
  capacity_ = std::max({used_ + bytes + kSlack, capacity_ * 2, kMinArena});
  auto* moved = static_cast<char*>(std::realloc(arena_.get(), capacity_));
  WEIR_CHECK(moved != nullptr) << "out of memory for an arena of " << capacity_ << " bytes";
  (void)arena_.release();
  arena_.reset(moved);
}

absl::Status CheckSingleColumn(const Schema& schema, DataType type, std::string_view format) {
  if (schema.num_fields() == 1 && schema.field(0).type == type) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(format) + " holds one column of type " +
                                    std::string(DataTypeName(type)) + ", not " + schema.ToString());
}

}  // namespace weir
