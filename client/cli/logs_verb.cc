#include <map>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

constexpr uint32_t kDefaultTail = 200;
constexpr absl::Duration kFollowPause = absl::Milliseconds(500);

uint64_t EndOf(const proto::WorkerLog& log) { return log.offset() + log.data().size(); }

// 0: all.
absl::StatusOr<uint32_t> TailOf(const ParsedFlags& flags) {
  if (!flags.Has("tail")) return kDefaultTail;
  const std::string text = flags.Get("tail");
  if (text == "all") return 0u;
  uint32_t lines = 0;
  if (absl::SimpleAtoi(text, &lines) && lines > 0) return lines;
  return absl::InvalidArgumentError(
      absl::StrCat("--tail is a number of lines or all, not '", text, "'"));
}

/// Prints pieces of logs as they come, each worker's under a heading of its own.
class LogPrinter {
 public:
  explicit LogPrinter(VerbContext& context) : context_(context) {}

  /// What `answer` brought of all logs, and what is behind it in them now.
  absl::Status PrintAll(const proto::ReadJobLogsResponse& answer, bool* printed) {
    for (const std::string& sentence : answer.away()) {
      if (told_.insert(sentence).second) context_.error << "weir: " << sentence << "\n";
    }
    for (const proto::WorkerLog& log : answer.logs()) {
      const bool is_new = positions_.count(log.worker()) == 0;
      WEIR_RETURN_IF_ERROR(PrintOne(log, is_new));
      *printed = *printed || !log.data().empty();
    }
    return absl::OkStatus();
  }
  proto::ReadJobLogsRequest Request() const {
    proto::ReadJobLogsRequest request;
    request.set_job(context_.Job());
    request.set_worker(context_.flags.Get("worker"));
    for (const auto& [worker, offset] : positions_) {
      proto::WorkerLogPosition* position = request.add_positions();
      position->set_worker(worker);
      position->set_offset(offset);
    }
    return request;
  }

 private:
  bool AsText() const {
    return context_.style.format == OutputFormat::kTable ||
           context_.style.format == OutputFormat::kWide;
  }
  absl::Status PrintOne(const proto::WorkerLog& first, bool is_new) {
    const uint64_t end = first.size_bytes();  // what is written meanwhile comes next time
    proto::WorkerLog piece = first;
    if (is_new || !piece.data().empty()) PrintPiece(piece, is_new);
    while (EndOf(piece) < end) {
      positions_[piece.worker()] = EndOf(piece);
      proto::ReadJobLogsRequest request = Request();
      request.set_worker(piece.worker());
      WEIR_ASSIGN_OR_RETURN(const proto::ReadJobLogsResponse more,
                            context_.client.ReadJobLogs(request));
      if (more.logs().empty() || more.logs(0).data().empty()) break;  // it has been removed
      piece = more.logs(0);
      PrintPiece(piece, false);
    }
    positions_[piece.worker()] = EndOf(piece);
    return absl::OkStatus();
  }
  void PrintPiece(const proto::WorkerLog& piece, bool is_new) {
    if (!AsText()) return context_.Print(piece);
    if (is_new || current_ != piece.worker()) {
      if (!current_.empty()) context_.out << (ends_a_line_ ? "\n" : "\n\n");
      context_.out << LogHeading(piece);
    }
    current_ = piece.worker();
    context_.out << piece.data() << std::flush;
    ends_a_line_ = piece.data().empty() || piece.data().back() == '\n';
  }

  VerbContext& context_;
  std::map<std::string, uint64_t> positions_;
  std::set<std::string> told_;
  std::string current_;  // worker whose log was printed last
  bool ends_a_line_ = true;
};

absl::Status RunLogs(VerbContext& context) {
  LogPrinter printer(context);
  proto::ReadJobLogsRequest request = printer.Request();
  WEIR_ASSIGN_OR_RETURN(const uint32_t tail, TailOf(context.flags));
  request.set_tail_lines(tail);
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const proto::ReadJobLogsResponse answer,
                          context.client.ReadJobLogs(request));
    if (answer.logs().empty() && !answer.away().empty() && !context.flags.Has("follow")) {
      return absl::UnavailableError(absl::StrJoin(answer.away(), "; "));
    }
    bool printed = false;
    WEIR_RETURN_IF_ERROR(printer.PrintAll(answer, &printed));
    if (!context.flags.Has("follow")) return absl::OkStatus();
    if (answer.job_ended() && !printed) return absl::OkStatus();
    if (!printed) context.wait.pause(kFollowPause);
    request = printer.Request();
  }
}

}  // namespace

Verb LogsVerb() {
  Verb verb;
  verb.name = "logs";
  verb.summary = "Print what a job's workers wrote, those that have died, too; the newest last.";
  verb.positionals = "JOB";
  verb.flags = {
      {"worker", "", true, "WORKER", "Only this worker's."},
      {"tail", "", true, "LINES",
       absl::StrCat("The last lines of each worker's log, or all; ", kDefaultTail, " by default.")},
      {"follow", "f", false, "", "Go on with what they write, until the job has ended."}};
  verb.check = [](const ParsedFlags& flags) { return TailOf(flags).status(); };
  verb.run = RunLogs;
  return verb;
}

}  // namespace weir::cli
