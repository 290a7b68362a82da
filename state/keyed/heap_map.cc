#include "state/keyed/heap_map.h"

#include <cstring>
#include <new>
#include <utility>

#include "common/base/check.h"
#include "common/types/key_bytes.h"

namespace weir {
namespace {

// A cell of more bytes than that costs more to be moved than to be pointed to.
constexpr size_t kMostInlineBytes = 64;

// The bytes of a plain cell are all there is of it: it may be moved, and need not be destroyed.
bool IsInline(const CellType& type) {
  return type.plain() && type.size() <= kMostInlineBytes && type.alignment() <= alignof(uint64_t);
}

}  // namespace

HeapMap::HeapMap(const CellType& type)
    : type_(&type),
      inline_(IsInline(type)),
      entries_(std::in_place_type<PackedEntries>, inline_ ? type.size() : sizeof(void*)) {}

HeapMap::HeapMap(const HeapMap& other)
    : type_(other.type_), inline_(other.inline_), entries_(other.entries_) {
  PackedEntries* entries = packed();
  if (entries == nullptr) {
    for (auto& [key, cell] : tree()) cell = CopyOf(cell);
    return;
  }
  if (inline_) return;
  for (size_t at = 0; at < entries->size(); ++at) {
    void* const copy = CopyOf(CellAt(*entries, at));
    std::memcpy(entries->ValueAt(at), &copy, sizeof(copy));
  }
}

HeapMap::~HeapMap() {
  const PackedEntries* entries = packed();
  if (entries == nullptr) {
    for (const auto& [key, cell] : tree()) DestroyCell(cell);
    return;
  }
  if (inline_) return;
  for (size_t at = 0; at < entries->size(); ++at) DestroyCell(CellAt(*entries, at));
}

void* HeapMap::NewCell() const {
  return ::operator new(type_->size(), std::align_val_t(type_->alignment()));
}

void* HeapMap::CopyOf(const void* cell) const {
  void* copy = NewCell();
  type_->Copy(cell, copy);
  return copy;
}

void HeapMap::DestroyCell(void* cell) const {
  type_->Destroy(cell);
  ::operator delete(cell, std::align_val_t(type_->alignment()));
}

// As in what is packed, many are at the end.
void* HeapMap::LastInTree(absl::string_view key) const {
  if (tree().empty()) return nullptr;
  const auto& last = *tree().rbegin();
  return SameKeyBytes(last.first, key) ? last.second : nullptr;
}

void* HeapMap::FindInTree(absl::string_view key) const {
  if (void* last = LastInTree(key); last != nullptr) return last;
  const auto found = tree().find(key);
  return found == tree().end() ? nullptr : found->second;
}

void* HeapMap::FindOrCreate(absl::string_view key) {
  if (PackedEntries* entries = packed(); entries != nullptr) {
    if (void* cell = FindOrCreatePacked(*entries, key); cell != nullptr) return cell;
    MakeTree();
  }
  return FindOrCreateInTree(key);
}

void* HeapMap::FindOrCreatePacked(PackedEntries& entries, absl::string_view key) {
  if (key.size() != PackedEntries::kKeyBytes) return nullptr;
  const uint64_t number = PackedEntries::NumberOf(key.data());
  const size_t at = entries.LowerBound(number);
  if (at < entries.size() && entries.NumberAt(at) == number) return CellAt(entries, at);
  if (!entries.Takes(at)) return nullptr;
  char* value = entries.Insert(at, number);
  void* cell = inline_ ? value : NewCell();
  type_->Construct(cell);
  if (!inline_) std::memcpy(value, &cell, sizeof(cell));
  return cell;
}

void* HeapMap::FindOrCreateInTree(absl::string_view key) {
  if (void* last = LastInTree(key); last != nullptr) return last;
  const auto at = tree().lower_bound(key);
  if (at != tree().end() && at->first == key) return at->second;
  void* cell = NewCell();
  type_->Construct(cell);
  tree().emplace_hint(at, std::string(key), cell);
  return cell;
}

void HeapMap::MakeTree() {
  const PackedEntries& entries = *packed();
  Tree tree;
  for (size_t at = 0; at < entries.size(); ++at) {
    void* cell = CellAt(entries, at);
    tree.emplace_hint(tree.end(), std::string(entries.KeyAt(at)), inline_ ? CopyOf(cell) : cell);
  }
  entries_.emplace<Tree>(std::move(tree));
}

void HeapMap::Erase(absl::string_view key) {
  if (PackedEntries* entries = packed(); entries != nullptr) {
    if (key.size() != PackedEntries::kKeyBytes) return;
    const size_t at = entries->Find(PackedEntries::NumberOf(key.data()));
    if (at == entries->size()) return;
    if (!inline_) DestroyCell(CellAt(*entries, at));
    entries->Erase(at);
    return;
  }
  const auto found = tree().find(key);
  if (found == tree().end()) return;
  DestroyCell(found->second);
  tree().erase(found);
}

void HeapMap::Expire(int64_t oldest_micros) {
  if (PackedEntries* entries = packed(); entries != nullptr) {
    entries->EraseIf([&](char* value) {
      void* cell = CellIn(value);
      if (!type_->Expired(oldest_micros, cell)) return false;
      if (!inline_) DestroyCell(cell);
      return true;
    });
    return;
  }
  for (auto at = tree().begin(); at != tree().end();) {
    if (!type_->Expired(oldest_micros, at->second)) {
      ++at;
      continue;
    }
    DestroyCell(at->second);
    at = tree().erase(at);
  }
}

size_t HeapMap::bytes() const {
  const PackedEntries* entries = packed();
  size_t bytes = entries != nullptr ? entries->bytes() : 0;
  if (entries != nullptr && inline_) return bytes;
  ForEach([&](absl::string_view key, const void* cell) {
    if (entries == nullptr) bytes += sizeof(std::string) + key.size();
    bytes += type_->size() + type_->OutsideBytes(cell);
  });
  return bytes;
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
  return map->empty();
}

bool HeapMapType::Expired(int64_t oldest_micros, const void* cell) const {
  bool expired = true;
  static_cast<const HeapMap*>(cell)->ForEachFrom({}, [&](absl::string_view, const void* entry) {
    return expired = entry_type_.Expired(oldest_micros, entry);
  });
  return expired;
}

size_t HeapMapType::OutsideBytes(const void* cell) const {
  return static_cast<const HeapMap*>(cell)->bytes();
}

}  // namespace weir
