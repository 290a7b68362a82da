#include "taskmanager/agent/oom_kills.h"

#include <fstream>

#include "taskmanager/agent/memory_cgroup.h"

namespace weir::taskmanager {
namespace {

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
  file_ = MemoryCgroup(root).oom_file();
  if (file_.empty() || !CounterIn(file_)) file_ = root + "/proc/vmstat";
  last_ = Read();
}

std::optional<uint64_t> OomKills::Read() const { return CounterIn(file_); }

std::string OomKills::FindNew() {
  const std::optional<uint64_t> before = last_;
  last_ = Read();
  return before && last_ && *last_ > *before ? file_ : "";
}

}  // namespace weir::taskmanager
