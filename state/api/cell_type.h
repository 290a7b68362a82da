#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "state/api/state_codec.h"
#include "state/api/state_memory.h"

/// A cell is what a table of state holds decoded for one key (or one entry of one key's map). The
/// typed handles know its type; backends, which are not templates, handle it through a CellType.
namespace weir {

/// In place of the time of the last write: nothing was written yet, and there is no TTL.
inline constexpr int64_t kNewStamp = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kNoStamp = kNewStamp + 1;

/// How the bytes of a cell were written.
struct WrittenCell {
  const StateSchema* schema = nullptr;  // null: as the cell's type writes
  bool stamped = false;                 // the state had a TTL
  bool times_void = false;              // they are there, and count as if they were not
};

/// Threads: const and thread-safe; a cell itself is used by one thread, or by many that only read.
/// Errors: Decode says false for bytes that are not a cell, which is then to be destroyed.
class CellType {
 public:
  virtual ~CellType() = default;
  virtual size_t size() const = 0;
  virtual size_t alignment() const = 0;
  virtual void Construct(void* at) const = 0;
  virtual void Copy(const void* cell, void* at) const = 0;
  virtual void Destroy(void* cell) const = 0;
  /// Appends. Stamped: with the times of the last writes.
  virtual void Encode(const void* cell, bool stamped, std::string* out) const = 0;
  /// Into a cell just constructed. Bytes without times get `stamp_micros`; kNoStamp: those with
  /// times lose them, since the state has no TTL now. Void times are none.
  virtual bool Decode(absl::string_view bytes, const WrittenCell& written, int64_t stamp_micros,
                      void* cell) const = 0;
  /// Of lists, and of values that are vectors; others do nothing and say false. The elements of one
  /// encoded cell come behind those that are there, and what follows it stays in `in`. Otherwise as
  /// Decode.
  virtual bool DecodeBehind(ByteReader& /*in*/, const WrittenCell& /*written*/,
                            int64_t /*stamp_micros*/, void* /*cell*/) const {
    return false;
  }
  /// Of the same: the elements of the other cell come behind those that are there.
  virtual void AddBehind(const void* /*other_cell*/, void* /*cell*/) const {}
  /// Removes what was last written at `oldest_micros` or earlier; true when nothing is left.
  virtual bool Expire(int64_t oldest_micros, void* cell) const = 0;
  /// As Expire would say, without a change.
  virtual bool Expired(int64_t oldest_micros, const void* cell) const = 0;
  /// About the memory that a cell has beside its size(); always 0 when plain().
  virtual size_t OutsideBytes(const void* cell) const = 0;
  virtual bool plain() const = 0;
};

/// Value, reducing and aggregating state, and an entry of a map.
template <class T>
struct ValueCell {
  T value{};
  int64_t stamp_micros = kNewStamp;
};

/// List state. `stamps_micros` has one per element when the state has a TTL, else none.
template <class T>
struct ListCell {
  std::vector<T> values;
  std::vector<int64_t> stamps_micros;
};

namespace internal {

/// What the types of all cells have in common.
template <class Cell>
class CellTypeBase : public CellType {
 public:
  size_t size() const final { return sizeof(Cell); }
  size_t alignment() const final { return alignof(Cell); }
  void Construct(void* at) const final { new (at) Cell(); }
  void Copy(const void* cell, void* at) const final { new (at) Cell(Of(cell)); }
  void Destroy(void* cell) const final { Of(cell).~Cell(); }

 protected:
  static const Cell& Of(const void* cell) { return *static_cast<const Cell*>(cell); }
  static Cell& Of(void* cell) { return *static_cast<Cell*>(cell); }
};

/// The CellType of this cell: see CellTypeOf.
template <class Cell>
class CellTypeFor;

template <class T>
inline constexpr bool kVectorState = false;
template <class T>
inline constexpr bool kVectorState<std::vector<T>> = true;

/// The time of the last write, when it is stamped, then the value.
template <class T>
class CellTypeFor<ValueCell<T>> final : public CellTypeBase<ValueCell<T>> {
  using Base = CellTypeBase<ValueCell<T>>;

