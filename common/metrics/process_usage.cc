#include "common/metrics/process_usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "common/metrics/metric_catalogue.h"

namespace weir {
namespace {

// Positions in /proc/<pid>/stat behind the name, which is the second field and may hold blanks.
constexpr size_t kUserTicks = 11;
constexpr size_t kSystemTicks = 12;
constexpr size_t kStartTicks = 19;
constexpr size_t kVirtualBytes = 20;
constexpr size_t kResidentPages = 21;

std::string ReadText(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

double BootTimeSeconds() {
  const std::string text = ReadText("/proc/stat");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    double seconds = 0;
    if (words.size() == 2 && words[0] == "btime" && absl::SimpleAtod(words[1], &seconds)) {
      return seconds;
    }
  }
  return 0;
}

uint64_t CountOpenFds() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  uint64_t entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  return entries < 3 ? 0 : entries - 3;  // ".", ".." and the directory itself
}

}  // namespace

std::optional<ProcessUsage> ParseProcessStat(absl::string_view stat,
                                             const ProcessUsageUnits& units) {
  const size_t name_end = stat.rfind(") ");
  if (name_end == absl::string_view::npos) return std::nullopt;
  const std::vector<absl::string_view> words = absl::StrSplit(stat.substr(name_end + 2), ' ');
  uint64_t user = 0;
  uint64_t system = 0;
  uint64_t start = 0;
  uint64_t pages = 0;
  ProcessUsage usage;
  if (words.size() <= kResidentPages || !absl::SimpleAtoi(words[kUserTicks], &user) ||
      !absl::SimpleAtoi(words[kSystemTicks], &system) ||
      !absl::SimpleAtoi(words[kStartTicks], &start) ||
      !absl::SimpleAtoi(words[kVirtualBytes], &usage.virtual_bytes) ||
      !absl::SimpleAtoi(words[kResidentPages], &pages)) {
    return std::nullopt;
  }
  const auto ticks = static_cast<double>(units.ticks_per_second);
  usage.cpu_seconds = static_cast<double>(user + system) / ticks;
  usage.start_time_seconds = units.boot_time_seconds + static_cast<double>(start) / ticks;
  usage.resident_bytes = pages * units.page_bytes;
  return usage;
}

ProcessUsage ReadProcessUsage() {
  ProcessUsageUnits units;
  units.ticks_per_second = sysconf(_SC_CLK_TCK);
  units.page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  units.boot_time_seconds = BootTimeSeconds();
  ProcessUsage usage =
      ParseProcessStat(ReadText("/proc/self/stat"), units).value_or(ProcessUsage());
  usage.open_fds = CountOpenFds();
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_fds = limit.rlim_cur;
  return usage;
}

void AddProcessUsage(const ProcessUsage& usage, MetricsPage* page) {
  page->Add(metrics::kProcessCpu, usage.cpu_seconds);
  page->Add(metrics::kProcessResident, static_cast<double>(usage.resident_bytes));
  page->Add(metrics::kProcessVirtual, static_cast<double>(usage.virtual_bytes));
  page->Add(metrics::kProcessOpenFds, static_cast<double>(usage.open_fds));
  page->Add(metrics::kProcessMaxFds, static_cast<double>(usage.max_fds));
  page->Add(metrics::kProcessStart, usage.start_time_seconds);
}

}  // namespace weir
