#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// A file of an increment, on this machine.
struct KeyedStateFile {
  /// Stands for these bytes and no others, over all subtasks, backends and attempts: what was
  /// uploaded under a name once is referred to by later checkpoints, and not uploaded again.
  std::string name;
  uint64_t size_bytes = 0;
  std::string path;
  /// The file is there as long as this is; null: as long as whoever made this says.
  std::shared_ptr<const void> keep;
};

/// A checkpoint of keyed state in the form of its backend: a manifest, which is all of it for a
/// backend without files, and the files that the manifest names.
///
/// Threads: a plain value. To restore it elsewhere, the files are fetched by their names first, and
/// `path` says where they are.
struct KeyedStateIncrement {
  std::string manifest;
  std::vector<KeyedStateFile> files;
};

}  // namespace weir
