#pragma once

#include "common/http/health.h"
#include "jobmanager/job_manager.h"

namespace weir::jobmanager {

/// So long after its start a JobManager that is not elected counts as a standby; before that it may
/// still be about to lead.
inline constexpr absl::Duration kElectionSettles = absl::Seconds(1);

/// Can it do its part now: lead, or take over? A leader that still reads the logs cannot, nor can a
/// standby that cannot read the storage, or cannot try its lock. The detail `role` is leader,
/// standby or taking-over. Pure.
HealthReport ReadinessOf(const JobManagerStatus& status);

}  // namespace weir::jobmanager
