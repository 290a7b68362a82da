#include "client/local_cluster/local_cluster_output.h"

#include <vector>

#include "absl/strings/str_cat.h"

#include "client/output/table.h"
#include <nlohmann/json.hpp>

namespace weir::cli {
namespace {

const char* StateOf(const BackgroundServer& server) { return server.running ? "RUNNING" : "ENDED"; }

}  // namespace

std::string AsJson(const LocalClusterStatus& status) {
  nlohmann::ordered_json document = {{"directory", status.directory}, {"address", status.address}};
  document["servers"] = nlohmann::ordered_json::array();
  for (const BackgroundServer& server : status.servers) {
    document["servers"].push_back({{"name", server.name},
                                   {"pid", server.process.pid},
                                   {"state", StateOf(server)},
                                   {"log_file", server.log_file}});
  }
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string AsTable(const LocalClusterStatus& status, const OutputStyle& style) {
  std::vector<Row> rows = {{"SERVER", "PID", "STATE", "LOG"}};
  for (const BackgroundServer& server : status.servers) {
    rows.push_back(
        {server.name, absl::StrCat(server.process.pid), State(StateOf(server)), server.log_file});
  }
  return absl::StrCat(
      Table({{"Address:", status.address}, {"Directory:", status.directory}}, style.colours), "\n",
      Table(rows, style.colours));
}

std::string AsNames(const LocalClusterStatus& status) {
  std::string names;
  for (const BackgroundServer& server : status.servers) absl::StrAppend(&names, server.name, "\n");
  return names;
}

}  // namespace weir::cli
