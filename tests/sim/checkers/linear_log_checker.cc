#include "tests/sim/checkers/linear_log_checker.h"

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "state/checkpoint/checked_file.h"
#include "state/checkpoint/state_object_store.h"

namespace weir::sim {
namespace {

// "<...>/jobs/<job>/log" -> "<job>"; empty for the cluster log.
std::string JobOfDirectory(const std::string& directory) {
  const size_t jobs = directory.find("/jobs/");
  if (jobs == std::string::npos) return "";
  const size_t first = jobs + 6;
  return directory.substr(first, directory.find('/', first) - first);
}

// Without manifests, which fill pages.
std::string Summary(proto::JobLogEntry entry) {
  if (entry.has_checkpoint()) entry.mutable_checkpoint()->clear_manifest();
  if (entry.has_submitted()) return "submitted";
  entry.clear_nonce();
  return entry.ShortDebugString();
}

}  // namespace

LinearLogChecker::LinearLogChecker(SimWorld& world, SimStorage& storage, LogTruth& truth)
    : world_(world), storage_(storage), truth_(truth) {
  storage.AddObserver(this);
}

void LinearLogChecker::OnRemoved(const std::string& path) {
  if (absl::StrContains(path, "/log/")) world_.Violate("LinearLog", absl::StrCat(path, " removed"));
}

void LinearLogChecker::OnWritten(const std::string& path, const std::string& contents,
                                 const std::string* former) {
  const size_t slash = path.rfind('/');
  const std::string directory = path.substr(0, slash);
  if (!absl::EndsWith(directory, "/log")) return;
  if (former != nullptr) {
    if (*former != contents) world_.Violate("LinearLog", absl::StrCat(path, " changed"));
    return;
  }
  uint64_t& head = heads_[directory];
  const uint64_t sequence = std::strtoull(path.c_str() + slash + 1, nullptr, 10);
  if (sequence != head + 1) {
    return world_.Violate("LinearLog",
                          absl::StrCat(path, " written where ", head + 1, " comes next"));
  }
  head = sequence;
  const absl::StatusOr<std::string> payload = UnframeChecked(contents, path);
  if (!payload.ok()) return world_.Violate("LinearLog", payload.status().ToString());
  const std::string job = JobOfDirectory(directory);
  proto::ClusterLogEntry cluster_entry;
  proto::JobLogEntry job_entry;
  if (job.empty() && cluster_entry.ParseFromString(*payload)) {
    OnClusterEntry(cluster_entry);
  } else if (!job.empty() && job_entry.ParseFromString(*payload)) {
    OnJobEntry(job, job_entry);
  } else {
    world_.Violate("LinearLog", absl::StrCat(path, " cannot be decoded"));
  }
}

void LinearLogChecker::OnClusterEntry(const proto::ClusterLogEntry& entry) {
  world_.Trace("cluster entry", absl::StrCat(entry.sequence()),
               absl::StrCat(entry.kind_case(), " term ", entry.term().number()));
  const absl::Status applied = truth_.cluster.Apply(entry);
  if (!applied.ok()) world_.Violate("LinearLog", applied.ToString());
}

void LinearLogChecker::CheckStarted(const LogTruth::Job& job, const proto::JobLogEntry& entry) {
  const proto::JobStarted& started = entry.started();
  if (Generation(started.generation()) <= job.history.generation()) {
    world_.Violate("LinearLog",
                   absl::StrCat("generation ", started.generation(), " started after generation ",
                                job.history.generation().value()));
  }
  const JobHistory::OwnedEpoch* newest = job.history.newest_owned();
  const bool fits = newest == nullptr ? !started.has_restored_epoch()
                                      : started.has_restored_epoch() &&
                                            started.restored_epoch() == newest->checkpoint.epoch();
  if (!fits) {
    world_.Violate("Restore", absl::StrCat("generation ", started.generation(),
                                           " does not start from the newest owned epoch"));
  }
}

void LinearLogChecker::OnJobEntry(const std::string& id, const proto::JobLogEntry& entry) {
  LogTruth::Job& job = truth_.jobs[id];
  world_.Trace("job entry", absl::StrCat(entry.sequence()), Summary(entry));
  if (job.history.terminal() != nullptr) {
    return world_.Violate("LinearLog",
                          absl::StrCat("entry ", entry.sequence(), " follows the terminal entry"));
  }
  if (entry.has_started()) CheckStarted(job, entry);
  const absl::Status applied = job.history.Apply(entry);
  if (!applied.ok()) return world_.Violate("LinearLog", applied.ToString());
  job.entries.push_back(entry);
  if (entry.has_started()) job.starts[Generation(entry.started().generation())] = entry.started();
  for (const std::string& object : entry.retired().objects()) job.deletable.insert(object);
  for (const std::string& object : entry.aborted().objects()) job.deletable.insert(object);
  for (const std::string& object : entry.swept().objects()) job.deletable.insert(object);
  for (const proto::CheckpointRetired& retired : entry.terminal().retired()) {
    job.deletable.insert(retired.objects().begin(), retired.objects().end());
  }
  if (entry.has_checkpoint()) {
    StateObjectStore store(storage_.files(), absl::StrCat("/storage/sim/jobs/", id));
    const auto manifest = store.ReadManifest(entry.checkpoint());
    if (!manifest.ok()) {
      return world_.Violate("Objects", absl::StrCat("epoch ", entry.checkpoint().epoch(),
                                                    " is owned without its manifest: ",
                                                    manifest.status().ToString()));
    }
    job.manifests[Epoch(entry.checkpoint().epoch())] = *manifest;
  }
  for (JobEntryObserver* one : observers_) one->OnJobEntry(id, entry);
}

}  // namespace weir::sim
