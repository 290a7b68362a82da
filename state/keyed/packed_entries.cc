#include "state/keyed/packed_entries.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace weir {
namespace {

constexpr size_t kFirstCapacity = 2;  // most maps of windows have an entry or two
constexpr size_t kNeverShrunk = 16;

}  // namespace

PackedEntries::PackedEntries(const PackedEntries& other)
    : stride_(other.stride()), capacity_(other.size_), size_(other.size_) {
  if (size_ == 0) return;
  entries_ = static_cast<char*>(::operator new(bytes()));
  std::memcpy(entries_, other.EntryAt(0), bytes());
}

PackedEntries::PackedEntries(PackedEntries&& other) noexcept
    : entries_(std::exchange(other.entries_, nullptr)),
      stride_(other.stride()),
      capacity_(std::exchange(other.capacity_, 0)),
      first_(std::exchange(other.first_, 0)),
      size_(std::exchange(other.size_, 0)) {}

PackedEntries::~PackedEntries() { ::operator delete(entries_); }

size_t PackedEntries::LowerBound(uint64_t key) const {
  if (size_ == 0) return 0;
  // Entries by time mostly come at the end.
  if (const uint64_t last = NumberAt(size_ - 1); last <= key) return last < key ? size_ : size_ - 1;
  size_t first = 0;
  for (size_t count = size_; count > 0;) {
    const size_t half = count / 2;
    const bool below = NumberAt(first + half) < key;
    first = below ? first + half + 1 : first;
    count = below ? count - half - 1 : half;
  }
  return first;
}

// One that is shorter is as if zeros followed; of one that is longer, a key of its first bytes is
// below it.
size_t PackedEntries::FirstNotBelow(absl::string_view key) const {
  char padded[kKeyBytes] = {};
  std::copy_n(key.data(), std::min(key.size(), kKeyBytes), padded);
  const uint64_t number = NumberOf(padded);
  const size_t at = LowerBound(number);
  const bool below = at < size_ && key.size() > kKeyBytes && NumberAt(at) == number;
  return below ? at + 1 : at;
}

void PackedEntries::MoveEntries(size_t from, size_t to, size_t count) {
  if (count == 0) return;
  std::memmove(entries_ + to * stride(), entries_ + from * stride(), count * stride());
}

char* PackedEntries::Insert(size_t at, uint64_t key) {
  const bool nearer_begin = at * 2 < size_;
  const bool has_room = nearer_begin ? first_ > 0 : first_ + size_ < capacity_;
  if (!has_room) MakeRoom(nearer_begin);
  // One free place alone is at the end.
  if (nearer_begin && first_ > 0) {
    MoveEntries(first_, first_ - 1, at);
    --first_;
  } else {
    MoveEntries(first_ + at, first_ + at + 1, size_ - at);
  }
  ++size_;
  const uint64_t bytes = __builtin_bswap64(key);
  std::memcpy(EntryAt(at), &bytes, kKeyBytes);
  return ValueAt(at);
}

void PackedEntries::Erase(size_t at) {
  if (at * 2 < size_) {
    MoveEntries(first_, first_ + 1, at);
    ++first_;
  } else {
    MoveEntries(first_ + at + 1, first_ + at, size_ - at - 1);
  }
  --size_;
  ShrinkIfEmptier();
}

// Room at the end alone where entries come there only; half of it at each end once they have come
// at the beginning, or gone: so all of them move once in a number of changes that grows with
// theirs.
void PackedEntries::MakeRoom(bool at_begin) {
  const size_t room = capacity_ - size_;
  if (room <= capacity_ / 4) {
    const size_t capacity = std::max(kFirstCapacity, size_t{capacity_} + (capacity_ + 1) / 2);
    return Reallocate(capacity, at_begin ? (capacity - size_) / 2 : 0);
  }
  MoveEntries(first_, room / 2, size_);
  first_ = static_cast<uint32_t>(room / 2);
}

void PackedEntries::ShrinkIfEmptier() {
  size_t capacity = capacity_;
  while (capacity > kNeverShrunk && size_ < capacity / 4) capacity /= 2;
  if (capacity != capacity_) Reallocate(capacity, (capacity - size_) / 2);
}

void PackedEntries::Reallocate(size_t capacity, size_t first) {
  auto* entries = static_cast<char*>(::operator new(stride() * capacity));
  if (size_ > 0) std::memcpy(entries + first * stride(), EntryAt(0), size_ * stride());
  ::operator delete(entries_);
  entries_ = entries;
  capacity_ = static_cast<uint32_t>(capacity);
  first_ = static_cast<uint32_t>(first);
}

}  // namespace weir
