#include "weir/testing/operator_harness_core.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "api/testing/harness_ends.h"
#include "api/testing/operator_chain_run.h"
#include "taskmanager/task/task_snapshot_conversion.h"

namespace weir::internal {

using taskmanager::TaskFailure;
using taskmanager::TaskSnapshotData;

namespace {

StreamGraph GraphOf(const std::string& name, const OperatorFactory& make) {
  StreamGraph graph;
  graph.job_name = "operator-test-harness";
  graph.nodes.resize(3);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    graph.nodes[i].id = i + 1;
    if (i > 0) graph.nodes[i].inputs = {{i}};
  }
  const SchemaPtr schema = SchemaOf<bool>();  // nobody looks at it
  StreamNode& input = graph.nodes[0];
  input.kind = StreamNode::Kind::kSource;
  input.uid = input.name = input.type = "harness input";
  input.output_schema = schema;
  input.source = std::make_shared<HarnessInput>(schema);
  StreamNode& one = graph.nodes[1];
  one.uid = one.name = one.type = name;
  one.output_schema = schema;
  one.make_operator = make;
  StreamNode& output = graph.nodes[2];
  output.kind = StreamNode::Kind::kSink;
  output.uid = output.name = output.type = "harness output";
  output.sink = std::make_shared<HarnessOutput>();
  return graph;
}

// Operator state is dealt out from all subtasks that there were: none may be missing, or be there
// twice. Sorted by their numbers.
absl::Status CheckAllSubtasks(const std::vector<proto::TaskSnapshot>& all) {
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& operators = all[i].operators();
    const bool any = std::any_of(operators.begin(), operators.end(),
                                 [](const auto& one) { return one.has_operator_state(); });
    if (!any || (all[i].index() == i && all[i].parallelism() == all.size())) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "operator state is restored from the snapshots of all subtasks: there were ",
        all[i].parallelism(), ", and ", all.size(), " snapshots are given, with that of subtask ",
        all[i].index(), " in place ", i));
  }
  return absl::OkStatus();
}

}  // namespace

std::shared_ptr<const Source> OperatorHarnessCore::InputEnd(SchemaPtr schema) {
  return std::make_shared<HarnessInput>(std::move(schema));
}

std::shared_ptr<const Sink> OperatorHarnessCore::OutputEnd() {
  return std::make_shared<HarnessOutput>();
}

std::shared_ptr<const Sink> OperatorHarnessCore::KeepingEnd(
    std::shared_ptr<std::vector<BatchPtr>> batches) {
  return std::make_shared<HarnessKeepingSink>(std::move(batches));
}

class OperatorHarnessCore::Impl {
 public:
  explicit Impl(StreamGraph graph, const testing::HarnessOptions& options = {})
      : options_(options) {
    auto run = OperatorChainRun::Build(std::move(graph), options);
    Check(run.status());
    if (run.ok()) run_ = *std::move(run);
  }

  /// False: nothing may be done any more. Opens the operators when they are needed first.
  bool Ready(const std::vector<TaskSnapshotData>& restored = {}) {
    if (failure_.has_value()) return false;
    if (run_->opened()) return true;
    return Check(run_->Open(restored));
  }

  bool Push(taskmanager::ChannelElement element, uint32_t input) {
    return OpenEnded() && Check(run_->Push(std::move(element), input));
  }

  bool Finish() {
    if (!OpenEnded() || !Check(run_->PushToAll(EventTime::Max()))) return false;
    if (!Check(run_->PushToAll(taskmanager::EndOfInput()))) return false;
    finished_ = true;
    return true;
  }

  bool HoldOutput(bool held) { return Ready() && Check(run_->HoldOutput(held)); }
  bool PassOutput() { return Ready() && Check(run_->PassOutput()); }
  bool SetProcessingTime(int64_t time_us) {
    if (failure_.has_value()) return false;
    return Check(run_->SetProcessingTime(absl::FromUnixMicros(time_us)));
  }
  testing::OperatorBooks Books(const std::string& uid) const {
    return run_ == nullptr ? testing::OperatorBooks() : run_->BooksOf(uid);
  }

  std::optional<std::string> Snapshot() {
    if (!Ready()) return std::nullopt;
    const absl::StatusOr<TaskSnapshotData> snapshot = run_->Snapshot();
    if (!Check(snapshot.status())) return std::nullopt;
    proto::TaskSnapshot message = taskmanager::ToProto({VertexId(), options_.subtask}, *snapshot);
    message.set_parallelism(options_.parallelism);
    if (!Check(HarnessState::AddFiles(*snapshot, &message))) return std::nullopt;
    return message.SerializeAsString();
  }

