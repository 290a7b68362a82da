#include "state/operator/operator_state_backend.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/status_macros.h"
#include "state/keyed/state_compatibility.h"

namespace weir {
namespace {

const char* NameOf(OperatorStateMode mode) {
  switch (mode) {
    case OperatorStateMode::kList:
      return "a list";
    case OperatorStateMode::kUnionList:
      return "a union list";
    case OperatorStateMode::kBroadcast:
      return "broadcast state";
  }
  return "of an unknown kind";
}

// No restart changes a program.
absl::Status Final(const std::string& sentence) {
  return WithFailurePolicy(absl::InvalidArgumentError(sentence), FailurePolicy::kFailJob);
}

absl::Status CheckSame(const OperatorStateDefinition& first,
                       const OperatorStateDefinition& second) {
  const std::string& name = first.state.name;
  if (first.mode != second.mode) {
    return Final(absl::StrCat("operator state '", name, "' is asked for as ", NameOf(first.mode),
                              " and as ", NameOf(second.mode)));
  }
  if (first.state.schema == second.state.schema &&
      first.state.map_key_schema == second.state.map_key_schema) {
    return absl::OkStatus();
  }
  return Final(
      absl::StrCat("operator state '", name, "' is asked for twice, with different types"));
}

WrittenOperatorState Describe(const OperatorStateDefinition& definition) {
  return {definition.state.name, definition.mode, definition.state.schema,
          definition.state.map_key_schema};
}

absl::Status Undecodable(const WrittenOperatorState& info) {
  return absl::DataLossError(absl::StrCat("an element of operator state '", info.name,
                                          "' in a snapshot cannot be decoded"));
}

absl::StatusOr<SchemaCompatibility> CheckCompatible(const WrittenOperatorState& written,
                                                    const OperatorStateDefinition& wanted) {
  if (written.mode != wanted.mode) {
    return Final(absl::StrCat("operator state '", written.name, "' cannot be restored: it was ",
                              NameOf(written.mode), " and is ", NameOf(wanted.mode)));
  }
  const SnapshotState as_keyed{written.name, wanted.state.kind, false, written.schema,
                               written.map_key_schema};
  return CheckStateCompatible(as_keyed, wanted.state);
}

ListSizes SizesOf(const std::vector<EncodedOperatorState>& states) {
  ListSizes sizes;
  for (const EncodedOperatorState& state : states) {
    sizes[state.info.name] += state.elements.size();
  }
  return sizes;
}

ElementRange Overlap(const ElementRange& share, uint64_t begin, uint64_t elements) {
  const uint64_t first = std::max(share.first, begin);
  const uint64_t end = std::min(share.end, begin + elements);
  return first < end ? ElementRange{first - begin, end - begin} : ElementRange{};
}

}  // namespace

OperatorStateBackend::State OperatorStateBackend::MakeState(
    const OperatorStateDefinition& definition) {
  State state{definition, nullptr, nullptr};
  if (definition.mode == OperatorStateMode::kBroadcast) {
    state.map = std::make_unique<OperatorMapTable>(definition);
  } else {
    state.list = std::make_unique<OperatorListTable>(definition);
  }
  return state;
}

OperatorStateBackend::State& OperatorStateBackend::Refuse(const OperatorStateDefinition& definition,
                                                          const absl::Status& status) {
  status_.Update(status);
  return *refused_.emplace_back(std::make_unique<State>(MakeState(definition)));
}

OperatorStateBackend::State& OperatorStateBackend::Register(
    const OperatorStateDefinition& definition) {
  const std::string& name = definition.state.name;
  if (definition.state.has_ttl()) {
    return Refuse(definition, Final(absl::StrCat("operator state '", name,
                                                 "' has a time to live, which only keyed state "
                                                 "can have")));
  }
  const auto found = states_.find(name);
  if (found != states_.end()) {
    const absl::Status same = CheckSame(found->second.definition, definition);
    return same.ok() ? found->second : Refuse(definition, same);
  }
  State& state = states_.emplace(name, MakeState(definition)).first->second;
  const absl::Status taken = TakeCarried(state);
  if (taken.ok()) return state;
  states_.erase(name);
  return Refuse(definition, taken);
}

CellTable* OperatorStateBackend::RegisterList(const OperatorStateDefinition& definition) {
  return Register(definition).list.get();
}

MapTable* OperatorStateBackend::RegisterBroadcast(const OperatorStateDefinition& definition) {
  return Register(definition).map.get();
}

absl::Status OperatorStateBackend::Restore(const OperatorStateParts& parts,
                                           const SubtaskPlace& place) {
  if (parts.empty()) return absl::OkStatus();
  restored_ = true;
  WEIR_RETURN_IF_ERROR(RestoreLists(parts, place));
  WEIR_RETURN_IF_ERROR(RestoreUnionLists(parts, place));
  const auto parallelism_then = static_cast<uint32_t>(parts.size());
  return RestoreBroadcast(parts[BroadcastFrom(parallelism_then, place.index)].broadcast);
}

absl::Status OperatorStateBackend::RestoreLists(const OperatorStateParts& parts,
                                                const SubtaskPlace& place) {
  std::vector<ListSizes> sizes;
  for (const OperatorStatePart& part : parts) sizes.push_back(part.list_sizes);
  const std::vector<ListShares> shares = DealOutLists(sizes, place);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (shares[i].empty()) continue;
    if (parts[i].lists == nullptr) {
      return absl::DataLossError(
          absl::StrCat("the lists of subtask ", i, " are missing in the checkpoint"));
    }
    WEIR_ASSIGN_OR_RETURN(const std::vector<EncodedOperatorState> states,
                          DecodeOperatorState(*parts[i].lists, OperatorStateMode::kList));
    if (SizesOf(states) != parts[i].list_sizes) {
      return absl::DataLossError(absl::StrCat("the lists of subtask ", i,
                                              " have other sizes than the checkpoint's manifest "
                                              "says"));
    }
    ListSizes passed;
    for (const EncodedOperatorState& state : states) {
      uint64_t& begin = passed[state.info.name];
      const auto share = shares[i].find(state.info.name);
      if (share != shares[i].end()) {
        Carry(state, Overlap(share->second, begin, state.elements.size()), parts[i].lists);
      }
      begin += state.elements.size();
    }
  }
  return absl::OkStatus();
}

