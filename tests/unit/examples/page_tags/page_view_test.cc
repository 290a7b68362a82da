#include "examples/page_tags/page_view.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "weir/testing/operator_test_harness.h"
#include "weir/testing/test_collector.h"

namespace {

std::vector<std::string> TagsOf(std::string_view tags) {
  weir::testing::TestCollector<TagView> out;
  SplitTags({.id = 7, .tags = tags}, out.collector());
  std::vector<std::string> found;
  for (const TagView& row : out.records()) found.push_back(row.tag);
  return found;
}

TEST(PageViewTest, EveryTagIsARow) {
  EXPECT_EQ(TagsOf("news,sport"), (std::vector<std::string>{"news", "sport"}));
}

TEST(PageViewTest, EmptyTagsAreNone) {
  EXPECT_EQ(TagsOf(""), std::vector<std::string>());
  EXPECT_EQ(TagsOf(",news,"), std::vector<std::string>{"news"});
}

TEST(PageViewTest, DirectIsWithoutReferrer) {
  EXPECT_TRUE(IsDirect({.id = 1}));
  EXPECT_FALSE(IsDirect({.id = 1, .referrer = "example.org"}));
}

TEST(PageViewTest, TagsHaveTheTimeOfTheirView) {
  weir::testing::OperatorTestHarness harness([](const weir::DataStream<PageView>& views) {
    return views.FlatMap<TagView>(SplitTags).Uid("split-tags");
  });
  PageView view;
  view.id = 7;
  view.tags = "news,sport";
  harness.Push(view, 1'000'000);
  ASSERT_EQ(harness.Outputs().size(), 2u) << harness.error();
  EXPECT_EQ(harness.Outputs()[1].record.tag, "sport");
  EXPECT_EQ(harness.Outputs()[1].record.page_view, 7);
  EXPECT_EQ(harness.Outputs()[1].event_time_us, 1'000'000);
}

}  // namespace
