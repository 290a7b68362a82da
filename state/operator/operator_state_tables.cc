#include "state/operator/operator_state_tables.h"

#include <cstdint>

namespace weir {
namespace {

// Operator state has no TTL: nobody reads the clock.
constexpr int64_t kNoTime = 0;

}  // namespace

OperatorListTable::OperatorListTable(const OperatorStateDefinition& definition)
    : CellTable(definition.state, kNoTime), elements_(*definition.elements) {}

const void* OperatorListTable::Find() { return cell_.has_value() ? cell_.get()->at() : nullptr; }

void* OperatorListTable::FindToChange() {
  return cell_.has_value() ? cell_.Change().at() : nullptr;
}

void* OperatorListTable::FindOrCreate() {
  if (!cell_.has_value()) cell_.Set(OwnedCell(*definition().cell_type));
  return cell_.Change().at();
}

OperatorMapTable::OperatorMapTable(const OperatorStateDefinition& definition)
    : MapTable(definition.state, kNoTime) {}

const void* OperatorMapTable::Find(absl::string_view map_key) {
  return map_.has_value() ? map_.get()->Find(map_key) : nullptr;
}

void* OperatorMapTable::FindToChange(absl::string_view map_key) {
  return Find(map_key) == nullptr ? nullptr : map_.Change().Find(map_key);
}

void* OperatorMapTable::FindOrCreate(absl::string_view map_key) {
  if (!map_.has_value()) map_.Set(HeapMap(*definition().cell_type));
  return map_.Change().FindOrCreate(map_key);
}

// A map that is frozen is not copied for what is not there.
void OperatorMapTable::Remove(absl::string_view map_key) {
  if (Find(map_key) != nullptr) map_.Change().Erase(map_key);
}

void OperatorMapTable::ForEach(Visitor visit) {
  if (map_.has_value()) map_.get()->ForEachFrom({}, visit);
}

}  // namespace weir
