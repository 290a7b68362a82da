#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weir::kafka {

/// The ids that one sink's transactions go by; docs/protocols/transactions.md. `prefix` may hold
/// anything, "~" too: ids are parsed from the right, and compared as a whole, never by their start.
struct TransactionalId {
  std::string prefix;
  uint64_t fence = 0;  // of the generation that took it
  uint32_t subtask = 0;
  uint32_t slot = 0;

  /// "prefix~fence~subtask~slot"
  std::string ToString() const;
  /// Nothing for what is not exactly such an id of exactly this prefix (numbers in decimal, without
  /// sign or leading zeros).
  static std::optional<TransactionalId> Parse(const std::string& id, const std::string& prefix);
  bool operator==(const TransactionalId&) const = default;
};

/// Id and group of the owner record.
std::string OwnerId(const std::string& prefix);
/// The one id of replays, the same for all generations.
std::string ReplayId(const std::string& prefix);

}  // namespace weir::kafka
