// A job for tests whose keyed state has another form in each --version: 2 reads what 1 has left, 3
// cannot. Each event tells what its key has in its state by then.
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "tests/e2e/event_source.h"

namespace {

// Three events stay within an int32_t, four do not.
constexpr int32_t kPointsOfEvent = -600'000'000;
constexpr size_t kPaddingBytes = 1'000;

struct Standing {
  std::string key;
  int64_t visits = 0;
  int64_t points = 0;
  std::string since;
  bool intact = true;  // the padding
  int64_t listed = 0;
  int64_t ids = 0;          // the sum of those that are listed
  int64_t listed_by_1 = 0;  // by version 1
  WEIR_RECORD(Standing, key, visits, points, since, intact, listed, ids, listed_by_1)
};

struct ProfileOf1 {
  int32_t visits = 0;
  int32_t points = 0;
  std::string padding;
  WEIR_RECORD(ProfileOf1, visits, points, padding)
};
struct VisitOf1 {
  int32_t id = 0;
  WEIR_RECORD(VisitOf1, id)
};

// Integers are wider, `since` and `by` are new, and fields are in another order.
struct ProfileOf2 {
  std::string padding;
  int64_t points = 0;
  std::string since = "version 1";
  int64_t visits = 0;
  WEIR_RECORD(ProfileOf2, padding, points, since, visits)
};
struct VisitOf2 {
  std::string by = "version 1";
  int64_t id = 0;
  WEIR_RECORD(VisitOf2, by, id)
};

// A field has another type.
struct ProfileOf3 {
  int32_t visits = 0;
  std::string points;
  std::string padding;
  WEIR_RECORD(ProfileOf3, visits, points, padding)
};

std::string PaddingOf(const std::string& key) {
  std::string padding;
  while (padding.size() < kPaddingBytes) padding += key + " ";
  return padding;
}

template <class Profile, class Visit>
class KeepProfiles final : public weir::KeyedProcessFunction<std::string, Event, Standing> {
 public:
  void Open(weir::RuntimeContext& context) override {
    profile_ = context.GetState(weir::ValueStateDescriptor<Profile>("profile"));
    visits_ = context.GetListState(weir::ListStateDescriptor<Visit>("visits"));
  }

  void ProcessElement(const Event::View& event, Context& context,
                      weir::Collector<Standing>& out) override {
    Standing standing;
    standing.key = context.CurrentKey();
    UpdateProfile(standing);
    AddVisit(event.id);
    for (const Visit& visit : visits_.Get()) {
      ++standing.listed;
      standing.ids += visit.id;
      standing.listed_by_1 += IsBy1(visit) ? 1 : 0;
    }
    out.Collect(std::move(standing));
  }

 private:
  static constexpr bool kIsVersion2 = std::is_same_v<Profile, ProfileOf2>;

  void UpdateProfile(Standing& standing) {
    const std::string padding = PaddingOf(standing.key);
    const auto before = profile_.Value();
    Profile profile = before.value_or(Profile());
    standing.intact = !before.has_value() || profile.padding == padding;
    profile.padding = padding;
    standing.visits = ++profile.visits;
    if constexpr (std::is_same_v<Profile, ProfileOf3>) {
      profile.points += "x";
    } else {
      standing.points = profile.points += kPointsOfEvent;
    }
    standing.since = "version 1";
    if constexpr (kIsVersion2) {
      if (!before.has_value()) profile.since = "version 2";
      standing.since = profile.since;
    }
    profile_.Update(std::move(profile));
  }

  void AddVisit(int64_t id) {
    Visit visit;
    visit.id = static_cast<decltype(visit.id)>(id);
    if constexpr (kIsVersion2) visit.by = "version 2";
    visits_.Add(std::move(visit));
  }

  static bool IsBy1(const Visit& visit) {
    if constexpr (kIsVersion2) return visit.by == "version 1";
    return true;
  }

  weir::ValueState<Profile> profile_;
  weir::ListState<Visit> visits_;
};

weir::DataStream<Standing> StandingsOf(const weir::Stream<Event>& events, int64_t version) {
  const auto keyed = events.KeyBy(&Event::key);
  if (version == 1) return keyed.Process(KeepProfiles<ProfileOf1, VisitOf1>());
  if (version == 2) return keyed.Process(KeepProfiles<ProfileOf2, VisitOf2>());
  return keyed.Process(KeepProfiles<ProfileOf3, VisitOf1>());
}

void Build(weir::Environment& env, const weir::Args& args) {
  env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 4)));
  const auto events =
      env.FromSource(EventsOf(args, args.Get("input", "in")), WatermarksOf(args), "events")
          .Uid("events");
  StandingsOf(events, args.GetInt("version", 1))
      .Name("profiles")
      .Uid("profiles")
      .SinkTo(ExactlyOnceInto<Standing>(args, args.Get("output", "out"), "standings"))
      .Name("standings");
}

}  // namespace

int main(int argc, char** argv) { return weir::RunJob("evolving-job", argc, argv, Build); }
