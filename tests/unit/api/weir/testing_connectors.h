#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/connector/sink.h"
#include "common/connector/source.h"
#include "common/types/record.h"
#include "weir/connector_handles.h"

namespace weir {

template <RowType T>
class TestingApiSource final : public Source {
 public:
  std::string type() const override { return "TestingSource"; }
  SchemaPtr schema() const override { return SchemaOf<T>(); }
  bool bounded() const override { return true; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override {
    return absl::UnimplementedError("the graph is not run");
  }
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t, uint32_t) const override {
    return absl::UnimplementedError("the graph is not run");
  }
};

class TestingApiSink final : public Sink {
 public:
  std::string type() const override { return "TestingSink"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kAtLeastOnce; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(const SinkWriterContext&) const override {
    return absl::UnimplementedError("the graph is not run");
  }
};

template <RowType T>
SourceOf<T> TestingSourceOf() {
  return SourceOf<T>(std::make_shared<TestingApiSource<T>>());
}
template <RowType T>
SinkOf<T> TestingSinkOf() {
  return SinkOf<T>(std::make_shared<TestingApiSink>());
}

}  // namespace weir
