#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/io/file_system.h"
#include "common/metrics/histogram.h"
#include "common/time/clock.h"

namespace weir {

/// Another file system, with how long its calls take.
///
/// Threads: as FileSystem. Lifetime: borrows both.
class MeasuredFileSystem final : public FileSystem {
 public:
  enum class Operation { kCreate, kReplace, kRead, kRemove, kList, kMakeDirectory };
  static constexpr size_t kOperations = 6;

  MeasuredFileSystem(FileSystem& files, const Clock& clock);

  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override;
  absl::Status Replace(absl::string_view path, absl::string_view contents) override;
  absl::StatusOr<std::string> Read(absl::string_view path) override;
  absl::Status Remove(absl::string_view path) override;
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override;
  void RemoveLeftovers(absl::string_view directory, absl::Time before) override;
  absl::Status MakeDirectory(absl::string_view directory) override;

  struct Durations {
    absl::string_view operation;  // "create", "replace", ...
    Histogram::Snapshot succeeded;
    Histogram::Snapshot failed;  // NOT_FOUND and ALREADY_EXISTS are answers and count above
  };
  std::vector<Durations> TakeDurations() const;

 private:
  template <class Call>
  auto Measure(Operation operation, const Call& call);

  struct Histograms {
    Histograms();
    Histogram succeeded;
    Histogram failed;
  };

  FileSystem& files_;
  const Clock& clock_;
  std::array<Histograms, kOperations> histograms_;
};

}  // namespace weir
