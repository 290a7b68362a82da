#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"

#include "common/base/prefetch.h"
#include "state/api/cell_type.h"
#include "state/keyed/packed_entries.h"

namespace weir {

/// One key's map in memory: cells in the order of their keys' bytes.
///
/// It begins packed: sorted in one piece of memory, with the cells in it where these are small and
/// plain, and else with pointers to them. A key that has not eight bytes, or comes where too much
/// would have to move, makes a tree of it, for good.
///
/// Threads: as a standard container. Lifetime: borrows the type of its cells; a cell is valid until
/// the next FindOrCreate, Erase or Expire of this map.
class HeapMap {
 public:
  explicit HeapMap(const CellType& type);
  HeapMap(const HeapMap& other);
  HeapMap(HeapMap&& other) noexcept = default;
  HeapMap& operator=(const HeapMap&) = delete;
  ~HeapMap();

  size_t size() const {
    const PackedEntries* entries = packed();
    return entries != nullptr ? entries->size() : tree().size();
  }
  bool empty() const { return size() == 0; }
  bool is_packed() const { return packed() != nullptr; }
  void* Find(absl::string_view key) const {
    const PackedEntries* entries = packed();
    if (entries == nullptr) return FindInTree(key);
    if (key.size() != PackedEntries::kKeyBytes) return nullptr;
    const size_t at = entries->Find(PackedEntries::NumberOf(key.data()));
    return at < entries->size() ? CellAt(*entries, at) : nullptr;
  }
  void* FindOrCreate(absl::string_view key);
  void Erase(absl::string_view key);
  /// Removes the cells that CellType::Expire would.
  void Expire(int64_t oldest_micros);
  /// visit(key, cell) for each whose key is not below `from`, in their order, until it says false.
  template <class F>
  void ForEachFrom(absl::string_view from, F visit) const {
    const PackedEntries* entries = packed();
    if (entries == nullptr) {
      for (auto at = tree().lower_bound(from); at != tree().end(); ++at) {
        if (!visit(absl::string_view(at->first), static_cast<const void*>(at->second))) return;
      }
      return;
    }
    const size_t size = entries->size();
    for (size_t at = entries->FirstNotBelow(from); at < size; ++at) {
      // A processor sees for itself what is packed and comes next.
      if (!inline_ && at + kAhead < size) PrefetchLine(CellAt(*entries, at + kAhead));
      if (!visit(entries->KeyAt(at), static_cast<const void*>(CellAt(*entries, at)))) return;
    }
  }
  /// visit(key, cell) for each, in their order.
  template <class F>
  void ForEach(F visit) const {
    ForEachFrom({}, [&visit](absl::string_view key, const void* cell) {
      visit(key, cell);
      return true;
    });
  }
  /// About the memory of all entries.
  size_t bytes() const;

 private:
  using Tree = absl::btree_map<std::string, void*>;
  static constexpr size_t kAhead = 4;

  const PackedEntries* packed() const { return std::get_if<PackedEntries>(&entries_); }
  PackedEntries* packed() { return std::get_if<PackedEntries>(&entries_); }
  const Tree& tree() const { return *std::get_if<Tree>(&entries_); }
  Tree& tree() { return *std::get_if<Tree>(&entries_); }
  void* CellAt(const PackedEntries& entries, size_t at) const {
    return CellIn(entries.ValueAt(at));
  }
  // Of an entry: its value is the cell, or points to it.
  void* CellIn(char* value) const {
    if (inline_) return value;
    void* cell = nullptr;
    __builtin_memcpy(&cell, value, sizeof(cell));
    return cell;
  }
  void* LastInTree(absl::string_view key) const;
  void* FindInTree(absl::string_view key) const;
  void* FindOrCreateInTree(absl::string_view key);
  // Null: it has to be a tree.
  void* FindOrCreatePacked(PackedEntries& entries, absl::string_view key);
  void MakeTree();
  void* NewCell() const;
  void* CopyOf(const void* cell) const;
  void DestroyCell(void* cell) const;

  const CellType* type_;
  bool inline_;  // while packed
  std::variant<PackedEntries, Tree> entries_;
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
