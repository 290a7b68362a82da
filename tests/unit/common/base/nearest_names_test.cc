#include "common/base/nearest_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string>& Keys() {
  static const auto& keys =
      *new std::vector<std::string>{"checkpoint.interval", "checkpoint.timeout",
                                    "heartbeat.interval", "rpc.address", "taskmanager.slots"};
  return keys;
}

TEST(NearestNamesTest, FindsTypingErrors) {
  EXPECT_THAT(NearestNames("checkpoint.intervall", Keys()), ElementsAre("checkpoint.interval"));
  EXPECT_THAT(NearestNames("rpc.adress", Keys()), ElementsAre("rpc.address"));
  EXPECT_THAT(NearestNames("tasmkanager.slots", Keys()), ElementsAre("taskmanager.slots"));
}

TEST(NearestNamesTest, IgnoresCaseAndUnderscores) {
  EXPECT_THAT(NearestNames("RPC.Address", Keys()), ElementsAre("rpc.address"));
}

TEST(NearestNamesTest, FindsWholeParts) {
  EXPECT_THAT(NearestNames("interval", Keys()),
              ElementsAre("checkpoint.interval", "heartbeat.interval"));
}

TEST(NearestNamesTest, FindsNothingForNonsense) {
  EXPECT_THAT(NearestNames("zzzzzzzzzzz", Keys()), IsEmpty());
  EXPECT_THAT(NearestNames("", Keys()), IsEmpty());
}

TEST(DidYouMeanTest, JoinsTheNames) {
  EXPECT_EQ(DidYouMean("rpc.adress", Keys()), "; did you mean 'rpc.address'?");
  EXPECT_EQ(DidYouMean("interval", Keys()),
            "; did you mean 'checkpoint.interval' or 'heartbeat.interval'?");
  EXPECT_EQ(DidYouMean("zzzzzzzzzzz", Keys()), "");
}

}  // namespace
}  // namespace weir
