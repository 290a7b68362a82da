#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "state/api/map_state.h"

namespace weir {

/// A map that each subtask of an operator keeps whole (Flink's BroadcastState): no key is current.
/// Entries come in the order of their keys.
///
/// Threads: the task's. Lifetime: the store's that gave it (state/api/operator_state_store.h).
/// Errors: none; see the store.
template <class K, class V>
class BroadcastState {
 public:
  BroadcastState() = default;
  explicit BroadcastState(MapTable* table) : map_(table) {}

  /// Nothing when there is none for `key`.
  std::optional<V> Get(const K& key) const { return map_.Get(key); }
  /// Without a copy; null for none. Valid until the next use of any state.
  const V* Peek(const K& key) const { return map_.Peek(key); }
  bool Contains(const K& key) const { return map_.Contains(key); }
  void Put(const K& key, V value) { map_.Put(key, std::move(value)); }
  void Remove(const K& key) { map_.Remove(key); }
  void Clear() { map_.Clear(); }
  bool IsEmpty() const { return map_.IsEmpty(); }
  /// visit(const K&, const V&) for each entry, which must not change this state.
  template <class F>
  void ForEach(F visit) const {
    map_.ForEach(std::move(visit));
  }
  std::vector<std::pair<K, V>> Entries() const { return map_.Entries(); }
  std::vector<K> Keys() const { return map_.Keys(); }
  std::vector<V> Values() const { return map_.Values(); }

 private:
  MapState<K, V> map_;
};

}  // namespace weir
