// What every FileSystem promises, run on each implementation.
#include "common/io/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "common/io/memory_file_system.h"
#include "common/io/posix_file_system.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Posix {
  TemporaryDirectory directory;
  SeededRandom random{1};
  PosixFileSystem files{random};
  std::string root = directory.path();
};

struct Memory {
  Memory() { EXPECT_TRUE(files.MakeDirectory(root).ok()); }
  MemoryFileSystem files;
  std::string root = "/tmp/memory";
};

template <class Implementation>
class FileSystemTest : public testing::Test {
 protected:
  std::string Path(absl::string_view name) const {
    return absl::StrCat(implementation_.root, "/", name);
  }
  FileSystem& files() { return implementation_.files; }
  const std::string& root() const { return implementation_.root; }

  void MustCreate(absl::string_view name, absl::string_view contents) {
    const absl::Status status = files().CreateExclusive(Path(name), contents);
    ASSERT_TRUE(status.ok()) << status;
  }

 private:
  Implementation implementation_;
};

using Implementations = testing::Types<Posix, Memory>;
TYPED_TEST_SUITE(FileSystemTest, Implementations);

TYPED_TEST(FileSystemTest, ReadsWhatWasCreated) {
  const std::string contents("bytes\0with\nzero", 15);
  this->MustCreate("a", contents);
  this->MustCreate("empty", "");
  EXPECT_EQ(this->files().Read(this->Path("a")).value(), contents);
  EXPECT_EQ(this->files().Read(this->Path("empty")).value(), "");
}

TYPED_TEST(FileSystemTest, CreateExclusiveKeepsAnOlderFile) {
  this->MustCreate("a", "old");
  const absl::Status status = this->files().CreateExclusive(this->Path("a"), "new");
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr(this->Path("a")));
  EXPECT_EQ(this->files().Read(this->Path("a")).value(), "old");
}

TYPED_TEST(FileSystemTest, ReplaceCreatesAndReplaces) {
  ASSERT_TRUE(this->files().Replace(this->Path("a"), "one").ok());
  ASSERT_TRUE(this->files().Replace(this->Path("a"), "two").ok());
  EXPECT_EQ(this->files().Read(this->Path("a")).value(), "two");
}

TYPED_TEST(FileSystemTest, MissingFileIsNotFound) {
  const absl::Status status = this->files().Read(this->Path("a")).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(this->Path("a")));
}

TYPED_TEST(FileSystemTest, MissingDirectoryIsNotFound) {
  EXPECT_EQ(this->files().CreateExclusive(this->Path("d/a"), "x").code(), StatusCode::kNotFound);
  EXPECT_EQ(this->files().Replace(this->Path("d/a"), "x").code(), StatusCode::kNotFound);
  EXPECT_EQ(this->files().Read(this->Path("d/a")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(this->files().List(this->Path("d")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(this->files().List(this->Path("d/e")).status().code(), StatusCode::kNotFound);
}

TYPED_TEST(FileSystemTest, RemoveIsFineWithWhatIsNotThere) {
  this->MustCreate("a", "x");
  EXPECT_TRUE(this->files().Remove(this->Path("a")).ok());
  EXPECT_TRUE(this->files().Remove(this->Path("a")).ok());
  EXPECT_TRUE(this->files().Remove(this->Path("d/a")).ok());
  EXPECT_EQ(this->files().Read(this->Path("a")).status().code(), StatusCode::kNotFound);
}

TYPED_TEST(FileSystemTest, RemovedNameCanBeCreatedAgain) {
  this->MustCreate("a", "one");
  ASSERT_TRUE(this->files().Remove(this->Path("a")).ok());
  this->MustCreate("a", "two");
  EXPECT_EQ(this->files().Read(this->Path("a")).value(), "two");
}

TYPED_TEST(FileSystemTest, ListNamesFilesAndDirectoriesSorted) {
  this->MustCreate("b", "x");
  this->MustCreate("a", "x");
  ASSERT_TRUE(this->files().MakeDirectory(this->Path("c/d")).ok());
  this->MustCreate("c/inner", "x");
  EXPECT_THAT(this->files().List(this->root()).value(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(this->files().List(this->root() + "/").value(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(this->files().List(this->Path("c")).value(), ElementsAre("d", "inner"));
  EXPECT_THAT(this->files().List(this->Path("c/d")).value(), IsEmpty());
}

TYPED_TEST(FileSystemTest, MakeDirectoryMakesParentsAndMayBeRepeated) {
  ASSERT_TRUE(this->files().MakeDirectory(this->Path("x/y/z/")).ok());
  ASSERT_TRUE(this->files().MakeDirectory(this->Path("x/y/z")).ok());
  ASSERT_TRUE(this->files().MakeDirectory(this->Path("x/y")).ok());
  this->MustCreate("x/y/z/a", "1");
  EXPECT_EQ(this->files().Read(this->Path("x//y/z/a")).value(), "1");
}

TYPED_TEST(FileSystemTest, FileInPlaceOfADirectoryIsAFailedPrecondition) {
  this->MustCreate("a", "x");
  constexpr StatusCode kExpected = StatusCode::kFailedPrecondition;
  EXPECT_EQ(this->files().CreateExclusive(this->Path("a/b"), "x").code(), kExpected);
  EXPECT_EQ(this->files().Replace(this->Path("a/b"), "x").code(), kExpected);
  EXPECT_EQ(this->files().Read(this->Path("a/b")).status().code(), kExpected);
  EXPECT_EQ(this->files().Remove(this->Path("a/b")).code(), kExpected);
  EXPECT_EQ(this->files().List(this->Path("a")).status().code(), kExpected);
  EXPECT_EQ(this->files().MakeDirectory(this->Path("a")).code(), kExpected);
  EXPECT_EQ(this->files().MakeDirectory(this->Path("a/b")).code(), kExpected);
}

TYPED_TEST(FileSystemTest, DirectoryInPlaceOfAFileIsRefused) {
  ASSERT_TRUE(this->files().MakeDirectory(this->Path("d")).ok());
  EXPECT_EQ(this->files().CreateExclusive(this->Path("d"), "x").code(), StatusCode::kAlreadyExists);
  constexpr StatusCode kExpected = StatusCode::kFailedPrecondition;
  EXPECT_EQ(this->files().Replace(this->Path("d"), "x").code(), kExpected);
  EXPECT_EQ(this->files().Read(this->Path("d")).status().code(), kExpected);
  EXPECT_EQ(this->files().Remove(this->Path("d")).code(), kExpected);
}

TYPED_TEST(FileSystemTest, OneOfManyCreatorsWins) {
  constexpr int kThreads = 8;
  for (int round = 0; round < 10; ++round) {
    const std::string path = this->Path(absl::StrCat("epoch-", round));
    std::atomic<int> ready{0};
    std::atomic<int> winner{-1};
    std::atomic<int> wins{0};
    std::atomic<int> losses{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        ready.fetch_add(1);
        while (ready.load() < kThreads) std::this_thread::yield();
        const absl::Status status =
            this->files().CreateExclusive(path, absl::StrCat("creator ", t));
        if (status.ok()) {
          wins.fetch_add(1);
          winner.store(t);
        } else if (absl::IsAlreadyExists(status)) {
          losses.fetch_add(1);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wins.load(), 1);
    EXPECT_EQ(losses.load(), kThreads - 1);
    EXPECT_EQ(this->files().Read(path).value(), absl::StrCat("creator ", winner.load()));
  }
}

}  // namespace
}  // namespace weir
