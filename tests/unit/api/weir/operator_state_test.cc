// State of functions that belongs to their subtask: in every kind of function, over parallelisms,
// and when it cannot be had.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "weir/error_policy.h"
#include "weir/keyed_process_function.h"
#include "weir/keyed_stream.h"
#include "weir/testing/operator_test_harness.h"
#include "weir/windowed_stream.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using testing::HarnessOptions;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

struct Number {
  int64_t value = 0;
  WEIR_RECORD(Number, value)
};

using Harness = testing::OperatorTestHarness<Number, Number>;

const ListStateDescriptor<Number> kBuffer("buffer");
const ListStateDescriptor<std::string> kOtherBuffer("buffer");
const MapStateDescriptor<std::string, int64_t> kRules("rules");

/// Passes rows on ten at a time, and all behind one below 0: what comes in and has not gone out is
/// its state (Flink's BufferingSink).
struct Buffering {
  void Open(FunctionContext& context) {
    buffer = context.GetOperatorStateStore().GetListState(kBuffer);
  }
  void operator()(const Number& number, Collector<Number>& out) {
    if (number.value >= 0) buffer.Add(number);
    if (number.value >= 0 && buffer.Peek()->size() < 10) return;
    for (const Number& one : buffer.Get()) out.Collect(one);
    buffer.Clear();
  }

  ListState<Number> buffer;
};

DataStream<Number> BufferedNumbers(const DataStream<Number>& numbers) {
  return numbers.FlatMap<Number>(Buffering{}).Name("buffer");
}

template <class H>
std::vector<int64_t> Values(H& harness) {
  std::vector<int64_t> values;
  for (const auto& output : harness.TakeOutputs()) values.push_back(output.record.value);
  return values;
}

/// All subtasks of one pipeline, one after another.
class Fleet {
 public:
  explicit Fleet(Harness::Pipeline pipeline) : pipeline_(std::move(pipeline)) {}

  void Start(uint32_t parallelism) {
    std::vector<std::string> snapshots;
    for (auto& harness : subtasks_) {
      auto snapshot = harness->Snapshot();
      ASSERT_TRUE(snapshot.has_value()) << harness->error();
      snapshots.push_back(*std::move(snapshot));
    }
    // In any order.
    std::reverse(snapshots.begin(), snapshots.end());
    subtasks_.clear();
    for (uint32_t subtask = 0; subtask < parallelism; ++subtask) {
      HarnessOptions options;
      options.subtask = subtask;
      options.parallelism = parallelism;
      subtasks_.push_back(std::make_unique<Harness>(pipeline_, options));
      if (!snapshots.empty()) {
        ASSERT_TRUE(subtasks_.back()->Restore(snapshots)) << subtasks_.back()->error();
      }
    }
  }
  void Push(int64_t first, int64_t end) {
    for (; first < end; ++first) {
      PushInto(*subtasks_[static_cast<size_t>(first) % subtasks_.size()], first);
    }
  }
  void Flush() {
    for (auto& harness : subtasks_) PushInto(*harness, -1);
  }
  const std::vector<int64_t>& out() const { return out_; }
  std::vector<std::unique_ptr<Harness>>& subtasks() { return subtasks_; }

 private:
  void PushInto(Harness& harness, int64_t value) {
    ASSERT_TRUE(harness.Push({value})) << harness.error();
    const std::vector<int64_t> values = Values(harness);
    out_.insert(out_.end(), values.begin(), values.end());
  }

  const Harness::Pipeline pipeline_;
  std::vector<std::unique_ptr<Harness>> subtasks_;
  std::vector<int64_t> out_;
};

std::vector<int64_t> UpTo(int64_t end) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < end; ++i) values.push_back(i);
  return values;
}

