#include "common/exec/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include <cstdint>

namespace weir {
namespace {

// Attributes and file actions of one posix_spawn.
class SpawnSetup {
 public:
  explicit SpawnSetup(const SpawnOptions& options) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, options.log_file.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    int first_closed = 3;
    if (!options.output_file.empty()) {
      posix_spawn_file_actions_addopen(&actions_, 3, options.output_file.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0644);
      first_closed = 4;
    }
    posix_spawn_file_actions_addclosefrom_np(&actions_, first_closed);
    if (!options.working_directory.empty()) {
      posix_spawn_file_actions_addchdir_np(&actions_, options.working_directory.c_str());
    }
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    const bool session = options.group == SpawnOptions::Group::kSession;
    if (!session) posix_spawnattr_setpgroup(&attributes_, 0);
    const int group = session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setflags(
        &attributes_, static_cast<int16_t>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

int SpawnProcess(const SpawnOptions& options, pid_t* pid) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  const SpawnSetup setup(options);
  return posix_spawn(pid, options.argv[0].c_str(), setup.actions(), setup.attributes(),
                     Pointers(options.argv).data(), Pointers(variables).data());
}

}  // namespace weir
