#include "state/checkpoint/storage_check.h"

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

absl::Status Unusable(const std::string& directory, const absl::Status& why) {
  return absl::FailedPreconditionError(absl::StrCat("storage.root cannot be used: ", why.message(),
                                                    " (checked in '", directory, "')"));
}

}  // namespace

absl::Status CheckStorage(FileSystem& files, const std::string& directory, Random& random) {
  const absl::Status made = files.MakeDirectory(directory);
  if (!made.ok()) return Unusable(directory, made);
  const std::string path = absl::StrCat(directory, "/", random.HexId("check-"));
  int winners = 0;
  for (int writer = 0; writer < 3; ++writer) {
    const absl::Status created = files.CreateExclusive(path, absl::StrCat("writer ", writer));
    if (created.ok()) ++winners;
    if (!created.ok() && !absl::IsAlreadyExists(created)) return Unusable(directory, created);
  }
  const absl::StatusOr<std::string> read = files.Read(path);
  const absl::Status removed = files.Remove(path);
  if (winners != 1) {
    return Unusable(directory, absl::FailedPreconditionError(
                                   "the storage lets a file be created that exists already"));
  }
  if (!read.ok()) return Unusable(directory, read.status());
  if (*read != "writer 0") {
    return Unusable(directory, absl::FailedPreconditionError(
                                   "the storage overwrites a file that it says exists already"));
  }
  if (!removed.ok()) return Unusable(directory, removed);
  return absl::OkStatus();
}

}  // namespace weir
