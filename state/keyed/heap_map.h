#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"

#include "common/types/key_bytes.h"
#include "state/api/cell_type.h"

namespace weir {

/// One key's map in memory: cells in the order of their keys' bytes.
/// Threads: as a standard container. Lifetime: borrows the type of its cells.
class HeapMap {
 public:
  explicit HeapMap(const CellType& type) : type_(&type) {}
  HeapMap(const HeapMap& other);
  HeapMap(HeapMap&& other) noexcept = default;
  HeapMap& operator=(const HeapMap&) = delete;
  ~HeapMap();

  const absl::btree_map<std::string, void*>& cells() const { return cells_; }
  void* Find(absl::string_view key) const;
  void* FindOrCreate(absl::string_view key);
  void Erase(absl::string_view key);
  /// Removes the cells that CellType::Expire would.
  void Expire(int64_t oldest_micros);

 private:
  // Entries by time are mostly looked up at the end.
  void* Last(absl::string_view key) const {
    if (cells_.empty()) return nullptr;
    const auto& last = *cells_.rbegin();
    return SameKeyBytes(last.first, key) ? last.second : nullptr;
  }
  void* NewCell() const;
  void FreeCell(void* cell) const;
  void DestroyCell(void* cell) const;

  const CellType* type_;
  absl::btree_map<std::string, void*> cells_;
};

/// A HeapMap as the cell of a HeapGroup. Snapshots go through its entries, one by one: it is never
/// encoded as a whole.
class HeapMapType final : public CellType {
 public:
  explicit HeapMapType(const CellType& entry_type) : entry_type_(entry_type) {}
  size_t size() const override { return sizeof(HeapMap); }
  size_t alignment() const override { return alignof(HeapMap); }
  void Construct(void* at) const override { new (at) HeapMap(entry_type_); }
  void Copy(const void* cell, void* at) const override {
    new (at) HeapMap(*static_cast<const HeapMap*>(cell));
  }
  void Destroy(void* cell) const override { static_cast<HeapMap*>(cell)->~HeapMap(); }
  void Encode(const void* cell, bool stamped, std::string* out) const override;
  bool Decode(absl::string_view bytes, const WrittenCell& written, int64_t stamp_micros,
              void* cell) const override;
  bool Expire(int64_t oldest_micros, void* cell) const override;
  bool Expired(int64_t oldest_micros, const void* cell) const override;
  size_t OutsideBytes(const void* cell) const override;
  bool plain() const override { return false; }

 private:
  const CellType& entry_type_;
};

}  // namespace weir
