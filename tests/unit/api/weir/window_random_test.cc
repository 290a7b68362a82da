// Windows against WindowOracle: random rows, watermarks, checkpoints and losses at changing
// parallelism, also in the middle of firing.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "tests/support/sanitizers.h"
#include "tests/unit/api/weir/window_fleet.h"
#include "tests/unit/api/weir/window_oracle.h"

namespace weir {
namespace {

using std::chrono::microseconds;

class RandomWindows {
 public:
  struct Setup {
    testing::HarnessOptions options;
    int64_t users = 5;
    int steps = 60;
  };
  RandomWindows(ClicksHarness::Pipeline pipeline, const internal::WindowSpec& spec,
                SeededRandom& random, const Setup& setup)
      : random_(random), fleet_(std::move(pipeline), Parallelism(), setup.options), oracle_(spec) {
    for (int64_t i = 0; i < setup.users; ++i) {
      users_.push_back(absl::StrCat("u", i));
      oracle_.AddUser(users_.back());
    }
  }

  void Run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      switch (random_.Below(9)) {
        case 0:
          AdvanceAll(static_cast<int64_t>(random_.Below(15)));
          break;
        case 1:
          AdvanceOne();
          break;
        case 2:
          fleet_.Restart(Parallelism());
          break;
        case 3:
          LoseInTheMiddleOfFiring();
          break;
        case 4:
          LoseInTheMiddleOfFiringAgain();
          break;
        default:
          Push();
      }
      Compare(step);
    }
    now_ = 1'000'000;
    AdvanceAll(0);
    Compare(steps);
    EXPECT_TRUE(oracle_.empty());
    EXPECT_EQ(fleet_.Contents(), (KeyedContents{0, 0}));
    EXPECT_EQ(fleet_.error(), "");
  }

 private:
  uint32_t Parallelism() { return 1 + static_cast<uint32_t>(random_.Below(3)); }

  void Push() {
    std::vector<Click> clicks;
    std::vector<int64_t> times;
    const uint64_t rows = 1 + random_.Below(2 * users_.size());
    for (uint64_t row = 0; row < rows; ++row) {
      clicks.push_back(
          {users_[random_.Below(users_.size())], static_cast<int64_t>(1 + random_.Below(9))});
      times.push_back(now_ - 30 + static_cast<int64_t>(random_.Below(50)));
    }
    fleet_.Push(clicks, times);
    for (size_t i = 0; i < clicks.size(); ++i) {
      oracle_.Push(clicks[i].user, clicks[i].count, times[i]);
    }
    oracle_.EndBatch();
  }
  void AdvanceAll(int64_t by) {
    now_ += by;
    fleet_.PushWatermark(now_);
    oracle_.Advance([](const std::string&) { return true; }, now_);
  }
  // One subtask is ahead of the others from now on.
  void AdvanceOne() {
    const auto subtask = static_cast<uint32_t>(random_.Below(fleet_.parallelism()));
    const int64_t watermark = now_ + static_cast<int64_t>(random_.Below(15));
    fleet_.subtask(subtask).PushWatermark(watermark);
    oracle_.Advance(
        [&](const std::string& user) { return SubtaskOf(user, fleet_.parallelism()) == subtask; },
        watermark);
  }
  void LoseInTheMiddleOfFiring() {
    fleet_.HoldOutput(true);
    AdvanceAll(static_cast<int64_t>(random_.Below(15)));
    fleet_.Restart(Parallelism());
  }
  void LoseInTheMiddleOfFiringAgain() {
    fleet_.HoldOutput(true);
    Push();
    fleet_.Restart(Parallelism());
  }
  void Compare(int step) {
    EXPECT_EQ(fleet_.TakeTexts(), oracle_.TakeTexts()) << "step " << step;
    EXPECT_EQ(fleet_.late(), oracle_.late()) << "step " << step;
  }

  SeededRandom& random_;
  WindowFleet fleet_;
  WindowOracle oracle_;
  std::vector<std::string> users_;
  int64_t now_ = 100;
};

template <class Windows>
void RunSeed(const Windows& windows, SeededRandom& random, const RandomWindows::Setup& setup) {
  const microseconds lateness(random.Below(2) == 0 ? 0 : random.Below(20));
  internal::WindowSpec spec = windows.spec();
  spec.lateness_micros = lateness.count();
  SCOPED_TRACE(absl::StrCat(spec.Describe(), ", lateness ", lateness.count(), "us"));
  RandomWindows(ClicksIn(windows, lateness), spec, random, setup).Run(setup.steps);
}

microseconds From(SeededRandom& random, uint64_t lowest, uint64_t count) {
  return microseconds(static_cast<int64_t>(lowest + random.Below(count)));
}

class WindowRandomTest : public OnEachBackend {
 protected:
  // Fewer where files are written.
  template <class Run>
  static void ForSeeds(uint64_t seeds, const Run& run) {
    if (rocks()) seeds = std::max<uint64_t>(1, seeds / 15);
    // Ten times as slow there, and the same rows again.
    if (kSanitized && !rocks()) seeds = std::max<uint64_t>(1, seeds / 4);
    for (uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
      SCOPED_TRACE(absl::StrCat("seed ", seed));
      SeededRandom random(seed);
      run(random);
    }
  }
  static RandomWindows::Setup Few() { return {.options = Options()}; }
  // Enough for several slices.
  static RandomWindows::Setup Many() {
    return {.options = Options({.state_memory_bytes = size_t{1} << 20}),
            .users = 1200,
            .steps = rocks() ? 4 : 12};
  }
};

WEIR_INSTANTIATE_ON_EACH_BACKEND(WindowRandomTest);

TEST_P(WindowRandomTest, Tumbling) {
  ForSeeds(100, [](SeededRandom& random) {
    const microseconds size = From(random, 1, 20);
    RunSeed(Tumbling(size, From(random, 0, static_cast<uint64_t>(size.count()))), random, Few());
  });
}

TEST_P(WindowRandomTest, Sliding) {
  ForSeeds(150, [](SeededRandom& random) {
    const microseconds size = From(random, 1, 24);
    const microseconds slide = From(random, 1, 12);
    const microseconds offset = From(random, 0, static_cast<uint64_t>(slide.count()));
    RunSeed(Sliding(size, slide, offset), random, Few());
  });
}

TEST_P(WindowRandomTest, Sessions) {
  ForSeeds(150, [](SeededRandom& random) { RunSeed(Session(From(random, 1, 12)), random, Few()); });
}

TEST_P(WindowRandomTest, FiringInSlices) {
  ForSeeds(2, [](SeededRandom& random) {
    RunSeed(Sliding(microseconds(10), microseconds(4)), random, Many());
    RunSeed(Session(microseconds(6)), random, Many());
  });
}

}  // namespace
}  // namespace weir
