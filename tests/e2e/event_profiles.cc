// A job for tests with much keyed state: each key has --bytes that no compression makes smaller,
// other ones after each of its events. What it finds is checked, and each event tells how many its
// key has had and whether the bytes were as they had been left.
#include <cstdint>
#include <string>

#include "tests/e2e/event_source.h"

namespace {

struct Visit {
  std::string key;
  int64_t visits = 0;
  bool intact = true;
  WEIR_RECORD(Visit, key, visits, intact)
};

struct Profile {
  int64_t visits = 0;
  std::string bytes;
  WEIR_RECORD(Profile, visits, bytes)
};

std::string BytesOf(const std::string& key, int64_t visits, int64_t size) {
  // splitmix64, begun with an FNV-1a hash.
  uint64_t state = 0xcbf29ce484222325u + static_cast<uint64_t>(visits);
  for (const char letter : key) state = (state ^ static_cast<uint8_t>(letter)) * 0x100000001b3u;
  std::string bytes;
  while (static_cast<int64_t>(bytes.size()) < size) {
    uint64_t mixed = state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
    bytes.append(reinterpret_cast<const char*>(&mixed), sizeof(mixed));
  }
  return bytes;
}

class KeepProfiles final : public weir::KeyedProcessFunction<std::string, Event, Visit> {
 public:
  explicit KeepProfiles(int64_t bytes) : bytes_(bytes) {}
  void Open(weir::RuntimeContext& context) override {
    profile_ = context.GetState(weir::ValueStateDescriptor<Profile>("profile"));
  }
  void ProcessElement(const Event::View&, Context& context, weir::Collector<Visit>& out) override {
    const std::string key = context.CurrentKey();
    const Profile before = profile_.Value().value_or(Profile());
    const int64_t visits = before.visits + 1;
    const bool intact = before.visits == 0 || before.bytes == BytesOf(key, before.visits, bytes_);
    profile_.Update(Profile{visits, BytesOf(key, visits, bytes_)});
    out.Collect(Visit{key, visits, intact});
  }

 private:
  int64_t bytes_;
  weir::ValueState<Profile> profile_;
};

void Build(weir::Environment& env, const weir::Args& args) {
  env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 4)));
  env.FromSource(EventsOf(args, args.Get("input", "in")), WatermarksOf(args), "events")
      .Uid("events")
      .KeyBy(&Event::key)
      .Process(KeepProfiles(args.GetInt("bytes", 400)))
      .Name("profiles")
      .Uid("profiles")
      .SinkTo(ExactlyOnceInto<Visit>(args, args.Get("output", "out"), "visits"))
      .Name("visits");
}

}  // namespace

int main(int argc, char** argv) { return weir::RunJob("event-profiles", argc, argv, Build); }
