#include "state/keyed/heap_group.h"

#include <cstring>
#include <new>

#include "common/base/check.h"

namespace weir {
namespace {

constexpr size_t kFirstSlots = 8;

// Full at 3/4.
bool TooFull(size_t size, size_t slots) { return size * 4 > slots * 3; }

size_t AlignUp(size_t size, size_t alignment) { return (size + alignment - 1) & ~(alignment - 1); }

}  // namespace

HeapGroup::HeapGroup(std::shared_ptr<const CellType> type)
    : type_(std::move(type)),
      cell_offset_(AlignUp(sizeof(uint32_t), type_->alignment())),
      key_offset_(cell_offset_ + type_->size()) {}

HeapGroup::HeapGroup(const HeapGroup& other)
    : type_(other.type_), cell_offset_(other.cell_offset_), key_offset_(other.key_offset_) {
  slots_.resize(other.slots_.size());
  for (size_t at = 0; at < slots_.size(); ++at) {
    const Slot& from = other.slots_[at];
    if (from.node == nullptr) continue;
    char* node = NewNode(KeyOf(from));
    type_->Copy(CellOf(from), node + cell_offset_);
    slots_[at] = {from.hash, node};
    ++size_;
  }
}

HeapGroup::~HeapGroup() {
  for (const Slot& slot : slots_) {
    if (slot.node == nullptr) continue;
    type_->Destroy(slot.node + cell_offset_);
    FreeNode(slot.node);
  }
}

char* HeapGroup::NewNode(absl::string_view key) const {
  WEIR_CHECK(key.size() <= UINT32_MAX) << "a key of " << key.size() << " bytes";
  const auto alignment = std::align_val_t(std::max(type_->alignment(), sizeof(uint64_t)));
  auto* node = static_cast<char*>(::operator new(key_offset_ + key.size(), alignment));
  const auto size = static_cast<uint32_t>(key.size());
  std::memcpy(node, &size, sizeof(size));
  if (!key.empty()) std::memcpy(node + key_offset_, key.data(), key.size());
  return node;
}

void HeapGroup::FreeNode(char* node) const {
  ::operator delete(node, std::align_val_t(std::max(type_->alignment(), sizeof(uint64_t))));
}

void HeapGroup::Insert(const Slot& slot) {
  size_t at = slot.hash & mask();
  while (slots_[at].node != nullptr) at = (at + 1) & mask();
  slots_[at] = slot;
}

void HeapGroup::Grow() {
  std::vector<Slot> old(slots_.empty() ? kFirstSlots : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.node != nullptr) Insert(slot);
  }
}

void* HeapGroup::FindOrCreate(uint64_t hash, absl::string_view key) {
  if (void* found = Find(hash, key); found != nullptr) return found;
  if (TooFull(size_ + 1, slots_.size())) Grow();
  char* node = NewNode(key);
  type_->Construct(node + cell_offset_);
  Insert({hash, node});
  ++size_;
  return node + cell_offset_;
}

void HeapGroup::Erase(uint64_t hash, absl::string_view key) {
  if (size_ == 0) return;
  for (size_t at = hash & mask(); slots_[at].node != nullptr; at = (at + 1) & mask()) {
    if (slots_[at].hash == hash && KeyOf(slots_[at]) == key) return EraseSlot(at);
  }
}

void HeapGroup::EraseSlot(size_t at) {
  type_->Destroy(slots_[at].node + cell_offset_);
  FreeNode(slots_[at].node);
  --size_;
  // Those behind it move up, as far as their own place allows: no tombstones.
  size_t hole = at;
  for (size_t next = (hole + 1) & mask(); slots_[next].node != nullptr;
       next = (next + 1) & mask()) {
    const size_t home = slots_[next].hash & mask();
    if (((next - home) & mask()) < ((next - hole) & mask())) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = Slot{};
}

}  // namespace weir
