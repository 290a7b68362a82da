#pragma once

#include <map>
#include <string>

namespace weir {

/// What a sink's writer counts about itself; docs/operations.md lists the names, which are public.
/// Threads: any. Ownership: shared; it may outlive the writer.
class SinkMetrics {
 public:
  virtual ~SinkMetrics() = default;
  /// By name, in lower camel case. Times are in milliseconds, and their names end in Ms.
  virtual std::map<std::string, double> Read() const = 0;
};

}  // namespace weir
