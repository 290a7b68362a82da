#pragma once

#include <memory>
#include <utility>

namespace weir {

class Source;
class Sink;

/// A source of records of T, as a connector's builder made it; what Environment::FromSource takes.
/// A cheap immutable value. Errors in its configuration are reported when the job is planned.
template <class T>
class SourceOf {
 public:
  using RecordType = T;
  explicit SourceOf(std::shared_ptr<const Source> source) : source_(std::move(source)) {}
  const std::shared_ptr<const Source>& source() const { return source_; }

 private:
  std::shared_ptr<const Source> source_;
};

/// A sink for records of T; what DataStream::SinkTo takes. As SourceOf.
template <class T>
class SinkOf {
 public:
  using RecordType = T;
  explicit SinkOf(std::shared_ptr<const Sink> sink) : sink_(std::move(sink)) {}
  const std::shared_ptr<const Sink>& sink() const { return sink_; }

 private:
  std::shared_ptr<const Sink> sink_;
};

}  // namespace weir
