// The part of Dispatcher that turns a submission into a registered job.
#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "jobmanager/dispatcher/dispatcher.h"

namespace weir::jobmanager {
namespace {
constexpr size_t kSubmissionsMax = 64;  // under way at once
constexpr size_t kNameBytesMax = 200;

// A full disk: a client waits for what RESOURCE_EXHAUSTED says is missing.
absl::Status NotToBeAwaited(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? absl::InternalError(status.message()) : status;
}

// Names stand in tables and sentences, and must not look like ids.
absl::Status CheckJobName(const std::string& name) {
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (control) {
    return absl::InvalidArgumentError("a job's name may have no control characters");
  }
  if (name.size() > kNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a job's name may have at most ", kNameBytesMax, " bytes"));
  }
  if (absl::StartsWith(name, "job-") || absl::StrContains(name, '/')) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", name, "' is no name for a job: it may not begin with 'job-' or have a '/' in it"));
  }
  return absl::OkStatus();
}

}  // namespace

void Dispatcher::Plan(proto::PlanRequest request, Reply<proto::PlanResponse> reply) {
  planning_->Plan(request.artifact(), {request.arguments().begin(), request.arguments().end()},
                  [reply](absl::StatusOr<proto::JobGraph> graph) {
                    if (!graph.ok()) return reply(graph.status());
                    proto::PlanResponse response;
                    *response.mutable_graph() = *std::move(graph);
                    reply(std::move(response));
                  });
}

void Dispatcher::SubmitJob(proto::SubmitJobRequest request, Reply<proto::SubmitJobResponse> reply) {
  const std::string token = request.client_token();
  if (token.empty()) return reply(absl::InvalidArgumentError("client_token is missing"));
  const JobId known = cluster_log_->history().FindToken(token);
  if (!known.is_none()) {
    proto::SubmitJobResponse response;
    response.set_job(known.value());
    return reply(std::move(response));
  }
  if (submissions_.count(token) == 0 && submissions_.size() >= kSubmissionsMax) {
    return reply(absl::UnavailableError(absl::StrCat(kSubmissionsMax, " submissions wait")));
  }
  const auto [it, added] = submissions_.try_emplace(token);
  it->second.replies.push_back(std::move(reply));
  if (!added) return;
  it->second.request = std::move(request);
  const proto::SubmitJobRequest& submitted = it->second.request;
  const absl::Status options = MakeJobOptions(deps_.config, {submitted.configuration().begin(),
                                                             submitted.configuration().end()})
                                   .status();
  if (!options.ok()) return FinishSubmission(token, options);
  using There = absl::StatusOr<bool>;
  deps_.pool.Run<There>(
      deps_.executor,
      [has = deps_.has_artifact, id = ArtifactId(submitted.artifact())] { return has(id); },
      lifetime_.Guard([this, token](const There& there) { OnArtifactChecked(token, there); }));
}

void Dispatcher::OnArtifactChecked(const std::string& token, const absl::StatusOr<bool>& there) {
  if (!there.ok()) return FinishSubmission(token, there.status());
  const proto::SubmitJobRequest& request = submissions_.at(token).request;
  if (!*there) {
    return FinishSubmission(token, absl::NotFoundError(absl::StrCat("artifact ", request.artifact(),
                                                                    " was never uploaded")));
  }
  planning_->Plan(request.artifact(), {request.arguments().begin(), request.arguments().end()},
                  lifetime_.Guard([this, token](absl::StatusOr<proto::JobGraph> graph) {
                    OnPlanned(token, std::move(graph));
                  }));
}

void Dispatcher::OnPlanned(const std::string& token, absl::StatusOr<proto::JobGraph> graph) {
  if (!graph.ok()) return FinishSubmission(token, graph.status());
  const proto::SubmitJobRequest& request = submissions_.at(token).request;
  if (request.has_plan() && request.plan().fingerprint() != graph->fingerprint()) {
    return FinishSubmission(
        token, absl::FailedPreconditionError(
                   "the plan that was submitted differs from the one a TaskManager makes of the "
                   "same binary and arguments"));
  }
  const absl::Status named =
      CheckJobName(request.name().empty() ? graph->job_name() : request.name());
  if (!named.ok()) return FinishSubmission(token, named);
  const absl::StatusOr<JobOptions> options = MakeJobOptions(
      deps_.config, {request.configuration().begin(), request.configuration().end()});
  if (!options.ok()) return FinishSubmission(token, options.status());
  const absl::Status fits = CheckTransactionTimeouts(*options, *graph);
  if (!fits.ok()) return FinishSubmission(token, fits);
  if (request.from().empty()) return CreateJob(token, *graph, std::nullopt);
  absl::StatusOr<CheckpointTransfer> transfer = FindCheckpoint(request.from());
  if (!transfer.ok()) return FinishSubmission(token, transfer.status());
  transfer->to_graph = *graph;
  transfer->allow_non_restored = request.allow_non_restored();
  CreateJob(token, *graph, *std::move(transfer));
}

