// Streams keyed by the partitions of their topic: docs/protocols/partition-aligned-keying.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "common/types/key_group.h"
#include "tests/unit/api/weir/on_each_backend.h"
#include "weir/kafka.h"
#include "weir/keyed_stream.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using testing::HarnessOptions;
using ::testing::HasSubstr;

struct Delay {
  std::string route;
  int64_t minutes = 0;
  WEIR_RECORD(Delay, route, minutes)
};

using Harness = testing::OperatorTestHarness<Delay, Delay>;

constexpr uint32_t kPartitions = 4;

TopicPartitioning Topic(KeyPartitionerPtr partitioner = Murmur2Partitioner()) {
  return {"delays", kPartitions, std::move(partitioner)};
}
HarnessOptions Aligned(uint32_t subtask = 0, uint32_t parallelism = 1) {
  HarnessOptions options;
  options.subtask = subtask;
  options.parallelism = parallelism;
  options.partitioned_by = Topic();
  return options;
}

int32_t PartitionOf(const std::string& route, const KeyPartitionerPtr& by = Murmur2Partitioner()) {
  return static_cast<int32_t>(by->PartitionOf(route, kPartitions));
}

Delay Sum(const Delay& a, const Delay& b) { return {a.route, a.minutes + b.minutes}; }

DataStream<Delay> Sums(const DataStream<Delay>& delays) {
  return delays.KeyByPartition(&Delay::route).Reduce(Sum).Name("sums");
}
DataStream<Delay> WindowSums(const DataStream<Delay>& delays) {
  return delays.KeyByPartition(&Delay::route)
      .Window(Tumbling(std::chrono::microseconds(10)))
      .Reduce(Sum)
      .Name("sums");
}

/// "a 7 at 19" each.
std::vector<std::string> TakeTexts(Harness& harness) {
  std::vector<std::string> texts;
  for (const auto& output : harness.TakeOutputs()) {
    texts.push_back(absl::StrCat(output.record.route, " ", output.record.minutes, " at ",
                                 output.event_time_us.value_or(-1)));
  }
  return texts;
}

bool Push(Harness& harness, const Delay& delay, int64_t time = 1) {
  return harness.Push(delay, time, {"delays", PartitionOf(delay.route), 17});
}

TEST(PartitionKeyedStreamTest, RowsOfAKeyShareStateWhereverItIs) {
  Harness harness(Sums, Aligned());
  for (const char* route : {"a", "b", "c", "d", "e", "a", "c"}) Push(harness, {route, 2});
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a 2 at 1", "b 2 at 1", "c 2 at 1", "d 2 at 1",
                                              "e 2 at 1", "a 4 at 1", "c 4 at 1"));
}

TEST(PartitionKeyedStreamTest, ARecordInAnotherPartitionFailsByName) {
  Harness harness(Sums, Aligned());
  const int32_t right = PartitionOf("a");
  const int32_t wrong = (right + 1) % 4;
  Push(harness, {"a", 1});
  EXPECT_FALSE(harness.PushBatch({{"a", 2}}, {2}, {{"delays", wrong, 18}}));
  EXPECT_EQ(
      harness.error(),
      absl::StrCat("operator 'sums' failed at topic delays, partition ", wrong,
                   ", offset 18: the record is in partition ", wrong,
                   " of topic 'delays', and murmur2 of its key (route) gives partition ", right,
                   " of 4: KeyByPartition needs the key by which the topic is "
                   "partitioned"));
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a 1 at 1")) << "state of another was not touched";
}

TEST(PartitionKeyedStreamTest, TheFirstRowThatIsWrongIsNamed) {
  Harness harness(Sums, Aligned());
  std::string other = "b";
  while (PartitionOf(other) == PartitionOf("a")) ++other[0];
  EXPECT_FALSE(harness.PushBatch({{"a", 1}, {"a", 2}, {other, 3}, {"a", 4}}, {1, 2, 3, 4},
                                 {{"delays", PartitionOf("a"), 100}}));
  EXPECT_EQ(harness.failure()->position,
            absl::StrCat("topic delays, partition ", PartitionOf("a"), ", offset 102"));
}

