#include "taskmanager/agent/artifact_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/sha256.h"
#include "common/net/artifact_file.h"

namespace weir::taskmanager {
namespace {

std::string TemporaryPath(const std::string& path) { return path + ".part"; }

// On the pool. True: a usable copy is there already; else nothing stands in the way of a fetch.
absl::StatusOr<bool> CheckPresent(const std::string& directory, const std::string& path,
                                  const std::string& digest) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make directory '", directory, "': ", error.message()));
  }
  const absl::StatusOr<std::string> found = Sha256HexOfFile(path);
  if (found.ok() && *found == digest) return true;
  unlink(path.c_str());
  unlink(TemporaryPath(path).c_str());
  return false;
}

// On the pool.
absl::Status MakeExecutable(const std::string& path) {
  const std::string temporary = TemporaryPath(path);
  if (chmod(temporary.c_str(), 0500) == 0 && rename(temporary.c_str(), path.c_str()) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("cannot create '", path, "': ", strerror(errno)));
}

}  // namespace

ArtifactCache::ArtifactCache(Executor& executor, BlockingPool& pool, ArtifactFetcher& fetcher,
                             ArtifactCacheOptions options)
    : executor_(executor), pool_(pool), fetcher_(fetcher), options_(std::move(options)) {}

void ArtifactCache::Get(const ArtifactId& id, Done done) {
  if (!IsArtifactDigest(id.value())) {
    return done(absl::InvalidArgumentError(absl::StrCat("'", id.value(), "' is no artifact")));
  }
  if (const auto present = last_use_.find(id); present != last_use_.end()) {
    present->second = ++uses_;
    return done(PathOf(id));
  }
  const auto [waiting, fresh] = waiting_.try_emplace(id);
  waiting->second.push_back(std::move(done));
  if (fresh) Check(id);
}

void ArtifactCache::Check(const ArtifactId& id) {
  pool_.Run<absl::StatusOr<bool>>(
      executor_,
      [directory = options_.directory, path = PathOf(id), digest = id.value()] {
        return CheckPresent(directory, path, digest);
      },
      lifetime_.Guard([this, id](const absl::StatusOr<bool>& present) {
        if (present.ok() && !*present) return Fetch(id);
        Finish(id, present.status());
      }));
}

void ArtifactCache::Fetch(const ArtifactId& id) {
  LogInfo("fetching an artifact", {{"artifact", id}});
  auto install = lifetime_.Guard([this, id](const absl::Status& fetched) {
    if (!fetched.ok()) return Finish(id, fetched);
    pool_.Run<absl::Status>(
        executor_, [path = PathOf(id)] { return MakeExecutable(path); },
        lifetime_.Guard([this, id](const absl::Status& status) { Finish(id, status); }));
  });
  fetcher_.Fetch(id, TemporaryPath(PathOf(id)), std::move(install));
}

void ArtifactCache::Finish(const ArtifactId& id, const absl::Status& status) {
  if (status.ok()) {
    last_use_[id] = ++uses_;
    RemoveLongestUnused();
  }
  std::vector<Done> waiting = std::move(waiting_[id]);
  waiting_.erase(id);
  for (const Done& done : waiting) {
    if (status.ok()) {
      done(PathOf(id));
    } else {
      done(status);
    }
  }
}

void ArtifactCache::RemoveLongestUnused() {
  while (last_use_.size() > options_.max_artifacts) {
    const auto oldest = std::min_element(
        last_use_.begin(), last_use_.end(),
        [](const auto& left, const auto& right) { return left.second < right.second; });
    const ArtifactId id = oldest->first;
    last_use_.erase(oldest);
    waiting_.try_emplace(id);  // requests wait until the file is gone
    pool_.Run<int>(
        executor_, [path = PathOf(id)] { return unlink(path.c_str()); },
        lifetime_.Guard([this, id](int) {
          if (!waiting_[id].empty()) return Check(id);
          waiting_.erase(id);
        }));
  }
}

}  // namespace weir::taskmanager
