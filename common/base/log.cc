#include "common/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace weir {
namespace {

// What InitLogging replaces. Replaced sinks stay alive: a thread may be writing to them.
struct LogSink {
  LogOptions options;
  std::unique_ptr<spdlog::logger> logger;
  LogSink* replaced = nullptr;
};

std::unique_ptr<spdlog::logger> MakeLogger(const LogOptions& options) {
  spdlog::sink_ptr sink;
  if (options.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else if (options.max_file_bytes == 0) {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
  } else {
    sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        options.file, options.max_file_bytes, options.max_files);
  }
  auto logger = std::make_unique<spdlog::logger>("weir", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);  // a crash must not swallow the lines before it
  return logger;
}

std::atomic<LogSink*>& CurrentSink() {
  static std::atomic<LogSink*> current([] {
    auto* sink = new LogSink;  // never destroyed: destructors of statics may log
    sink->options.level = LogLevel::kWarning;
    sink->options.process_name = "weir";
    sink->logger = MakeLogger(sink->options);
    return sink;
  }());
  return current;
}

absl::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

void AppendQuoted(std::string* out, absl::string_view text) {
  out->push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          absl::StrAppendFormat(out, "\\u%04x", static_cast<unsigned>(c));
        } else {
          out->push_back(c);
        }
    }
  }
  out->push_back('"');
}

bool NeedsQuotes(absl::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == 0x7f) return true;
  }
  return false;
}

thread_local const std::vector<LogField>* thread_fields = nullptr;

using FieldPointers = std::vector<const LogField*>;

template <class Fields>
void AppendNew(const Fields& fields, FieldPointers* all) {
  for (const LogField& field : fields) {
    const bool there = std::any_of(all->begin(), all->end(), [&field](const LogField* other) {
      return other->key() == field.key();
    });
    if (!there) all->push_back(&field);
  }
}

FieldPointers AllFields(const LogOptions& options, const LogFields& of_line) {
  FieldPointers all;
  all.reserve(of_line.size() + options.fields.size());
  for (const LogField& field : of_line) all.push_back(&field);
  if (thread_fields != nullptr) AppendNew(*thread_fields, &all);
  AppendNew(options.fields, &all);
  return all;
}

std::string TextLine(const LogOptions& options, LogLevel level, absl::string_view message,
                     const FieldPointers& fields) {
  std::string line = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone());
  absl::StrAppendFormat(&line, " %-7s %s[%d] %s", LevelName(level), options.process_name, getpid(),
                        message);
  for (const LogField* field : fields) {
    absl::StrAppend(&line, " ", field->key(), "=");
    if (NeedsQuotes(field->text())) {
      AppendQuoted(&line, field->text());
    } else {
      absl::StrAppend(&line, field->text());
    }
  }
  return line;
}

std::string JsonLine(const LogOptions& options, LogLevel level, absl::string_view message,
                     const FieldPointers& fields) {
  std::string line =
      absl::FormatTime("{\"time\":\"%Y-%m-%dT%H:%M:%E6SZ\"", absl::Now(), absl::UTCTimeZone());
  absl::StrAppend(&line, ",\"level\":\"", LevelName(level), "\",\"process\":");
  AppendQuoted(&line, options.process_name);
  absl::StrAppend(&line, ",\"pid\":", getpid(), ",\"message\":");
  AppendQuoted(&line, message);
  for (const LogField* field : fields) {
    line.push_back(',');
    AppendQuoted(&line, field->key());
    line.push_back(':');
    if (field->bare()) {
      absl::StrAppend(&line, field->text());
    } else {
      AppendQuoted(&line, field->text());
    }
  }
  line.push_back('}');
  return line;
}

void Log(LogLevel level, absl::string_view message, LogFields fields) {
  const LogSink& sink = *CurrentSink().load(std::memory_order_acquire);
  if (level < sink.options.level) return;
  const FieldPointers all = AllFields(sink.options, fields);
  const std::string line = sink.options.format == LogFormat::kJson
                               ? JsonLine(sink.options, level, message, all)
                               : TextLine(sink.options, level, message, all);
  sink.logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

bool IsInfoLine(absl::string_view line) {
  // "2026-11-29T07:13:33.951782Z info    weir...", or {"time":"...","level":"info",...
  constexpr absl::string_view kJsonStart = "{\"time\":\"";
  constexpr size_t kTimeBytes = sizeof("2026-11-29T07:13:33.951782Z") - 1;
  const bool json = absl::ConsumePrefix(&line, kJsonStart);
  if (line.size() < kTimeBytes || line[4] != '-' || line[10] != 'T' || line[26] != 'Z') {
    return false;
  }
  line.remove_prefix(kTimeBytes);
  if (json) {
    return absl::StartsWith(line, "\",\"level\":\"info") ||
           absl::StartsWith(line, "\",\"level\":\"debug");
  }
  return absl::StartsWith(line, " info ") || absl::StartsWith(line, " debug ");
}

void LogDebug(absl::string_view message, LogFields fields) {
  Log(LogLevel::kDebug, message, fields);
}
void LogInfo(absl::string_view message, LogFields fields) { Log(LogLevel::kInfo, message, fields); }
void LogWarning(absl::string_view message, LogFields fields) {
  Log(LogLevel::kWarning, message, fields);
}
void LogError(absl::string_view message, LogFields fields) {
  Log(LogLevel::kError, message, fields);
}

ScopedLogFields::ScopedLogFields(const std::vector<LogField>& fields)
    : outer_(std::exchange(thread_fields, &fields)) {}

ScopedLogFields::~ScopedLogFields() { thread_fields = outer_; }

bool LogEnabled(LogLevel level) {
  return level >= CurrentSink().load(std::memory_order_acquire)->options.level;
}

absl::Status InitLogging(const LogOptions& options) {
  auto sink = std::make_unique<LogSink>();
  sink->options = options;
  try {
    sink->logger = MakeLogger(options);
  } catch (const spdlog::spdlog_ex& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write the log file '", options.file, "': ", error.what()));
  }
  std::atomic<LogSink*>& current = CurrentSink();
  sink->replaced = current.load(std::memory_order_acquire);
  while (!current.compare_exchange_weak(sink->replaced, sink.get())) {
  }
  sink.release();  // NOLINT: owned by the chain of sinks
  return absl::OkStatus();
}

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (text == LevelName(level)) return level;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a log level: debug, info, warning or error"));
}

absl::StatusOr<LogFormat> ParseLogFormat(absl::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a log format: text or json"));
}

}  // namespace weir
