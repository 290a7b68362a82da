// Page views in; one row for each of their tags out, exactly once and keyed by tag; and views
// without a referrer to a topic of their own, at least once.
//
//   page_tags run -- --brokers=localhost:9092 --late=5s
#include "page_view.h"

namespace {

void Build(weir::Environment& env, const weir::Args& args) {
  env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));

  auto builder = weir::KafkaSource<PageView>::Builder();
  builder.BootstrapServers(args.Require("brokers"))
      .GroupId("page-tags")
      .Topics({args.Get("input", "page-views")})
      .StartingOffsets(weir::Offsets::Committed(weir::OffsetReset::kEarliest))
      .ValueOnly(weir::Json());
  // Ends at what is there now, instead of waiting for more.
  if (args.GetBool("bounded", false)) builder.Bounded(weir::Offsets::Latest());

  const auto watermarks =
      weir::WatermarkStrategy::ForBoundedOutOfOrderness(
          args.GetDuration("late", std::chrono::seconds(5)))
          .WithTimestampAssigner([](const PageView::View& view) { return view.at; })
          .WithIdleness(std::chrono::minutes(1));
  auto views = env.FromSource(builder.Build(), watermarks, "page-views").Uid("page-views");

  // Without it, a view that is no JSON fails the job.
  if (const std::string topic = args.Get("dead-letters", ""); !topic.empty()) {
    weir::KafkaProperties brokers;
    brokers.Set("bootstrap.servers", args.Require("brokers"));
    const std::string prefix = args.Get("prefix", "page-tags") + "-dead-letters";
    views.OnError(weir::ErrorPolicy::DeadLetter(weir::KafkaDeadLetterTopic(brokers, topic, prefix))
                      .AtMostPerMinute(1000));
  }

  auto tags = weir::KafkaSink<TagView>::Builder()
                  .BootstrapServers(args.Require("brokers"))
                  .Topic(args.Get("tags", "page-tags"))
                  .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                  .TransactionalIdPrefix(args.Get("prefix", "page-tags"))
                  .Key(&TagView::tag)
                  .Value(weir::Json())
                  .Build();
  views
      .FlatMap<TagView>(
          [](const PageView::View& view, weir::Collector<TagView>& out) { SplitTags(view, out); })
      .Name("split")
      .Uid("split-tags")
      .SinkTo(tags)
      .Name("tags")
      .Uid("tags");

  auto direct = weir::KafkaSink<PageView>::Builder()
                    .BootstrapServers(args.Require("brokers"))
                    .Property("compression.type", "lz4")
                    .Topic(args.Get("direct", "direct-views"))
                    .Delivery(weir::DeliveryGuarantee::kAtLeastOnce)
                    .Value(weir::Json({.timestamps = weir::JsonOptions::Timestamps::kIso8601}))
                    .Build();
  views.Filter(IsDirect)
      .Name("direct")
      .Uid("direct")
      .SinkTo(direct)
      .Name("direct-views")
      .Uid("direct-views");
}

}  // namespace

int main(int argc, char** argv) { return weir::RunJob("page-tags", argc, argv, Build); }
