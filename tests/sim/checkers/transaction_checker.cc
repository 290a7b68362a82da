#include "tests/sim/checkers/transaction_checker.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "connectors/kafka/transactional/owner_record.h"
#include "connectors/kafka/transactional/transactional_committer.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "tests/sim/model_job.h"

namespace weir::sim {

using kafka::Committable;
using kafka::TransactionalId;
using kafka::TransactionMarker;

namespace {

// {"split":3,"index":12}
void ReadValue(const std::string& value, uint64_t* split, int64_t* index) {
  const size_t comma = value.find(',');
  const auto number = [](absl::string_view member) {
    member.remove_prefix(member.find(':') + 1);
    return member.substr(0, member.find_first_not_of("0123456789"));
  };
  WEIR_CHECK(comma != std::string::npos &&
             absl::SimpleAtoi(number(absl::string_view(value).substr(0, comma)), split) &&
             absl::SimpleAtoi(number(absl::string_view(value).substr(comma)), index))
      << value;
}

std::string Prefix() {
  SinkIdentity identity;
  identity.cluster = "sim";
  identity.job_name = kJobName;
  identity.uid = OperatorUid(kSinkUid);
  return kafka::DefaultTransactionalIdPrefix(identity);
}

}  // namespace

TransactionChecker::TransactionChecker(SimWorld& world, const SimConfig& config,
                                       SimBrokers& brokers, Outside& outside)
    : world_(world), config_(config), brokers_(brokers), outside_(outside), prefix_(Prefix()) {}

void TransactionChecker::OnJobEntry(const std::string&, const proto::JobLogEntry& entry) {
  if (entry.has_committed_through()) CheckReceipt(Epoch(entry.committed_through()));
}

void TransactionChecker::OnOwned(const proto::CheckpointManifest& manifest) {
  begun_ = true;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      for (const std::string& bytes : one.committables()) {
        absl::StatusOr<Committable> committable = Committable::Decode(bytes);
        if (!committable.ok()) return Violate(committable.status().ToString());
        const std::string marker = committable->marker.Encode();
        const auto aborted = aborted_.find(marker);
        if (aborted != aborted_.end() && !aborted->second) {
          return Violate(absl::StrCat("epoch ", manifest.epoch(), " becomes owned with '",
                                      committable->transactional_id,
                                      "', which was aborted already"));
        }
        owned_.try_emplace(marker, Owned{Epoch(manifest.epoch()), *std::move(committable)});
      }
    }
  }
}

TransactionChecker::Markers TransactionChecker::MarkersOf(const DecidedTransaction& decided) const {
  Markers markers;
  for (const PendingOffset& offset : decided.offsets) {
    if (offset.group == kafka::OwnerId(prefix_)) continue;
    const absl::StatusOr<TransactionMarker> marker = TransactionMarker::Decode(offset.metadata);
    if (!TransactionalId::Parse(offset.group, prefix_) || !marker.ok()) {
      Violate(absl::StrCat("'", decided.id, "' writes '", offset.metadata, "' to group '",
                           offset.group, "'"));
      return {};
    }
    if (marker->epoch != Epoch(0)) markers.push_back(offset.metadata);
  }
  return markers;
}

void TransactionChecker::OnDecided(const DecidedTransaction& decided) {
  const Markers markers = MarkersOf(decided);
  if (decided.result == kafka::TransactionResult::kCommit) {
    OnCommitted(decided, markers);
  } else {
    OnAborted(decided, markers);
  }
}

void TransactionChecker::OnCommitted(const DecidedTransaction& decided, const Markers& markers) {
  uint64_t wanted = 0;
  uint64_t written = 0;
  for (const auto& [partition, records] : decided.records) written += records.size();
  for (const std::string& marker : TakeMarkers(decided, markers)) {
    replays_ += decided.id == kafka::ReplayId(prefix_) ? 1 : 0;
    const auto owned = owned_.find(marker);
    if (owned == owned_.end()) {
      return world_.Violate("Permits", absl::StrCat("'", decided.id,
                                                    "' is committed, but no entry "
                                                    "of the log owns it: ",
                                                    marker));
    }
    for (const auto& [partition, range] : owned->second.committable.ranges) wanted += range.count;
    CheckOrder(owned->second);
  }
  if (wanted != written) {
    return Violate(absl::StrCat("'", decided.id, "' is committed with ", written,
                                " records, its committable says ", wanted));
  }
  DeliverRecords(decided);
}