// All of each; what is written of it when nobody asks for it is a share.
absl::Status OperatorStateBackend::RestoreUnionLists(const OperatorStateParts& parts,
                                                     const SubtaskPlace& place) {
  for (const OperatorStatePart& part : parts) {
    if (part.union_lists == nullptr) continue;
    WEIR_ASSIGN_OR_RETURN(const std::vector<EncodedOperatorState> states,
                          DecodeOperatorState(*part.union_lists, OperatorStateMode::kUnionList));
    for (const EncodedOperatorState& state : states) {
      Carry(state, {0, state.elements.size()}, part.union_lists);
    }
  }
  for (const CarriedPtr& carried : carried_) {
    if (carried->info.mode != OperatorStateMode::kUnionList) continue;
    carried->written = ShareOf(carried->elements.size(), place);
  }
  return absl::OkStatus();
}

absl::Status OperatorStateBackend::RestoreBroadcast(
    const std::shared_ptr<const std::string>& object) {
  if (object == nullptr) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(const std::vector<EncodedOperatorState> states,
                        DecodeOperatorState(*object, OperatorStateMode::kBroadcast));
  for (const EncodedOperatorState& state : states) {
    Carry(state, {0, state.elements.size()}, object);
  }
  return absl::OkStatus();
}

void OperatorStateBackend::Carry(const EncodedOperatorState& state, const ElementRange& range,
                                 const std::shared_ptr<const std::string>& object) {
  if (range.empty()) return;
  auto found = std::find_if(carried_.begin(), carried_.end(),
                            [&](const CarriedPtr& one) { return one->info == state.info; });
  if (found == carried_.end()) {
    carried_.push_back(std::make_shared<CarriedOperatorState>());
    found = std::prev(carried_.end());
    (*found)->info = state.info;
  }
  CarriedOperatorState& to = **found;
  to.elements.insert(to.elements.end(),
                     state.elements.begin() + static_cast<ptrdiff_t>(range.first),
                     state.elements.begin() + static_cast<ptrdiff_t>(range.end));
  to.written = {0, to.elements.size()};
  to.objects.push_back(object);
}

absl::Status OperatorStateBackend::TakeCarried(State& state) {
  const std::string& name = state.definition.state.name;
  for (const CarriedPtr& carried : carried_) {
    if (carried->info.name == name) WEIR_RETURN_IF_ERROR(Take(*carried, state));
  }
  std::erase_if(carried_, [&](const CarriedPtr& carried) { return carried->info.name == name; });
  return absl::OkStatus();
}

absl::Status OperatorStateBackend::Take(const CarriedOperatorState& carried, State& state) {
  WEIR_ASSIGN_OR_RETURN(const SchemaCompatibility schemas,
                        CheckCompatible(carried.info, state.definition));
  const StateSchema* written =
      schemas == SchemaCompatibility::kSame ? nullptr : &carried.info.schema;
  for (const absl::string_view element : carried.elements) {
    absl::string_view value;
    bool decoded = false;
    if (state.list != nullptr) {
      decoded = ReadListElement(element, &value) &&
                state.definition.elements->Decode(value, written, state.list->FindOrCreate());
    } else {
      absl::string_view key;
      decoded = ReadMapEntry(element, &key, &value) && state.definition.state.is_map_key(key) &&
                state.map->Find(key) == nullptr &&
                state.definition.state.cell_type->Decode(value, {written, false}, kNoStamp,
                                                         state.map->FindOrCreate(key));
    }
    if (!decoded) return Undecodable(carried.info);
  }
  return absl::OkStatus();
}

std::shared_ptr<const FrozenOperatorState> OperatorStateBackend::Freeze() const {
  if (states_.empty() && carried_.empty()) return nullptr;
  std::vector<FrozenOperatorState::List> lists;
  std::vector<FrozenOperatorState::Map> maps;
  for (const auto& [name, state] : states_) {
    if (state.list != nullptr) {
      lists.push_back(
          {Describe(state.definition), state.definition.elements, state.list->Freeze()});
    } else {
      maps.push_back(
          {Describe(state.definition), state.definition.state.cell_type, state.map->Freeze()});
    }
  }
  return std::make_shared<const FrozenOperatorState>(
      std::move(lists), std::move(maps),
      std::vector<std::shared_ptr<const CarriedOperatorState>>(carried_.begin(), carried_.end()));
}

}  // namespace weir
