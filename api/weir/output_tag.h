#pragma once

#include <string>
#include <utility>

#include "common/types/record.h"

namespace weir {

/// Names a side output and the type of its rows (Flink's OutputTag). A plain value: it may be
/// static, and every copy names the same output.
template <RowType T>
class OutputTag {
 public:
  using RecordType = T;
  explicit OutputTag(std::string id) : id_(std::move(id)) {}
  const std::string& id() const { return id_; }

 private:
  std::string id_;
};

}  // namespace weir
