#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir::taskmanager {

/// What a worker has made up for the others of its job to know, so that no other process can put
/// data into it.
///
/// Threads: any. Immutable.
class ExchangeSecret {
 public:
  /// Printable ASCII, e.g. Random::HexId; not empty.
  explicit ExchangeSecret(std::string secret);

  const std::string& value() const { return secret_; }
  /// OK or UNAUTHENTICATED with one sentence. Takes the same time for every wrong secret.
  absl::Status Check(absl::string_view presented) const;

 private:
  const std::string secret_;
  const std::string digest_;
};

}  // namespace weir::taskmanager