TEST(PartitionKeyedStreamTest, AnErrorPolicyThatWouldHideItIsRefused) {
  Harness harness(
      [](const DataStream<Delay>& delays) { return Sums(delays).OnError(ErrorPolicy::Skip()); },
      Aligned());
  EXPECT_EQ(
      harness.error(),
      "operator 'sums': OnError is for sources, Map, Filter and FlatMap: an error of a Reduce "
      "always fails its task");
}

TEST(PartitionKeyedStreamTest, OperatorsWithoutStateAreWhereThePartitionIsRead) {
  Harness harness(
      [](const DataStream<Delay>& delays) {
        return delays.KeyByPartition(&Delay::route).Filter([](const Delay::View& delay) {
          return delay.minutes > 1;
        });
      },
      Aligned());
  Push(harness, {"a", 1});
  Push(harness, {"a", 2});
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a 2 at 1"));
}

TEST(PartitionKeyedStreamTest, RowsWithoutAPositionAreRefused) {
  Harness harness(Sums, Aligned());
  EXPECT_FALSE(harness.Push({"a", 1}));
  EXPECT_THAT(harness.error(), HasSubstr("rows that were not read from topic 'delays' have come to "
                                         "an operator that is aligned with it"));
}

TEST(PartitionKeyedStreamTest, RowsThatAreMadeOfRowsKeepTheirPartition) {
  Harness harness(
      [](const DataStream<Delay>& delays) {
        return delays.Filter([](const Delay::View& delay) { return delay.minutes > 0; })
            .FlatMap<Delay>([](const Delay::View& delay, Collector<Delay>& out) {
              out.Collect(delay);
              out.Collect(delay);
            })
            .Map([](const Delay& delay) {
              return Delay{delay.route + "!", delay.minutes};
            })
            .StartNewChain()
            .KeyByPartition([](const Delay::View& delay) {
              return delay.route.substr(0, delay.route.size() - 1);
            })
            .Reduce(Sum)
            .Name("sums");
      },
      Aligned());
  Push(harness, {"a", 3});
  Push(harness, {"a", 0});
  Push(harness, {"b", 4});
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a! 3 at 1", "a! 6 at 1", "b! 4 at 1", "b! 8 at 1"));
}

template <class K>
std::string KafkaKey(const K& key) {
  std::string bytes;
  internal::AppendKafkaKey(key, &bytes);
  return bytes;
}

TEST(PartitionKeyedStreamTest, NumbersAreKeysAsJavasSerializersWriteThem) {
  EXPECT_EQ(KafkaKey(int32_t{258}), std::string("\0\0\1\2", 4));
  EXPECT_EQ(KafkaKey(int32_t{-2}), "\xff\xff\xff\xfe");
  EXPECT_EQ(KafkaKey(int64_t{258}), std::string("\0\0\0\0\0\0\1\2", 8));
  EXPECT_EQ(KafkaKey(std::string("ab")), "ab");
  EXPECT_EQ(KafkaKey(ByteArray{std::byte{0}, std::byte{7}}), std::string("\0\7", 2));
}

TEST(PartitionKeyedStreamTest, ANumberIsFoundAgainAtARestore) {
  const auto pipeline = [](const DataStream<Delay>& delays) {
    return delays.KeyByPartition(&Delay::minutes).Reduce(Sum).Name("sums");
  };
  const auto partition =
      static_cast<int32_t>(Murmur2Partitioner()->PartitionOf(KafkaKey(int64_t{-5}), kPartitions));
  Harness before(pipeline, Aligned());
  before.Push({"a", -5}, 1, {"delays", partition, 0});
  const auto snapshot = before.Snapshot();
  ASSERT_EQ(before.error(), "");
  Harness after(pipeline, Aligned());
  ASSERT_TRUE(after.Restore(*snapshot)) << after.error();
  after.Push({"a", -5}, 2, {"delays", partition, 1});
  EXPECT_THAT(TakeTexts(after), ElementsAre("a -10 at 2"));
}

