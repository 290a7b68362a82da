#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

/// An incremental SHA-256, e.g. of an artifact that arrives in pieces. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view bytes);
  /// 64 lower-case hex digits. Once; no Update afterwards.
  std::string FinishHex();

 private:
  void* context_;  // EVP_MD_CTX; OpenSSL's headers stay in the .cc
};

std::string Sha256Hex(absl::string_view bytes);

/// Blocks on the disk. NOT_FOUND when there is no such file, UNAVAILABLE on other failures.
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

}  // namespace weir
