#include "weir/testing/test_collector.h"

#include <gtest/gtest.h>

#include <string>

namespace {

struct Word {
  std::string text;
  int64_t length = 0;
  WEIR_RECORD(Word, text, length)
};

void Emit(int64_t count, weir::Collector<Word>& out) {
  for (int64_t i = 0; i < count; ++i) {
    const std::string text(static_cast<size_t>(i), 'x');
    out.Collect(Word::View{.text = text, .length = i});
  }
}

TEST(TestCollectorTest, KeepsWhatIsCollected) {
  weir::testing::TestCollector<Word> out;
  Emit(3, out.collector());
  ASSERT_EQ(out.records().size(), 3u);
  EXPECT_EQ(out.records()[2].text, "xx");
  out.collector().Collect(Word{.text = "more", .length = 4});
  ASSERT_EQ(out.records().size(), 4u);
  EXPECT_EQ(out.records()[3].length, 4);
}

TEST(TestCollectorTest, KeepsMoreThanOneBatch) {
  weir::testing::TestCollector<Word> out;
  Emit(5000, out.collector());
  const std::vector<Word> words = out.records();
  ASSERT_EQ(words.size(), 5000u);
  EXPECT_EQ(words[4999].length, 4999);
}

TEST(TestCollectorTest, TakesValuesWithoutARecord) {
  weir::testing::TestCollector<std::string> out;
  out.collector().Collect("a");
  EXPECT_EQ(out.records(), std::vector<std::string>{"a"});
}

}  // namespace