TransactionChecker::Markers TransactionChecker::TakeMarkers(const DecidedTransaction& decided,
                                                            const Markers& markers) {
  Markers taken;
  for (const std::string& marker : markers) {
    const auto [before, first] = committed_.try_emplace(marker, decided.producer);
    if (first) {
      taken.push_back(marker);
    } else if (before->second != decided.producer || !decided.records.empty()) {
      Violate(absl::StrCat("'", decided.id, "' is committed twice: ", marker));
    }
  }
  return taken;
}

uint32_t TransactionChecker::SubtaskOf(const Committable& one) const {
  return TransactionalId::Parse(one.transactional_id, prefix_)->subtask;
}

void TransactionChecker::CheckOrder(const Owned& owned) const {
  for (const auto& [marker, other] : owned_) {
    if (committed_.count(marker) > 0) continue;
    const bool before = other.epoch < owned.epoch ||
                        (other.epoch == owned.epoch &&
                         other.committable.marker.epoch < owned.committable.marker.epoch &&
                         SubtaskOf(other.committable) == SubtaskOf(owned.committable));
    if (!before) continue;
    return world_.Violate(
        "Permits",
        absl::StrCat("'", owned.committable.transactional_id, "' of epoch ", owned.epoch.value(),
                     " is committed before '", other.committable.transactional_id, "' of epoch ",
                     other.epoch.value()));
  }
}

void TransactionChecker::DeliverRecords(const DecidedTransaction& decided) {
  for (const auto& [partition, records] : decided.records) {
    for (const ReadRecord& record : records) {
      if (config_.keyed.on()) {
        outside_.CommitResult(KeyedResult::Parse(record.record.value.value_or("")));
        continue;
      }
      uint64_t split = 0;
      int64_t index = 0;
      ReadValue(record.record.value.value_or(""), &split, &index);
      outside_.Commit(split, index);
    }
  }
}

void TransactionChecker::OnAborted(const DecidedTransaction& decided, const Markers& markers) {
  if (!decided.timed_out && !decided.fenced) {
    return Violate(absl::StrCat("'", decided.id,
                                "' is ended by EndTxn(abort), which leaves its "
                                "producer id and epoch to whoever has them"));
  }
  if (decided.id == kafka::ReplayId(prefix_)) return;  // its originals are where they were
  for (const std::string& marker : markers) {
    if (committed_.count(marker) > 0) continue;  // by a replay
    aborted_[marker] = aborted_[marker] || decided.timed_out;
    const auto owned = owned_.find(marker);
    if (owned == owned_.end() || aborted_[marker] || GoesBehindAReplay(owned->second)) continue;
    return Violate(
        absl::StrCat("'", decided.id, "' is aborted before its time, but owned: ", marker));
  }
}

bool TransactionChecker::GoesBehindAReplay(const Owned& owned) const {
  for (const auto& [marker, other] : owned_) {
    const auto aborted = aborted_.find(marker);
    if (aborted != aborted_.end() && aborted->second && committed_.count(marker) == 0 &&
        SubtaskOf(other.committable) == SubtaskOf(owned.committable) &&
        other.committable.marker.epoch < owned.committable.marker.epoch) {
      return true;
    }
  }
  return false;
}

void TransactionChecker::CheckReceipt(Epoch through) const {
  for (const auto& [marker, owned] : owned_) {
    if (owned.epoch > through || committed_.count(marker) > 0) continue;
    return Violate(absl::StrCat("receipt for epoch ", through.value(), ", but '",
                                owned.committable.transactional_id, "' of epoch ",
                                owned.epoch.value(), " is not committed"));
  }
}

void TransactionChecker::CheckEnd() const {
  for (const auto& [marker, owned] : owned_) {
    if (committed_.count(marker) > 0) continue;
    return Violate(absl::StrCat("the job has ended, and '", owned.committable.transactional_id,
                                "' of epoch ", owned.epoch.value(), " is not committed"));
  }
  CheckTopic();
  CheckReleased();
}

