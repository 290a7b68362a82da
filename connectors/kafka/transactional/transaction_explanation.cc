#include "connectors/kafka/transactional/transaction_explanation.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weir::kafka {
namespace {

using Fate = TransactionJudgement::Fate;

std::string Whole(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

std::string FateWords(const OwedTransaction& owed, Fate fate) {
  const std::string epoch = absl::StrCat("owned epoch ", owed.owner.value());
  switch (fate) {
    case Fate::kOpen:
      return absl::StrCat("prepared for ", epoch);
    case Fate::kCommitting:
      return absl::StrCat("being committed for ", epoch);
    case Fate::kCommitted:
      return absl::StrCat("committed for ", epoch, ", receipt missing");
    case Fate::kAborted:
      return absl::StrCat("aborted, and ", epoch, " needs it");
    case Fate::kUnknown:
      break;
  }
  return absl::StrCat("gone without a trace, and ", epoch, " needs it");
}

std::string Meaning(const TransactionJudgement& judgement, const FoundTransaction& found) {
  const bool open = IsOpen(found.described.state);
  switch (judgement.KindOf(found)) {
    case TransactionKind::kOwner:
      switch (judgement.owned_by()) {
        case PrefixOwner::kNobody:
          return "owner record, not written or expired";
        case PrefixOwner::kEndedJob:
          return absl::StrCat("owner record, of ended job ", judgement.owner()->job);
        case PrefixOwner::kThisJob:
        case PrefixOwner::kOtherJob:
          return absl::StrCat("owner record, of job ", judgement.owner()->job);
      }
      break;
    case TransactionKind::kReplay:
      return open ? "publishes aborted records again" : "for publishing aborted records again";
    case TransactionKind::kForeign:
      return absl::StrCat("of job ", judgement.owner()->job, " of cluster '",
                          judgement.owner()->cluster, "'");
    case TransactionKind::kOwed: {
      const OwedTransaction& owed = *judgement.FindOwed(found.id);
      return FateWords(owed, TransactionJudgement::FateOf(owed, found));
    }
    case TransactionKind::kCurrent: {
      const char* generation =
          judgement.facts().running.empty() ? "newest generation" : "running generation";
      return absl::StrCat(open ? "open in the " : "slot of the ", generation);
    }
    case TransactionKind::kStray:
      return "stray of an earlier generation";
    case TransactionKind::kIdle:
      return "nothing open";
    case TransactionKind::kUndecided:
      break;
  }
  return "of a generation that starts, or unknown";
}

std::string PairWords(ProducerIdAndEpoch pair) {
  return absl::StrCat("producer id ", pair.producer_id, ", epoch ", pair.epoch);
}

std::string WhatItIs(const TransactionJudgement& judgement, const FoundTransaction& found) {
  const std::string head = absl::StrCat("'", found.id, "': ", Meaning(judgement, found));
  const auto id = TransactionalId::Parse(found.id, judgement.prefix());
  if (!id.has_value()) return absl::StrCat(head, ".");
  return absl::StrCat(head, " (fence ", id->fence, ", subtask ", id->subtask, ", slot ", id->slot,
                      ").");
}

std::string WhatBrokersSay(const FoundTransaction& found, absl::Time now) {
  const DescribedTransaction& described = found.described;
  std::string text = absl::StrCat("The brokers say ", TransactionStateName(described.state), ", ",
                                  PairWords(described.producer));
  if (!described.start_time.has_value()) {
    return absl::StrCat(text, "; no transaction is open.");
  }
  absl::StrAppend(&text, "; begun ", Whole(now - *described.start_time),
                  " ago, and they abort it at ", Whole(described.timeout));
  std::map<std::string, std::vector<int32_t>> topics;
  for (const TopicPartition& partition : described.partitions) {
    topics[partition.topic].push_back(partition.partition);
  }
  topics.erase("__consumer_offsets");
  for (const auto& [topic, partitions] : topics) {
    absl::StrAppend(&text, "; it writes to topic '", topic, "', partition ",
                    absl::StrJoin(partitions, ", "));
  }
  return absl::StrCat(text, ".");
}

std::string WhoOwns(const TransactionJudgement& judgement) {
  const std::string prefix = absl::StrCat("The prefix '", judgement.prefix(), "' ");
  if (!judgement.owner().has_value()) {
    return absl::StrCat(prefix, "has no owner record at topic '", judgement.topic(), "'.");
  }
  const OwnerRecord& owner = *judgement.owner();
  const std::string job = absl::StrCat("job ", owner.job, " of cluster '", owner.cluster, "'");
  switch (judgement.owned_by()) {
    case PrefixOwner::kThisJob:
      return absl::StrCat(prefix, "is this job's: ", job, ", newest fence ", owner.fence, ".");
    case PrefixOwner::kOtherJob:
      return absl::StrCat(prefix, "belongs to another job, which is not known to have ended: ", job,
                          ".");
    case PrefixOwner::kEndedJob:
    case PrefixOwner::kNobody:
      break;
  }
  return absl::StrCat(prefix, "is free: ", job, " has ended", owner.released ? " in order" : "",
                      ".");
}

std::string WhatTheLogSays(const TransactionJudgement& judgement, const FoundTransaction& found) {
  const SinkTransactionFacts& facts = judgement.facts();
  std::string text = absl::StrCat("Job ", facts.identity.job.value(), " is ", facts.job_state,
                                  " at generation ", facts.generation.value());
  if (facts.newest_epoch.has_value()) {
    absl::StrAppend(&text, ", its newest owned epoch is ", facts.newest_epoch->value());
  }
  const OwedTransaction* owed = judgement.FindOwed(found.id);
  if (owed == nullptr) {
    return absl::StrCat(text, "; no owned epoch without a receipt needs this transaction.");
  }
  absl::StrAppend(&text, "; epoch ", owed->owner.value(),
                  facts.ended
                      ? " was owned without a receipt, and this transaction was given up with it"
                      : " is owned, has no receipt, and needs this transaction");
  if (owed->committable.marker.epoch != owed->owner) {
    absl::StrAppend(&text, ", which was prepared for epoch ",
                    owed->committable.marker.epoch.value());
  }
  return absl::StrCat(text, " with ", PairWords(owed->committable.marker.producer), ".");
}

std::string WhatTheMarkerSays(const FoundTransaction& found) {
  if (!found.marker.has_value()) return "It has no committed marker.";
  const TransactionMarker& marker = *found.marker;
  const std::string by = absl::StrCat("by generation ", marker.generation, " of job ", marker.run,
                                      " with ", PairWords(marker.producer));
  if (marker.epoch == Epoch(0)) {
    return absl::StrCat("Its last committed marker is the opening one, written ", by, ".");
  }
  return absl::StrCat("Its last committed marker is of epoch ", marker.epoch.value(), ", written ",
                      by, ".");
}

std::string OwedFuture(const TransactionJudgement& judgement, Fate fate) {
  switch (fate) {
    case Fate::kOpen:
      return judgement.facts().running.empty()
                 ? "The next recovery commits it with the stored producer id and epoch."
                 : "Its writer commits it, or else the next recovery does.";
    case Fate::kCommitting:
    case Fate::kCommitted:
      return "The receipt follows: from its writer, or from the next recovery.";
    case Fate::kAborted:
      return "The next recovery finds it aborted: it publishes the records again from the topic, "
             "or "
             "does what the sink is configured to do (AbortedTransactions).";
    case Fate::kUnknown:
      break;
  }
  return "The next recovery cannot tell whether it was committed, and suspends the job: `weir "
         "resume` "
         "decides.";
}

std::string WhatFollows(const TransactionJudgement& judgement, const FoundTransaction& found) {
  switch (judgement.KindOf(found)) {
    case TransactionKind::kOwner:
    case TransactionKind::kReplay:
      return "Each recovery of a job with this prefix takes the id over.";
    case TransactionKind::kForeign:
      return "What follows is that job's matter.";
    case TransactionKind::kOwed:
      return OwedFuture(judgement,
                        TransactionJudgement::FateOf(*judgement.FindOwed(found.id), found));
    case TransactionKind::kCurrent:
      return "Its writer goes on with it; the next recovery ends it unless an epoch that came to "
             "be "
             "owned needs it.";
    case TransactionKind::kStray:
      return judgement.owned_by() == PrefixOwner::kThisJob
                 ? "The next recovery ends it by InitProducerId."
                 : "The next job with this prefix ends it, or the brokers do at its timeout.";
    case TransactionKind::kIdle:
      return "Nothing is left to be done.";
    case TransactionKind::kUndecided:
      break;
  }
  return "A recovery may be under way, which settles it.";
}

std::string WhatAbortDoes(const TransactionJudgement& judgement, const FoundTransaction& found) {
  const absl::Status may = judgement.CheckMayEnd(found);
  if (!may.ok()) return absl::StrCat("`weir transactions abort` refuses: ", may.message(), ".");
  return IsOpen(found.described.state)
             ? "`weir transactions abort` ends it by InitProducerId, which fences its holder."
             : "`weir transactions abort` does nothing: no transaction is open.";
}

}  // namespace

std::string TransactionKindName(TransactionKind kind) {
  switch (kind) {
    case TransactionKind::kOwner:
      return "OWNER";
    case TransactionKind::kReplay:
      return "REPLAY";
    case TransactionKind::kForeign:
      return "FOREIGN";
    case TransactionKind::kOwed:
      return "OWED";
    case TransactionKind::kCurrent:
      return "CURRENT";
    case TransactionKind::kStray:
      return "STRAY";
    case TransactionKind::kIdle:
      return "IDLE";
    case TransactionKind::kUndecided:
      break;
  }
  return "UNDECIDED";
}

SinkTransaction DescribeFound(const TransactionJudgement& judgement, const FoundTransaction& found,
                              absl::Time now) {
  SinkTransaction row;
  row.prefix = judgement.prefix();
  row.id = found.id;
  row.state = TransactionStateName(found.described.state);
  row.producer_id = found.described.producer.producer_id;
  row.producer_epoch = found.described.producer.epoch;
  if (const auto id = TransactionalId::Parse(found.id, judgement.prefix())) {
    row.fence = id->fence;
    row.subtask = id->subtask;
    row.slot = id->slot;
  }
  if (found.described.start_time.has_value()) row.age = now - *found.described.start_time;
  row.timeout = found.described.timeout;
  if (found.marker.has_value()) row.marker_epoch = found.marker->epoch.value();
  row.kind = TransactionKindName(judgement.KindOf(found));
  row.meaning = Meaning(judgement, found);
  return row;
}

std::vector<std::string> ExplainFound(const TransactionJudgement& judgement,
                                      const FoundTransaction& found, absl::Time now) {
  std::vector<std::string> sentences = {WhatItIs(judgement, found), WhatBrokersSay(found, now),
                                        WhoOwns(judgement)};
  if (TransactionalId::Parse(found.id, judgement.prefix()).has_value()) {
    sentences.push_back(WhatTheLogSays(judgement, found));
    if (judgement.NeedsMarker(found.id, found.described.state)) {
      sentences.push_back(WhatTheMarkerSays(found));
    }
  }
  if (const OwedTransaction* owed = judgement.FindOwed(found.id)) {
    sentences.push_back(absl::StrCat("It holds ", owed->committable.DescribeRanges(), "."));
  }
  sentences.push_back(WhatFollows(judgement, found));
  sentences.push_back(WhatAbortDoes(judgement, found));
  return sentences;
}

}  // namespace weir::kafka
