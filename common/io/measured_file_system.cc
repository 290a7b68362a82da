#include "common/io/measured_file_system.h"

namespace weir {
namespace {

constexpr std::array<absl::string_view, MeasuredFileSystem::kOperations> kNames = {
    "create", "replace", "read", "remove", "list", "make_directory"};

// From 0.1 ms, a page of a local disk's cache, to 100 s; each bucket twice the one before.
constexpr HistogramOptions kBuckets = {
    .lowest = 100'000, .highest = 100'000'000'000, .steps = 1, .scale = 1e-9};

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

}  // namespace

MeasuredFileSystem::Histograms::Histograms() : succeeded(kBuckets), failed(kBuckets) {}

MeasuredFileSystem::MeasuredFileSystem(FileSystem& files, const Clock& clock)
    : files_(files), clock_(clock) {}

template <class Call>
auto MeasuredFileSystem::Measure(Operation operation, const Call& call) {
  const absl::Duration began = clock_.Monotonic();
  auto result = call();
  const absl::Duration took = clock_.Monotonic() - began;
  const absl::Status& status = StatusOf(result);
  Histograms& histograms = histograms_[static_cast<size_t>(operation)];
  if (status.ok() || absl::IsNotFound(status) || absl::IsAlreadyExists(status)) {
    histograms.succeeded.Record(took);
  } else {
    histograms.failed.Record(took);
  }
  return result;
}

absl::Status MeasuredFileSystem::CreateExclusive(absl::string_view path,
                                                 absl::string_view contents) {
  return Measure(Operation::kCreate, [&] { return files_.CreateExclusive(path, contents); });
}

absl::Status MeasuredFileSystem::Replace(absl::string_view path, absl::string_view contents) {
  return Measure(Operation::kReplace, [&] { return files_.Replace(path, contents); });
}

absl::StatusOr<std::string> MeasuredFileSystem::Read(absl::string_view path) {
  return Measure(Operation::kRead, [&] { return files_.Read(path); });
}

absl::Status MeasuredFileSystem::Remove(absl::string_view path) {
  return Measure(Operation::kRemove, [&] { return files_.Remove(path); });
}

absl::StatusOr<std::vector<std::string>> MeasuredFileSystem::List(absl::string_view directory) {
  return Measure(Operation::kList, [&] { return files_.List(directory); });
}

void MeasuredFileSystem::RemoveLeftovers(absl::string_view directory, absl::Time before) {
  files_.RemoveLeftovers(directory, before);
}

absl::Status MeasuredFileSystem::MakeDirectory(absl::string_view directory) {
  return Measure(Operation::kMakeDirectory, [&] { return files_.MakeDirectory(directory); });
}

std::vector<MeasuredFileSystem::Durations> MeasuredFileSystem::TakeDurations() const {
  std::vector<Durations> all;
  for (size_t i = 0; i < kOperations; ++i) {
    all.push_back(
        {kNames[i], histograms_[i].succeeded.TakeSnapshot(), histograms_[i].failed.TakeSnapshot()});
  }
  return all;
}

}  // namespace weir
