#include "taskmanager/agent/worker_logs.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/log.h"

namespace weir::taskmanager {
namespace {

constexpr char kLogExtension[] = ".log";
// How far back the last lines of a log are looked for.
constexpr uint64_t kMaxTailBytes = uint64_t{16} << 20;
constexpr uint64_t kTailBlockBytes = uint64_t{64} << 10;

struct LogFile {
  std::filesystem::path path;
  std::filesystem::file_time_type written;
  proto::WorkerLog log;  // without its piece
};

int64_t ToMillis(std::filesystem::file_time_type time) {
  const auto system = std::chrono::file_clock::to_sys(time);
  return std::chrono::duration_cast<std::chrono::milliseconds>(system.time_since_epoch()).count();
}

std::vector<LogFile> FindLogs(const std::string& directory, const proto::ReadWorkerLogs& request,
                              const KnownWorkers& known) {
  std::vector<LogFile> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string worker = entry.path().stem().string();
    if (entry.path().extension() != kLogExtension) continue;
    if (!request.worker().empty() && request.worker() != worker) continue;
    LogFile file;
    file.path = entry.path();
    file.written = entry.last_write_time(error);
    const uint64_t size = entry.file_size(error);
    if (error) continue;
    file.log.set_worker(worker);
    file.log.set_size_bytes(size);
    file.log.set_written_at_ms(ToMillis(file.written));
    file.log.set_alive(known.alive.count(worker) > 0);
    if (!file.log.alive()) {
      const auto ending = known.endings.find(worker);
      file.log.set_ending(ending != known.endings.end()
                              ? ending->second
                              : "ended before its TaskManager was started the last time");
    }
    found.push_back(std::move(file));
  }
  std::sort(found.begin(), found.end(), [](const LogFile& left, const LogFile& right) {
    if (left.log.alive() != right.log.alive()) return right.log.alive();
    return left.written < right.written;
  });
  return found;
}

std::string ReadPiece(std::ifstream& file, uint64_t offset, uint64_t bytes) {
  std::string piece(bytes, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
  piece.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return piece;
}

// Where the last `lines` lines begin.
uint64_t FindTail(std::ifstream& file, uint64_t size, uint32_t lines) {
  const uint64_t least = size > kMaxTailBytes ? size - kMaxTailBytes : 0;
  uint64_t end = size;
  uint32_t left = lines;
  while (end > least) {
    const uint64_t begin = end - least > kTailBlockBytes ? end - kTailBlockBytes : least;
    const std::string block = ReadPiece(file, begin, end - begin);
    for (size_t i = block.size(); i > 0; --i) {
      const uint64_t behind = begin + i;
      if (block[i - 1] != '\n' || behind == size) continue;  // the last line's own end
      if (--left == 0) return behind;
    }
    end = begin;
  }
  return least;
}

}  // namespace

std::vector<proto::WorkerLog> ReadLogFiles(const std::string& directory,
                                           const proto::ReadWorkerLogs& request,
                                           const KnownWorkers& known) {
  std::map<std::string, uint64_t> positions;
  for (const proto::WorkerLogPosition& one : request.positions()) {
    positions[one.worker()] = one.offset();
  }
  std::vector<LogFile> files = FindLogs(directory, request, known);
  std::vector<proto::WorkerLog> logs;
  for (LogFile& found : files) {
    proto::WorkerLog log = std::move(found.log);
    std::ifstream file(found.path, std::ios::binary);
    if (!file) continue;
    const uint64_t size = log.size_bytes();
    const auto position = positions.find(log.worker());
    const uint64_t offset = position != positions.end() ? std::min(position->second, size)
                            : request.tail_lines() == 0
                                ? 0
                                : FindTail(file, size, request.tail_lines());
    const uint64_t share = request.max_bytes() / files.size();
    log.set_offset(offset);
    log.set_data(ReadPiece(file, offset, std::min(size - offset, share)));
    logs.push_back(std::move(log));
  }
  return logs;
}

void RemoveOldLogs(const std::string& directory, size_t keep, const std::set<std::string>& in_use) {
  std::error_code error;
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> logs;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (in_use.count(entry.path().filename().string()) > 0) continue;
    const auto written = entry.last_write_time(error);
    if (!error) logs.emplace_back(written, entry.path());
  }
  std::sort(logs.rbegin(), logs.rend());
  for (size_t i = keep; i < logs.size(); ++i) {
    if (!std::filesystem::remove(logs[i].second, error) && error) {
      LogWarning("old worker log not removed",
                 {{"file", logs[i].second.string()}, {"error", error.message()}});
    }
  }
}

}  // namespace weir::taskmanager
