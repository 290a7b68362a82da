#pragma once

#include <array>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir::sim {

/// Mistakes that can be planted at the seams of a simulated cluster (storage, network, connectors),
/// to prove that the checkers would see them. The product's code knows nothing of them.
enum class PlantedBug {
  kNone,
  kOldTermAccepted,         // a directive of an older leader passes the worker's fence
  kOldGenerationAccepted,   // a deployment of an older generation passes for the new one
  kEpochOwnedTwice,         // create-if-absent replaces what is there, in job logs
  kAppendReadAsAbsent,      // a new leader does not see the newest entry, and writes there
  kReadBackLies,            // reading a log entry gives what this process wanted to write
  kDeletionBeforeEntry,     // the retired or aborted entry is dropped, and success reported
  kAnswerOfOtherAttempt,    // an old attempt's snapshots are credited to the pending one
  kTaskMissing,             // a checkpoint completes without the answer of one task
  kCommitWithoutPermit,     // the sink commits when it has prepared
  kPermitTooEarly,          // a trigger is taken for a permit
  kBarrierOvertakes,        // positions are taken before the last batch has reached the operators
  kRestoreFromOlderEpoch,   // the deployment holds the snapshots of an epoch before the newest
  kSplitsLost,              // the enumerator's state comes without its last split
  kAckWithoutRegistration,  // the registration's entry is dropped, and success reported
  kWatermarkReset,          // restored splits come without their watermarks
  kAnswerBeforeDelivery,    // an at-least-once sink acknowledges what it has not delivered
  kManifestLost,            // objects are acknowledged and not written
  kUnionListDealtOut,       // a deployment has the union lists of its first subtask alone
  // Of the exactly-once sink.
  kReceiptBeforeCommit,    // N is receipted, and N + 1 begun, when N is permitted
  kMarkerAtLeast,          // a marker that is not older counts as the one looked for
  kStrayEndedByAbort,      // EndTxn(abort) ends what a living holder may still have
  kSlotReusedEarly,        // a slot takes its next transaction before its receipt
  kOnlyNewestRedriven,     // recovery commits what the newest epoch prepared, nothing older
  kOwnershipInEnumerator,  // restored splits of the last subtask are missing: it owned them
  kFailedEpochDropped,     // a failed epoch's committables do not ride in the next answer
  kAnswerBeforeFlush,      // a barrier is answered while records are still on their way
  kPendingIdInitialized,   // recovery opens a producer on an id before committing it
  kPreparedAborted,        // a writer aborts what it has prepared when its task fails
  kRepeatedHandleReused,   // a handle goes on although a request of it was sent twice
  kReplayByTwoCommitters,  // a replay reads what is missing before it fences others
  // Of keyed operators.
  kTimersNotRestored,       // a restore takes state and watermarks, and no timers
  kGateWatermarkLost,       // what a task had got of its channels' watermarks is not restored
  kWatermarksForgotten,     // the same, and snapshots do not say how far key groups have fired
  kKeyGroupLost,            // a snapshot leaves out one of the groups that have anything
  kFiringCutShort,          // a barrier in the middle of firing loses the timers that are still due
  kFrozenSeesLater,         // a snapshot has what was changed while it was being written
  kAgainDropped,            // some windows do not fire again for late rows
  kWalkCutShort,            // a barrier between such firings loses those that are still to come
  kClockTimersNotRestored,  // a restore takes everything but timers of processing time
};

struct PlantedBugName {
  PlantedBug bug;
  absl::string_view name;
};
inline constexpr std::array<PlantedBugName, 39> kPlantedBugs = {{
    {PlantedBug::kOldTermAccepted, "old-term-accepted"},
    {PlantedBug::kOldGenerationAccepted, "old-generation-accepted"},
    {PlantedBug::kEpochOwnedTwice, "epoch-owned-twice"},
    {PlantedBug::kAppendReadAsAbsent, "append-read-as-absent"},
    {PlantedBug::kReadBackLies, "read-back-lies"},
    {PlantedBug::kDeletionBeforeEntry, "deletion-before-entry"},
    {PlantedBug::kAnswerOfOtherAttempt, "answer-of-other-attempt"},
    {PlantedBug::kTaskMissing, "task-missing"},
    {PlantedBug::kCommitWithoutPermit, "commit-without-permit"},
    {PlantedBug::kPermitTooEarly, "permit-too-early"},
    {PlantedBug::kBarrierOvertakes, "barrier-overtakes"},
    {PlantedBug::kRestoreFromOlderEpoch, "restore-from-older-epoch"},
    {PlantedBug::kSplitsLost, "splits-lost"},
    {PlantedBug::kAckWithoutRegistration, "ack-without-registration"},
    {PlantedBug::kWatermarkReset, "watermark-reset"},
    {PlantedBug::kAnswerBeforeDelivery, "answer-before-delivery"},
    {PlantedBug::kManifestLost, "object-lost"},
    {PlantedBug::kUnionListDealtOut, "union-list-dealt-out"},
    {PlantedBug::kReceiptBeforeCommit, "receipt-before-commit"},
    {PlantedBug::kMarkerAtLeast, "marker-at-least"},
    {PlantedBug::kStrayEndedByAbort, "stray-ended-by-abort"},
    {PlantedBug::kSlotReusedEarly, "slot-reused-early"},
    {PlantedBug::kOnlyNewestRedriven, "only-newest-redriven"},
    {PlantedBug::kOwnershipInEnumerator, "ownership-in-enumerator"},
    {PlantedBug::kFailedEpochDropped, "failed-epoch-dropped"},
    {PlantedBug::kAnswerBeforeFlush, "answer-before-flush"},
    {PlantedBug::kPendingIdInitialized, "pending-id-initialized"},
    {PlantedBug::kPreparedAborted, "prepared-aborted"},
    {PlantedBug::kRepeatedHandleReused, "repeated-handle-reused"},
    {PlantedBug::kReplayByTwoCommitters, "replay-by-two-committers"},
    {PlantedBug::kTimersNotRestored, "timers-not-restored"},
    {PlantedBug::kGateWatermarkLost, "gate-watermark-lost"},
    {PlantedBug::kWatermarksForgotten, "watermarks-forgotten"},
    {PlantedBug::kKeyGroupLost, "key-group-lost"},
    {PlantedBug::kFiringCutShort, "firing-cut-short"},
    {PlantedBug::kFrozenSeesLater, "frozen-sees-later"},
    {PlantedBug::kAgainDropped, "again-dropped"},
    {PlantedBug::kWalkCutShort, "walk-cut-short"},
    {PlantedBug::kClockTimersNotRestored, "clock-timers-not-restored"},
}};

inline std::optional<PlantedBug> FindPlantedBug(absl::string_view name) {
  for (const PlantedBugName& one : kPlantedBugs) {
    if (one.name == name) return one.bug;
  }
  return std::nullopt;
}

}  // namespace weir::sim