TEST(OperatorStateTest, ABufferIsDealtOutOverParallelismsAndNothingIsLostOrDoubled) {
  Fleet fleet(BufferedNumbers);
  fleet.Start(1);
  fleet.Push(0, 17);
  EXPECT_THAT(fleet.out(), SizeIs(10));
  fleet.Start(3);
  fleet.Push(17, 61);
  fleet.Start(2);
  fleet.Push(61, 102);
  fleet.Start(1);
  fleet.Push(102, 130);
  EXPECT_LT(fleet.out().size(), 130u);
  fleet.Flush();
  EXPECT_THAT(fleet.out(), UnorderedElementsAreArray(UpTo(130)));
}

TEST(OperatorStateTest, WhatAFunctionWasPushedIsAllItsOwnAtAnyParallelism) {
  HarnessOptions options;
  options.subtask = 2;
  options.parallelism = 3;
  Harness harness(
      [](const DataStream<Number>& numbers) {
        return numbers.Map([](const Number& number) { return number; });
      },
      options);
  for (int64_t i = 0; i < 20; ++i) ASSERT_TRUE(harness.Push({i})) << harness.error();
  EXPECT_THAT(Values(harness), UnorderedElementsAreArray(UpTo(20)));
}

TEST(OperatorStateTest, TheHarnessWantsTheSnapshotsOfAllSubtasks) {
  Fleet fleet(BufferedNumbers);
  fleet.Start(3);
  fleet.Push(0, 7);
  std::vector<std::string> snapshots;
  for (size_t i = 0; i < 2; ++i) snapshots.push_back(*fleet.subtasks()[i]->Snapshot());
  Harness harness(BufferedNumbers);
  EXPECT_FALSE(harness.Restore(snapshots));
  EXPECT_THAT(harness.error(), HasSubstr("there were 3, and 2 snapshots are given"));
  Harness twice(BufferedNumbers);
  snapshots = {snapshots[0], snapshots[0], snapshots[1]};
  EXPECT_FALSE(twice.Restore(snapshots));
}

TEST(OperatorStateTest, AFunctionThatLeavesItOutOnceLosesNothing) {
  Harness first(BufferedNumbers);
  for (int64_t i = 0; i < 6; ++i) first.Push({i});
  Harness without([](const DataStream<Number>& numbers) {
    return numbers.FlatMap<Number>([](const Number&, Collector<Number>&) {}).Name("buffer");
  });
  ASSERT_TRUE(without.Restore(*first.Snapshot())) << without.error();
  without.Push({100});
  Harness again(BufferedNumbers);
  ASSERT_TRUE(again.Restore(*without.Snapshot())) << again.error();
  for (int64_t i = 6; i < 10; ++i) again.Push({i});
  EXPECT_THAT(Values(again), UnorderedElementsAreArray(UpTo(10)));
}

TEST(OperatorStateTest, AFunctionIsToldWhetherItIsRestored) {
  const auto restored = std::make_shared<std::vector<bool>>();
  struct Asking {
    void Open(FunctionContext& context) {
      (void)context.GetOperatorStateStore().GetListState(kBuffer);
      restored->push_back(context.IsRestored());
    }
    bool operator()(const Number&) { return true; }
    std::shared_ptr<std::vector<bool>> restored;
  };
  const auto pipeline = [&](const DataStream<Number>& numbers) {
    return numbers.Filter(Asking{restored}).Name("asking");
  };
  Harness first(pipeline);
  first.Push({1});
  Harness second(pipeline);
  ASSERT_TRUE(second.Restore(*first.Snapshot()));
  EXPECT_THAT(*restored, ElementsAre(false, true));
}

/// How often its kind of function was called, in this subtask: it keeps its context.
struct Counted {
  void Open(FunctionContext& function_context) { context = &function_context; }
  int64_t Next() {
    auto calls = context->GetOperatorStateStore().GetBroadcastState(kRules);
    calls.Put("calls", calls.Get("calls").value_or(0) + 1);
    return *calls.Get("calls");
  }
  FunctionContext* context = nullptr;
};
struct CountingMap : Counted {
  Number operator()(const Number&) { return {Next()}; }
};
struct CountingFilter : Counted {
  bool operator()(const Number& number) { return number.value < 100 && Next() > 1; }
};
class CountingProcess final : public ProcessFunction<Number, Number> {
 public:
  void Open(FunctionContext& context) override { counted_.Open(context); }
  void ProcessElement(const Row<Number>&, Context&, Collector<Number>& out) override {
    out.Collect(Number{counted_.Next()});
  }

