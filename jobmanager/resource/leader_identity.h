#pragma once

#include <string>

#include "common/base/ids.h"
#include "proto/control.pb.h"

namespace weir::jobmanager {

/// Who this leader is, as every control message says it. Immutable for a leadership.
struct LeaderIdentity {
  LeaderTerm term;
  std::string nonce;
  std::string cluster;
  std::string sender;      // id of this process
  std::string probe_path;  // relative to the storage root
};

}  // namespace weir::jobmanager
