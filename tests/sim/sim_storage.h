#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/io/file_system.h"
#include "common/io/memory_file_system.h"
#include "tests/sim/sim_config.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// Told of everything that happens in storage, when it takes effect.
class StorageObserver {
 public:
  virtual ~StorageObserver() = default;
  virtual void OnWritten(const std::string& path, const std::string& contents,
                         const std::string* former) = 0;
  virtual void OnRemoved(const std::string& path) = 0;
};

/// The checkpoint storage that all processes of a run share: files in memory behind faults. A
/// request may fail before its effect, after it, or have its effect later; storage may be away for
/// everybody or for one host. Nothing fails once `Heal` was called.
class SimStorage {
 public:
  SimStorage(SimWorld& world, const SimConfig& config);

  void AddObserver(StorageObserver* observer) { observers_.push_back(observer); }
  void TakeAway(const std::string& host, absl::Duration until);  // "": for everybody
  void Heal();

  /// What really lies there, without faults: for checkers.
  MemoryFileSystem& files() { return files_; }

 private:
  friend class SimFileSystem;
  enum class Fate { kOk, kUnknownBefore, kUnknownAfter, kUnknownLater, kFull };

  Fate DrawFate(const std::string& host, bool writes);
  absl::Status Create(const std::string& path, const std::string& contents);
  absl::Status Replace(const std::string& path, const std::string& contents);
  absl::Status Remove(const std::string& path);

  SimWorld& world_;
  const SimConfig& config_;
  SeededRandom random_;
  MemoryFileSystem files_;
  std::vector<StorageObserver*> observers_;
  std::map<std::string, absl::Duration> away_until_;
  bool healed_ = false;
};

/// Storage as one process sees it, with the storage bugs that can be planted.
class SimFileSystem final : public FileSystem {
 public:
  SimFileSystem(SimStorage& storage, std::string host);

  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override;
  absl::Status Replace(absl::string_view path, absl::string_view contents) override;
  absl::StatusOr<std::string> Read(absl::string_view path) override;
  absl::Status Remove(absl::string_view path) override;
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override;
  absl::Status MakeDirectory(absl::string_view directory) override;

 private:
  absl::Status Apply(const std::string& path, bool writes, std::function<absl::Status()> effect);
  bool BugDropsCreate(const std::string& path, const std::string& contents);

  SimStorage& storage_;
  const std::string host_;
  std::map<std::string, std::string> wanted_;  // what this process tried to write to log entries
  std::string hidden_;                         // the entry it believes absent
  bool hid_ = false;
};

}  // namespace weir::sim
