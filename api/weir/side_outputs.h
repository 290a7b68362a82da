#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "common/operator/operator.h"
#include "weir/output_tag.h"
#include "weir/stream_functions.h"

namespace weir::internal {

/// Collects what functions put into side outputs. What nobody reads is dropped.
///
/// Life cycle: Open with the operator; Begin when it matters whether batches go on; Collect any
/// time; Flush before the operator's call returns. Rows of two types under one tag have no order
/// between them. Threads: the task's. Errors: Flush's; INVALID_ARGUMENT, naming the tag, after a
/// row of another schema than its readers' was put into it, which is dropped.
class SideOutputs {
 public:
  void Open(const std::map<std::string, SideOutput>& outputs) { outputs_ = outputs; }
  bool Reads(const std::string& tag) const { return outputs_.count(tag) > 0; }

  template <RowType T, class Value>
  void Collect(const OutputTag<T>& tag, const Value& value, std::optional<int64_t> time_micros) {
    Side* side = Find(tag.id(), typeid(T));
    if (side == nullptr) side = Add(tag.id(), typeid(T), *SchemaOf<T>());
    if (side == nullptr) return;
    if (side->rows == nullptr) side->rows = std::make_unique<Rows<T>>(*side->output);
    auto& collector = static_cast<Rows<T>&>(*side->rows).collector;
    CollectorAccess::SetTime(collector, time_micros);
    collector.Collect(value);
    went_on_ = went_on_ || CollectorAccess::WentOn(collector);
  }

  void Begin();
  /// A full batch has gone on since Begin.
  bool WentOn() const { return went_on_; }
  absl::Status Flush();

 private:
  struct AnyRows {
    virtual ~AnyRows() = default;
    virtual void Begin(Output& output) = 0;
    virtual absl::Status Flush() = 0;
  };
  template <RowType T>
  struct Rows final : AnyRows {
    explicit Rows(Output& output) { CollectorAccess::BeginTimed(collector, output); }
    void Begin(Output& output) override { CollectorAccess::BeginTimed(collector, output); }
    absl::Status Flush() override { return CollectorAccess::End(collector); }
    Collector<T> collector;
  };
  struct Side {
    std::string tag;
    const std::type_info* type = nullptr;  // T of its Rows<T>: a tag alone does not say it
    Output* output = nullptr;
    std::unique_ptr<AnyRows> rows;  // made by the first row
  };

  /// Null for none so far.
  Side* Find(const std::string& tag, const std::type_info& type) {
    for (Side& side : sides_) {
      if (*side.type == type && side.tag == tag) return &side;
    }
    return nullptr;
  }
  /// Null when nobody reads it, or its readers have another schema: then Flush says so.
  Side* Add(const std::string& tag, const std::type_info& type, const Schema& schema);

  std::map<std::string, SideOutput> outputs_;
  std::vector<Side> sides_;  // those that were used; few
  bool went_on_ = false;
  absl::Status status_;
};

}  // namespace weir::internal
