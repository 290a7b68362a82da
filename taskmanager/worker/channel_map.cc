#include "taskmanager/worker/channel_map.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "taskmanager/task/channel_capacity.h"

namespace weir::taskmanager {
namespace {

absl::Status NotPlanned(const ChannelId& id) {
  return absl::InternalError(absl::StrCat("the exchange has no ", id.ToString()));
}

// Null: it has no such side output.
SchemaPtr SchemaOf(const StreamNode& node, const std::string& side_output) {
  if (side_output.empty()) return node.output_schema;
  const auto found = node.side_outputs.find(side_output);
  return found == node.side_outputs.end() ? nullptr : found->second;
}

}  // namespace

ChannelMap::ChannelMap(const StreamGraph& graph, const proto::Deployment& deployment, WorkerId self)
    : graph_(graph), deployment_(deployment), self_(std::move(self)) {
  for (const std::string& worker : deployment.slot_workers()) slot_workers_.emplace_back(worker);
  size_t local_channels = 0;
  for (const proto::TaskDeployment& task : deployment_.tasks()) {
    for (const End& end : InputsOf(task.vertex(), task.index())) {
      leaves_worker_ = leaves_worker_ || !IsHere(end.id.from);
    }
    for (const std::vector<End>& output : OutputsOf(task.vertex(), task.index())) {
      for (const End& end : output) {
        leaves_worker_ = leaves_worker_ || !IsHere(end.id.to);
        if (IsHere(end.id.to)) ++local_channels;
      }
    }
  }
  const size_t budget = deployment_.exchange_memory_bytes();
  local_options_.capacity_bytes =
      ChannelCapacity(budget > 0 ? budget : CreditPoolOptions().budget_bytes, local_channels);
}

absl::StatusOr<ExchangePlan> ChannelMap::PlanExchange(
    Generation generation, const std::map<WorkerId, ExchangeAddress>& peers) const {
  ExchangePlan plan;
  plan.generation = generation;
  plan.budget_bytes = deployment_.exchange_memory_bytes();
  for (const proto::TaskDeployment& task : deployment_.tasks()) {
    for (const End& end : InputsOf(task.vertex(), task.index())) {
      if (IsHere(end.id.from)) continue;
      const StreamNode* source = graph_.Find(end.edge->source_uid());
      if (source == nullptr) {
        return absl::FailedPreconditionError(absl::StrCat("the plan has an edge from operator '",
                                                          end.edge->source_uid(),
                                                          "', which the job has not"));
      }
      const SchemaPtr schema = SchemaOf(*source, end.edge->side_output());
      if (schema == nullptr) {
        return absl::FailedPreconditionError(
            absl::StrCat("the plan has an edge from the side output '", end.edge->side_output(),
                         "' of operator '", source->uid, "', which the job has not"));
      }
      plan.inputs.push_back({end.id, WorkerOf(end.id.from), schema});
    }
    for (const std::vector<End>& output : OutputsOf(task.vertex(), task.index())) {
      for (const End& end : output) {
        if (IsHere(end.id.to)) continue;
        const auto peer = peers.find(WorkerOf(end.id.to));
        if (peer == peers.end()) {
          return absl::FailedPreconditionError(
              absl::StrCat("no address of worker ", WorkerOf(end.id.to).value(), " is known"));
        }
        plan.outputs.push_back({end.id, peer->first, peer->second});
      }
    }
  }
  return plan;
}

absl::Status ChannelMap::Connect(const proto::JobVertex& vertex, const ExchangeEndpoint* exchange,
                                 TaskDescription& description) {
  const uint32_t index = description.subtask.index;
  for (const End& end : InputsOf(vertex.id(), index)) {
    std::shared_ptr<ChannelInput> input;
    if (IsHere(end.id.from)) {
      input = Local(end.id);
    } else if (exchange != nullptr) {
      input = exchange->Input(end.id);
    }
    if (input == nullptr) return NotPlanned(end.id);
    description.inputs.push_back(std::move(input));
  }
  for (const std::vector<End>& ends : OutputsOf(vertex.id(), index)) {
    const proto::JobEdge& edge = *ends.front().edge;
    TaskDescription::Output output;
    output.source_uid = edge.source_uid();
    output.side_output = edge.side_output();
    output.target_uid = VertexOf(edge.target_vertex()).operators(0).uid();
    for (const End& end : ends) {
      std::shared_ptr<ChannelOutput> channel;
      if (IsHere(end.id.to)) {
        channel = Local(end.id);
      } else if (exchange != nullptr) {
        channel = exchange->Output(end.id);
      }
      if (channel == nullptr) return NotPlanned(end.id);
      output.channels.push_back(std::move(channel));
    }
    description.outputs.push_back(std::move(output));
  }
  return absl::OkStatus();
}

const proto::JobVertex& ChannelMap::VertexOf(uint64_t id) const {
  const auto& vertices = deployment_.graph().vertices();
  const auto found = std::find_if(vertices.begin(), vertices.end(),
                                  [id](const proto::JobVertex& one) { return one.id() == id; });
  WEIR_CHECK(found != vertices.end()) << "an edge leads to vertex " << id << ", which is not there";
  return *found;
}

std::vector<ChannelMap::End> ChannelMap::InputsOf(uint64_t vertex, uint32_t index) const {
  std::vector<End> ends;
  for (int number = 0; number < deployment_.graph().edges_size(); ++number) {
    const proto::JobEdge& edge = deployment_.graph().edges(number);
    if (edge.target_vertex() != vertex) continue;
    const bool forward = edge.exchange() == proto::JobEdge::FORWARD;
    const uint32_t end = forward ? index + 1 : VertexOf(edge.source_vertex()).parallelism();
    for (uint32_t from = forward ? index : 0; from < end; ++from) {
      ends.push_back({{static_cast<uint64_t>(number), from, index}, &edge});
    }
  }
  return ends;
}

std::vector<std::vector<ChannelMap::End>> ChannelMap::OutputsOf(uint64_t vertex,
                                                                uint32_t index) const {
  std::vector<std::vector<End>> outputs;
  for (int number = 0; number < deployment_.graph().edges_size(); ++number) {
    const proto::JobEdge& edge = deployment_.graph().edges(number);
    if (edge.source_vertex() != vertex) continue;
    const bool forward = edge.exchange() == proto::JobEdge::FORWARD;
    const uint32_t end = forward ? index + 1 : VertexOf(edge.target_vertex()).parallelism();
    std::vector<End>& ends = outputs.emplace_back();
    for (uint32_t to = forward ? index : 0; to < end; ++to) {
      ends.push_back({{static_cast<uint64_t>(number), index, to}, &edge});
    }
  }
  return outputs;
}

std::shared_ptr<LocalChannel> ChannelMap::Local(const ChannelId& id) {
  std::shared_ptr<LocalChannel>& channel = local_[id];
  if (channel == nullptr) channel = std::make_shared<LocalChannel>(local_options_);
  return channel;
}

}  // namespace weir::taskmanager
