#include "jobmanager/scheduler/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;

const TaskManagerId kA("tm-a");
const TaskManagerId kB("tm-b");
const TaskManagerId kC("tm-c");

SlotPlacement Place(PlacementRequest request) { return PlaceSlots(request).value(); }

TEST(Placement, SpreadsEvenly) {
  EXPECT_THAT(Place({4, {{kA, 4}, {kB, 4}}, {}}), ElementsAre(kA, kB, kA, kB));
}

TEST(Placement, EqualTaskManagersAreTakenInOrderOfTheirIds) {
  EXPECT_THAT(Place({1, {{kB, 2}, {kA, 2}}, {}}), ElementsAre(kA));
}

TEST(Placement, TheOneWithMoreFreeSlotsComesFirst) {
  EXPECT_THAT(Place({1, {{kA, 1}, {kB, 3}}, {}}), ElementsAre(kB));
}

TEST(Placement, AFullTaskManagerGetsNoMore) {
  EXPECT_THAT(Place({3, {{kA, 1}, {kB, 2}}, {}}), ElementsAre(kB, kA, kB));
}

TEST(Placement, TheSameRequestGivesTheSamePlacement) {
  const PlacementRequest request{5, {{kA, 2}, {kB, 3}, {kC, 3}}, {kC, kB}};
  EXPECT_EQ(Place(request), Place(request));
}

TEST(Placement, EverySlotStaysWhereItWas) {
  EXPECT_THAT(Place({3, {{kA, 4}, {kB, 4}}, {kB, kB, kA}}), ElementsAre(kB, kB, kA));
}

TEST(Placement, SlotsOfSurvivorsStayAndLostOnesArePlacedAnew) {
  EXPECT_THAT(Place({4, {{kA, 4}, {kC, 4}}, {kA, kB, kA, kB}}), ElementsAre(kA, kC, kA, kC));
}

TEST(Placement, ASlotMovesWhenItsTaskManagerHasNoRoomLeft) {
  EXPECT_THAT(Place({2, {{kA, 1}, {kB, 1}}, {kA, kA}}), ElementsAre(kA, kB));
}

TEST(Placement, APlacementThatWasLargerIsCutOff) {
  EXPECT_THAT(Place({1, {{kA, 4}, {kB, 4}}, {kB, kA}}), ElementsAre(kB));
}

TEST(Placement, TooFewSlotsAreTold) {
  const absl::Status status = PlaceSlots({4, {{kA, 1}, {kB, 2}}, {}}).status();
  EXPECT_EQ(status, absl::ResourceExhaustedError("needs 4 slots; 3 are free on 2 TaskManagers"));
}

TEST(Placement, NoTaskManagerAtAllIsTold) {
  EXPECT_EQ(PlaceSlots({1, {}, {}}).status(),
            absl::ResourceExhaustedError("needs 1 slot; 0 are free on 0 TaskManagers"));
}

}  // namespace
}  // namespace weir::jobmanager
