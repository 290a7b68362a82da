#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "weir/weir.h"

// What the jobs of the tests with events have in common.

struct Event {
  int64_t id = 0;
  std::string key;
  int64_t at_ms = 0;  // since 1970
  WEIR_RECORD(Event, id, key, at_ms)
};

inline weir::KafkaProperties PropertiesOf(const weir::Args& args) {
  weir::KafkaProperties properties;
  properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
  properties.Set("group.id", args.Get("group", "events"));
  return properties;
}

/// All of a topic; with --bounded what is there now; --poll: at most so many in a batch.
inline weir::SourceOf<Event> EventsOf(const weir::Args& args, const std::string& topic) {
  auto source = weir::KafkaSource<Event>::Builder();
  source.Properties(PropertiesOf(args))
      .Property("max.poll.records", std::to_string(args.GetInt("poll", 500)))
      .Topics({topic})
      .StartingOffsets(weir::Offsets::Earliest())
      .ValueOnly(weir::Json());
  if (args.GetBool("bounded", false)) source.Bounded(weir::Offsets::Latest());
  return source.Build();
}

/// At most --bound out of order; with --idle a partition holds time back for so long only.
inline weir::WatermarkStrategy WatermarksOf(const weir::Args& args) {
  auto watermarks =
      weir::WatermarkStrategy::ForBoundedOutOfOrderness(
          args.GetDuration("bound", std::chrono::seconds(30)))
          .WithTimestampAssigner([](const Event::View& event) { return event.at_ms * 1000; });
  const auto idle = args.GetDuration("idle", std::chrono::seconds(0));
  return idle.count() > 0 ? watermarks.WithIdleness(idle) : watermarks;
}

/// Exactly once, its transactions named by --prefix and `suffix`.
template <weir::RecordType T>
weir::SinkOf<T> ExactlyOnceInto(const weir::Args& args, const std::string& topic,
                                const std::string& suffix) {
  return weir::KafkaSink<T>::Builder()
      .Properties(PropertiesOf(args))
      .Topic(topic)
      .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
      .TransactionalIdPrefix(args.Get("prefix", "events") + "-" + suffix)
      .Value(weir::Json())
      .Build();
}
