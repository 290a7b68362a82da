#pragma once

#include <string>

#include "client/local_cluster/background_cluster.h"
#include "client/output/output_format.h"

namespace weir::cli {

/// The answer to `weir local-cluster status`, to be printed as client/output/output.h says.
struct LocalClusterStatus {
  std::string directory;
  std::string address;
  std::vector<BackgroundServer> servers;
};
std::string AsJson(const LocalClusterStatus& status);
std::string AsTable(const LocalClusterStatus& status, const OutputStyle& style);
std::string AsNames(const LocalClusterStatus& status);

}  // namespace weir::cli
