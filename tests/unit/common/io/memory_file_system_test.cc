#include "common/io/memory_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;

TEST(MemoryFileSystemTest, InspectionShowsAllFiles) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.MakeDirectory("/b/c").ok());
  ASSERT_TRUE(files.CreateExclusive("/b/c/2", "22").ok());
  ASSERT_TRUE(files.CreateExclusive("/1", "1").ok());
  EXPECT_THAT(files.Paths(), ElementsAre("/1", "/b/c/2"));
  EXPECT_EQ(files.TotalBytes(), 3u);
  EXPECT_TRUE(files.Exists("/b//c/2"));
  EXPECT_FALSE(files.Exists("/b/c"));
}

TEST(MemoryFileSystemTest, RootAndWorkingDirectoryAreThere) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.CreateExclusive("relative", "1").ok());
  ASSERT_TRUE(files.MakeDirectory("x/y").ok());
  ASSERT_TRUE(files.CreateExclusive("/absolute", "1").ok());
  EXPECT_THAT(files.List(".").value(), ElementsAre("relative", "x"));
  EXPECT_THAT(files.List("x").value(), ElementsAre("y"));
  EXPECT_THAT(files.List("/").value(), ElementsAre("absolute"));
}

}  // namespace
}  // namespace weir