std::string RestoreError(const Harness::Pipeline& before, const HarnessOptions& then,
                         const Harness::Pipeline& after, const HarnessOptions& now) {
  Harness one(before, then);
  const KeyPartitionerPtr by =
      then.partitioned_by ? then.partitioned_by->partitioner : Murmur2Partitioner();
  for (const char* route : {"a", "b", "c", "d", "e", "f"}) {
    one.Push({route, 1}, 1, {"delays", PartitionOf(route, by), 1});
  }
  const std::string snapshot = one.Snapshot().value_or("");
  EXPECT_EQ(one.error(), "");
  Harness other(after, now);
  EXPECT_FALSE(other.Restore(snapshot));
  return other.error();
}

TEST(PartitionKeyedStreamTest, StateUnderAnotherKeyingIsRefused) {
  const auto by_hash = [](const DataStream<Delay>& delays) {
    return delays.KeyBy(&Delay::route).Reduce(Sum).Name("sums");
  };
  HarnessOptions more = Aligned();
  more.partitioned_by->partitions = 5;
  HarnessOptions crc = Aligned();
  crc.partitioned_by = Topic(Crc32Partitioner());
  EXPECT_THAT(RestoreError(by_hash, {}, Sums, Aligned()),
              HasSubstr("operator 'sums' is keyed by hash in the checkpoint and aligned with 4 "
                        "partitions by murmur2 in the job"));
  EXPECT_THAT(
      RestoreError(Sums, Aligned(), by_hash, {}),
      HasSubstr("aligned with 4 partitions by murmur2 in the checkpoint and keyed by hash"));
  EXPECT_THAT(RestoreError(Sums, Aligned(), Sums, more),
              HasSubstr("4 partitions by murmur2 in the checkpoint and aligned with 5 partitions "
                        "by murmur2 in the job"));
  EXPECT_THAT(RestoreError(Sums, crc, Sums, Aligned()),
              HasSubstr("4 partitions by crc32 in the checkpoint and aligned with 4 partitions by "
                        "murmur2 in the job"));
}

TEST(PartitionKeyedStreamTest, APartitionerThatChangesUnderItsNameIsFoundByTheKeys) {
  const auto declared = [](uint32_t add) {
    HarnessOptions options = Aligned();
    options.partitioned_by =
        Topic(DeclaredPartitioner("ours", [add](std::string_view key, uint32_t partitions) {
          return (static_cast<uint32_t>(key[0]) + add) % partitions;
        }));
    return options;
  };
  EXPECT_THAT(RestoreError(Sums, declared(0), Sums, declared(1)),
              HasSubstr("key of another key group"));
}

/// All subtasks of WindowSums, fed as sources would: each with the lowest watermark of its
/// partitions. Beside them what the windows must come to, from the rows alone.
class Fleet {
 public:
  Fleet(uint32_t parallelism, testing::StateBackend backend) : backend_(backend) {
    Start(parallelism, {});
  }

  void Push(const Delay& delay, int64_t time) {
    const int32_t partition = PartitionOf(delay.route);
    for (const auto& one : subtasks_) {
      EXPECT_TRUE(one->Push(delay, time, {"delays", partition, offset_++})) << one->error();
    }
    const int64_t end = time - time % 10 + 10;
    if (end - 1 <= begun_[static_cast<size_t>(partition)]) return;  // late
    expected_[absl::StrCat(delay.route, " at ", end - 1)] += delay.minutes;
  }
  void Advance(uint32_t partition, int64_t watermark) {
    watermarks_[partition] = std::max(watermarks_[partition], watermark);
    PushWatermarks();
  }
  void Restart(uint32_t parallelism) {
    std::vector<std::string> snapshots;
    for (const auto& one : subtasks_) snapshots.push_back(one->Snapshot().value_or(""));
    Collect();
    Start(parallelism, snapshots);
    PushWatermarks();
  }
  void Finish() {
    for (const auto& one : subtasks_) EXPECT_TRUE(one->Finish()) << one->error();
    Collect();
  }
  const std::map<std::string, int64_t>& sums() const { return sums_; }
  const std::map<std::string, int64_t>& expected() const { return expected_; }

