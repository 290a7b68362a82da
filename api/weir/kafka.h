#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/types/record.h"
#include "connectors/kafka/kafka_connectors.h"
#include "connectors/kafka/key_partitioners.h"
#include "weir/connector_handles.h"

namespace weir {

/// Kafka client properties under Java's names; see connectors/kafka/properties.h.
using KafkaProperties = kafka::Properties;
/// Where to start and to stop: Earliest, Latest, Committed, Timestamp, Specific.
using Offsets = kafka::Offsets;
using OffsetReset = kafka::OffsetReset;
using TopicPartition = kafka::TopicPartition;
/// How keys and values are written.
using RecordFormat = kafka::RecordFormat;
using RecordTimestamps = kafka::RecordTimestamps;
using AbortedTransactionPolicy = kafka::AbortedTransactionPolicy;

/// How a topic is partitioned by the keys of its records; for PartitionedBy.
using kafka::Crc32Partitioner;
using kafka::DeclaredPartitioner;
using kafka::Murmur2Partitioner;

/// A text, for records that are std::string (Flink's SimpleStringSchema).
inline RecordFormat SimpleString() { return kafka::StringRecordFormat(); }
/// The bytes as they are, for records that are weir::ByteArray.
inline RecordFormat Raw() { return kafka::RawRecordFormat(); }
/// A JSON object, one member per field of the record.
inline RecordFormat Json(JsonOptions options = {}) { return kafka::JsonRecordFormat(options); }

/// Describes a Kafka source, as Flink's KafkaSource.builder() does:
///
///   auto source = weir::KafkaSource<std::string>::Builder()
///                     .Properties(properties).Topics({"flights"})
///                     .StartingOffsets(weir::Offsets::Earliest())
///                     .ValueOnly(weir::SimpleString()).Build();
///
/// One of Topics, TopicPattern and Partitions says what is read. Partitions that are added to a
/// topic later are found within partition.discovery.interval.ms (5 minutes; 0: never). The event
/// time of a record is its timestamp in Kafka. Offsets are committed to the group (when group.id is
/// set) after each checkpoint, for observers; where the job goes on is decided by its checkpoints.
/// Errors are reported when the job is planned.
template <RowType T>
class KafkaSource {
 public:
  class BuilderType;
  static BuilderType Builder() { return BuilderType(); }

  class BuilderType {
   public:
    BuilderType& Properties(const KafkaProperties& properties) {
      for (const auto& [name, value] : properties.values()) options_.properties.Set(name, value);
      return *this;
    }
    BuilderType& Property(std::string_view name, std::string_view value) {
      options_.properties.Set(name, value);
      return *this;
    }
    BuilderType& BootstrapServers(std::string_view brokers) {
      return Property("bootstrap.servers", brokers);
    }
    BuilderType& GroupId(std::string_view group) { return Property("group.id", group); }
    /// Clients call themselves "<prefix>-<subtask>".
    BuilderType& ClientIdPrefix(std::string_view prefix) {
      return Property("client.id.prefix", prefix);
    }
    BuilderType& Topics(std::vector<std::string> topics) {
      options_.topics = std::move(topics);
      return *this;
    }
    /// A regular expression (ECMAScript) that must match a topic's whole name.
    BuilderType& TopicPattern(std::string pattern) {
      options_.topic_pattern = std::move(pattern);
      return *this;
    }
    BuilderType& Partitions(std::vector<TopicPartition> partitions) {
      options_.partitions = std::move(partitions);
      return *this;
    }
    /// Default: Earliest.
    BuilderType& StartingOffsets(Offsets offsets) {
      options_.starting_offsets = std::move(offsets);
      return *this;
    }
    /// The source ends there, and is a bounded one.
    BuilderType& Bounded(Offsets stopping_offsets) {
      options_.stopping_offsets = std::move(stopping_offsets);
      options_.bounded = true;
      return *this;
    }
    /// The source ends there, but the job runs as one that has no end.
    BuilderType& Unbounded(Offsets stopping_offsets) {
      options_.stopping_offsets = std::move(stopping_offsets);
      options_.bounded = false;
      return *this;
    }
    /// Values only, in this format. Without it value.deserializer decides.
    BuilderType& ValueOnly(RecordFormat format) {
      options_.value_format = std::move(format);
      return *this;
    }

    /// That all producers of the one topic put records where this says of their keys, and how many
    /// partitions it has: what DataStream::KeyByPartition needs. The job is suspended, by name,
    /// when the topic has another number of partitions.
    BuilderType& PartitionedBy(KeyPartitionerPtr partitioner, int64_t partitions) {
      options_.partitioner = std::move(partitioner);
      options_.declared_partitions = partitions;
      return *this;
    }

