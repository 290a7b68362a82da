#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "state/tiered/layer.h"

namespace weir {

/// One version of a layer.
struct LayerEntry {
  const Version* version = nullptr;
  const Layer* layer = nullptr;
};

/// What layers have of one key, one at least, oldest first: the newest version, and the appends
/// behind it; or appends alone, whose list is below the layers.
class LayerRow {
 public:
  explicit LayerRow(absl::Span<const LayerEntry> parts) : parts_(parts) {}

  absl::string_view key() const { return parts_[0].version->key(); }
  StoreChange kind() const;
  /// Appends the value; nothing for a deletion.
  void Encode(std::string* out) const;
  /// The same for files. INVALID_ARGUMENT, with the state's name: it is too large for them.
  absl::Status EncodeToStore(std::string* out) const;

 private:
  absl::Span<const LayerEntry> parts_;
};

/// The rows of these layers (oldest first), by their keys. Valid as long as the layers.
/// Threads: any number.
class LayerRows {
 public:
  class Iterator {
   public:
    Iterator(const LayerEntry* at, const LayerEntry* end) : at_(at), end_(end) { FindNext(); }
    LayerRow operator*() const { return LayerRow({at_, static_cast<size_t>(next_ - at_)}); }
    Iterator& operator++() {
      at_ = next_;
      FindNext();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    void FindNext();
    const LayerEntry* at_;
    const LayerEntry* end_;
    const LayerEntry* next_ = nullptr;  // row's first
  };

  LayerRows(absl::Span<const LayerPtr> layers, RocksFamily family);

  Iterator begin() const { return {entries_.data(), entries_.data() + entries_.size()}; }
  Iterator end() const {
    const LayerEntry* end = entries_.data() + entries_.size();
    return {end, end};
  }

 private:
  std::vector<LayerEntry> entries_;
};

}  // namespace weir
