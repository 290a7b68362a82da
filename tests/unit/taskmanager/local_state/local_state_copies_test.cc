#include "taskmanager/local_state/local_state_copies.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/base/sha256.h"
#include "taskmanager/local_state/state_folders.h"
#include "tests/support/temporary_directory.h"

namespace weir::taskmanager {
namespace {

constexpr char kBytes[] = "the bytes of a file";

class LocalStateCopiesTest : public testing::Test {
 protected:
  LocalStateCopiesTest() {
    std::filesystem::create_directories(Folder("old") + "/1");
    std::filesystem::create_directories(Folder("new") + "/2");
    path_ = Folder("old") + "/1/a.sst";
    std::ofstream(path_) << kBytes;
  }
  std::string Folder(const std::string& worker) {
    return StateFolderOf(directory_.path(), "job", worker);
  }
  bool Take(const std::string& name, const std::string& bytes = kBytes) {
    std::filesystem::remove(Folder("new") + "/2/restored");
    return LocalStateCopies(Folder("new"))
        .Take(name, bytes.size(), Sha256Hex(bytes), Folder("new") + "/2/restored");
  }
  std::string Taken() {
    std::ifstream file(Folder("new") + "/2/restored");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  std::string path_;
};

TEST_F(LocalStateCopiesTest, AnotherWorkerOfTheJobTakesThem) {
  LocalStateCopies(Folder("old")).Keep("w-old/a.sst", path_);
  std::filesystem::remove(path_);
  EXPECT_TRUE(Take("w-old/a.sst"));
  EXPECT_EQ(Taken(), kBytes);
}

TEST_F(LocalStateCopiesTest, WhatWasNotKeptOrWasDroppedIsNotThere) {
  const LocalStateCopies copies(Folder("old"));
  EXPECT_FALSE(Take("a"));
  copies.Keep("a", path_);
  copies.Keep("b", path_);
  copies.Drop({"a"});
  EXPECT_FALSE(Take("a"));
  EXPECT_TRUE(Take("b"));
}

// A disk that lies, or a file that was cut: it is fetched instead.
TEST_F(LocalStateCopiesTest, OtherBytesAreNotTaken) {
  LocalStateCopies(Folder("old")).Keep("a", path_);
  EXPECT_FALSE(Take("a", "the bytes of a fIle"));
  EXPECT_FALSE(Take("a", "more than the bytes of a file"));
  EXPECT_FALSE(std::filesystem::exists(Folder("new") + "/2/restored"));
}

TEST_F(LocalStateCopiesTest, OfThisWorkersCopiesOnlyTheNamedOnesStay) {
  LocalStateCopies(Folder("old")).Keep("b", path_);
  const LocalStateCopies own(Folder("new"));
  own.Keep("a", path_);
  own.Keep("c", path_);
  own.KeepOnly({"a"});
  EXPECT_TRUE(Take("a", kBytes));
  EXPECT_FALSE(Take("c", kBytes));
  EXPECT_TRUE(Take("b", kBytes)) << "another worker's";
}

TEST_F(LocalStateCopiesTest, WithoutAFolderThereAreNone) {
  const LocalStateCopies none("");
  none.Keep("a", path_);
  none.Drop({"a"});
  EXPECT_FALSE(none.Take("a", sizeof(kBytes) - 1, Sha256Hex(kBytes), Folder("new") + "/2/x"));
}

}  // namespace
}  // namespace weir::taskmanager
