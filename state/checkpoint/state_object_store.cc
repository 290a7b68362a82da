#include "state/checkpoint/state_object_store.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "state/checkpoint/operator_objects.h"
#include "state/checkpoint/storage_layout.h"

namespace weir {

StateObjectStore::StateObjectStore(FileSystem& files, std::string job_directory)
    : files_(files), directory_(std::move(job_directory)) {}

std::string StateObjectStore::PathOf(const std::string& object) const {
  return absl::StrCat(directory_, "/", object);
}

absl::Status StateObjectStore::WriteObject(const std::string& object, const std::string& bytes) {
  const std::string path = PathOf(object);
  WEIR_RETURN_IF_ERROR(files_.MakeDirectory(path.substr(0, path.rfind('/'))));
  absl::Status created = files_.CreateExclusive(path, bytes);
  if (!absl::IsAlreadyExists(created)) return created;
  // An earlier try of unknown outcome; names are unique per attempt, so it must be ours.
  WEIR_ASSIGN_OR_RETURN(const std::string found, files_.Read(path));
  if (found == bytes) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(path, " exists with other contents"));
}

absl::StatusOr<proto::StateObject> StateObjectStore::Write(const std::string& bytes,
                                                           uint64_t inline_max_bytes,
                                                           const std::string& blob) {
  proto::StateObject object;
  object.set_size_bytes(bytes.size());
  object.set_sha256(Sha256Hex(bytes));
  if (bytes.size() <= inline_max_bytes) {
    object.set_inlined(bytes);
    return object;
  }
  object.set_blob(blob);
  WEIR_RETURN_IF_ERROR(WriteObject(blob, bytes));
  return object;
}

absl::StatusOr<std::string> StateObjectStore::Read(const proto::StateObject& object) {
  if (object.blob().empty()) return object.inlined();
  WEIR_ASSIGN_OR_RETURN(std::string bytes, files_.Read(PathOf(object.blob())));
  if (bytes.size() != object.size_bytes() || Sha256Hex(bytes) != object.sha256()) {
    return absl::DataLossError(
        absl::StrCat("state object ", PathOf(object.blob()), " is corrupt: its checksum differs"));
  }
  return bytes;
}

absl::Status StateObjectStore::WriteManifest(const std::string& object, const std::string& bytes) {
  return WriteObject(object, bytes);
}

absl::StatusOr<proto::CheckpointManifest> StateObjectStore::ReadManifest(
    const proto::CheckpointOwned& checkpoint) {
  if (checkpoint.manifest_object().empty()) return checkpoint.manifest();
  const std::string path = PathOf(checkpoint.manifest_object());
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, files_.Read(path));
  proto::CheckpointManifest manifest;
  if (Sha256Hex(bytes) != checkpoint.manifest_sha256() || !manifest.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("manifest ", path, " of epoch ", checkpoint.epoch(),
                                            " is corrupt: its checksum differs"));
  }
  return manifest;
}

absl::Status StateObjectStore::Delete(const std::string& object) {
  return files_.Remove(PathOf(object));
}

absl::StatusOr<std::vector<std::string>> StateObjectStore::BlobsLeftBehind(
    const std::set<std::string>& workers, const std::vector<proto::CheckpointOwned>& owned,
    absl::Time leftovers_before) {
  std::set<std::string> referenced;
  for (const proto::CheckpointOwned& one : owned) {
    WEIR_ASSIGN_OR_RETURN(const proto::CheckpointManifest manifest, ReadManifest(one));
    for (std::string& blob : ReferencedBlobs(manifest)) referenced.insert(std::move(blob));
  }
  std::vector<std::string> left;
  const std::string all(StorageLayout::kBlobs);
  const auto found = files_.List(PathOf(all));
  if (absl::IsNotFound(found.status())) return left;
  WEIR_RETURN_IF_ERROR(found.status());
  for (const std::string& worker : *found) {
    if (workers.count(worker) > 0) continue;
    const std::string folder = absl::StrCat(all, "/", worker);
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(PathOf(folder)));
    files_.RemoveLeftovers(PathOf(folder), leftovers_before);
    for (const std::string& name : names) {
      std::string blob = absl::StrCat(folder, "/", name);
      if (referenced.count(blob) == 0) left.push_back(std::move(blob));
    }
  }
  return left;
}

std::vector<std::string> StateObjectStore::ReferencedBlobs(
    const proto::CheckpointManifest& manifest) {
  std::vector<std::string> blobs;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      for (const proto::StateObject* object : OwnObjects(one)) {
        if (!object->blob().empty()) blobs.push_back(object->blob());
      }
      for (const proto::StateFile& file : one.files()) {
        if (!file.object().blob().empty()) blobs.push_back(file.object().blob());
      }
    }
  }
  return blobs;
}

std::vector<std::string> StateObjectStore::OwnBlobs(const proto::CheckpointManifest& manifest) {
  std::vector<std::string> blobs;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      for (const proto::StateObject* object : OwnObjects(one)) {
        if (!object->blob().empty()) blobs.push_back(object->blob());
      }
      for (const proto::StateFile& file : one.files()) {
        if (!file.reused() && !file.object().blob().empty()) blobs.push_back(file.object().blob());
      }
    }
  }
  return blobs;
}

std::vector<std::string> StateObjectStore::UnsharedBlobs(
    const proto::CheckpointManifest& manifest, const std::vector<proto::CheckpointManifest>& kept) {
  std::set<std::string> referenced;
  for (const proto::CheckpointManifest& other : kept) {
    for (std::string& blob : ReferencedBlobs(other)) referenced.insert(std::move(blob));
  }
  std::vector<std::string> blobs = ReferencedBlobs(manifest);
  std::erase_if(blobs, [&](const std::string& blob) { return referenced.count(blob) > 0; });
  return blobs;
}

}  // namespace weir
