#include "examples/page_tags/page_view.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

struct Collected {
  std::vector<std::string> tags;
  void Collect(const TagView::View& row) { tags.emplace_back(row.tag); }
};

std::vector<std::string> TagsOf(std::string_view tags) {
  Collected out;
  SplitTags({.id = 7, .tags = tags}, out);
  return out.tags;
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

}  // namespace
