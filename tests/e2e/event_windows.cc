// A job for tests: how many events each key has in each window, exactly once; late ones go to
// --late-output. --windows=session|sliding|tumbling of --size, --slide, --lateness; with --clock
// tumbling ones by the clock of the machine. --pause is slept in front of each event. With
// --second-input events of two topics are counted together: --parallelism says how many subtasks
// the windows have, and what is before and behind them has others.
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <thread>

#include "tests/e2e/event_source.h"

namespace {

constexpr int64_t kFirstInputIds = 1'000'000'000;

struct EventCount {
  int64_t events = 0;
  int64_t ids = 0;  // their sum
  WEIR_RECORD(EventCount, events, ids)
};

struct WindowCount {
  std::string key;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t events = 0;
  int64_t ids = 0;
  WEIR_RECORD(WindowCount, key, start_ms, end_ms, events, ids)
};

class CountEvents final : public weir::AggregateFunction<Event::View, EventCount, EventCount> {
 public:
  void Add(const Event::View& event, EventCount& count) const override {
    Merge({1, event.id}, count);
  }
  EventCount GetResult(const EventCount& count) const override { return count; }
  void Merge(const EventCount& other, EventCount& count) const override {
    count.events += other.events;
    count.ids += other.ids;
  }
};

class NameWindow final : public weir::ProcessWindowFunction<EventCount, WindowCount, std::string> {
 public:
  void Process(const std::string& key, weir::WindowContext& context,
               std::span<const EventCount> counts, weir::Collector<WindowCount>& out) override {
    const weir::TimeWindow& window = context.Window();
    out.Collect(WindowCount{key, window.start_micros() / 1000, window.end_micros() / 1000,
                            counts.front().events, counts.front().ids});
  }
};

const weir::OutputTag<Event>& LateEvents() {
  static const weir::OutputTag<Event> tag("late");
  return tag;
}

template <class Windows>
weir::DataStream<WindowCount> CountIn(const weir::Stream<Event>& events, const Windows& windows,
                                      const weir::Args& args) {
  return events.KeyBy(&Event::key)
      .Window(windows)
      .AllowedLateness(args.GetDuration("lateness", std::chrono::seconds(0)))
      .SideOutputLateData(LateEvents())
      .Aggregate(CountEvents(), NameWindow())
      .Name("windows")
      .Uid("windows");
}

weir::DataStream<WindowCount> CountsOf(const weir::Stream<Event>& events, const weir::Args& args) {
  const auto size = args.GetDuration("size", std::chrono::seconds(10));
  if (args.GetBool("clock", false))
    return CountIn(events, weir::TumblingProcessingTime(size), args);
  const std::string windows = args.Get("windows", "tumbling");
  if (windows == "session") return CountIn(events, weir::Session(size), args);
  if (windows == "sliding") {
    return CountIn(events, weir::Sliding(size, args.GetDuration("slide", size)), args);
  }
  return CountIn(events, weir::Tumbling(size), args);
}

weir::DataStream<Event> Paused(const weir::DataStream<Event>& events, const weir::Args& args) {
  const auto pause = args.GetDuration("pause", std::chrono::seconds(0));
  return events
      .Map([pause](const Event& event) {
        if (pause.count() > 0) std::this_thread::sleep_for(pause);
        return event;
      })
      .Name("pause");
}

/// Two subtasks read the first topic, three mark its events, and three read the second one.
weir::Stream<Event> BothInputs(const weir::DataStream<Event>& first, weir::Environment& env,
                               const weir::Args& args, const std::string& second_topic) {
  weir::DataStream<Event> source = first;
  source.SetParallelism(2);
  const auto marked =
      source
          .Map([](const Event::View& event) {
            return Event::View{
                .id = event.id + kFirstInputIds, .key = event.key, .at_ms = event.at_ms};
          })
          .Name("mark")
          .SetParallelism(3);
  const auto second = env.FromSource(EventsOf(args, second_topic), WatermarksOf(args), "second")
                          .Uid("second")
                          .SetParallelism(3);
  return marked.Union(second);
}

void Build(weir::Environment& env, const weir::Args& args) {
  env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 4)));
  const auto events =
      env.FromSource(EventsOf(args, args.Get("input", "in")), WatermarksOf(args), "events")
          .Uid("events");
  const std::string second_topic = args.Get("second-input", "");
  const auto counts = second_topic.empty()
                          ? CountsOf(Paused(events, args), args)
                          : CountsOf(BothInputs(events, env, args, second_topic), args);
  auto sink = counts.SinkTo(ExactlyOnceInto<WindowCount>(args, args.Get("output", "out"), "counts"))
                  .Name("counts");
  if (!second_topic.empty()) sink.SetParallelism(2);
  counts.GetSideOutput(LateEvents())
      .SinkTo(ExactlyOnceInto<Event>(args, args.Get("late-output", "late"), "late"))
      .Name("late events");
}

}  // namespace

int main(int argc, char** argv) { return weir::RunJob("event-windows", argc, argv, Build); }
