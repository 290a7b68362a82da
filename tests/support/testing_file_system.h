#pragma once

#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"

#include "common/io/memory_file_system.h"

namespace weir {

/// Files in memory whose next calls can be made to fail, before or after they took effect.
class TestingFileSystem final : public FileSystem {
 public:
  enum class Call { kCreate, kReplace, kRead, kRemove, kMakeDirectory };
  struct Fault {
    Call call = Call::kCreate;
    absl::Status status;
    std::string path_part = {};  // of the paths it strikes; empty: of all
    bool takes_effect = false;   // the call does its work and then says this
    int times = 1;
  };
  void Inject(Fault fault) { faults_.push_back(std::move(fault)); }
  void ClearFaults() { faults_.clear(); }

  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override {
    created.emplace_back(std::string(path), std::string(contents));
    if (on_create) on_create();
    return Strike(Call::kCreate, path, [&] { return memory.CreateExclusive(path, contents); });
  }
  absl::Status Replace(absl::string_view path, absl::string_view contents) override {
    return Strike(Call::kReplace, path, [&] { return memory.Replace(path, contents); });
  }
  absl::StatusOr<std::string> Read(absl::string_view path) override {
    reads.emplace_back(path);
    absl::StatusOr<std::string> contents;
    const absl::Status status = Strike(Call::kRead, path, [&] {
      contents = memory.Read(path);
      return contents.status();
    });
    if (!status.ok()) return status;
    return contents;
  }
  absl::Status Remove(absl::string_view path) override {
    removed.emplace_back(path);
    return Strike(Call::kRemove, path, [&] { return memory.Remove(path); });
  }
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override {
    return memory.List(directory);
  }
  absl::Status MakeDirectory(absl::string_view directory) override {
    return Strike(Call::kMakeDirectory, directory, [&] { return memory.MakeDirectory(directory); });
  }

  MemoryFileSystem memory;
  std::vector<std::pair<std::string, std::string>> created;  // every try: path and contents
  std::vector<std::string> reads;
  std::vector<std::string> removed;
  std::function<void()> on_create;  // at every try, before it has an effect

 private:
  template <class Effect>
  absl::Status Strike(Call call, absl::string_view path, Effect effect) {
    for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
      if (fault->call != call || !absl::StrContains(path, fault->path_part)) continue;
      const absl::Status status = fault->status;
      if (fault->takes_effect) effect().IgnoreError();
      if (--fault->times == 0) faults_.erase(fault);
      return status;
    }
    return effect();
  }

  std::list<Fault> faults_;
};

}  // namespace weir
