#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/sink.h"
#include "connectors/kafka/transactional/owner_record.h"
#include "connectors/kafka/transactional/writer_instructions.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// One owner per prefix: docs/protocols/transactions.md, recovery, step 1.
///
/// Life cycle: Acquire; Raise, once; Release, at most once. Or Renew alone. Threads: one, and every
/// call blocks. The client outlives it. Errors: of TransactionClient; FAILED_PRECONDITION when the
/// prefix is another job's; ABORTED when another one took it meanwhile.
class SinkOwnership {
 public:
  struct Options {
    std::string topic;
    std::string prefix;
    absl::Duration timeout;  // of each step
  };
  SinkOwnership(Options options, TransactionClient& client);

  /// Fences whoever holds it, and reads the record: the highest fence it knows of. 0: nobody ever
  /// owned the prefix, or so long ago that the record has expired.
  /// ABORTED when a newer generation of the job has owned it: its transactions are not ours to end.
  absl::StatusOr<uint64_t> Acquire(const SinkRecovery& recovery);
  /// Writes that it is this job's, with the fence of its generation.
  absl::Status Raise(uint64_t fence);
  absl::Status Release();
  /// By the generation that was given `mine`, long after: writes the record again, since brokers
  /// forget offsets in time (offsets.retention.minutes). FAILED_PRECONDITION when it says by now
  /// that it is another job's, or a later generation's.
  absl::Status Renew(const SinkIdentity& me, const WriterInstructions& mine);

 private:
  /// Of this prefix: what lies at the sink's topic, and, by their topics, those of other sinks.
  struct Records {
    std::optional<OwnerRecord> here;
    std::map<std::string, OwnerRecord> elsewhere;
  };
  /// Fences whoever holds the record, and reads it.
  absl::StatusOr<Records> TakeOver();
  /// UNAVAILABLE while a newer one is being written.
  absl::StatusOr<Records> Read();
  absl::StatusOr<OwnerRecord> DecodeRecord(const std::string& topic,
                                           const std::string& metadata) const;
  /// FAILED_PRECONDITION when one is another job's, or another sink's of this one; ABORTED: a later
  /// generation's.
  absl::Status CheckMayTake(const Records& records, const SinkRecovery& recovery) const;
  absl::Status CheckMayTakeOne(const OwnerRecord& record, const SinkRecovery& recovery) const;
  /// FAILED_PRECONDITION unless it is what this process, or its generation, wrote last, or expired.
  absl::Status CheckStillOwn(const std::optional<OwnerRecord>& record) const;
  absl::Status Write();
  WriteOffsetAnswer WriteRecord(const std::string& topic, const OwnerRecord& record);

  const Options options_;
  TransactionClient& client_;
  std::optional<ProducerIdAndEpoch> producer_;  // absent: it must be taken over anew
  OwnerRecord record_;
  std::map<std::string, OwnerRecord> elsewhere_;  // taken over, to be released
};

}  // namespace weir::kafka
