#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/debugging/stacktrace.h"
#include "absl/debugging/symbolize.h"

#include "common/base/fatal_cause.h"

namespace weir::internal {
namespace {

constexpr int kMaxFrames = 64;

void PrintBacktrace() {
  void* frames[kMaxFrames];
  const int depth = absl::GetStackTrace(frames, kMaxFrames, /*skip_count=*/2);
  absl::InitializeSymbolizer("");
  for (int i = 0; i < depth; ++i) {
    char symbol[1024];
    // The return address may be the first byte of the next function: look up the call itself.
    const void* call = static_cast<const char*>(frames[i]) - 1;
    const bool known = absl::Symbolize(call, symbol, sizeof(symbol));
    std::fprintf(stderr, "    @ %18p  %s\n", frames[i], known ? symbol : "(unknown)");
  }
}

}  // namespace

CheckFailure::CheckFailure(const char* file, int line, const char* condition) {
  message_ << file << ":" << line << ": WEIR_CHECK(" << condition << ") failed: ";
}

CheckFailure::~CheckFailure() {
  const std::string message = message_.str();
  SetFatalCause(message);
  std::fprintf(stderr, "%s\n", message.c_str());
  PrintBacktrace();
  std::fflush(stderr);
  std::abort();
}

}  // namespace weir::internal
