#include "common/types/buffer.h"

#include <cstdlib>
#include <cstring>

#include "common/base/check.h"

namespace weir {

Buffer Buffer::AdoptMalloc(void* data, size_t size) {
  if (data == nullptr) return Buffer();
  return Buffer(data, size, std::shared_ptr<const void>(data, std::free));
}

Buffer Buffer::CopyOf(const void* data, size_t size) {
  void* block = std::malloc(size == 0 ? 1 : size);
  WEIR_CHECK(block != nullptr) << "out of memory for a buffer of " << size << " bytes";
  if (size > 0) std::memcpy(block, data, size);
  return AdoptMalloc(block, size);
}

Buffer Buffer::Slice(size_t offset, size_t size) const {
  WEIR_CHECK(offset <= size_ && size <= size_ - offset)
      << "slice " << offset << "+" << size << " of a buffer of " << size_ << " bytes";
  return absent() ? Buffer() : Buffer(data_ + offset, size, owner_);
}

}  // namespace weir
