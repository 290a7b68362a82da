#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// One key with its value, turned to text at once. Takes numbers, bool, all string types,
/// absl::Status, absl::Duration, and whatever prints itself with operator<< (all ids of Weir).
/// Record contents never go into a log: positions only.
class LogField {
 public:
  template <class T>
  LogField(absl::string_view key, const T& value) : key_(key) {  // NOLINT: meant for {"key", value}
    if constexpr (std::is_same_v<T, bool>) {
      bare_ = true;
      text_ = value ? "true" : "false";
    } else if constexpr (std::is_convertible_v<const T&, absl::string_view>) {
      text_ = std::string(absl::string_view(value));
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      text_ = std::string(std::string_view(value));
    } else if constexpr (std::is_same_v<T, absl::Duration>) {
      text_ = absl::FormatDuration(value);
    } else if constexpr (std::is_same_v<T, absl::Status>) {
      text_ = value.ToString();
    } else if constexpr (std::is_integral_v<T>) {
      bare_ = true;
      text_ = std::to_string(value);
    } else {
      std::ostringstream out;
      out << value;
      text_ = out.str();
      bare_ = std::is_floating_point_v<T> && text_.find_first_of("nN") == std::string::npos;
    }
  }

  absl::string_view key() const { return key_; }
  absl::string_view text() const { return text_; }
  /// A number or a bool: written without quotes in JSON.
  bool bare() const { return bare_; }

 private:
  absl::string_view key_;
  std::string text_;
  bool bare_ = false;
};

using LogFields = std::initializer_list<LogField>;

/// LogInfo("job started", {{"job", job_id}, {"generation", generation}});
/// The message is a fixed text, what varies goes into fields, so that logs can be searched. The
/// line carries UTC time, level, process name and pid. Thread-safe; lines are never mixed.
void LogDebug(absl::string_view message, LogFields fields = {});
void LogInfo(absl::string_view message, LogFields fields = {});
void LogWarning(absl::string_view message, LogFields fields = {});
void LogError(absl::string_view message, LogFields fields = {});

/// Is it a line that LogInfo or LogDebug has written, in either format?
bool IsInfoLine(absl::string_view line);

/// Fields of every line that this thread logs while the object lives, behind those of the line;
/// where a line has a field of the same key, that one alone is written. The innermost object
/// counts.
///
/// Threads: made and destroyed on one. Lifetime: borrows the fields.
class ScopedLogFields {
 public:
  explicit ScopedLogFields(const std::vector<LogField>& fields);
  ~ScopedLogFields();
  ScopedLogFields(const ScopedLogFields&) = delete;
  ScopedLogFields& operator=(const ScopedLogFields&) = delete;

 private:
  const std::vector<LogField>* const outer_;
};

/// To skip the work of building fields.
bool LogEnabled(LogLevel level);

enum class LogFormat { kText, kJson };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  std::string process_name{};            // e.g. "jobmanager"
  std::vector<LogField> fields{};        // of every line, behind all others; keys are literals
  std::string file{};                    // empty: stderr
  uint64_t max_file_bytes = 100u << 20;  // then rotated to file.1, file.2, ...; 0: never
  size_t max_files = 5;                  // rotated files kept beside the current one
};

/// Called by main() before other threads start; until then warnings and errors go to stderr as
/// text. INVALID_ARGUMENT when the file cannot be opened; logging then goes on as before.
absl::Status InitLogging(const LogOptions& options);

/// "debug", "info", "warning", "error"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text);
/// "text", "json"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogFormat> ParseLogFormat(absl::string_view text);

}  // namespace weir
