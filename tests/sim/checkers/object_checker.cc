#include "tests/sim/checkers/object_checker.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"
#include "state/checkpoint/state_object_store.h"

namespace weir::sim {
namespace {

constexpr absl::string_view kJobs = "/storage/sim/jobs/";

bool IsObject(const std::string& path) {
  return absl::StrContains(path, "/blobs/") || absl::StrContains(path, "/manifests/");
}

}  // namespace

void ObjectChecker::OnWritten(const std::string& path, const std::string& contents,
                              const std::string* former) {
  if (!IsObject(path) || former == nullptr || *former == contents) return;
  world_.Violate("Objects", absl::StrCat(path, " overwritten"));
}

void ObjectChecker::OnRemoved(const std::string& path) {
  if (!IsObject(path)) return;
  const size_t slash = path.find('/', kJobs.size());
  const std::string job = path.substr(kJobs.size(), slash - kJobs.size());
  const std::string object = path.substr(slash + 1);
  const auto truth = truth_.jobs.find(job);
  if (truth == truth_.jobs.end() || truth->second.deletable.count(object) == 0) {
    return world_.Violate("Objects", absl::StrCat(object, " deleted before an entry named it"));
  }
  for (const auto& [epoch, owned] : truth->second.history.owned()) {
    CheckObjects(job, truth->second, epoch);
  }
}

void ObjectChecker::OnJobEntry(const std::string& job, const proto::JobLogEntry& entry) {
  if (entry.has_checkpoint()) {
    CheckObjects(job, truth_.jobs.at(job), Epoch(entry.checkpoint().epoch()));
  }
}

void ObjectChecker::CheckObjects(const std::string& job, const LogTruth::Job& truth, Epoch epoch) {
  const std::string directory = absl::StrCat(kJobs, job, "/");
  const JobHistory::OwnedEpoch& owned = truth.history.owned().at(epoch);
  const std::string& manifest = owned.checkpoint.manifest_object();
  if (!manifest.empty() && !storage_.files().Exists(absl::StrCat(directory, manifest))) {
    world_.Violate("Objects", absl::StrCat("manifest ", manifest, " of owned epoch ", epoch.value(),
                                           " is gone"));
  }
  for (const proto::TaskSnapshot& task : truth.manifests.at(epoch).tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      const std::string& blob = one.state().blob();
      if (blob.empty()) continue;
      const auto bytes = storage_.files().Read(absl::StrCat(directory, blob));
      if (!bytes.ok() || bytes->size() != one.state().size_bytes()) {
        world_.Violate("Objects", absl::StrCat("blob ", blob, " of owned epoch ", epoch.value(),
                                               " is not there"));
      }
    }
  }
}

}  // namespace weir::sim
