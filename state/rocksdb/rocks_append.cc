#include "state/rocksdb/rocks_append.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace weir::internal {
namespace {

class AppendOperator final : public rocksdb::MergeOperator {
 public:
  // The name is in the properties of tables.
  const char* Name() const override { return "weir.append"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    out->new_value.clear();
    if (in.existing_value != nullptr) {
      out->new_value.assign(in.existing_value->data(), in.existing_value->size());
    }
    return AddAll(in.operand_list, &out->new_value);
  }
  bool PartialMerge(const rocksdb::Slice&, const rocksdb::Slice& left, const rocksdb::Slice& right,
                    std::string* value, rocksdb::Logger*) const override {
    value->assign(left.data(), left.size());
    return AddAll(std::array{right}, value);
  }
  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                         std::string* value, rocksdb::Logger*) const override {
    value->clear();
    return AddAll(operands, value);
  }

 private:
  static constexpr size_t kLargestBytes = UINT32_MAX - (size_t{1} << 20);

  template <class Operands>
  static bool AddAll(const Operands& operands, std::string* value) {
    size_t bytes = value->size();
    for (const rocksdb::Slice& operand : operands) bytes += operand.size();
    if (bytes > kLargestBytes) return false;
    value->reserve(bytes);
    for (const rocksdb::Slice& operand : operands) value->append(operand.data(), operand.size());
    return true;
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> MakeAppendOperator() {
  return std::make_shared<AppendOperator>();
}

}  // namespace weir::internal
