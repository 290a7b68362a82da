#!/usr/bin/env python3
"""What does not compile in a job says why, in a sentence of ours: each snippet is given to the
compiler, which has to refuse it with the text beside it.

Usage: compile_errors.py COMPILER ROOT
"""

import concurrent.futures
import os
import subprocess
import sys
import tempfile

PRELUDE = """
#include "weir/keyed_stream.h"
#include "weir/environment.h"
struct Bid { int64_t auction = 0; int64_t price = 0; WEIR_RECORD(Bid, auction, price) };
struct Best final : weir::AggregateFunction<Bid, int64_t, int64_t> {
  void Add(const Bid& bid, int64_t& best) const override { if (bid.price > best) best = bid.price; }
  int64_t GetResult(const int64_t& best) const override { return best; }
};
struct Stateful final : weir::ProcessFunction<Bid, Bid> {
  void Open(weir::FunctionContext& context) override {
    STATE
  }
  void ProcessElement(const Bid::View&, Context&, weir::Collector<Bid>&) override {}
};
void Build(const weir::DataStream<Bid>& bids) { CALL; }
"""

# What is called on the stream, and what the compiler has to say; None: it compiles.
CASES = [
    ("bids.KeyBy(&Bid::auction).Window(weir::Tumbling(std::chrono::seconds(1))).Aggregate(Best())",
     "", None),
    ("bids.KeyBy(&Bid::auction).Window(weir::Session(std::chrono::seconds(1))).Aggregate(Best())",
     "", "sliding and session windows merge accumulators"),
    ("bids.Process(Stateful())",
     'context.GetState(weir::ValueStateDescriptor<int64_t>("sum"));',
     "state belongs to keys: call KeyBy before Process"),
    ("bids.Process(Stateful())",
     'context.GetOperatorStateStore().GetListState(weir::ListStateDescriptor<Bid>("held"));', None),
    ("bids.Process(Stateful())",
     'context.GetOperatorStateStore().GetListState(weir::ListStateDescriptor<int*>("held"));',
     "not a type for state"),
    ("struct F { void Open(weir::RuntimeContext&) {} Bid operator()(const Bid& b) { return b; } };"
     "bids.Map(F())",
     "", "the function's Open takes a weir::FunctionContext&"),
    ("struct NoKey {}; bids.KeyBy([](const Bid&) { return NoKey(); })"
     ".Reduce([](const Bid& a, const Bid&) { return a; })",
     "", "not a type for a key"),
    ("bids.KeyByPartition(&Bid::auction).Reduce([](const Bid& a, const Bid&) { return a; })",
     "", None),
    ("bids.KeyByPartition([](const Bid&) { return 1.5; })"
     ".Reduce([](const Bid& a, const Bid&) { return a; })",
     "", "as Java's serializers write them"),
    ("struct Text { std::string text; WEIR_RECORD(Text, text) };"
     "bids.Map([](const Bid&) { return Text(); }).KeyBy(&Text::text).Sum(&Text::text)",
     "", "Sum takes a field of type int32_t, int64_t or double"),
    ("struct Maybe { int64_t id = 0; std::optional<int64_t> size; WEIR_RECORD(Maybe, id, size) };"
     "bids.Map([](const Bid&) { return Maybe(); }).KeyBy(&Maybe::id).MaxBy(&Maybe::size)",
     "", "Min, Max, MinBy and MaxBy take a field that is no std::optional"),
    ("struct Text { std::string text; WEIR_RECORD(Text, text) };"
     "weir::WatermarkStrategy::Monotonic().WithTimestampAssigner(&Text::text)",
     "", "WithTimestampAssigner takes a field of type weir::Timestamp"),
    ("weir::WatermarkStrategy::ForGenerator([] { return 1; })",
     "", "ForGenerator's factory returns a std::unique_ptr"),
    ("bids.KeyBy(&Bid::auction).Process(Stateful())", "", None),
    ("struct Keyed final : weir::KeyedProcessFunction<int64_t, Bid, Bid> {"
     " void ProcessElement(const Bid::View&, Context&, weir::Collector<Bid>&) override {} };"
     "bids.Process(Keyed())",
     "", "a KeyedProcessFunction, needs KeyBy before it"),
    ("bids.KeyBy(&Bid::auction).Window(std::chrono::seconds(1))",
     "", "Window takes one of the kinds of windows"),
]


def failure(compiler, root, case):
    call, state, expected = case
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "job.cc")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PRELUDE.replace("CALL", call).replace("STATE", state or "(void)context;"))
        run = subprocess.run(
            [compiler, "-std=c++20", "-fsyntax-only", "-I", root, "-I", os.path.join(root, "api"),
             path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if expected is None:
        return None if run.returncode == 0 else f"{call}: does not compile:\n{run.stdout}"
    if run.returncode == 0:
        return f"{call}: compiles"
    return None if expected in run.stdout else f"{call}: no '{expected}' in:\n{run.stdout}"


def main():
    compiler, root = sys.argv[1:]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: failure(compiler, root, case), CASES))
    failures = [one for one in results if one is not None]
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
