#include "tests/sim/sim_storage.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "proto/checkpoint.pb.h"
#include "state/checkpoint/checked_file.h"

namespace weir::sim {
namespace {

bool IsJobLogEntry(const std::string& path) {
  return absl::StrContains(path, "/jobs/") && absl::StrContains(path, "/log/");
}
bool IsClusterLogEntry(const std::string& path) {
  return absl::StrContains(path, "/log/") && !absl::StrContains(path, "/jobs/");
}

absl::Status Unavailable(const std::string& path) {
  return absl::UnavailableError(absl::StrCat("storage does not answer: ", path));
}

}  // namespace

SimStorage::SimStorage(SimWorld& world, const SimConfig& config)
    : world_(world), config_(config), random_(world.Fork("storage")) {}

void SimStorage::TakeAway(const std::string& host, absl::Duration until) {
  world_.Trace("storage away", host);
  away_until_[host] = until;
}

void SimStorage::Heal() {
  healed_ = true;
  away_until_.clear();
}

SimStorage::Fate SimStorage::DrawFate(const std::string& host, bool writes) {
  if (healed_) return Fate::kOk;
  for (const std::string& whose : {std::string(), host}) {
    const auto it = away_until_.find(whose);
    if (it != away_until_.end() && world_.now() < it->second) return Fate::kUnknownBefore;
  }
  if (Chance(random_, config_.storage_unknown)) {
    if (!writes) return Fate::kUnknownBefore;
    switch (random_.Below(3)) {
      case 0:
        return Fate::kUnknownBefore;
      case 1:
        return Fate::kUnknownAfter;
      default:
        return Fate::kUnknownLater;
    }
  }
  if (writes && Chance(random_, config_.storage_full)) return Fate::kFull;
  return Fate::kOk;
}

absl::Status SimStorage::Create(const std::string& path, const std::string& contents) {
  const absl::Status created = files_.CreateExclusive(path, contents);
  if (!created.ok()) return created;
  world_.Trace("created", path);
  for (StorageObserver* one : observers_) one->OnWritten(path, contents, nullptr);
  return created;
}

absl::Status SimStorage::Replace(const std::string& path, const std::string& contents) {
  const absl::StatusOr<std::string> former = files_.Read(path);
  const absl::Status replaced = files_.Replace(path, contents);
  if (!replaced.ok()) return replaced;
  world_.Trace("replaced", path);
  for (StorageObserver* one : observers_) {
    one->OnWritten(path, contents, former.ok() ? &*former : nullptr);
  }
  return replaced;
}

absl::Status SimStorage::Remove(const std::string& path) {
  const bool existed = files_.Exists(path);
  const absl::Status removed = files_.Remove(path);
  if (!removed.ok() || !existed) return removed;
  world_.Trace("removed", path);
  for (StorageObserver* one : observers_) one->OnRemoved(path);
  return removed;
}

SimFileSystem::SimFileSystem(SimStorage& storage, std::string host)
    : storage_(storage), host_(std::move(host)) {}

absl::Status SimFileSystem::Apply(const std::string& path, bool writes,
                                  std::function<absl::Status()> effect) {
  switch (storage_.DrawFate(host_, writes)) {
    case SimStorage::Fate::kOk:
      return effect();
    case SimStorage::Fate::kUnknownBefore:
      return Unavailable(path);
    case SimStorage::Fate::kUnknownAfter:
      effect().IgnoreError();
      return Unavailable(path);
    case SimStorage::Fate::kUnknownLater:
      storage_.world_.Schedule(absl::Milliseconds(Between(storage_.random_, 1, 3000)),
                               [effect = std::move(effect)] { effect().IgnoreError(); });
      return Unavailable(path);
    case SimStorage::Fate::kFull:
      return absl::ResourceExhaustedError(absl::StrCat("disk full: ", path));
  }
  return absl::OkStatus();
}

bool SimFileSystem::BugDropsCreate(const std::string& path, const std::string& contents) {
  const PlantedBug bug = storage_.config_.bug;
  if (bug == PlantedBug::kManifestLost) {
    return absl::StrContains(path, "/blobs/") || absl::StrContains(path, "/manifests/");
  }
  const absl::StatusOr<std::string> payload = UnframeChecked(contents, path);
  if (!payload.ok()) return false;
  if (bug == PlantedBug::kDeletionBeforeEntry && IsJobLogEntry(path)) {
    proto::JobLogEntry entry;
    return entry.ParseFromString(*payload) &&
           (entry.retired().objects_size() > 0 || entry.aborted().objects_size() > 0);
  }
  if (bug == PlantedBug::kAckWithoutRegistration && IsClusterLogEntry(path)) {
    proto::ClusterLogEntry entry;
    return entry.ParseFromString(*payload) && entry.has_job_registered();
  }
  return false;
}

absl::Status SimFileSystem::CreateExclusive(absl::string_view path_view,
                                            absl::string_view contents_view) {
  const std::string path(path_view);
  const std::string contents(contents_view);
  const PlantedBug bug = storage_.config_.bug;
  if (bug == PlantedBug::kReadBackLies && absl::StrContains(path, "/log/")) {
    wanted_[path] = contents;
  }
  if (bug != PlantedBug::kNone && BugDropsCreate(path, contents)) return absl::OkStatus();
  const bool replaces = (bug == PlantedBug::kEpochOwnedTwice && IsJobLogEntry(path)) ||
                        (bug == PlantedBug::kAppendReadAsAbsent && path == hidden_);
  if (replaces) hidden_.clear();
  return Apply(path, true, [&storage = storage_, path, contents, replaces] {
    return replaces ? storage.Replace(path, contents) : storage.Create(path, contents);
  });
}

absl::Status SimFileSystem::Replace(absl::string_view path_view, absl::string_view contents_view) {
  return Apply(std::string(path_view), true,
               [&storage = storage_, path = std::string(path_view),
                contents = std::string(contents_view)] { return storage.Replace(path, contents); });
}

absl::StatusOr<std::string> SimFileSystem::Read(absl::string_view path_view) {
  const std::string path(path_view);
  if (storage_.DrawFate(host_, false) != SimStorage::Fate::kOk) return Unavailable(path);
  absl::StatusOr<std::string> contents = storage_.files_.Read(path);
  const auto wanted = wanted_.find(path);
  if (contents.ok() && wanted != wanted_.end()) return wanted->second;
  if (storage_.config_.bug == PlantedBug::kAppendReadAsAbsent && contents.ok() && !hid_ &&
      IsJobLogEntry(path)) {
    // Is it the newest one, read by somebody who loads the log?
    const size_t digits = path.rfind('/') + 1;
    const std::string next = absl::StrCat(
        path.substr(0, digits), absl::Dec(std::stoull(path.substr(digits)) + 1, absl::kZeroPad10));
    if (!storage_.files_.Exists(next)) {
      hid_ = true;
      hidden_ = path;
      return absl::NotFoundError(path);
    }
  }
  return contents;
}

absl::Status SimFileSystem::Remove(absl::string_view path_view) {
  return Apply(std::string(path_view), true, [&storage = storage_, path = std::string(path_view)] {
    return storage.Remove(path);
  });
}

absl::StatusOr<std::vector<std::string>> SimFileSystem::List(absl::string_view directory) {
  if (storage_.DrawFate(host_, false) != SimStorage::Fate::kOk) {
    return Unavailable(std::string(directory));
  }
  return storage_.files_.List(directory);
}

absl::Status SimFileSystem::MakeDirectory(absl::string_view directory) {
  return Apply(std::string(directory), false, [&storage = storage_, path = std::string(directory)] {
    return storage.files_.MakeDirectory(path);
  });
}

}  // namespace weir::sim
