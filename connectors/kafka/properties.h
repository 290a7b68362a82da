#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace weir::kafka {

/// Kafka client properties under the names of Java's clients ("bootstrap.servers", "group.id",
/// "sasl.jaas.config"); librdkafka's own names work, too. Source and sink may share one object:
/// each takes what concerns it. Nothing is checked here: unknown names and bad values are reported
/// when the job is planned, with the nearest names (kafka_properties.h).
///
/// Plain value; threads: as any value.
class Properties {
 public:
  Properties() = default;

  /// Sets or replaces.
  Properties& Set(std::string_view name, std::string_view value) {
    values_.insert_or_assign(std::string(name), std::string(value));
    return *this;
  }

  /// `fallback` when it was never set.
  std::string Get(std::string_view name, std::string_view fallback = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string(fallback) : found->second;
  }
  bool Has(std::string_view name) const { return values_.find(name) != values_.end(); }

  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace weir::kafka
