#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace weir::taskmanager {

/// A text of bounded length that is put together without allocating, for signal handlers; what is
/// too much is cut off, but for a last '\n'. Threads: one.
class SignalSafeText {
 public:
  static constexpr size_t kMaxBytes = 2048;
  static constexpr size_t kMaxNameBytes = 400;

  SignalSafeText& Add(absl::string_view text);
  /// Of a user: control characters become '?', what is longer than kMaxNameBytes is cut.
  SignalSafeText& AddName(absl::string_view name);
  SignalSafeText& AddNumber(int64_t number);
  /// "0x7f001234".
  SignalSafeText& AddAddress(const void* address);

  absl::string_view text() const { return {bytes_.data(), size_}; }
  /// To standard error.
  void Write() const;

 private:
  void Put(char c);

  std::array<char, kMaxBytes> bytes_;
  size_t size_ = 0;
};

}  // namespace weir::taskmanager
