#include "connectors/kafka/key_partitioners.h"

#include <gtest/gtest.h>

#include <string>

#include "connectors/kafka/java_partitioning.h"

namespace weir::kafka {
namespace {

TEST(KeyPartitioners, Murmur2IsThatOfJavasClients) {
  const KeyPartitionerPtr murmur2 = Murmur2Partitioner();
  EXPECT_EQ(murmur2->name(), "murmur2");
  // UtilsTest.testMurmur2 of Apache Kafka: 479470107 % 7; -973932308 & 0x7fffffff = 1173551340.
  EXPECT_EQ(murmur2->PartitionOf("abc", 7), 479470107u % 7);
  EXPECT_EQ(murmur2->PartitionOf("21", 10), 0u);
  for (int32_t partitions = 1; partitions < 50; ++partitions) {
    const std::string key = "key " + std::to_string(partitions);
    EXPECT_EQ(murmur2->PartitionOf(key, static_cast<uint32_t>(partitions)),
              static_cast<uint32_t>(PartitionForKey(key, partitions)));
  }
}

// The constants of tests/0048-partitioner.c of librdkafka, and the check value of this CRC.
TEST(KeyPartitioners, Crc32IsThatOfLibrdkafka) {
  const KeyPartitionerPtr crc32 = Crc32Partitioner();
  EXPECT_EQ(crc32->name(), "crc32");
  EXPECT_EQ(crc32->PartitionOf("123456789", UINT32_MAX), 0xcbf43926u);
  EXPECT_EQ(crc32->PartitionOf("hejsan", 17), 0xd077037eu % 17);
  EXPECT_EQ(crc32->PartitionOf("this is another string with more length to it perhaps", 17),
            0xb0150df7u % 17);
  EXPECT_EQ(crc32->PartitionOf("", 17), 0u);
  EXPECT_EQ(crc32->PartitionOf("\xc3\xa9\xff", UINT32_MAX), 0x3e6f1926u);
}

TEST(KeyPartitioners, ADeclaredOneIsTheFunctionUnderItsName) {
  const KeyPartitionerPtr ours =
      DeclaredPartitioner("by length", [](std::string_view key, uint32_t partitions) {
        return static_cast<uint32_t>(key.size()) % partitions;
      });
  EXPECT_EQ(ours->name(), "by length");
  EXPECT_EQ(ours->PartitionOf("12345", 4), 1u);
}

}  // namespace
}  // namespace weir::kafka
