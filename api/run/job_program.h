#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/operator/stream_graph.h"
#include "proto/job_graph.pb.h"
#include "weir/run_job.h"

namespace weir {

/// A job's name and build function, and what can be made of them. One thread at a time.
class JobProgram {
 public:
  using Build = std::function<void(Environment&, const Args&)>;
  JobProgram(std::string name, Build build);

  const std::string& name() const { return name_; }
  /// Runs the build function. INVALID_ARGUMENT, one sentence: wrong arguments, or what it threw.
  absl::StatusOr<StreamGraph> MakeGraph(const std::vector<std::string>& arguments) const;

 private:
  const std::string name_;
  const Build build_;
};

}  // namespace weir
