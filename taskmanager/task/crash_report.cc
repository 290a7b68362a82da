// What runs in the handler uses only what is async-signal-safe: no allocation, no lock, no printf;
// numbers are written by hand. What it reads of the crashed thread it reads as it is: a second
// fault meanwhile comes back into the handler, which goes on with the next part of the report.
#include "taskmanager/task/crash_report.h"

#include <execinfo.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>

#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"

#include "common/base/fatal_cause.h"
#include "common/operator/current_call.h"
#include "taskmanager/task/signal_safe_text.h"

namespace weir::taskmanager {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr size_t kAlternateStackBytes = 128 << 10;
constexpr unsigned kMaxReportSeconds = 10;
constexpr int kMaxFrames = 64;
constexpr size_t kMaxSymbolBytes = 512;
constexpr size_t kMaxNameBytes = 200;

enum Part { kNothing, kSummary, kShortSummary, kDetails, kStack, kAll };

char process_name[kMaxNameBytes];
std::atomic<pid_t> crashing_thread{0};
std::atomic<int> part{kNothing};
siginfo_t first_signal;
std::terminate_handler next_terminate_handler = nullptr;

absl::string_view NameOf(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGILL:
      return "SIGILL";
    default:
      return "SIGABRT";
  }
}

bool SentByAnother(const siginfo_t& info) { return info.si_code == SI_USER; }

void AddPosition(const CurrentCall& call, SignalSafeText* text) {
  const Batch* batch = call.batch.load(std::memory_order_relaxed);
  if (batch == nullptr || batch->num_rows() == 0 || batch->provenance() == nullptr) return;
  const Provenance& provenance = *batch->provenance();
  const uint32_t row = call.row.load(std::memory_order_relaxed);
  const bool row_known = row < batch->num_rows();
  text->Add(", at topic ").AddName({provenance.topic.data(), provenance.topic.size()});
  if (provenance.partition >= 0) text->Add(", partition ").AddNumber(provenance.partition);
  const int64_t offset = provenance.OffsetOf(row_known ? row : 0);
  if (offset < 0) return;
  text->Add(", offset ").AddNumber(offset);
  const int64_t last = provenance.OffsetOf(batch->num_rows() - 1);
  if (!row_known && last > offset) text->Add(" to offset ").AddNumber(last);
}

void WriteSummary(bool whole) {
  SignalSafeText text;
  text.Add(kCrashReportStart).AddNumber(getpid()).Add(": ").Add(NameOf(first_signal.si_signo));
  if (SentByAnother(first_signal)) {
    text.Add(" (sent by process ").AddNumber(first_signal.si_pid).Add(")");
  } else if (FatalCause()[0] != '\0') {
    text.Add(" (").AddName(FatalCause()).Add(")");
  }
  const CurrentCall& call = ThisThreadsCall();
  const std::string* name = call.operator_name.load(std::memory_order_relaxed);
  if (!whole) {
    text.Add(" in code that has damaged the memory of what is needed to name it");
  } else if (name != nullptr) {
    text.Add(" in operator '").AddName({name->data(), name->size()}).Add("'");
    AddPosition(call, &text);
  } else {
    char thread[17] = {};
    prctl(PR_GET_NAME, thread);
    text.Add(" in no operator, on thread '").AddName(thread).Add("'");
  }
  text.Add("\n").Write();
}

absl::string_view Meaning(const siginfo_t& info) {
  if (info.si_signo == SIGSEGV && info.si_code == SEGV_MAPERR) return "nothing is at the address";
  if (info.si_signo == SIGSEGV && info.si_code == SEGV_ACCERR) return "access is not allowed";
  if (info.si_signo == SIGFPE && info.si_code == FPE_INTDIV) return "integer division by zero";
  if (info.si_signo == SIGBUS && info.si_code == BUS_ADRERR)
    return "a mapped file has no such page";
  return "";
}

