#pragma once

#include <new>
#include <utility>

#include "state/api/cell_type.h"

namespace weir {

/// A cell of any type as a value. Threads: as the cell. Lifetime: borrows the type.
class OwnedCell {
 public:
  explicit OwnedCell(const CellType& type) : type_(&type), at_(Allocate(type)) {
    type_->Construct(at_);
  }
  OwnedCell(const OwnedCell& other) : type_(other.type_), at_(Allocate(*other.type_)) {
    type_->Copy(other.at_, at_);
  }
  OwnedCell(OwnedCell&& other) noexcept
      : type_(other.type_), at_(std::exchange(other.at_, nullptr)) {}
  OwnedCell& operator=(const OwnedCell&) = delete;
  OwnedCell& operator=(OwnedCell&&) = delete;
  ~OwnedCell() {
    if (at_ == nullptr) return;
    type_->Destroy(at_);
    ::operator delete(at_, std::align_val_t(type_->alignment()));
  }

  void* at() { return at_; }
  const void* at() const { return at_; }

 private:
  static void* Allocate(const CellType& type) {
    return ::operator new(type.size(), std::align_val_t(type.alignment()));
  }

  const CellType* type_;
  void* at_;
};

}  // namespace weir
