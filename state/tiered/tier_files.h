#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "state/keyed/keyed_state_increment.h"
#include "state/rocksdb/rocks_store.h"
#include "state/tiered/local_file.h"
#include "state/tiered/tier_manifest.h"

namespace weir {

/// RocksDB as of one materialisation: its files, pinned in a folder that goes with this.
struct TierBase {
  uint64_t generation = 0;  // the last one that is in it
  std::shared_ptr<const LocalPath> folder;
  std::vector<TierManifest::File> files;
};

/// The folder of a tier: RocksDB's own ("db"), pinned files ("pins"), logs ("logs"), and what is
/// being loaded ("load").
///
/// Threads: one at a time, but for what is const. Life cycle: Link at most once, before Store.
/// Errors: RESOURCE_EXHAUSTED, UNAVAILABLE, DATA_LOSS; each names a path.
class TierFiles {
 public:
  /// `options.directory` is the folder, for this tier alone; `instance` names no other tier, ever.
  TierFiles(RocksOptions options, std::string instance);
  /// RocksDB's folder, and what is empty by then.
  ~TierFiles();

  const std::string& directory() const { return options_.directory; }
  /// Makes the folder; what an earlier tier left in it is removed.
  absl::Status Prepare();
  /// The base of an increment becomes RocksDB's files, under the names they have there.
  absl::Status Link(const TierManifest& manifest, const KeyedStateIncrement& increment);
  /// The same in a folder of its own, to be read only.
  struct OpenedIncrement {
    std::shared_ptr<const LocalPath> folder;
    std::unique_ptr<RocksStore> store;
  };
  absl::StatusOr<OpenedIncrement> OpenIncrement(const TierManifest& manifest,
                                                const KeyedStateIncrement& increment);
  /// Opened when it is first asked for.
  absl::StatusOr<std::shared_ptr<RocksStore>> Store();
  /// Of what the store has now.
  absl::StatusOr<std::shared_ptr<const TierBase>> Pin(uint64_t generation);
  /// For a RocksLoader: a new one each time.
  std::string NextLoadPath();

  std::string log_folder() const { return Folder("logs"); }
  const std::string& instance() const { return instance_; }
  const RocksOptions& options() const { return options_; }

 private:
  std::string Folder(const char* name) const { return options_.directory + "/" + name; }

  const RocksOptions options_;
  const std::string instance_;
  std::shared_ptr<RocksStore> store_;
  std::map<std::string, std::string> restored_names_;  // of tables, by their local names
  uint64_t pins_ = 0;
  uint64_t loads_ = 0;
};

/// The file of this name and size among those of an increment; DATA_LOSS when it is not there.
absl::StatusOr<std::string> PathOfIncrementFile(const KeyedStateIncrement& increment,
                                                const std::string& name, uint64_t size_bytes);

}  // namespace weir
