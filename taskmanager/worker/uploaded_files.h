#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/exec/mutex.h"
#include "proto/checkpoint.pb.h"

namespace weir::taskmanager {

/// Which files of keyed state lie in checkpoint storage, and where, so that no checkpoint uploads
/// one twice. Only what an owned checkpoint has is there to stay, and so may be referred to: what
/// an attempt wrote that was given up is deleted.
///
/// Threads: any.
class UploadedFiles {
 public:
  /// Where the file is, for the checkpoint of this epoch; nothing: it is to be uploaded.
  std::optional<proto::StateObject> Find(const std::string& name, Epoch epoch);
  /// Uploaded for this epoch. False, and nothing happens, when it was given up meanwhile.
  bool Add(const std::string& name, Epoch epoch, proto::StateObject object);
  /// This epoch is owned, and all earlier ones that have not failed. What it does not have will not
  /// be asked for again: gives the names of that.
  std::vector<std::string> Owned(Epoch epoch);
  /// This attempt was given up. Of what a directive tells, these come first.
  /// Gives the names that are forgotten.
  std::vector<std::string> Failed(Epoch epoch);
  /// The generation is over: so is every attempt.
  void Close();
  /// Nobody waits for files of this attempt any more: it was given up, or is owned.
  bool IsOver(Epoch epoch) const;

 private:
  struct File {
    proto::StateObject object;
    Epoch uploaded;
    Epoch used;  // the last one that asked
  };

  mutable Mutex mutex_;
  bool closed_ WEIR_GUARDED_BY(mutex_) = false;
  bool any_owned_ WEIR_GUARDED_BY(mutex_) = false;
  Epoch owned_ WEIR_GUARDED_BY(mutex_);
  std::set<Epoch> failed_ WEIR_GUARDED_BY(mutex_);  // above owned_
  std::map<std::string, File> files_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::taskmanager
