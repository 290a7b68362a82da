#include "state/keyed/heap_map.h"

#include <new>

#include "common/base/check.h"

namespace weir {

HeapMap::HeapMap(const HeapMap& other) : type_(other.type_) {
  for (const auto& [key, cell] : other.cells_) {
    void* copy = NewCell();
    type_->Copy(cell, copy);
    cells_.emplace_hint(cells_.end(), key, copy);
  }
}

HeapMap::~HeapMap() {
  for (const auto& [key, cell] : cells_) DestroyCell(cell);
}

void* HeapMap::NewCell() const {
  return ::operator new(type_->size(), std::align_val_t(type_->alignment()));
}

void HeapMap::FreeCell(void* cell) const {
  ::operator delete(cell, std::align_val_t(type_->alignment()));
}

void HeapMap::DestroyCell(void* cell) const {
  type_->Destroy(cell);
  FreeCell(cell);
}

void* HeapMap::Find(absl::string_view key) const {
  if (void* last = Last(key); last != nullptr) return last;
  const auto found = cells_.find(key);
  return found == cells_.end() ? nullptr : found->second;
}

void* HeapMap::FindOrCreate(absl::string_view key) {
  if (void* last = Last(key); last != nullptr) return last;
  const auto at = cells_.lower_bound(key);
  if (at != cells_.end() && at->first == key) return at->second;
  void* cell = NewCell();
  type_->Construct(cell);
  cells_.emplace_hint(at, std::string(key), cell);
  return cell;
}

void HeapMap::Erase(absl::string_view key) {
  const auto found = cells_.find(key);
  if (found == cells_.end()) return;
  DestroyCell(found->second);
  cells_.erase(found);
}

void HeapMap::Expire(int64_t oldest_micros) {
  for (auto at = cells_.begin(); at != cells_.end();) {
    if (!type_->Expired(oldest_micros, at->second)) {
      ++at;
      continue;
    }
    DestroyCell(at->second);
    at = cells_.erase(at);
  }
}

void HeapMapType::Encode(const void*, bool, std::string*) const {
  WEIR_CHECK(false) << "a map is written entry by entry";
}

bool HeapMapType::Decode(absl::string_view, const WrittenCell&, int64_t, void*) const {
  WEIR_CHECK(false) << "a map is read entry by entry";
  return false;
}

bool HeapMapType::Expire(int64_t oldest_micros, void* cell) const {
  auto* map = static_cast<HeapMap*>(cell);
  map->Expire(oldest_micros);
  return map->cells().empty();
}

bool HeapMapType::Expired(int64_t oldest_micros, const void* cell) const {
  for (const auto& [key, entry] : static_cast<const HeapMap*>(cell)->cells()) {
    if (!entry_type_.Expired(oldest_micros, entry)) return false;
  }
  return true;
}

size_t HeapMapType::OutsideBytes(const void* cell) const {
  size_t bytes = 0;
  for (const auto& [key, entry] : static_cast<const HeapMap*>(cell)->cells()) {
    bytes += sizeof(key) + key.capacity() + entry_type_.size() + entry_type_.OutsideBytes(entry);
  }
  return bytes;
}

}  // namespace weir
