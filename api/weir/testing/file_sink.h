#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/types/record.h"
#include "weir/connector_handles.h"

namespace weir {

namespace internal {
std::shared_ptr<const Sink> MakeFileSink(const std::string& directory, SchemaPtr schema);
}  // namespace internal

namespace testing {

/// A sink for jobs of tests, where a cluster has to show what it does and no broker is there: JSON
/// objects, one a line, in files of a local directory that is made when the job starts.
///
/// Delivery: at least once. After a failure, records since the newest checkpoint are there again.
/// Each writer has files of its own: what ReadFileSink gives has no order between them.
template <RowType T>
SinkOf<T> FileSink(const std::string& directory) {
  return SinkOf<T>(internal::MakeFileSink(directory, SchemaOf<T>()));
}

/// The lines that FileSink has written below the directory so far; whole lines only.
std::vector<std::string> ReadFileSink(const std::string& directory);

}  // namespace testing
}  // namespace weir