void WriteDetails() {
  SignalSafeText text;
  char thread[17] = {};
  prctl(PR_GET_NAME, thread);
  text.Add("  ").Add(process_name).Add(", thread ").AddNumber(gettid()).Add(" '").AddName(thread);
  text.Add("'");
  const CurrentCall& call = ThisThreadsCall();
  if (const std::string* task = call.task_name.load(std::memory_order_relaxed)) {
    text.Add(", task '").AddName({task->data(), task->size()}).Add("', subtask ");
    text.AddNumber(call.subtask.load(std::memory_order_relaxed));
  }
  text.Add("\n  signal ").AddNumber(first_signal.si_signo).Add(", code ");
  text.AddNumber(first_signal.si_code);
  if (!Meaning(first_signal).empty()) text.Add(" (").Add(Meaning(first_signal)).Add(")");
  if (first_signal.si_signo != SIGABRT && !SentByAnother(first_signal)) {
    text.Add(", fault address ").AddAddress(first_signal.si_addr);
  }
  text.Add("\n").Write();
}

const void* InstructionOf(const void* context) {
#if defined(__x86_64__)
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  return reinterpret_cast<const void*>(registers[REG_RIP]);
#else
  (void)context;
  return nullptr;
#endif
}

void WriteStack(const void* context) {
  void* frames[kMaxFrames];
  const int depth = backtrace(frames, kMaxFrames);
  // The frames of the handler come first.
  int first = 0;
  while (first < depth && frames[first] != InstructionOf(context)) ++first;
  if (first == depth) first = 0;
  for (int i = first; i < depth; ++i) {
    char symbol[kMaxSymbolBytes];
    // Of a call the return address is known, which may be the first byte of the next function.
    const void* instruction = static_cast<const char*>(frames[i]) - (i == first ? 0 : 1);
    SignalSafeText text;
    text.Add("    @ ").AddAddress(frames[i]).Add("  ");
    text.Add(absl::Symbolize(instruction, symbol, sizeof(symbol)) ? symbol : "(unknown)");
    text.Add("\n").Write();
  }
}

void OnFatalSignal(int signal, siginfo_t* info, void* context) {
  pid_t nobody = 0;
  const pid_t self = gettid();
  if (!crashing_thread.compare_exchange_strong(nobody, self) && nobody != self) {
    for (;;) pause();  // another thread has crashed, and is about to end the process
  }
  if (part == kNothing) {
    first_signal = *info;
    ::signal(SIGALRM, SIG_DFL);
    alarm(kMaxReportSeconds);  // so that a report that hangs ends as well
    part = kSummary;
    WriteSummary(true);
  } else if (part == kSummary) {
    part = kShortSummary;
    WriteSummary(false);
  }
  if (part < kDetails) {
    part = kDetails;
    WriteDetails();
  }
  if (part < kStack) {
    part = kStack;
    WriteStack(context);
  }
  part = kAll;
  // The signal that was first ends the process, with its core if there is to be one.
  ::signal(first_signal.si_signo, SIG_DFL);
  if (signal != first_signal.si_signo) ::signal(signal, SIG_DFL);
  syscall(SYS_tgkill, getpid(), self, first_signal.si_signo);
}

void OnTerminate() {
  try {
    if (std::current_exception() != nullptr) std::rethrow_exception(std::current_exception());
    SetFatalCause("std::terminate was called");
  } catch (const std::exception& error) {
    SetFatalCause(absl::StrCat("nobody caught an exception: ", error.what()));
  } catch (...) {
    SetFatalCause("nobody caught something thrown that is no std::exception");
  }
  if (next_terminate_handler != nullptr) next_terminate_handler();
  abort();
}

}  // namespace

void InstallCrashReports(const std::string& process) {
  const size_t size = std::min(process.size(), sizeof(process_name) - 1);
  std::copy_n(process.data(), size, process_name);
  // Both allocate when they are called for the first time.
  void* frame = nullptr;
  backtrace(&frame, 1);
  absl::InitializeSymbolizer("");
  UseAlternateSignalStack();
  next_terminate_handler = std::set_terminate(&OnTerminate);
  for (const int signal : kSignals) {
    struct sigaction action = {};
    sigaction(signal, nullptr, &action);
    if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_sigaction = &OnFatalSignal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
}

void UseAlternateSignalStack() {
  stack_t present = {};
  if (sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
  class Stack {
   public:
    Stack() {
      stack_t stack = {};
      stack.ss_sp = bytes_.get();
      stack.ss_size = kAlternateStackBytes;
      sigaltstack(&stack, nullptr);
    }
    ~Stack() {
      stack_t none = {};
      none.ss_flags = SS_DISABLE;
      sigaltstack(&none, nullptr);
    }

   private:
    const std::unique_ptr<char[]> bytes_{new char[kAlternateStackBytes]};
  };
  thread_local const Stack stack;
}

}  // namespace weir::taskmanager
