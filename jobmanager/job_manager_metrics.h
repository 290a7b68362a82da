#pragma once

#include "absl/time/time.h"

#include "common/io/measured_file_system.h"
#include "common/metrics/metrics_page.h"
#include "jobmanager/job_manager.h"

namespace weir::jobmanager {

/// What a JobManager shows of itself, and as a leader of the cluster and of each job that has not
/// ended. On its executor.
void AddJobManagerMetrics(const JobManager& job_manager, absl::Time now, MetricsPage* page);

/// How long requests to storage take. Any thread.
void AddStorageMetrics(const MeasuredFileSystem& files, MetricsPage* page);

}  // namespace weir::jobmanager
