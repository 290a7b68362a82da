#include "taskmanager/worker/uploaded_files.h"

#include <algorithm>
#include <utility>

namespace weir::taskmanager {

std::optional<proto::StateObject> UploadedFiles::Find(const std::string& name, Epoch epoch) {
  MutexLock lock(mutex_);
  const auto found = files_.find(name);
  if (found == files_.end() || !any_owned_ || found->second.uploaded > owned_) return std::nullopt;
  found->second.used = std::max(found->second.used, epoch);
  return found->second.object;
}

bool UploadedFiles::Add(const std::string& name, Epoch epoch, proto::StateObject object) {
  MutexLock lock(mutex_);
  // An upload may end long after its attempt was given up: what it wrote will be deleted.
  if (closed_ || failed_.count(epoch) > 0 || (any_owned_ && epoch <= owned_)) return false;
  const auto found = files_.find(name);
  if (found != files_.end() && found->second.uploaded > epoch) return false;
  files_[name] = {std::move(object), epoch, epoch};
  return true;
}

std::vector<std::string> UploadedFiles::Owned(Epoch epoch) {
  MutexLock lock(mutex_);
  std::vector<std::string> forgotten;
  if (any_owned_ && epoch <= owned_) return forgotten;
  any_owned_ = true;
  owned_ = epoch;
  failed_.erase(failed_.begin(), failed_.upper_bound(epoch));
  std::erase_if(files_, [&](const auto& file) {
    if (file.second.used >= epoch) return false;
    forgotten.push_back(file.first);
    return true;
  });
  return forgotten;
}

std::vector<std::string> UploadedFiles::Failed(Epoch epoch) {
  MutexLock lock(mutex_);
  std::vector<std::string> forgotten;
  if (any_owned_ && epoch <= owned_) return forgotten;
  failed_.insert(epoch);
  std::erase_if(files_, [&](const auto& file) {
    if (file.second.uploaded != epoch) return false;
    forgotten.push_back(file.first);
    return true;
  });
  return forgotten;
}

void UploadedFiles::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
}

bool UploadedFiles::IsOver(Epoch epoch) const {
  MutexLock lock(mutex_);
  return closed_ || failed_.count(epoch) > 0 || (any_owned_ && epoch <= owned_);
}

}  // namespace weir::taskmanager
