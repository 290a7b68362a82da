"""./dev bench hash_aggregate, windows, timers, keyed_state, tier, checkpoint: programs without
Kafka, in rounds. Each benchmark and its limit run in one process, so what disturbs the machine
disturbs both; ratios are medians of the rounds' ratios."""

import json
import statistics
import subprocess

from tables import number, print_table, spread

# Of the programs of Google Benchmark: (what, benchmark, its limit or none). All of what operators
# keep behind RocksDB fits into the tier's memory; what does not is `tier` and `keyed_state`.
BACKENDS = ("hashmap", "rocksdb, hot")
HASH_AGGREGATE = [
    (f"{name} keys, {backend}", f"HashAggregate/{keys}/{kind}/iterations:2000",
     f"HashAggregateByHand/{keys}/iterations:2000")
    for name, keys in (("1e3", 1000), ("1e6", 1_000_000), ("1e7", 10_000_000))
    for kind, backend in enumerate(BACKENDS)]
WINDOWS = [
    (f"{overlap} at a time, {backend}", f"Windows/{overlap}/{kind}/iterations:6000",
     f"WindowsWithTable/{overlap}/iterations:6000")
    for kind, backend in enumerate(BACKENDS) for overlap in (1, 5, 60)]
TIMERS = [
    (backend, f"Timers/{kind}/iterations:1000", "TimersInHeap/iterations:1000")
    for kind, backend in enumerate(BACKENDS)]
KEYED_STATE = [
    *[(f"value, update, {keys} keys", f"ValueUpdate/{keys}", f"TableUpdate/{keys}")
      for keys in (1000, 100_000, 1_000_000)],
    *[(f"value, read and update, {keys} keys", f"ValueReadAndUpdate/{keys}",
       f"TableUpdate/{keys}") for keys in (1000, 100_000, 1_000_000)],
    ("reducing, 100000 keys", "ReducingAdd/100000", "TableUpdate/100000"),
    ("value with TTL, 100000 keys", "ValueWithTtlUpdate/100000", "TableUpdate/100000"),
    ("the same, rocksdb", "ValueWithTtlInTier/100000", "TableUpdate/100000"),
    ("map of 16, put, 100000 keys", "MapPut/100000", "TableUpdate/100000"),
    ("timer, register and take", "TimerRegisterAndPop/100000", None),
    ("snapshot, write", "WriteSnapshot/100000", None),
    ("snapshot, restore", "RestoreSnapshot/100000", None),
    *[(f"row of an operator, {cold} % cold, {'' if prefetch else 'not '}prefetched",
       f"ValueInTier/{cold}/{prefetch}", "ValueInHeap/0")
      for cold in (0, 50, 99) for prefetch in (1, 0)],
    *[(f"row of a window, {cold} % cold, {'' if prefetch else 'not '}prefetched",
       f"WindowInTier/{cold}/{prefetch}", "WindowInHeap/0")
      for cold in (0, 50, 99) for prefetch in (1, 0)],
]
HOT_PERCENT = (0, 50, 90, 99)
TIER = [
    (f"{hot} % of a hot set, {'' if prefetch else 'not '}prefetched",
     f"TierAccess/{hot}/{prefetch}/iterations:100", f"TableAndGet/{hot}/iterations:100")
    for hot in HOT_PERCENT for prefetch in (1, 0)]
CHANGES = "ChangesBehindOneMegabyte/change:{}/iterations:1/process_time"
LISTS = [("list behind 1 MB, add", CHANGES.format(1), CHANGES.format(0)),
         ("where Add reads the list, 10,000 of them", CHANGES.format(2), CHANGES.format(0))]
# Keys, checkpoints of each number of dirty keys, and these.
CHECKPOINTS = [10_000_000, 10, 10_000, 100_000, 1_000_000]
QUICK_CHECKPOINTS = [20_000, 2, 1000]
PAUSE_AIM_MS = 1


def is_quick(options):
    """CI wants to know that it runs."""
    return options.events < 100_000


