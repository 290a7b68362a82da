#include "taskmanager/worker/uploaded_files.h"

#include <algorithm>
#include <utility>

namespace weir::taskmanager {

std::optional<proto::StateObject> UploadedFiles::Find(const std::string& name, Epoch epoch) {
  MutexLock lock(mutex_);
  const auto found = files_.find(name);
  if (found == files_.end() || found->second.uploaded > owned_) return std::nullopt;
  found->second.used = std::max(found->second.used, epoch);
  return found->second.object;
}

void UploadedFiles::Add(const std::string& name, Epoch epoch, proto::StateObject object) {
  MutexLock lock(mutex_);
  files_[name] = {std::move(object), epoch, epoch};
}

void UploadedFiles::Owned(Epoch epoch) {
  MutexLock lock(mutex_);
  if (epoch <= owned_) return;
  owned_ = epoch;
  std::erase_if(files_, [epoch](const auto& file) { return file.second.used < epoch; });
}

void UploadedFiles::Failed(Epoch epoch) {
  MutexLock lock(mutex_);
  std::erase_if(files_, [epoch](const auto& file) { return file.second.uploaded == epoch; });
}

}  // namespace weir::taskmanager
