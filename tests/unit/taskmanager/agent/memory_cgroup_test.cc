// Folders with what /proc and /sys/fs/cgroup hold on machines and in containers.
#include "taskmanager/agent/memory_cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace weir::taskmanager {
namespace {

class MemoryCgroupTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& contents) {
    const std::string path = directory_.File(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::trunc) << contents;
    return path;
  }
  /// "536870912 /sys/fs/cgroup/memory.max", without the temporary folder; "none".
  std::string Limit() {
    const auto limit = MemoryCgroup(directory_.path()).FindLimit();
    if (!limit) return "none";
    return std::to_string(limit->bytes) + " " + limit->file.substr(directory_.path().size());
  }
  TemporaryDirectory directory_;
};

constexpr char kMount2[] =
    "31 23 0:28 / / rw - overlay overlay rw\n"
    "35 31 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup ro\n";

TEST_F(MemoryCgroupTest, WithoutControlGroupsThereIsNoLimit) {
  EXPECT_EQ(Limit(), "none");
  EXPECT_EQ(MemoryCgroup(directory_.path()).oom_file(), "");
}

// A container with a control group namespace of its own, as Kubernetes makes them.
TEST_F(MemoryCgroupTest, Version2InAContainer) {
  Write("proc/self/cgroup", "0::/\n");
  Write("proc/self/mountinfo", kMount2);
  Write("sys/fs/cgroup/memory.max", "536870912\n");
  const std::string events = Write("sys/fs/cgroup/memory.events", "low 0\noom_kill 0\n");
  EXPECT_EQ(Limit(), "536870912 /sys/fs/cgroup/memory.max");
  EXPECT_EQ(MemoryCgroup(directory_.path()).oom_file(), events);
}

TEST_F(MemoryCgroupTest, Version2SaysMaxForNone) {
  Write("proc/self/cgroup", "0::/\n");
  Write("proc/self/mountinfo", kMount2);
  Write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(Limit(), "none");
}

// A service on a machine: its own group says "max", the slice above it has a limit.
TEST_F(MemoryCgroupTest, TheLeastLimitOfTheGroupsAboveCounts) {
  Write("proc/self/cgroup", "0::/weir.slice/east/tm.service\n");
  Write("proc/self/mountinfo", kMount2);
  Write("sys/fs/cgroup/weir.slice/east/tm.service/memory.max", "max\n");
  Write("sys/fs/cgroup/weir.slice/east/memory.max", "3000000000\n");
  Write("sys/fs/cgroup/weir.slice/memory.max", "2000000000\n");
  EXPECT_EQ(Limit(), "2000000000 /sys/fs/cgroup/weir.slice/memory.max");
  Write("sys/fs/cgroup/weir.slice/east/tm.service/memory.max", "1000000000\n");
  EXPECT_EQ(Limit(), "1000000000 /sys/fs/cgroup/weir.slice/east/tm.service/memory.max");
}

TEST_F(MemoryCgroupTest, ALimitThatChangesIsSeen) {
  Write("proc/self/cgroup", "0::/\n");
  Write("sys/fs/cgroup/memory.max", "100\n");
  const MemoryCgroup group(directory_.path());
  EXPECT_EQ(group.FindLimit()->bytes, 100u);
  Write("sys/fs/cgroup/memory.max", "200\n");
  EXPECT_EQ(group.FindLimit()->bytes, 200u);
}

constexpr char kMounts1[] =
    "32 31 0:29 /docker/4f /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /docker/4f /sys/fs/cgroup/memory ro shared:9 - cgroup cgroup rw,memory\n"
    "38 31 0:38 /docker/4f /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw\n";

// A container without a control group namespace: it reads the machine's paths, and sees its own
// group at the mount point. Version 2 is mounted beside it, without controllers.
TEST_F(MemoryCgroupTest, Version1InAContainer) {
  Write("proc/self/cgroup", "9:name=systemd:/docker/4f\n4:memory:/docker/4f\n0::/docker/4f\n");
  Write("proc/self/mountinfo", kMounts1);
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
  const std::string counter =
      Write("sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\noom_kill 2\n");
  EXPECT_EQ(Limit(), "268435456 /sys/fs/cgroup/memory/memory.limit_in_bytes");
  EXPECT_EQ(MemoryCgroup(directory_.path()).oom_file(), counter);
}

TEST_F(MemoryCgroupTest, Version1SaysAHugeNumberForNone) {
  Write("proc/self/cgroup", "4:memory:/\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Limit(), "none");
}

TEST_F(MemoryCgroupTest, Version1GroupsAboveCountToo) {
  Write("proc/self/cgroup", "4:cpu,memory:/weir/tm\n");
  Write("proc/self/mountinfo",
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,cpu,memory\n");
  Write("sys/fs/cgroup/memory/weir/tm/memory.limit_in_bytes", "9223372036854771712\n");
  Write("sys/fs/cgroup/memory/weir/memory.limit_in_bytes", "1073741824\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Limit(), "1073741824 /sys/fs/cgroup/memory/weir/memory.limit_in_bytes");
}

// The process was moved out of what is mounted here.
TEST_F(MemoryCgroupTest, APathThatIsNotBelowTheMountIsTheMountPoint) {
  for (const char* group : {"/../other", "/docker/4f2/x", "/kubepods/a"}) {
    Write("proc/self/cgroup", std::string("4:memory:") + group + "\n");
    Write("proc/self/mountinfo", kMounts1);
    Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
    EXPECT_EQ(Limit(), "4096 /sys/fs/cgroup/memory/memory.limit_in_bytes") << group;
  }
}

TEST_F(MemoryCgroupTest, WhatIsNoNumberIsNoLimit) {
  Write("proc/self/cgroup", "0::/\nnonsense\n");
  Write("proc/self/mountinfo", "nonsense\n - \n1 2 - cgroup2\n");
  Write("sys/fs/cgroup/memory.max", "-5\n");
  EXPECT_EQ(Limit(), "none");
}

}  // namespace
}  // namespace weir::taskmanager
