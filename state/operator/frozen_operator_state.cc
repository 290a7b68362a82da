#include "state/operator/frozen_operator_state.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

void WriteList(const FrozenOperatorState::List& list, OperatorStateWriter& out, ListSizes* sizes) {
  if (list.cell.get() == nullptr) return;
  const void* cell = list.cell.get()->at();
  const size_t elements = list.elements->Count(cell);
  if (elements == 0) return;
  out.BeginState(list.info, elements);
  std::string bytes;
  for (size_t i = 0; i < elements; ++i) {
    bytes.clear();
    list.elements->Encode(cell, i, &bytes);
    out.AddListElement(bytes);
  }
  if (sizes != nullptr) (*sizes)[list.info.name] += elements;
}

void WriteMap(const FrozenOperatorState::Map& map, OperatorStateWriter& out) {
  if (map.map.get() == nullptr || map.map.get()->empty()) return;
  out.BeginState(map.info, map.map.get()->size());
  std::string bytes;
  map.map.get()->ForEach([&](absl::string_view key, const void* cell) {
    bytes.clear();
    map.entry_type->Encode(cell, false, &bytes);
    out.AddMapEntry(key, bytes);
  });
}

void WriteCarried(const CarriedOperatorState& state, OperatorStateWriter& out, ListSizes* sizes) {
  if (state.written.empty()) return;
  out.BeginState(state.info, state.written.end - state.written.first);
  for (uint64_t i = state.written.first; i < state.written.end; ++i) {
    out.AddEncoded(state.elements[i]);
  }
  if (sizes != nullptr) {
    (*sizes)[state.info.name] += state.written.end - state.written.first;
  }
}

}  // namespace

FrozenOperatorState::FrozenOperatorState(
    std::vector<List> lists, std::vector<Map> maps,
    std::vector<std::shared_ptr<const CarriedOperatorState>> carried)
    : lists_(std::move(lists)), maps_(std::move(maps)), carried_(std::move(carried)) {}

OperatorStateObjects FrozenOperatorState::Write() const {
  OperatorStateObjects objects;
  objects.lists = WriteObject(OperatorStateMode::kList, &objects.list_sizes);
  objects.union_lists = WriteObject(OperatorStateMode::kUnionList, nullptr);
  objects.broadcast = WriteObject(OperatorStateMode::kBroadcast, nullptr);
  return objects;
}

// In the order of the names, so that equal states have equal bytes.
std::string FrozenOperatorState::WriteObject(OperatorStateMode mode, ListSizes* sizes) const {
  OperatorStateWriter out;
  struct One {
    const std::string* name;
    const List* list;
    const Map* map;
    const CarriedOperatorState* carried;
  };
  std::vector<One> all;
  for (const List& list : lists_) {
    if (list.info.mode == mode) all.push_back({&list.info.name, &list, nullptr, nullptr});
  }
  for (const Map& map : maps_) {
    if (map.info.mode == mode) all.push_back({&map.info.name, nullptr, &map, nullptr});
  }
  for (const auto& state : carried_) {
    if (state->info.mode == mode) all.push_back({&state->info.name, nullptr, nullptr, state.get()});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const One& a, const One& b) { return *a.name < *b.name; });
  for (const One& one : all) {
    if (one.list != nullptr) WriteList(*one.list, out, sizes);
    if (one.map != nullptr) WriteMap(*one.map, out);
    if (one.carried != nullptr) WriteCarried(*one.carried, out, sizes);
  }
  return out.Take();
}

}  // namespace weir
