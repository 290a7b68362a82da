#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace weir::taskmanager {

/// Copies (hard links) of files of keyed state that lie in checkpoint storage, so that a restore on
/// the same machine fetches nothing: those of this worker, and of workers of the same job that ran
/// here before it. Names stand for the same bytes everywhere (KeyedStateFile), and what is taken
/// from a copy is checked as what is fetched.
///
/// Threads: thread-safe; the calls block. Errors: none; without a copy a file is fetched.
class LocalStateCopies {
 public:
  /// `state_folder`: the worker's (state_folders.h); empty: there are no copies.
  explicit LocalStateCopies(std::string state_folder);

  /// Keeps what is at `path` as a copy of `name`.
  void Keep(const std::string& name, const std::string& path) const;
  void Drop(const std::vector<std::string>& names) const;
  /// Of this worker's copies no others stay.
  void KeepOnly(const std::set<std::string>& names) const;
  /// Puts a copy of `name` to `path`; false: there is none with these bytes.
  bool Take(const std::string& name, uint64_t size_bytes, const std::string& sha256,
            const std::string& path) const;

 private:
  std::string state_folder_;
};

}  // namespace weir::taskmanager
