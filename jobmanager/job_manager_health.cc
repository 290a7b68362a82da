#include "jobmanager/job_manager_health.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace weir::jobmanager {

HealthReport ReadinessOf(const JobManagerStatus& status) {
  HealthReport report;
  if (status.serving) {
    report.details = {{"role", "leader"}, {"term", absl::StrCat(status.term.value())}};
    return report;
  }
  if (status.elected) {
    report = HealthReport::Unavailable("it was elected and reads the logs of the cluster's jobs");
    report.details = {{"role", "taking-over"}};
    return report;
  }
  if (!status.election.ok()) {
    report = HealthReport::Unavailable(
        absl::StrCat("it cannot be elected: ", status.election.message()));
  } else if (!status.storage.has_value() || status.since_start < kElectionSettles) {
    report = HealthReport::Unavailable("it has just started and waits for the election");
  } else if (!status.storage->ok()) {
    report = HealthReport::Unavailable(
        absl::StrCat("it could not take over: ", status.storage->message()));
  }
  report.details = {{"role", "standby"}};
  return report;
}

}  // namespace weir::jobmanager
