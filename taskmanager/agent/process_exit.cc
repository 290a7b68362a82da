#include "taskmanager/agent/process_exit.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/log.h"
#include "taskmanager/task/crash_report.h"

namespace weir::taskmanager {
namespace {

constexpr std::streamoff kLastLineBytes = 4096;
constexpr std::streamoff kCrashReportBytes = 256 << 10;
constexpr size_t kMaxReasonBytes = 500;
constexpr size_t kMaxCrashBytes = 1500;

std::string TailOfFile(const std::string& path, std::streamoff bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  const std::streamoff count = std::min(size, bytes);
  file.seekg(size - count);
  std::string tail(static_cast<size_t>(count), '\0');
  file.read(tail.data(), count);
  tail.resize(static_cast<size_t>(file.gcount()));
  return tail;
}

}  // namespace

std::string LastLineOfFile(const std::string& path) {
  const std::string tail = TailOfFile(path, kLastLineBytes);
  const std::vector<absl::string_view> lines = absl::StrSplit(tail, '\n', absl::SkipWhitespace());
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (IsInfoLine(*line)) continue;
    return std::string(absl::StripAsciiWhitespace(*line).substr(0, kMaxReasonBytes));
  }
  return "";
}

std::string CrashInLog(const std::string& path, pid_t pid) {
  const std::string tail = TailOfFile(path, kCrashReportBytes);
  const std::string start = absl::StrCat(kCrashReportStart, pid, ": ");
  // Behind output of the job's that has no line end.
  const size_t at = tail.rfind(start);
  if (at == std::string::npos) return "";
  const size_t begin = at + start.size();
  return tail.substr(begin, std::min(tail.find('\n', begin) - begin, kMaxCrashBytes));
}

ProcessExit DescribeExit(const siginfo_t& info, const std::string& log_file) {
  ProcessExit exit;
  if (info.si_code == CLD_EXITED) {
    exit.code = info.si_status;
    exit.reason = absl::StrCat("exited with code ", exit.code);
    const std::string last_line = exit.code == 0 ? "" : LastLineOfFile(log_file);
    if (!last_line.empty()) absl::StrAppend(&exit.reason, ": ", last_line);
    return exit;
  }
  const std::string crash = CrashInLog(log_file, info.si_pid);
  exit.crashed = !crash.empty();
  if (exit.crashed) {
    exit.reason = absl::StrCat("crashed: ", crash);
    return exit;
  }
  const char* name = sigabbrev_np(info.si_status);
  exit.reason =
      absl::StrCat("killed by signal ", info.si_status, " (SIG", name == nullptr ? "?" : name, ")");
  return exit;
}

}  // namespace weir::taskmanager
