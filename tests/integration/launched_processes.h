#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/time.h"

#include "common/exec/mutex.h"
#include "common/exec/thread_executor.h"
#include "taskmanager/agent/posix_process_launcher.h"
#include "tests/support/temporary_directory.h"

namespace weir::taskmanager {

inline constexpr absl::Duration kPatience = absl::Seconds(30);

// A value that comes from another thread.
template <class T>
class Awaited {
 public:
  void Set(T value) {
    MutexLock lock(mutex_);
    value_ = std::move(value);
    changed_.SignalAll();
  }
  std::optional<T> Await() {
    MutexLock lock(mutex_);
    while (!value_.has_value()) {
      if (!changed_.WaitFor(mutex_, kPatience)) break;
    }
    return value_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::optional<T> value_ WEIR_GUARDED_BY(mutex_);
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline ThreadExecutorOptions Named(std::string name) {
  ThreadExecutorOptions options;
  options.name = std::move(name);
  return options;
}

inline PosixProcessLauncherOptions LauncherOptions(const std::string& kernel_files) {
  PosixProcessLauncherOptions options;
  options.kernel_files = kernel_files;
  options.memory_check_interval = absl::Milliseconds(20);
  return options;
}

/// Processes of a launcher whose server is a thread of the test, which plays main().
class LaunchedProcessesTest : public testing::Test {
 protected:
  ~LaunchedProcessesTest() override {
    launcher_->Stop();
    server_.join();
    executor_.Shutdown();
    launcher_ = nullptr;
  }

  ProcessSpec Shell(const std::string& script) {
    ProcessSpec spec;
    spec.binary = "/bin/sh";
    spec.arguments = {"-c", script};
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    spec.working_directory = directory_.path();
    spec.log_file = directory_.File("log");
    return spec;
  }

  ProcessLauncher::LaunchId Launch(ProcessSpec spec) {
    ProcessLauncher::Callbacks callbacks;
    callbacks.on_started = [this](uint64_t pid) { pid_.Set(pid); };
    callbacks.on_exit = [this](const ProcessExit& exit) { exit_.Set(exit); };
    return launcher_->Launch(std::move(spec), std::move(callbacks));
  }
  std::string ExitReason() {
    const std::optional<ProcessExit> exit = exit_.Await();
    return exit.has_value() ? exit->reason : "still running";
  }

  TemporaryDirectory directory_;
  ThreadExecutor executor_{Named("agent")};
  std::unique_ptr<PosixProcessLauncher> launcher_ =
      std::make_unique<PosixProcessLauncher>(executor_, LauncherOptions(directory_.path()));
  Awaited<uint64_t> pid_;
  Awaited<ProcessExit> exit_;
  std::thread server_{[this] { launcher_->Serve(); }};
};

}  // namespace weir::taskmanager