    SourceOf<T> Build() {
      options_.schema = SchemaOf<T>();
      return SourceOf<T>(kafka::MakeKafkaSource(options_));
    }

   private:
    kafka::KafkaSourceOptions options_;
  };
};

/// Describes a Kafka sink, as Flink's KafkaSink.builder() does:
///
///   auto sink = weir::KafkaSink<Flight>::Builder()
///                   .Properties(properties).Topic("delays").Key(&Flight::origin)
///                   .Value(weir::Json()).Build();
///
/// Records with a key go to the partition where Java's clients would send them. Default delivery:
/// at least once. Errors are reported when the job is planned.
template <RowType T>
class KafkaSink {
 public:
  class BuilderType;
  static BuilderType Builder() { return BuilderType(); }

  class BuilderType {
   public:
    BuilderType& Properties(const KafkaProperties& properties) {
      for (const auto& [name, value] : properties.values()) options_.properties.Set(name, value);
      return *this;
    }
    BuilderType& Property(std::string_view name, std::string_view value) {
      options_.properties.Set(name, value);
      return *this;
    }
    BuilderType& BootstrapServers(std::string_view brokers) {
      return Property("bootstrap.servers", brokers);
    }
    BuilderType& ClientIdPrefix(std::string_view prefix) {
      return Property("client.id.prefix", prefix);
    }
    BuilderType& Topic(std::string_view topic) {
      options_.topic = std::string(topic);
      return *this;
    }
    /// The record's key is this field, which stays part of the value. Without a format,
    /// key.serializer decides, or the field's type (texts and bytes as they are).
    template <std::same_as<T> Owner, class Field>
    BuilderType& Key(Field Owner::*field, RecordFormat format = RecordFormat()) {
      options_.key_field = NameOf(field);
      options_.key_format = std::move(format);
      return *this;
    }
    /// The key is the whole record, where that is a single value.
    BuilderType& Key(RecordFormat format) {
      options_.key_field = SchemaOf<T>()->field(0).name;
      options_.key_format = std::move(format);
      return *this;
    }
    /// Without it value.serializer decides.
    BuilderType& Value(RecordFormat format) {
      options_.value_format = std::move(format);
      return *this;
    }
    /// The value is this field alone.
    template <std::same_as<T> Owner, class Field>
    BuilderType& Value(Field Owner::*field, RecordFormat format) {
      options_.value_field = NameOf(field);
      return Value(std::move(format));
    }
    /// The field also goes into a header of this name: texts and bytes as they are, whole numbers
    /// and bools as text; a null makes none.
    template <std::same_as<T> Owner, class Field>
    BuilderType& Header(std::string_view name, Field Owner::*field) {
      options_.headers.push_back({std::string(name), NameOf(field)});
      return *this;
    }
    BuilderType& Delivery(DeliveryGuarantee delivery) {
      options_.delivery = delivery;
      return *this;
    }
    /// Exactly once: how its transactions are named; no other sink may use the same. Default:
    /// cluster id, job name and operator uid.
    BuilderType& TransactionalIdPrefix(std::string_view prefix) {
      options_.transactional_id_prefix = std::string(prefix);
      return *this;
    }
    /// Exactly once: what becomes of a transaction of a completed checkpoint that the brokers
    /// aborted, for its age, before it was committed. Default: its records are published again.
    BuilderType& AbortedTransactions(AbortedTransactionPolicy policy) {
      options_.aborted_transactions = policy;
      return *this;
    }
    /// Default: the event time, where the record has one.
    BuilderType& Timestamps(RecordTimestamps timestamps) {
      options_.timestamps = timestamps;
      return *this;
    }

    SinkOf<T> Build() { return SinkOf<T>(kafka::MakeKafkaSink(options_, SchemaOf<T>())); }

   private:
    // The name under which WEIR_RECORD declared the member; "(undeclared)" when it did not.
    template <class Owner, class Field>
    static std::string NameOf(Field Owner::*field) {
      std::string name = "(undeclared)";
      std::apply(
          [&](const auto&... declared) {
            (
                [&] {
                  if constexpr (std::is_same_v<Field Owner::*,
                                               std::decay_t<decltype(declared.member)>>) {
                    if (declared.member == field) name = declared.name;
                  }
                }(),
                ...);
          },
          Owner::WeirFields());
      return name;
    }

    kafka::KafkaSinkOptions options_;
  };
};

}  // namespace weir
