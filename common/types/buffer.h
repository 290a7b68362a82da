#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weir {

/// Immutable bytes with shared ownership: the owner is whatever keeps them alive (a heap block, a
/// received frame). Copying a Buffer copies a pointer. A null data() means "absent".
///
/// Threads: immutable, so thread-safe.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const void* data, size_t size, std::shared_ptr<const void> owner)
      : data_(static_cast<const uint8_t*>(data)), size_(size), owner_(std::move(owner)) {}

  /// Takes a block that was allocated with malloc; freed with the last copy.
  static Buffer AdoptMalloc(void* data, size_t size);
  static Buffer CopyOf(const void* data, size_t size);
  template <class T>
  static Buffer FromVector(std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return Buffer(owner->data(), owner->size() * sizeof(T), owner);
  }

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool absent() const { return data_ == nullptr; }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

  /// The same owner, a part of the bytes.
  Buffer Slice(size_t offset, size_t size) const;

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace weir
