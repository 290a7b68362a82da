#include "state/tiered/version.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "common/base/check.h"

namespace weir {
namespace {

// The allocator's share, and a slot of the index.
constexpr size_t kOverheadBytes = 40;

size_t AlignUp(size_t size, size_t alignment) { return (size + alignment - 1) & ~(alignment - 1); }

}  // namespace

Version::Version(absl::string_view key, const CellType* type, size_t data_offset,
                 MemoryAccount& account)
    : key_size_(static_cast<uint32_t>(key.size())),
      data_offset_(static_cast<uint32_t>(data_offset)),
      type_(type),
      account_(account) {
  if (!key.empty()) std::memcpy(reinterpret_cast<char*>(this + 1), key.data(), key.size());
}

size_t Version::AlignmentOf(const CellType* type) {
  return std::max(alignof(Version), type == nullptr ? size_t{1} : type->alignment());
}

void* Version::Allocate(size_t bytes, size_t alignment) {
  WEIR_CHECK(bytes <= UINT32_MAX) << "a value of state of " << bytes << " bytes";
  return ::operator new(bytes, std::align_val_t(alignment));
}

Version* Version::NewAbsent(absl::string_view key, const CellType* type, MemoryAccount& account) {
  const size_t alignment = type == nullptr ? 1 : type->alignment();
  const size_t offset = AlignUp(sizeof(Version) + key.size(), alignment);
  const size_t bytes = offset + (type == nullptr ? 0 : type->size());
  auto* version = new (Allocate(bytes, AlignmentOf(type))) Version(key, type, offset, account);
  version->own_bytes_ = static_cast<uint32_t>(bytes + kOverheadBytes);
  version->Charge(version->own_bytes_);
  return version;
}

Version* Version::NewEncoded(absl::string_view key, absl::string_view bytes,
                             MemoryAccount& account) {
  const size_t offset = sizeof(Version) + key.size();
  const size_t size = offset + bytes.size();
  auto* version = new (Allocate(size, AlignmentOf(nullptr))) Version(key, nullptr, offset, account);
  if (!bytes.empty()) std::memcpy(version->data(), bytes.data(), bytes.size());
  version->encoded_size_ = static_cast<uint32_t>(bytes.size());
  version->form_ = Form::kEncoded;
  version->own_bytes_ = static_cast<uint32_t>(size + kOverheadBytes);
  version->Charge(version->own_bytes_);
  return version;
}

void Version::Charge(size_t bytes) {
  account_.Add(bytes);
  charged_bytes_ += bytes;
}

void Version::Release() {
  // Not by recursion: appends may be on top of each other in any number.
  Version* version = this;
  while (version != nullptr && version->ReleaseOne(&version)) continue;
}

bool Version::ReleaseOne(Version** below) {
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
  *below = below_;
  if (form_ == Form::kDecoded) type_->Destroy(cell());
  account_.Subtract(charged_bytes_);
  const auto alignment = std::align_val_t(AlignmentOf(type_));
  this->~Version();
  ::operator delete(this, alignment);
  return true;
}

void* Version::Construct() {
  WEIR_DCHECK(form_ == Form::kAbsent && type_ != nullptr);
  type_->Construct(cell());
  form_ = Form::kDecoded;
  return cell();
}

void Version::ConstructFrom(const void* other_cell) {
  WEIR_DCHECK(form_ == Form::kAbsent && type_ != nullptr);
  type_->Copy(other_cell, cell());
  form_ = Form::kDecoded;
  if (!type_->plain()) Measure();
}

void Version::MakeMark() {
  WEIR_CHECK(type_ == nullptr && encoded_size_ == 0);
  form_ = Form::kEncoded;
}

void Version::MakeAppend(Version* below) {
  append_ = true;
  below_ = below;
}

void Version::DropBelow() {
  if (below_ != nullptr) std::exchange(below_, nullptr)->Release();
}

void Version::MakeAbsent() {
  DropBelow();
  append_ = false;
  if (form_ == Form::kDecoded) type_->Destroy(cell());
  form_ = Form::kAbsent;
  account_.Subtract(charged_bytes_ - own_bytes_);
  charged_bytes_ = own_bytes_;
}

int64_t Version::Measure() {
  const size_t outside = form_ == Form::kDecoded ? type_->OutsideBytes(cell()) : 0;
  const size_t before = charged_bytes_;
  charged_bytes_ = own_bytes_ + outside;
  account_.Add(charged_bytes_ - before);  // wraps around when it is less
  return static_cast<int64_t>(charged_bytes_) - static_cast<int64_t>(before);
}

}  // namespace weir
