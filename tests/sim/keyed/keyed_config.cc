#include "tests/sim/keyed/keyed_config.h"

#include "absl/strings/str_cat.h"

namespace weir::sim {
namespace {

int64_t Between(Random& random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random.Below(static_cast<uint64_t>(high - low + 1)));
}
bool Chance(Random& random, uint64_t per_mille) { return random.Below(1000) < per_mille; }

void DrawWindows(Random& random, KeyedConfig* config) {
  using Program = KeyedConfig::Program;
  config->size_us = Between(random, 3, 30) * KeyedConfig::kStepMicros;
  if (config->burst()) config->size_us = Between(random, 60, 150) * KeyedConfig::kStepMicros;
  config->slide_us = config->size_us;
  if (config->program == Program::kSliding) {
    config->slide_us = config->size_us / Between(random, 2, 4) + (Chance(random, 300) ? 2500 : 0);
    // Rows between two windows are in none.
    if (Chance(random, 150)) config->slide_us = config->size_us + 20'000;
  }
  if (config->program == Program::kSession) {
    config->size_us = Between(random, 1, 12) * KeyedConfig::kStepMicros;
  }
}

// Watermarks go with the records then: the last split to come there ends the window.
void DrawPause(KeyedConfig* config) {
  config->late = config->second = false;
  config->disorder_us = 0;
  int64_t end = config->size_us;
  while (end < KeyedConfig::kFirstMicros + config->size_us / 2) end += config->size_us;
  config->pause_at = (end - KeyedConfig::kFirstMicros) / KeyedConfig::kStepMicros + 1;
}

void DrawLateSliding(Random& random, bool long_walks, KeyedConfig* config) {
  DrawWindows(random, config);
  if (long_walks || Chance(random, 350)) {
    config->keys = Between(random, 1, 2);
    config->slide_us = 1000;
    config->size_us = Between(random, 150, 350) * config->slide_us;
  }
  config->listed = Chance(random, 300);
  if (Chance(random, 750)) config->lateness_us = Between(random, 1, 2 * config->size_us);
  if (config->long_walks() || Chance(random, 350)) {
    config->lateness_us = KeyedConfig::kForeverMicros;
  }
}

void DrawLateSessions(Random& random, KeyedConfig* config) {
  DrawWindows(random, config);
  config->listed = Chance(random, 300);
  config->lateness_us =
      Chance(random, 500) ? KeyedConfig::kForeverMicros : Between(random, 1, 3 * config->size_us);
}

void DrawAligned(Random& random, KeyedConfig* config) {
  config->aligned = true;
  config->program = static_cast<KeyedConfig::Program>(Between(random, 1, 4));
  config->late = config->program == KeyedConfig::Program::kTumbling && Chance(random, 400);
  config->second = !config->late && Chance(random, 300);
  DrawWindows(random, config);
}

// The windows of a late row take two slices of timers. The sink is busy with the first one until
// about the next row, so a barrier that comes meanwhile is taken between the two.
void MakeWalks(KeyedConfig* config) {
  config->late = true;
  config->keys = 1;
  config->slide_us = 1000;
  config->size_us = 300 * config->slide_us;
  config->lateness_us = KeyedConfig::kForeverMicros;
  config->slow_sink = true;
}

}  // namespace

