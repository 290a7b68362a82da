#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

#include "state/api/cell_type.h"
#include "state/api/state_codec.h"

namespace weir {

/// The elements of a ListCell one by one, for backends, which know no types.
///
/// Threads: const and thread-safe; a cell is used by one thread, or by many that only read.
class ListElements {
 public:
  virtual ~ListElements() = default;
  virtual size_t Count(const void* cell) const = 0;
  /// Appends the bytes of this one.
  virtual void Encode(const void* cell, size_t index, std::string* out) const = 0;
  /// Adds to the list's end. `written`: as in StateCodec. False for bytes that are no element.
  virtual bool Decode(absl::string_view bytes, const StateSchema* written, void* cell) const = 0;
};

namespace internal {

/// Those of a ListCell<T>.
template <class T>
class ListElementsFor final : public ListElements {
 public:
  size_t Count(const void* cell) const override { return Of(cell).values.size(); }
  void Encode(const void* cell, size_t index, std::string* out) const override {
    StateCodec<T>::Append(Of(cell).values[index], out);
  }
  bool Decode(absl::string_view bytes, const StateSchema* written, void* cell) const override {
    ByteReader in(bytes);
    T value{};
    if (!StateCodec<T>::Read(in, written, &value) || !in.done()) return false;
    static_cast<ListCell<T>*>(cell)->values.push_back(std::move(value));
    return true;
  }

 private:
  static const ListCell<T>& Of(const void* cell) { return *static_cast<const ListCell<T>*>(cell); }
};

}  // namespace internal

/// The one for lists of T.
template <class T>
const ListElements& ListElementsOf() {
  static const internal::ListElementsFor<T> elements;
  return elements;
}

}  // namespace weir
