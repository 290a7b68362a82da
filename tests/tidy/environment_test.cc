// What cmake/weir_targets.cmake promises to every test.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

TEST(TestEnvironment, NamesTheSourceTree) {
  const char* source = std::getenv("WEIR_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  EXPECT_TRUE(std::filesystem::exists(std::string(source) + "/CMakePresets.json")) << source;
}

TEST(TestEnvironment, NamesTheBuildTree) {
  const char* binary = std::getenv("WEIR_BINARY_DIR");
  ASSERT_NE(binary, nullptr);
  EXPECT_TRUE(std::filesystem::exists(std::string(binary) + "/CMakeCache.txt")) << binary;
}

}  // namespace
