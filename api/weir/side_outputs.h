#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/operator/operator.h"
#include "weir/output_tag.h"
#include "weir/stream_functions.h"

namespace weir::internal {

/// Collects what functions put into side outputs. What nobody reads is dropped.
///
/// Life cycle: Open with the operator; Collect any time; Flush before the operator's call returns.
/// Threads: the task's. Errors: Flush's; INVALID_ARGUMENT, naming the tag, after it was used with
/// another type than its readers'.
class SideOutputs {
 public:
  void Open(const std::map<std::string, SideOutput>& outputs) { outputs_ = outputs; }
  bool Reads(const std::string& tag) const { return outputs_.count(tag) > 0; }

  template <RowType T, class Value>
  void Collect(const OutputTag<T>& tag, const Value& value, std::optional<int64_t> time_micros) {
    Side* side = Find(tag.id(), SchemaOf<T>());
    if (side == nullptr) return;
    if (side->rows == nullptr) side->rows = std::make_unique<Rows<T>>(*side->output);
    auto& collector = static_cast<Rows<T>&>(*side->rows).collector;
    CollectorAccess::SetTime(collector, time_micros);
    collector.Collect(value);
  }

  absl::Status Flush();

 private:
  struct AnyRows {
    virtual ~AnyRows() = default;
    virtual absl::Status Flush() = 0;
  };
  template <RowType T>
  struct Rows final : AnyRows {
    explicit Rows(Output& output) { CollectorAccess::BeginTimed(collector, output); }
    absl::Status Flush() override { return CollectorAccess::End(collector); }
    Collector<T> collector;
  };
  struct Side {
    std::string tag;
    Output* output = nullptr;
    std::unique_ptr<AnyRows> rows;  // made by the first row
  };

  /// Null when nobody reads it, or when the type is another: then Flush says so.
  Side* Find(const std::string& tag, const SchemaPtr& schema);

  std::map<std::string, SideOutput> outputs_;
  std::vector<Side> sides_;  // those that were used; few
  absl::Status status_;
};

}  // namespace weir::internal