  bool Restore(const std::vector<std::string>& snapshots) {
    if (failure_.has_value()) return false;
    if (run_->opened()) {
      return Check(absl::FailedPreconditionError(
          "a snapshot is restored before anything is pushed: make a new harness"));
    }
    std::vector<proto::TaskSnapshot> all;
    for (const std::string& bytes : snapshots) {
      if (!all.emplace_back().ParseFromString(bytes)) {
        return Check(absl::DataLossError("these bytes are no snapshot of a harness"));
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.index() < b.index(); });
    if (!Check(CheckAllSubtasks(all))) return false;
    std::vector<TaskSnapshotData> restored;
    for (const proto::TaskSnapshot& parsed : all) {
      absl::StatusOr<TaskSnapshotData> snapshot = taskmanager::FromProto(parsed);
      if (!Check(snapshot.status()) || !Check(run_->CheckFits(*snapshot))) return false;
      if (!Check(run_->state().Restore(parsed, &*snapshot))) return false;
      restored.push_back(*std::move(snapshot));
    }
    return Ready(restored);
  }

  /// An operator's failure says more than the status that came back with it.
  bool Check(const absl::Status& status) {
    if (status.ok()) return true;
    if (failure_.has_value()) return false;
    TaskFailure failure;
    failure.status = status;
    if (run_ != nullptr && run_->failure().has_value()) failure = *run_->failure();
    error_ = failure.ToString();
    failure_ = testing::OperatorFailure{failure.operator_uid, failure.operator_name,
                                        std::string(failure.status.message()), failure.position};
    return false;
  }

  std::vector<BatchPtr> TakeBatches() {
    return run_ == nullptr ? std::vector<BatchPtr>() : run_->TakeBatches();
  }
  std::vector<BatchPtr> TakeDeadLetters() {
    return run_ == nullptr ? std::vector<BatchPtr>() : run_->TakeDeadLetters();
  }
  const std::vector<int64_t>& watermarks() const {
    return run_ == nullptr ? no_watermarks_ : run_->watermarks();
  }
  const std::optional<testing::OperatorFailure>& failure() const { return failure_; }
  const std::string& error() const { return error_; }

 private:
  bool OpenEnded() {
    if (!Ready()) return false;
    return !finished_ || Check(absl::FailedPreconditionError("the input is over: see Finish"));
  }

  const testing::HarnessOptions options_;
  std::unique_ptr<OperatorChainRun> run_;  // null: the pipeline cannot be planned
  bool finished_ = false;
  std::optional<testing::OperatorFailure> failure_;
  std::string error_;
  const std::vector<int64_t> no_watermarks_;
};

OperatorHarnessCore::OperatorHarnessCore(const Environment& environment,
                                         const testing::HarnessOptions& options)
    : impl_(std::make_unique<Impl>(environment.Graph(), options)) {}
OperatorHarnessCore::OperatorHarnessCore(const std::string& name, const OperatorFactory& make)
    : impl_(std::make_unique<Impl>(GraphOf(name, make))) {}
OperatorHarnessCore::~OperatorHarnessCore() = default;
OperatorHarnessCore::OperatorHarnessCore(OperatorHarnessCore&&) noexcept = default;

bool OperatorHarnessCore::Push(BatchPtr batch, uint32_t input) {
  return impl_->Push(std::move(batch), input);
}
bool OperatorHarnessCore::PushWatermark(int64_t event_time_us, uint32_t input) {
  return impl_->Push(EventTime::FromMicros(event_time_us), input);
}
bool OperatorHarnessCore::PushIdle(bool idle, uint32_t input) {
  return impl_->Push(taskmanager::StreamStatus{idle}, input);
}
bool OperatorHarnessCore::HoldOutput(bool held) { return impl_->HoldOutput(held); }
bool OperatorHarnessCore::PassOutput() { return impl_->PassOutput(); }
bool OperatorHarnessCore::SetProcessingTime(int64_t time_us) {
  return impl_->SetProcessingTime(time_us);
}
bool OperatorHarnessCore::Finish() { return impl_->Finish(); }
std::optional<std::string> OperatorHarnessCore::Snapshot() { return impl_->Snapshot(); }
bool OperatorHarnessCore::Restore(const std::vector<std::string>& snapshots) {
  return impl_->Restore(snapshots);
}
testing::OperatorBooks OperatorHarnessCore::Books(const std::string& uid) const {
  return impl_->Books(uid);
}
bool OperatorHarnessCore::Refuse(const std::string& message) {
  return impl_->Check(absl::InvalidArgumentError(message));
}
std::vector<BatchPtr> OperatorHarnessCore::TakeDeadLetters() { return impl_->TakeDeadLetters(); }
std::vector<BatchPtr> OperatorHarnessCore::TakeBatches() { return impl_->TakeBatches(); }
const std::vector<int64_t>& OperatorHarnessCore::watermarks() const { return impl_->watermarks(); }
const std::optional<testing::OperatorFailure>& OperatorHarnessCore::failure() const {
  return impl_->failure();
}
std::string OperatorHarnessCore::error() const { return impl_->error(); }

}  // namespace weir::internal