 private:
  Counted counted_;
};
class CountingKeyedProcess final : public KeyedProcessFunction<int64_t, Number, Number> {
 public:
  void Open(RuntimeContext& context) override { counted_.Open(context); }
  void ProcessElement(const Row<Number>&, Context&, Collector<Number>& out) override {
    out.Collect(Number{counted_.Next()});
  }

 private:
  Counted counted_;
};
class CountingWindow final : public ProcessWindowFunction<Number, Number, int64_t> {
 public:
  void Open(FunctionContext& context) override { counted_.Open(context); }
  void Process(const int64_t&, WindowContext&, std::span<const Number>,
               Collector<Number>& out) override {
    out.Collect(Number{counted_.Next()});
  }

 private:
  Counted counted_;
};

/// Five rows, a restore, five rows: ten calls are counted.
std::vector<int64_t> CountsOf(const Harness::Pipeline& pipeline) {
  Harness first(pipeline);
  for (int64_t i = 0; i < 5; ++i) first.Push({i}, i * 1'000'000);
  std::vector<int64_t> counts = Values(first);
  const auto snapshot = first.Snapshot();
  EXPECT_TRUE(snapshot.has_value()) << first.error();
  Harness second(pipeline);
  EXPECT_TRUE(second.Restore(*snapshot)) << second.error();
  for (int64_t i = 5; i < 10; ++i) second.Push({i}, i * 1'000'000);
  second.Finish();
  EXPECT_EQ(second.error(), "");
  const std::vector<int64_t> more = Values(second);
  counts.insert(counts.end(), more.begin(), more.end());
  return counts;
}