KeyedConfig KeyedConfig::DrawShape(Random& random, Shape shape) {
  KeyedConfig config;
  config.keys = Chance(random, 150) ? 5000 : Between(random, 1, 12);
  config.disorder_us = Chance(random, 200) ? 0 : Between(random, 1, 80'000);
  config.late = shape != Shape::kClock && shape != Shape::kAligned;
  switch (shape) {
    case Shape::kLateSliding:
    case Shape::kLongWalks:
      config.program = Program::kSliding;
      DrawLateSliding(random, shape == Shape::kLongWalks, &config);
      break;
    case Shape::kLateSessions:
      config.program = Program::kSession;
      DrawLateSessions(random, &config);
      break;
    case Shape::kClock:
      config.program = Chance(random, 650) ? Program::kClockTimers : Program::kClockWindows;
      config.size_us = config.slide_us = Between(random, 20, 600) * 1000;
      break;
    case Shape::kAligned:
      DrawAligned(random, &config);
      break;
  }
  if (config.late && Chance(random, 400)) config.idle_after_ms = Between(random, 100, 1000);
  config.slow_sink = config.long_walks() || Chance(random, config.burst() ? 800 : 400);
  if (Chance(random, 600)) {
    config.crashes = static_cast<uint32_t>(Between(random, 1, config.burst() ? 120 : 40));
  }
  return config;
}

KeyedConfig KeyedConfig::Draw(Random& random, bool burst) {
  KeyedConfig config;
  config.keys = burst || Chance(random, 300) ? 5000 : Between(random, 1, 12);
  // Ends of windows that all keys have in common.
  const bool common = burst || (config.burst() && Chance(random, 700));
  config.program = static_cast<Program>(Between(random, 1, common ? 2 : 4));
  config.listed = Chance(random, 300);
  config.late = config.program != Program::kSliding && Chance(random, 350);
  config.second = !config.late && Chance(random, 400);
  config.disorder_us = Chance(random, 200) ? 0 : Between(random, 1, 80'000);
  DrawWindows(random, &config);
  if (burst || (common && Chance(random, 500))) DrawPause(&config);
  if (config.late && config.program == Program::kTumbling && Chance(random, 500)) {
    config.lateness_us = Between(random, 1, 2 * config.size_us);
  }
  if (config.late && Chance(random, 400)) config.idle_after_ms = Between(random, 100, 1000);
  config.slow_sink = burst || Chance(random, config.burst() ? 800 : 400);
  if (burst || Chance(random, 600)) {
    config.crashes = static_cast<uint32_t>(Between(random, 1, config.burst() ? 120 : 40));
  }
  return config;
}

KeyedConfig KeyedConfig::Small(uint32_t number) {
  static constexpr Program kPrograms[kSmallPrograms] = {
      Program::kTimers,   Program::kTimers,   Program::kTumbling,    Program::kSliding,
      Program::kSession,  Program::kTumbling, Program::kSliding,     Program::kSession,
      Program::kTumbling, Program::kSliding,  Program::kClockTimers, Program::kClockWindows,
      Program::kTimers,   Program::kSliding};
  KeyedConfig config;
  config.program = kPrograms[number];
  config.lists = number == 1;
  config.listed = number == 3 || number == 9;
  config.second = number == 5;
  config.late = number >= 6 && number <= 9;
  config.late_one_in = 3;
  config.idle_after_ms = number == 8 ? 200 : 0;
  config.pause_ms = 700;
  config.aligned = number == 12;
  config.keys = config.aligned ? 2 : 3;
  config.disorder_us = 2 * kStepMicros;
  config.size_us = config.program == Program::kSession ? kStepMicros : 4 * kStepMicros;
  if (config.by_clock()) config.size_us = 25 * kStepMicros;
  config.slide_us = config.program == Program::kSliding ? 2 * kStepMicros : config.size_us;
  if (number == 6 || number == 7) config.lateness_us = kForeverMicros;
  if (number == 9) config.lateness_us = config.size_us;
  if (number == 13) MakeWalks(&config);
  return config;
}

void KeyedConfig::DrawWatermarks(Random& random) {
  watermarks = static_cast<Watermarks>(Between(random, 0, 2));
  watermark_interval_ms = Between(random, 10, 500);
  mid_stream = late && Chance(random, 400) && !aligned;  // the watermarks are the source's
}

std::string KeyedConfig::ToString() const {
  static constexpr const char* kWatermarks[] = {"bounded", "punctuated", "periodic"};
  static constexpr const char* kNames[] = {"none",    "timers",       "tumbling",     "sliding",
                                           "session", "clock-timers", "clock-windows"};
  return absl::StrCat("keyed=", kNames[static_cast<int>(program)], " listed=", listed,
                      " lists=", lists, " second=", second, " late=", late, " aligned=", aligned,
                      " keys=", keys, " disorder=", disorder_us, "us size=", size_us,
                      "us slide=", slide_us, "us lateness=", lateness_us,
                      "us idle_after=", idle_after_ms, "ms slow_sink=", slow_sink,
                      " unread=", unread, " crashes=", crashes, " pause_at=", pause_at,
                      " watermarks=", kWatermarks[static_cast<int>(watermarks)],
                      " every=", watermark_interval_ms, "ms mid_stream=", mid_stream);
}

}  // namespace weir::sim
