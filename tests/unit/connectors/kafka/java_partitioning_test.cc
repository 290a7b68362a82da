#include "connectors/kafka/java_partitioning.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::kafka {
namespace {

// UtilsTest.testMurmur2 of Apache Kafka 3.9.
TEST(JavaPartitioning, Murmur2GivesTheNumbersOfKafkasOwnTest) {
  EXPECT_EQ(Murmur2("21"), -973932308);
  EXPECT_EQ(Murmur2("foobar"), -790332482);
  EXPECT_EQ(Murmur2("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(Murmur2("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(Murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(Murmur2(std::string("abc")), 479470107);
}

TEST(JavaPartitioning, BytesAboveAsciiCountAsUnsigned) {
  // Java: Utils.murmur2(new byte[] {(byte) 0xc3, (byte) 0xa9, (byte) 0xff, (byte) 0x80, (byte)
  // 0xfe}) differs from the same computation on signed bytes; partitions stay in range.
  const std::string key = "\xc3\xa9\xff\x80\xfe";
  for (int32_t partitions = 1; partitions < 20; ++partitions) {
    EXPECT_GE(PartitionForKey(key, partitions), 0);
    EXPECT_LT(PartitionForKey(key, partitions), partitions);
  }
}

TEST(JavaPartitioning, HashOfStringsIsJavas) {
  EXPECT_EQ(JavaStringHash(""), 0);
  EXPECT_EQ(JavaStringHash("hello"), 99162322);
  EXPECT_EQ(JavaStringHash("polygenelubricants"), -2147483648);
}

TEST(JavaPartitioning, PartitionsAreSpreadEvenlyOverSubtasks) {
  std::vector<int> load(4);
  for (int32_t partition = 0; partition < 16; ++partition) {
    ++load[OwnerOfPartition("flights", partition, 4)];
  }
  EXPECT_EQ(load, std::vector<int>({4, 4, 4, 4}));
}

TEST(JavaPartitioning, OwnerIsFlinksFormula) {
  // "hello".hashCode() * 31 = 99162322 * 31 = 3074031982 = -1220935314 as int; & 0x7fffffff =
  // 926548334; % 5 = 4.
  EXPECT_EQ(OwnerOfPartition("hello", 0, 5), 4u);
  EXPECT_EQ(OwnerOfPartition("hello", 1, 5), 0u);
  EXPECT_EQ(OwnerOfPartition("hello", 7, 1), 0u);
}

}  // namespace
}  // namespace weir::kafka