 private:
  uint32_t parallelism() const { return static_cast<uint32_t>(subtasks_.size()); }
  void Start(uint32_t parallelism, const std::vector<std::string>& snapshots) {
    subtasks_.clear();
    for (uint32_t i = 0; i < parallelism; ++i) {
      HarnessOptions options = Aligned(i, parallelism);
      options.backend = backend_;
      subtasks_.push_back(std::make_unique<Harness>(WindowSums, options));
      if (snapshots.empty()) continue;
      EXPECT_TRUE(subtasks_[i]->Restore(snapshots)) << subtasks_[i]->error();
    }
  }
  void PushWatermarks() {
    for (uint32_t i = 0; i < parallelism(); ++i) {
      const KeyGroupRange own = DefaultKeyGroupRange(i, {parallelism(), kPartitions});
      int64_t least = std::numeric_limits<int64_t>::max();
      for (uint32_t p = own.first; p < own.end; ++p) least = std::min(least, watermarks_[p]);
      subtasks_[i]->PushWatermark(least);
      for (uint32_t p = own.first; p < own.end; ++p) begun_[p] = std::max(begun_[p], least);
    }
  }
  void Collect() {
    for (const auto& one : subtasks_) {
      for (const auto& output : one->TakeOutputs()) {
        const std::string name =
            absl::StrCat(output.record.route, " at ", output.event_time_us.value_or(-1));
        EXPECT_EQ(sums_.count(name), 0u) << name << " has fired twice";
        sums_[name] = output.record.minutes;
      }
    }
  }

  const testing::StateBackend backend_;
  std::vector<std::unique_ptr<Harness>> subtasks_;
  std::vector<int64_t> watermarks_ = std::vector<int64_t>(kPartitions, 0);  // of the source
  std::vector<int64_t> begun_ = std::vector<int64_t>(kPartitions, 0);       // of the key groups
  int64_t offset_ = 0;
  std::map<std::string, int64_t> sums_;
  std::map<std::string, int64_t> expected_;
};

WEIR_ON_EACH_BACKEND(PartitionKeyedRestore);

TEST_P(PartitionKeyedRestore, WatermarksGoWithTheirPartitions) {
  std::string in_two = "a";
  while (PartitionOf(in_two) != 2) ++in_two[0];
  std::string in_three = "a";
  while (PartitionOf(in_three) != 3) ++in_three[0];
  Fleet fleet(3, GetParam());  // partitions 0 and 1, 2, 3
  fleet.Advance(2, 15);
  fleet.Advance(3, 25);
  fleet.Restart(2);  // 0 and 1, 2 and 3: the subtask's own watermark is 15
  fleet.Push({in_two, 1}, 21);
  fleet.Push({in_two, 1}, 13);    // [10, 20) has not fired in partition 2
  fleet.Push({in_three, 1}, 13);  // it has in partition 3, where a row of it is late
  fleet.Finish();
  EXPECT_EQ(fleet.sums(), (std::map<std::string, int64_t>{{absl::StrCat(in_two, " at 29"), 1},
                                                          {absl::StrCat(in_two, " at 19"), 1}}));
}

TEST_P(PartitionKeyedRestore, StateAndTimersMoveWithTheirPartitionsAtAnyParallelism) {
  for (uint64_t seed = 1; seed <= (rocks() ? 3u : 20u); ++seed) {
    SeededRandom random(seed);
    Fleet fleet(1, GetParam());
    int64_t now = 0;
    for (const uint32_t parallelism : {3u, 2u, 4u, 1u}) {
      for (int i = 0; i < 200; ++i) {
        now += static_cast<int64_t>(random.Below(3));
        const std::string route(1, static_cast<char>('a' + random.Below(20)));
        const auto back = static_cast<int64_t>(random.Below(25));
        fleet.Push({route, static_cast<int64_t>(random.Below(9))},
                   std::max<int64_t>(now - back, 0));
        if (random.Below(4) > 0) continue;
        fleet.Advance(static_cast<uint32_t>(random.Below(kPartitions)),
                      std::max<int64_t>(now - 12, 0));
      }
      fleet.Restart(parallelism);
    }
    fleet.Finish();
    EXPECT_EQ(fleet.sums(), fleet.expected()) << "seed " << seed;
    EXPECT_GT(fleet.sums().size(), 100u);
  }
}

}  // namespace
}  // namespace weir
