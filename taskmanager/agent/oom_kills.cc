#include "taskmanager/agent/oom_kills.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace weir::taskmanager {
namespace {

// Of cgroup v2: "0::/user.slice/weir.service"; "" when there is none.
std::string ControlGroup(const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    absl::string_view path = line;
    if (absl::ConsumePrefix(&path, "0::")) return std::string(path);
  }
  return "";
}

std::optional<uint64_t> CounterIn(const std::string& file) {
  std::ifstream lines(file);
  std::string name;
  for (uint64_t value = 0; lines >> name >> value;) {
    if (name == "oom_kill") return value;
  }
  return std::nullopt;
}

}  // namespace

OomKills::OomKills(const std::string& root) {
  const std::string group = ControlGroup(root);
  file_ = absl::StrCat(root, "/sys/fs/cgroup", group == "/" ? "" : group, "/memory.events");
  if (group.empty() || !CounterIn(file_)) file_ = root + "/proc/vmstat";
  last_ = Read();
}

std::optional<uint64_t> OomKills::Read() const { return CounterIn(file_); }

std::string OomKills::FindNew() {
  const std::optional<uint64_t> before = last_;
  last_ = Read();
  return before && last_ && *last_ > *before ? file_ : "";
}

}  // namespace weir::taskmanager
