// A job for tests: which subtask gets which event. Half as many subtasks as --parallelism read;
// behind them events are dealt out in turn, and go to --output with their subtask; all of them
// to all subtasks, and go to --broadcast-output; and by a function of their id, and go to
// --custom-output.
#include <cstdint>
#include <string>

#include "tests/e2e/event_source.h"

namespace {

struct DealtEvent {
  int64_t id = 0;
  int64_t subtask = 0;
  WEIR_RECORD(DealtEvent, id, subtask)
};

class NoteSubtask final : public weir::ProcessFunction<Event, DealtEvent> {
 public:
  void Open(weir::FunctionContext& context) override { subtask_ = context.SubtaskIndex(); }
  void ProcessElement(const Event::View& event, Context&,
                      weir::Collector<DealtEvent>& out) override {
    out.Collect(DealtEvent{event.id, static_cast<int64_t>(subtask_)});
  }

 private:
  uint32_t subtask_ = 0;
};

void Build(weir::Environment& env, const weir::Args& args) {
  const int parallelism = static_cast<int>(args.GetInt("parallelism", 4));
  env.SetParallelism(parallelism);
  const auto events =
      env.FromSource(EventsOf(args, args.Get("input", "in")), WatermarksOf(args), "events")
          .Uid("events")
          .SetParallelism(parallelism / 2);
  events.Rebalance()
      .Process(NoteSubtask())
      .Name("in turn")
      .SinkTo(ExactlyOnceInto<DealtEvent>(args, args.Get("output", "out"), "in-turn"))
      .Name("dealt");
  events.Broadcast()
      .Process(NoteSubtask())
      .Name("to all")
      .SinkTo(ExactlyOnceInto<DealtEvent>(args, args.Get("broadcast-output", "all"), "to-all"))
      .Name("copies");
  // With the number of subtasks it is told: whoever is told another, deals otherwise.
  events
      .PartitionCustom([](const Event::View& event, uint32_t subtasks) {
        return static_cast<uint32_t>(event.id / 3 % subtasks);
      })
      .Process(NoteSubtask())
      .Name("by function")
      .SinkTo(ExactlyOnceInto<DealtEvent>(args, args.Get("custom-output", "custom"), "by-function"))
      .Name("routed");
}

}  // namespace

int main(int argc, char** argv) { return weir::RunJob("event-dealing", argc, argv, Build); }