TEST(OperatorStateTest, MapFilterAndProcessHaveIt) {
  const auto ten = ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  EXPECT_THAT(CountsOf([](const auto& numbers) { return numbers.Map(CountingMap{}); }), ten);
  EXPECT_THAT(CountsOf([](const auto& numbers) { return numbers.Process(CountingProcess{}); }),
              ten);
  EXPECT_THAT(CountsOf([](const auto& numbers) { return numbers.Filter(CountingFilter{}); }),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(OperatorStateTest, KeyedFunctionsHaveItBesideTheStateOfKeys) {
  EXPECT_THAT(CountsOf([](const auto& numbers) {
                return numbers.KeyBy(&Number::value).Process(CountingKeyedProcess{});
              }),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(CountsOf([](const auto& numbers) {
                return numbers.KeyBy(&Number::value)
                    .Window(Tumbling(std::chrono::seconds(1)))
                    .Process(CountingWindow{});
              }),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

// What cannot be had.

/// Asks for a state by two types in Open.
struct AskingTwice {
  void Open(FunctionContext& context) {
    (void)context.GetOperatorStateStore().GetListState(kBuffer);
    (void)context.GetOperatorStateStore().GetListState(kOtherBuffer);
    if (throws) throw std::runtime_error("what it got is empty");
  }
  Number operator()(const Number& number) { return number; }
  bool throws = false;
};

constexpr char kTwice[] = "operator state 'buffer' is asked for twice, with different types";

TEST(OperatorStateTest, AStateOfTwoTypesFailsWhenTheFunctionIsOpened) {
  for (const bool throws : {false, true}) {
    Harness harness([throws](const DataStream<Number>& numbers) {
      return numbers.Map(AskingTwice{throws}).Name("twice");
    });
    EXPECT_FALSE(harness.Push({1}));
    EXPECT_EQ(harness.error(), std::string("operator 'twice' failed: ") + kTwice);
  }
}

/// Asks for it by another type for row 3, and may throw then.
struct AskingLate {
  void Open(FunctionContext& function_context) {
    context = &function_context;
    (void)context->GetOperatorStateStore().GetListState(kBuffer);
  }
  void Ask(const Number& number) {
    if (number.value != 3) return;
    (void)context->GetOperatorStateStore().GetListState(kOtherBuffer);
    if (throws) throw std::runtime_error("what it got is empty");
  }
  bool throws = false;
  FunctionContext* context = nullptr;
};
struct MapAskingLate : AskingLate {
  Number operator()(const Number& number) {
    Ask(number);
    return number;
  }
};
struct FilterAskingLate : AskingLate {
  bool operator()(const Number& number) {
    Ask(number);
    return true;
  }
};
struct FlatMapAskingLate : AskingLate {
  void operator()(const Number& number, Collector<Number>& out) {
    Ask(number);
    out.Collect(number);
  }
};
class ProcessAskingLate final : public ProcessFunction<Number, Number> {
 public:
  explicit ProcessAskingLate(AskingLate asking) : asking_(asking) {}
  void Open(FunctionContext& context) override { asking_.Open(context); }
  void ProcessElement(const Row<Number>& number, Context&, Collector<Number>& out) override {
    asking_.Ask({number.value});
    out.Collect(number);
  }

 private:
  AskingLate asking_;
};
class KeyedAskingLate final : public KeyedProcessFunction<int64_t, Number, Number> {
 public:
  explicit KeyedAskingLate(AskingLate asking) : asking_(asking) {}
  void Open(RuntimeContext& context) override { asking_.Open(context); }
  void ProcessElement(const Row<Number>& number, Context&, Collector<Number>& out) override {
    asking_.Ask({number.value});
    out.Collect(number);
  }

 private:
  AskingLate asking_;
};

/// Of a function that is given to the pipeline: what comes of a batch with row 3 in it.
void ExpectNothingHidden(const std::function<DataStream<Number>(const DataStream<Number>&)>& with) {
  Harness harness(with);
  EXPECT_FALSE(harness.PushBatch({{1}, {2}, {3}, {4}}));
  EXPECT_THAT(harness.error(), HasSubstr(kTwice));
  EXPECT_THAT(Values(harness), IsEmpty()) << "made without the state that is missing";
  EXPECT_THAT(harness.TakeDeadLetters(), IsEmpty());
}

TEST(OperatorStateTest, NoErrorPolicyHidesStateThatCannotBeHad) {
  for (const bool throws : {false, true}) {
    for (const ErrorPolicy& policy : {ErrorPolicy::Skip(), ErrorPolicy::Fail()}) {
      ExpectNothingHidden([&](const DataStream<Number>& numbers) {
        return numbers.Map(MapAskingLate{{throws}}).OnError(policy);
      });
      ExpectNothingHidden([&](const DataStream<Number>& numbers) {
        return numbers.Filter(FilterAskingLate{{throws}}).OnError(policy);
      });
      ExpectNothingHidden([&](const DataStream<Number>& numbers) {
        return numbers.FlatMap<Number>(FlatMapAskingLate{{throws}}).OnError(policy);
      });
    }
    ExpectNothingHidden([&](const DataStream<Number>& numbers) {
      return numbers.Process(ProcessAskingLate({throws}));
    });
    ExpectNothingHidden([&](const DataStream<Number>& numbers) {
      return numbers.KeyBy(&Number::value).Process(KeyedAskingLate({throws}));
    });
  }
}

TEST(OperatorStateTest, AnotherTypeThanInTheCheckpointIsRefusedWithTheDifference) {
  Harness first(BufferedNumbers);
  first.Push({1});
  struct OtherType {
    void Open(FunctionContext& context) {
      (void)context.GetOperatorStateStore().GetListState(kOtherBuffer);
    }
    void operator()(const Number&, Collector<Number>&) {}
  };
  Harness second([](const DataStream<Number>& numbers) {
    return numbers.FlatMap<Number>(OtherType{}).Name("buffer");
  });
  EXPECT_FALSE(second.Restore(*first.Snapshot()));
  EXPECT_EQ(second.error(),
            "operator 'buffer' failed: state 'buffer' cannot be restored: it was record{value "
            "int64} and is string");
}

}  // namespace
}  // namespace weir
