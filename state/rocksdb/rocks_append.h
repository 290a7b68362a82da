#pragma once

#include <rocksdb/merge_operator.h>

#include <memory>

namespace weir::internal {

/// What RocksDB has of a value and of what was appended to it becomes one value: the bytes one
/// behind the other (docs/formats/state-tier.md). For the files of this folder. Thread-safe.
/// Errors: what would be larger than RocksDB's 32 bits stays apart, and is damage when it is read.
std::shared_ptr<rocksdb::MergeOperator> MakeAppendOperator();

}  // namespace weir::internal