// A job of its own: only a checkpoint that no transactions of the old one hang on is handed out.
absl::StatusOr<CheckpointTransfer> Dispatcher::FindCheckpoint(const std::string& name) {
  absl::StatusOr<JobMaster*> found = FindJob(name);
  std::optional<Epoch> epoch;
  const size_t slash = name.rfind('/');
  uint64_t number = 0;
  if (absl::IsNotFound(found.status()) && slash != std::string::npos &&
      absl::SimpleAtoi(name.substr(slash + 1), &number)) {
    epoch = Epoch(number);
    found = FindJob(name.substr(0, slash));
  }
  if (!found.ok()) return found.status();
  const JobMaster& job = **found;
  const JobHistory& history = job.history();
  const std::string what =
      absl::StrCat("job '", history.submission().name(), "' (", job.job().value(), ")");
  if (!IsTerminal(job.state()) && job.state() != JobState::kSuspended) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, " is ", JobStateName(job.state()),
                     "; a job starts from a checkpoint of one that is suspended or has ended"));
  }
  if (history.owned().empty()) {
    return absl::NotFoundError(absl::StrCat(what, " has no checkpoint that was retained"));
  }
  const auto owned = epoch ? history.owned().find(*epoch) : std::prev(history.owned().end());
  if (owned == history.owned().end()) {
    std::vector<uint64_t> there;
    for (const auto& [one, checkpoint] : history.owned()) there.push_back(one.value());
    return absl::NotFoundError(absl::StrCat(what, " has no checkpoint of epoch ", epoch->value(),
                                            "; it has those of ", absl::StrJoin(there, ", ")));
  }
  if (history.AwaitsReceipt(owned->first)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the checkpoint of epoch ", owned->first.value(), " of ", what,
                     " is not committed: its transactions are still that job's"));
  }
  CheckpointTransfer transfer;
  transfer.from = job.job();
  transfer.from_graph = history.submission().graph();
  transfer.checkpoint = owned->second.checkpoint;
  return transfer;
}

void Dispatcher::CreateJob(const std::string& token, const proto::JobGraph& graph,
                           std::optional<CheckpointTransfer> transfer) {
  Submission& submission = submissions_.at(token);
  const proto::SubmitJobRequest& request = submission.request;
  const JobId job(deps_.random.HexId("job-"));
  submission.job = MakeJobMaster(job);
  auto submitted = std::make_shared<proto::JobSubmitted>();
  submitted->set_name(request.name().empty() ? graph.job_name() : request.name());
  submitted->set_artifact(request.artifact());
  *submitted->mutable_arguments() = request.arguments();
  *submitted->mutable_graph() = graph;
  *submitted->mutable_configuration() = request.configuration();
  submitted->set_take_over(request.take_over());
  submitted->set_submitted_at_ms(absl::ToUnixMillis(deps_.clock.Now()));
  if (transfer) {
    transfer->to = job;
    submitted->set_from_job(transfer->from.value());
    submitted->set_from_epoch(transfer->checkpoint.epoch());
  }
  using Seed = absl::StatusOr<std::optional<CopiedCheckpoint>>;
  deps_.pool.Run<Seed>(
      deps_.executor,
      [&files = deps_.files, &layout = deps_.layout, job,
       transfer = std::move(transfer)]() -> Seed {
        WEIR_RETURN_IF_ERROR(files.MakeDirectory(layout.JobLogDirectory(job)));
        WEIR_RETURN_IF_ERROR(files.Replace(layout.JobProbePath(job), job.value()));
        if (!transfer) return std::nullopt;
        WEIR_ASSIGN_OR_RETURN(CopiedCheckpoint copy,
                              CopyCheckpoint(*transfer, files, layout,
                                             CheckpointOptions().manifest_inline_max_bytes));
        return copy;
      },
      lifetime_.Guard([this, token, submitted](const Seed& seed) {
        if (!seed.ok()) return FinishSubmission(token, NotToBeAwaited(seed.status()));
        std::optional<proto::CheckpointOwned> owned;
        if (seed->has_value()) {
          owned = (*seed)->owned;
          *submitted->mutable_left_out() = {(*seed)->left_out.begin(), (*seed)->left_out.end()};
        }
        submissions_.at(token).job->Create(
            *submitted, owned, lifetime_.Guard([this, token](const absl::Status& created) {
              if (!created.ok()) return FinishSubmission(token, NotToBeAwaited(created));
              RegisterJob(token);
            }));
      }));
}

void Dispatcher::RegisterJob(const std::string& token) {
  const JobMaster& job = *submissions_.at(token).job;
  proto::ClusterLogEntry entry;
  proto::JobRegistered* registered = entry.mutable_job_registered();
  registered->set_job(job.job().value());
  registered->set_client_token(token);
  registered->set_name(job.history().submission().name());
  registered->set_term(term_.number());
  cluster_log_->Append(std::move(entry), lifetime_.Guard([this, token](const absl::Status& status) {
    if (absl::IsAborted(status)) Lose(status);
    if (!status.ok()) return FinishSubmission(token, status);
    std::unique_ptr<JobMaster> master = std::move(submissions_.at(token).job);
    JobMaster* raw = master.get();
    jobs_[raw->job()] = std::move(master);
    LogInfo("job registered", {{"job", raw->job()}});
    raw->Run();
    FinishSubmission(token, raw->job());
  }));
}

void Dispatcher::FinishSubmission(const std::string& token, const absl::StatusOr<JobId>& job) {
  const auto it = submissions_.find(token);
  // The job's own callback may be on the stack: let it go when that has returned.
  auto finished = std::make_shared<Submission>(std::move(it->second));
  submissions_.erase(it);
  deps_.executor.Post([finished] {});
  for (const Reply<proto::SubmitJobResponse>& reply : finished->replies) {
    if (!job.ok()) {
      reply(job.status());
      continue;
    }
    proto::SubmitJobResponse response;
    response.set_job(job->value());
    reply(std::move(response));
  }
}

}  // namespace weir::jobmanager