def run_program(program, options, extra):
    """{benchmark: its JSON}: one run of all of it."""
    printed = subprocess.run(
        [options.binary_dir / "bin" / program, "--benchmark_format=json", *extra],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return {one["name"]: one for one in json.loads(printed)["benchmarks"]}


def rounds_of(program, options, quick, pattern):
    extra = [f"--benchmark_filter={quick if is_quick(options) else pattern}",
             f"--benchmark_min_time={0.01 if is_quick(options) else 0.2}"]
    rounds = []
    for done in range(1, options.rounds + 1):
        rounds.append(run_program(program, options, extra))
        print(f"round {done} done", flush=True)
    return rounds


def nanoseconds(one):
    """CPU time of a row on the task's thread."""
    return 1e9 / one["items_per_second"]


def medians(rounds, name, counter):
    if counter not in rounds[0][name]:
        return None
    return statistics.median(one[name][counter] for one in rounds)


def measured(bench, what, name, limit, rounds):
    costs = [nanoseconds(one[name]) for one in rounds]
    result = {"bench": bench, "query": name, "engine": what, "ns_per_row": statistics.median(costs),
              "rounds": costs}
    if limit in rounds[0]:
        limits = [nanoseconds(one[limit]) for one in rounds]
        result["limit_ns"] = statistics.median(limits)
        result["ratios"] = [cost / floor for cost, floor in zip(costs, limits)]
        result["ratio"] = statistics.median(result["ratios"])
    return result


def report(bench, rows, rounds, counters):
    """Prints the table; `counters`: (title, counter, digits)."""
    results = [measured(bench, what, name, limit, rounds)
               for what, name, limit in rows if name in rounds[0]]
    table = []
    for result in results:
        cells = [result["engine"], f"{number(result['ns_per_row'], 0)} "
                                   f"{spread(result['rounds'], 0)}"]
        if "ratio" in result:
            cells += [number(result["limit_ns"], 1),
                      f"{number(result['ratio'])} × {spread(result['ratios'])}"]
        else:
            cells += ["—", "—"]
        for title, counter, digits in counters:
            result[counter] = medians(rounds, result["query"], counter)
            cells.append(number(result[counter], digits))
        table.append(cells)
    print_table(["", "ns a row", "limit", "ns / limit", *(title for title, _, _ in counters)],
                table)
    return results


def headline(results, limit):
    worst = max((one for one in results if "ratio" in one), key=lambda one: one["ratio"])
    return f"{worst['engine']}: {worst['ratio']:.1f} times {limit}, the most of all"


def hash_aggregate(options):
    rounds = rounds_of("bench_keyed_operators", options, "^HashAggregate.*/1000/", "^HashAggregate")
    results = report("hash_aggregate", HASH_AGGREGATE, rounds,
                     [("ns, all threads", "all_threads_ns", 0)])
    return results, headline(results, "a plain hash table")


def windows(options):
    rounds = rounds_of("bench_keyed_operators", options, "^Windows(WithTable)?/1/", "^Windows")
    results = report("windows", WINDOWS, rounds, [("ns, all threads", "all_threads_ns", 0),
                                                  ("results a row", "results_per_row", 3)])
    flat = {}
    for result in results:
        backend = result["engine"].split(", ", 1)[1]
        flat.setdefault(backend, []).append(result["ns_per_row"])
    for backend, costs in flat.items():
        print(f"{backend}: a row in {WINDOWS[len(costs) - 1][0].split()[0]} windows costs "
              f"{costs[-1] / costs[0]:.2f} times one in 1")
    return results, headline(results, "one update of a hash table and the merge")


def timers(options):
    rounds = rounds_of("bench_keyed_operators", options, "^Timers", "^Timers")
    results = report("timers", TIMERS, rounds, [("ns, all threads", "all_threads_ns", 0),
                                                ("results a row", "results_per_row", 3)])
    return results, headline(results, "a binary heap")


def keyed_state(options):
    rounds = rounds_of("bench_keyed_state", options, "^(ValueUpdate|TableUpdate)/1000$", ".")
    results = report("keyed_state", KEYED_STATE, rounds, [])
    return results, headline(results, "its limit")


def tier(options):
    rounds = rounds_of("bench_tier_access", options, "^TierAccess/99/1|^TableAndGet/99/", ".")
    results = report("tier", TIER, rounds, [("ns, all threads", "all_threads_ns", 0),
                                            ("found in memory", "hit_ratio", 3)])
    if LISTS[0][1] in rounds[0]:
        print("Lists, beside values that are put under keys of their own:")
        report("tier", LISTS, rounds, [])
    for hot in HOT_PERCENT:
        name = f"GetAndPut/{hot}/iterations:100"
        if name in rounds[0]:
            print(f"RocksDB alone, Get and Put for each, {hot} % of a hot set: "
                  f"{statistics.median(nanoseconds(one[name]) for one in rounds):,.0f} ns, "
                  f"{medians(rounds, name, 'all_threads_ns'):,.0f} ns of all threads")
    return results, headline(results, "a hash table and bare Gets")


def checkpoint(options):
    """Pauses count by the longest of all rounds, the rest by medians."""
    arguments = QUICK_CHECKPOINTS if is_quick(options) else CHECKPOINTS
    runs = {}
    for done in range(1, options.rounds + 1):
        printed = subprocess.run(
            [options.binary_dir / "bin" / "bench_checkpoint", *map(str, arguments)],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        for line in printed.splitlines():
            one = json.loads(line)
            runs.setdefault(one["dirty"], []).append(one)
        print(f"round {done} done", flush=True)
    results, table = [], []
    for dirty, rounds in runs.items():
        result = {"bench": "checkpoint", "query": f"{dirty} dirty", "engine": "weir",
                  "rounds": rounds}
        for name in ("log_bytes", "table_bytes", "write_ms", "limit_ms"):
            result[name] = statistics.median(one[name] for one in rounds)
        result["freeze_max_ms"] = max(one["freeze_max_us"] for one in rounds) / 1e3
        result["freeze_cpu_max_ms"] = max(one["freeze_cpu_max_us"] for one in rounds) / 1e3
        results.append(result)
        table.append([f"{dirty:,} of {rounds[0]['keys']:,}",
                      rounds[0]["checkpoints"] * len(rounds),
                      number(result["freeze_max_ms"], 3), number(result["freeze_cpu_max_ms"], 3),
                      number(result["log_bytes"] / 1e6), number(result["log_bytes"] / dirty, 1),
                      number(result["table_bytes"] / 1e6),
                      number(result["write_ms"], 1), number(result["limit_ms"], 1)])
    print_table(["dirty keys", "checkpoints", "longest pause, ms", "of CPU, ms", "log, MB",
                 "bytes a dirty key", "tables, MB", "increment, ms", "disk, ms"], table)
    pause = max(one["freeze_max_ms"] for one in results)
    verdict = "within" if pause <= PAUSE_AIM_MS else "ABOVE"
    return results, f"longest pause {pause:.3f} ms: {verdict} the aim of {PAUSE_AIM_MS} ms"