void TransactionChecker::CheckReleased() const {
  if (!begun_) return;  // nor has anybody cleaned up
  const std::string owner = kafka::OwnerId(prefix_);
  kafka::GroupOffset found;
  const kafka::KafkaError error =
      brokers_.broker().FetchOffset(owner, {kTopic, 0}, {false}, &found);
  WEIR_CHECK(error == kafka::KafkaError::kNone) << "the brokers have healed";
  const absl::StatusOr<kafka::OwnerRecord> record = kafka::OwnerRecord::Decode(found.metadata);
  if (!record.ok() || !record->released) {
    Violate(absl::StrCat("the job has ended, and the owner record is '", found.metadata, "'"));
  }
}

// The last clean-up has fenced every other id, so that its late requests are refused. Before an
// epoch is owned there is no clean-up. Neither holds a record: no reader waits for it.
bool TransactionChecker::MayBeLeft(const std::string& id,
                                   const TransactionMetadata& metadata) const {
  const bool owners = id == kafka::OwnerId(prefix_);
  if (owners && !begun_) return true;
  return (owners || id == kafka::ReplayId(prefix_)) && brokers_.OpenedLate(id, metadata.producer);
}

void TransactionChecker::CheckTopic() const {
  brokers_.broker().Advance();
  for (const auto& [id, metadata] : brokers_.broker().transactions().all()) {
    if (!metadata.open() || MayBeLeft(id, metadata)) continue;
    return Violate(absl::StrCat("the job has ended, and '", id, "' is left ",
                                kafka::TransactionStateName(metadata.state)));
  }
  std::map<uint64_t, int64_t> next;
  std::optional<KeyedLedger> results;
  if (config_.keyed.on()) results.emplace(outside_.ledger().Fresh());
  for (const auto& [partition, log] : brokers_.broker().partitions()) {
    const kafka::PartitionOffsets offsets = log.offsets();
    if (offsets.last_stable_offset != offsets.high_watermark) {
      return Violate(absl::StrCat("partition ", partition.partition, " is stable up to ",
                                  offsets.last_stable_offset, " of ", offsets.high_watermark));
    }
    for (const ReadRecord& record :
         log.Read(PartitionLog::Isolation::kReadCommitted, 0, offsets.high_watermark)) {
      if (results) {
        const std::string wrong = results->Commit(KeyedResult::Parse(*record.record.value));
        if (!wrong.empty()) return Violate(absl::StrCat("a reader gets: ", wrong));
        continue;
      }
      uint64_t split = 0;
      int64_t index = 0;
      ReadValue(*record.record.value, &split, &index);
      const auto [expected, first] = next.try_emplace(split, index);
      if (expected->second != index) {
        return Violate(absl::StrCat("a reader of partition ", partition.partition, " gets record ",
                                    index, " of split ", split, " where ", expected->second,
                                    " comes next"));
      }
      ++expected->second;
    }
  }
}

// Its id, its topic, and where its records lie.
bool TransactionChecker::IsNamed(const Committable& one, const std::string& reason) const {
  return absl::StrContains(reason, absl::StrCat("'", one.transactional_id, "'")) &&
         absl::StrContains(reason, one.DescribeRanges());
}

void TransactionChecker::CheckSuspended(const std::string& reason) const {
  for (const auto& [marker, owned] : owned_) {
    const Committable& one = owned.committable;
    if (!IsNamed(one, reason)) continue;
    bool gone = false;
    for (const auto& [partition, range] : one.ranges) {
      const PartitionLog& log = brokers_.broker().partitions().at({one.topic, partition});
      gone = gone || log.offsets().log_start_offset > range.first_offset;
    }
    if (!gone || committed_.count(marker) > 0 || aborted_.count(marker) == 0) continue;
    return CheckTopic();
  }
  Violate(absl::StrCat("the job is SUSPENDED without a loss that it names: ", reason));
}

void TransactionChecker::CheckGivenUp(const std::string& reason) const {
  for (const auto& [marker, owned] : owned_) {
    if (committed_.count(marker) > 0 || IsNamed(owned.committable, reason)) continue;
    return Violate(absl::StrCat("the job was given up, and '", owned.committable.transactional_id,
                                "' of epoch ", owned.epoch.value(),
                                " is not committed, and not named: ", reason));
  }
  CheckTopic();
}

}  // namespace weir::sim
