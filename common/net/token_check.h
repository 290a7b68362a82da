#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

/// Checks the token that a caller sends, as the value of the header "authorization".
///
/// Threads: any. Immutable.
class TokenCheck {
 public:
  static constexpr char kHeader[] = "authorization";

  /// An empty token admits every caller.
  explicit TokenCheck(const std::string& token);

  bool asks_for_token() const { return !expected_.empty(); }
  /// OK or UNAUTHENTICATED with one sentence; an empty value is none. Takes the same time for every
  /// wrong token.
  absl::Status Check(absl::string_view header_value) const;

  /// What a caller sends: "Bearer ...".
  static std::string HeaderValue(const std::string& token);

 private:
  std::string expected_;  // SHA-256 of the header's value; empty: no token is asked for
};

}  // namespace weir
