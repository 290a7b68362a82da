#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"

#include "common/base/check.h"
#include "common/types/key_bytes.h"
#include "state/api/state_handle.h"

namespace weir {

/// A map for each key (Flink's MapState). As ValueState otherwise. Entries expire one by one, and
/// come in the order of their keys. Each entry is stored alone: a large map is not read as a whole.
template <class K, class V>
class MapState {
 public:
  MapState() = default;
  explicit MapState(MapTable* table) : handle_(table) {}

  /// Nothing when there is none for `key`.
  std::optional<V> Get(const K& key) const {
    const V* value = Peek(key);
    return value == nullptr ? std::nullopt : std::optional<V>(*value);
  }
  /// Without a copy; null for none. Valid until the next use of any state.
  const V* Peek(const K& key) const {
    MapTable& table = handle_.table();
    const absl::string_view bytes = BytesOf(key);
    const auto* cell = static_cast<const Cell*>(table.Find(bytes));
    if (cell == nullptr || !handle_.has_ttl()) return cell == nullptr ? nullptr : &cell->value;
    if (cell->stamp_micros <= handle_.oldest_micros()) {
      table.Remove(bytes);
      return nullptr;
    }
    if (handle_.update_on_read()) cell = Touch(bytes);
    return cell == nullptr ? nullptr : &cell->value;
  }
  bool Contains(const K& key) const { return Peek(key) != nullptr; }
  void Put(const K& key, V value) {
    auto* cell = static_cast<Cell*>(handle_.table().FindOrCreate(BytesOf(key)));
    cell->value = std::move(value);
    cell->stamp_micros = handle_.stamp_micros();
  }
  /// The value to be changed in place; a new V, and *fresh, when there is none. Valid until the
  /// next use of any state.
  V& GetOrCreate(const K& key, bool* fresh) {
    auto* cell = static_cast<Cell*>(handle_.table().FindOrCreate(BytesOf(key)));
    *fresh = cell->stamp_micros == kNewStamp;
    if (handle_.has_ttl() && !*fresh && cell->stamp_micros <= handle_.oldest_micros()) {
      cell->value = V{};
      *fresh = true;
    }
    cell->stamp_micros = handle_.stamp_micros();
    return cell->value;
  }
  /// Of maps of vectors: to the end of the one of this key, which is new when there is none. Costs
  /// as much as the element, however many there are: they are not read (with a TTL they are).
  /// False: there was one; true: there may have been none.
  template <class T>
  requires std::same_as<V, std::vector<T>>
  bool Append(const K& key, T element) {
    if (handle_.has_ttl()) {
      bool fresh = false;
      GetOrCreate(key, &fresh).push_back(std::move(element));
      return fresh;
    }
    bool known = false;
    auto* cell = static_cast<Cell*>(handle_.table().FindToAppend(BytesOf(key), &known));
    const bool fresh = !known && cell->stamp_micros == kNewStamp;
    cell->stamp_micros = kNoStamp;
    cell->value.push_back(std::move(element));
    return fresh;
  }
  void Remove(const K& key) { handle_.table().Remove(BytesOf(key)); }
  void Clear() { handle_.table().Clear(); }

  /// For operators, as KeyedStateStore::Prefetch: these entries, of any keys, are fetched at once.
  void Prefetch(absl::Span<const MapEntryRef> entries) const { handle_.table().Prefetch(entries); }

  /// The same, of entries that are appended to.
  void PrefetchToAppend(absl::Span<const MapEntryRef> entries) const {
    handle_.table().PrefetchToAppend(entries);
  }

  bool IsEmpty() const {
    bool empty = true;
    handle_.table().ForEach([&](absl::string_view, const void* cell) {
      return empty = !Alive(*static_cast<const Cell*>(cell));
    });
    return empty;
  }

  /// visit(const K&, const V&) for each; it may change the state, and then has no V any more.
  template <class F>
  void ForEach(F visit) const {
    Walk(nullptr, [&visit](const K& key, const V& value) {
      visit(key, value);
      return true;
    });
  }
  /// The same, of the entries from this key on, until visit says false.
  template <class F>
  void ForEachFrom(const K& from, F visit) const {
    const std::string bytes = EncodeKey(from);
    Walk(&bytes, visit);
  }
  std::vector<std::pair<K, V>> Entries() const {
    std::vector<std::pair<K, V>> entries;
    ForEach([&entries](const K& key, const V& value) { entries.emplace_back(key, value); });
    return entries;
  }
  std::vector<K> Keys() const {
    std::vector<K> keys;
    ForEach([&keys](const K& key, const V&) { keys.push_back(key); });
    return keys;
  }
  std::vector<V> Values() const {
    std::vector<V> values;
    ForEach([&values](const K&, const V& value) { values.push_back(value); });
    return values;
  }

 private:
  using Cell = ValueCell<V>;

  template <class F>
  void Walk(const std::string* from, F visit) const {
    std::vector<std::string> read;
    const auto visit_cell = [&](absl::string_view bytes, const void* at) -> bool {
      const Cell& cell = *static_cast<const Cell*>(at);
      if (!Alive(cell)) return true;
      if (handle_.update_on_read()) read.emplace_back(bytes);
      return visit(KeyOf(bytes), cell.value);
    };
    if (from == nullptr) {
      handle_.table().ForEach(visit_cell);
    } else {
      handle_.table().ForEachFrom(*from, visit_cell);
    }
    for (const std::string& bytes : read) (void)Touch(bytes);
  }
  bool Alive(const Cell& cell) const {
    return !handle_.has_ttl() || cell.stamp_micros > handle_.oldest_micros();
  }
  // Null when it has to be read again, and that fails.
  const Cell* Touch(absl::string_view bytes) const {
    auto* cell = static_cast<Cell*>(handle_.table().FindToChange(bytes));
    if (cell != nullptr) cell->stamp_micros = handle_.stamp_micros();
    return cell;
  }
  absl::string_view BytesOf(const K& key) const { return bytes_.Of(key); }
  static K KeyOf(absl::string_view bytes) {
    absl::StatusOr<K> key = DecodeKey<K>(bytes);
    WEIR_CHECK(key.ok()) << "a key of a map in state: " << key.status();
    return *std::move(key);
  }

  internal::StateHandle<MapTable> handle_;
  mutable KeyBytes bytes_;
};

}  // namespace weir
