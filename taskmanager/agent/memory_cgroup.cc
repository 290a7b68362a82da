#include "taskmanager/agent/memory_cgroup.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace weir::taskmanager {
namespace {

// What version 1 says for "none" is 2^63 less a page.
constexpr uint64_t kNoLimit = uint64_t{1} << 60;

/// Where the hierarchy of one version is mounted, and which of its groups is at the mount point.
struct Mount {
  std::string point;
  std::string group = "/";
};

bool HasMemory(absl::string_view controllers) {
  const std::vector<absl::string_view> names = absl::StrSplit(controllers, ',');
  return std::find(names.begin(), names.end(), "memory") != names.end();
}

/// The line of proc(5)'s mountinfo: id, parent, device, root, mount point, options, optional
/// fields, "-", type, source, the super block's options.
std::optional<Mount> FindMount(const std::string& root, bool version_2) {
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> halves = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2) continue;
    const std::vector<std::string> mount = absl::StrSplit(halves[0], ' ');
    const std::vector<std::string> type = absl::StrSplit(halves[1], ' ');
    if (mount.size() < 5 || type.size() < 3) continue;
    const bool found = version_2 ? type[0] == "cgroup2" : type[0] == "cgroup" && HasMemory(type[2]);
    if (found) return Mount{mount[4], mount[3]};
  }
  return std::nullopt;
}

/// The path of /proc/self/cgroup; nothing when the version has no group of ours.
std::optional<std::string> FindGroup(const std::string& root, bool version_2) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (version_2 ? parts[0] == "0" && parts[1].empty() : HasMemory(parts[1])) return parts[2];
  }
  return std::nullopt;
}

/// The folders of our group and of those above it up to the mount point, ours first. A path that
/// is not below what is mounted (the process was moved, or sees the host's path) leaves the mount
/// point alone.
std::vector<std::string> FoldersOf(const std::string& root, const Mount& mount,
                                   const std::string& group) {
  absl::string_view below = group;
  const std::string top = mount.group == "/" ? "" : mount.group;
  const bool inside = absl::ConsumePrefix(&below, top) && !absl::StrContains(below, "..") &&
                      (below.empty() || below[0] == '/');
  below = absl::StripSuffix(inside ? below : "", "/");
  std::vector<std::string> folders;
  while (!below.empty()) {
    folders.push_back(absl::StrCat(root, mount.point, below));
    below = below.substr(0, below.rfind('/'));
  }
  folders.push_back(absl::StrCat(root, mount.point));
  return folders;
}

std::optional<uint64_t> LimitIn(const std::string& file) {
  std::ifstream contents(file);
  std::string text;
  uint64_t bytes = 0;
  if (!(contents >> text) || !absl::SimpleAtoi(text, &bytes) || bytes >= kNoLimit) {
    return std::nullopt;
  }
  return bytes;
}

bool IsThere(const std::string& file) { return std::ifstream(file).good(); }

}  // namespace

MemoryCgroup::MemoryCgroup(const std::string& root) {
  for (const bool version_2 : {false, true}) {
    const std::optional<std::string> group = FindGroup(root, version_2);
    if (!group) continue;
    const Mount usual{version_2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"};
    const std::vector<std::string> folders =
        FoldersOf(root, FindMount(root, version_2).value_or(usual), *group);
    const std::string limit = version_2 ? "/memory.max" : "/memory.limit_in_bytes";
    const std::string counter =
        folders.front() + (version_2 ? "/memory.events" : "/memory.oom_control");
    if (IsThere(counter)) oom_file_ = counter;
    for (const std::string& folder : folders) limit_files_.push_back(folder + limit);
    // The root group of version 2 has no such files.
    if (version_2 || std::any_of(limit_files_.begin(), limit_files_.end(), IsThere)) return;
    limit_files_.clear();
  }
}

std::optional<MemoryCgroup::Limit> MemoryCgroup::FindLimit() const {
  std::optional<Limit> least;
  for (const std::string& file : limit_files_) {
    const std::optional<uint64_t> bytes = LimitIn(file);
    if (bytes && (!least || *bytes < least->bytes)) least = Limit{*bytes, file};
  }
  return least;
}

}  // namespace weir::taskmanager
