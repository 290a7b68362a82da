"""./dev bench operators and state_tier: microbenchmarks, by rounds, each beside its limit."""

import json
import statistics
import subprocess

# Of bench_keyed_operators: (what, benchmark, its limit or none)
OPERATORS = [
    ("hash aggregate, 1e3 keys, hashmap", "HashAggregate/1000/0", "HashAggregateByHand/1000"),
    ("hash aggregate, 1e3 keys, rocksdb", "HashAggregate/1000/1", "HashAggregateByHand/1000"),
    ("hash aggregate, 1e6 keys, hashmap", "HashAggregate/1000000/0",
     "HashAggregateByHand/1000000"),
    ("hash aggregate, 1e6 keys, rocksdb", "HashAggregate/1000000/1",
     "HashAggregateByHand/1000000"),
    ("hash aggregate, 1e7 keys, hashmap", "HashAggregate/10000000/0",
     "HashAggregateByHand/10000000"),
    ("hash aggregate, 1e7 keys, rocksdb", "HashAggregate/10000000/1",
     "HashAggregateByHand/10000000"),
    ("window, overlap 1, hashmap", "Windows/1/0/iterations:6000", None),
    ("window, overlap 5, hashmap", "Windows/5/0/iterations:6000", "Windows/1/0/iterations:6000"),
    ("window, overlap 60, hashmap", "Windows/60/0/iterations:6000", "Windows/1/0/iterations:6000"),
    ("window, overlap 1, rocksdb", "Windows/1/1/iterations:6000", None),
    ("window, overlap 5, rocksdb", "Windows/5/1/iterations:6000", "Windows/1/1/iterations:6000"),
    ("window, overlap 60, rocksdb", "Windows/60/1/iterations:6000", "Windows/1/1/iterations:6000"),
    ("timers, hashmap", "Timers/0", "TimersByHand"),
    ("timers, rocksdb", "Timers/1", "TimersByHand"),
]


def run_program(program, options, extra):
    """{benchmark: its JSON}: one run of all of it."""
    printed = subprocess.run(
        [options.binary_dir / "bin" / program, "--benchmark_format=json", *extra],
        check=True, capture_output=True, text=True).stdout
    return {one["name"]: one for one in json.loads(printed)["benchmarks"]}


def rounds_of(program, options, quick):
    """As little as possible where the events are few: CI wants to know that it runs."""
    extra = quick if options.events < 100_000 else []
    rounds = []
    for number in range(1, options.rounds + 1):
        rounds.append(run_program(program, options, extra))
        print(f"round {number} done", flush=True)
    return rounds


def nanoseconds(one):
    """CPU time of a row."""
    return 1e9 / one["items_per_second"]


def operators(options):
    rounds = rounds_of("bench_keyed_operators", options,
                       ["--benchmark_filter=/1000($|/)|Timers", "--benchmark_min_time=0.01"])
    results = []
    print(f"{'':<36}{'ns/row':>8}{'min':>8}{'max':>8}{'limit':>8}{'ratio':>7}{'results/row':>13}")
    for what, name, limit in OPERATORS:
        if name not in rounds[0]:
            continue
        costs = [nanoseconds(one[name]) for one in rounds]
        result = {"bench": "operators", "query": name, "engine": what,
                  "ns_per_row": round(statistics.median(costs), 1)}
        line = f"{what:<36}{result['ns_per_row']:>8.0f}{min(costs):>8.0f}{max(costs):>8.0f}"
        if limit in rounds[0]:
            result["limit_ns"] = round(statistics.median(
                nanoseconds(one[limit]) for one in rounds), 1)
            result["ratio"] = round(statistics.median(
                nanoseconds(one[name]) / nanoseconds(one[limit]) for one in rounds), 2)
            line += f"{result['limit_ns']:>8.0f}{result['ratio']:>7.2f}"
        else:
            line += f"{'':>15}"
        if "results_per_row" in rounds[0][name]:
            line += f"{rounds[0][name]['results_per_row']:>13.3f}"
        results.append(result)
        print(line)
    return results, (f"{results[0]['engine']}: {results[0]['ns_per_row']:.0f} ns per row, "
                     f"{results[0].get('ratio', 0):.1f} times a plain hash table")


def state_tier(options):
    rounds = rounds_of("bench_state_tier", options,
                       ["--benchmark_filter=InMemory/1000$", "--benchmark_min_time=0.01"])
    results = []
    skipped = {"name", "run_name", "run_type", "repetitions", "repetition_index", "threads",
               "iterations", "real_time", "cpu_time", "time_unit", "items_per_second",
               "family_index", "per_family_instance_index"}
    for name, first in rounds[0].items():
        result = {"bench": "state_tier", "query": name, "engine": name}
        if "items_per_second" in first:
            result["ns_per_row"] = round(
                statistics.median(nanoseconds(one[name]) for one in rounds), 1)
        for counter in first:
            if counter not in skipped and isinstance(first[counter], (int, float)):
                result[counter] = round(statistics.median(one[name][counter] for one in rounds), 3)
        results.append(result)
        print(f"{name:<40}" + "".join(f"  {key} {value:g}" for key, value in result.items()
                                      if key not in ("bench", "query", "engine")))
    return results, f"{len(results)} benchmarks of the tier"