 public:
  void Encode(const void* cell, bool stamped, std::string* out) const override {
    if (stamped) AppendFixed(Base::Of(cell).stamp_micros, out);
    EncodeState(Base::Of(cell).value, out);
  }
  bool Decode(absl::string_view bytes, const WrittenCell& written, int64_t stamp_micros,
              void* cell) const override {
    ByteReader in(bytes);
    return ReadStamp(in, written, stamp_micros, cell) &&
           StateCodec<T>::Read(in, written.schema, &Base::Of(cell).value) && in.done();
  }
  bool DecodeBehind(ByteReader& in, const WrittenCell& written, int64_t stamp_micros,
                    void* cell) const override {
    if constexpr (kVectorState<T>) {
      T more;
      if (!ReadStamp(in, written, stamp_micros, cell) ||
          !StateCodec<T>::Read(in, written.schema, &more)) {
        return false;
      }
      T& value = Base::Of(cell).value;
      if (value.empty()) {
        value = std::move(more);
      } else {
        value.insert(value.end(), std::make_move_iterator(more.begin()),
                     std::make_move_iterator(more.end()));
      }
      return true;
    } else {
      return Base::DecodeBehind(in, written, stamp_micros, cell);
    }
  }
  void AddBehind(const void* other_cell, void* cell) const override {
    if constexpr (kVectorState<T>) {
      const ValueCell<T>& other = Base::Of(other_cell);
      T& value = Base::Of(cell).value;
      value.insert(value.end(), other.value.begin(), other.value.end());
      Base::Of(cell).stamp_micros = other.stamp_micros;
    }
  }
  bool Expire(int64_t oldest_micros, void* cell) const override {
    return Expired(oldest_micros, cell);
  }
  bool Expired(int64_t oldest_micros, const void* cell) const override {
    return Base::Of(cell).stamp_micros <= oldest_micros;
  }
  size_t OutsideBytes(const void* cell) const override {
    return StateMemory<T>::Outside(Base::Of(cell).value);
  }
  bool plain() const override { return kPlainState<T>; }

 private:
  static bool ReadStamp(ByteReader& in, const WrittenCell& written, int64_t stamp_micros,
                        void* cell) {
    int64_t stamp = stamp_micros;
    if (written.stamped && !in.ReadFixed(&stamp)) return false;
    if (written.times_void) stamp = stamp_micros;
    Base::Of(cell).stamp_micros = stamp_micros == kNoStamp ? kNoStamp : stamp;
    return true;
  }
};

/// The number of elements, then each as a value.
template <class T>
class CellTypeFor<ListCell<T>> final : public CellTypeBase<ListCell<T>> {
  using Base = CellTypeBase<ListCell<T>>;

 public:
  void Encode(const void* cell, bool stamped, std::string* out) const override {
    const ListCell<T>& list = Base::Of(cell);
    AppendVarint(list.values.size(), out);
    for (size_t i = 0; i < list.values.size(); ++i) {
      if (stamped) AppendFixed(list.stamps_micros[i], out);
      StateCodec<T>::Append(list.values[i], out);
    }
  }
  bool Decode(absl::string_view bytes, const WrittenCell& written, int64_t stamp_micros,
              void* cell) const override {
    ByteReader in(bytes);
    return DecodeBehind(in, written, stamp_micros, cell) && in.done();
  }
  bool DecodeBehind(ByteReader& in, const WrittenCell& written, int64_t stamp_micros,
                    void* cell) const override {
    uint64_t count = 0;
    if (!in.ReadVarint(&count) || count == 0 || count > in.left()) return false;
    ListCell<T>& list = Base::Of(cell);
    for (; count > 0; --count) {
      int64_t stamp = stamp_micros;
      T value{};
      if (written.stamped && !in.ReadFixed(&stamp)) return false;
      if (written.times_void) stamp = stamp_micros;
      if (!StateCodec<T>::Read(in, written.schema, &value)) return false;
      list.values.push_back(std::move(value));
      if (stamp_micros != kNoStamp) list.stamps_micros.push_back(stamp);
    }
    return true;
  }
  void AddBehind(const void* other_cell, void* cell) const override {
    const ListCell<T>& other = Base::Of(other_cell);
    ListCell<T>& list = Base::Of(cell);
    list.values.insert(list.values.end(), other.values.begin(), other.values.end());
    list.stamps_micros.insert(list.stamps_micros.end(), other.stamps_micros.begin(),
                              other.stamps_micros.end());
  }
  bool Expire(int64_t oldest_micros, void* cell) const override {
    ListCell<T>& list = Base::Of(cell);
    size_t kept = 0;
    for (size_t i = 0; i < list.values.size(); ++i) {
      if (list.stamps_micros[i] <= oldest_micros) continue;
      if (kept != i) {
        list.values[kept] = std::move(list.values[i]);
        list.stamps_micros[kept] = list.stamps_micros[i];
      }
      ++kept;
    }
    list.values.erase(list.values.begin() + static_cast<std::ptrdiff_t>(kept), list.values.end());
    list.stamps_micros.resize(kept);
    return kept == 0;
  }
  bool Expired(int64_t oldest_micros, const void* cell) const override {
    for (const int64_t stamp : Base::Of(cell).stamps_micros) {
      if (stamp > oldest_micros) return false;
    }
    return true;
  }
  size_t OutsideBytes(const void* cell) const override {
    const ListCell<T>& list = Base::Of(cell);
    return StateMemory<std::vector<T>>::Outside(list.values) +
           StateMemory<std::vector<int64_t>>::Outside(list.stamps_micros);
  }
  bool plain() const override { return false; }
};

}  // namespace internal

/// The one CellType of a type of cell.
template <class Cell>
const CellType& CellTypeOf() {
  static const internal::CellTypeFor<Cell> type;
  return type;
}

}  // namespace weir
