#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "common/operator/current_call.h"
#include "common/types/key_codec.h"
#include "state/api/key_ref.h"

namespace weir::internal {

/// The keys of all rows of a batch, for stores that prefetch. Threads: the task's.
class BatchKeys {
 public:
  /// `keys.At(row)` is called once for each row, which is the current one then: it may be the
  /// author's code. `ref_of` makes a KeyRef of the bytes of one.
  template <class Keys, class RefOf>
  void Take(const Keys& keys, size_t rows, CurrentCall& call, const RefOf& ref_of) {
    using Key = std::decay_t<decltype(keys.At(0))>;
    if constexpr (std::is_same_v<Key, std::string_view>) {
      refs_.clear();
      for (size_t row = 0; row < rows; ++row) {
        call.SetRow(row);
        const std::string_view key = keys.At(row);
        refs_.push_back(ref_of(absl::string_view(key.data(), key.size())));
      }
      return;
    }
    bytes_.clear();
    ends_.clear();
    for (size_t row = 0; row < rows; ++row) {
      call.SetRow(row);
      EncodeKey(keys.At(row), &bytes_);
      ends_.push_back(bytes_.size());
    }
    refs_.clear();
    size_t begin = 0;
    for (const size_t end : ends_) {
      refs_.push_back(ref_of(absl::string_view(bytes_.data() + begin, end - begin)));
      begin = end;
    }
  }
  /// By row; until the next Take, and as long as the batch.
  absl::Span<const KeyRef> refs() const { return refs_; }

  /// So many are prefetched at a time: the processor's own cache still holds what was asked for
  /// when its row comes.
  static constexpr size_t kAtATime = 64;
  /// Those from `row` on that are prefetched before it; none for most rows.
  absl::Span<const KeyRef> ToPrefetchAt(size_t row) const {
    return row % kAtATime == 0 ? refs().subspan(row, kAtATime) : absl::Span<const KeyRef>();
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
  std::vector<KeyRef> refs_;
};

}  // namespace weir::internal
