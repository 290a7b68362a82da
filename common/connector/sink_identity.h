#pragma once

#include <string>

#include "common/base/ids.h"

namespace weir {

/// Whose sink it is; the same over all generations of a job.
struct SinkIdentity {
  std::string cluster;  // cluster.id
  JobId job;
  std::string job_name;
  OperatorUid uid;
};

}  // namespace weir
