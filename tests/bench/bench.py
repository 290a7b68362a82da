"""./dev bench list | NAME [--engines weir,weir-run,handwritten] [--events N] [--rounds R]
               [--intervals 200ms,1s,10s] [--rate N] [--seconds S] [--json FILE]

flight_delays, airport_delays
               CPU-seconds per million input records of the example (a filter and a map;
               sliding windows behind a KeyBy), on a cluster of processes (weir) and in one process
               (weir-run), beside a hand-written single-thread program that does the same
               (tests/bench/handwritten.cc, handwritten_windows.cc): one real Kafka broker, the same
               bytes, interleaved, outputs compared. The last line is the CPU of the first
               engine over that of the last: the median of the rounds' ratios.
exactly_once   Latency and CPU of flight_delays exactly once and at least once, beside the
               hand-written program as a bare transactional producer, each at --intervals between
               checkpoints or commits. CPU: --events are drained at full speed, up to the last
               record that a read_committed reader sees. Latency: a stream of --rate records a
               second for at least --seconds and three intervals, from the write of a flight to its
               reader. Medians of interleaved rounds; ratios are medians of the rounds' ratios.
transaction_handles
               A commit by one transactional handle, used again, and by a fresh one for each
               transaction: time, CPU of the program and of the broker.
exchange       GB/s and CPU-seconds per GB of the exchange between two workers, over a Unix socket
               and TCP, 1 to 64 channels, with gRPC's BDP probe and without, beside plain sockets
               with the same bytes: --events rows of 44 bytes.
hash_aggregate Time per row of a running sum by key, as one task's thread calls the operator, on
               both state backends, all of 1e3, 1e6 and 1e7 keys there before, beside a plain hash
               table.
windows        The same of windows that overlap 1, 5 and 60 times, beside one update of a hash
               table per row and the merge of slices when a window ends.
timers         The same of a timer for each row, beside a binary heap.
keyed_state    Time per access to each kind of keyed state, beside a plain hash table, and of rows
               in operators by how many of their keys are not in memory.
tier           Time per access to keyed state behind RocksDB, ten times what memory holds, by how
               many are of a hot set, beside a hash table and bare Gets of RocksDB.
checkpoint     The longest pause of the task (aim: 1 ms), the bytes and the time of a checkpoint of
               1e4, 1e5 and 1e6 dirty ones of 1e7 keys, beside what the disk takes for these bytes.
increments     What a checkpoint of keyed state costs, one in each of --intervals, by three designs:
               a dirty log (the product's), write batches into RocksDB, tables that it ingests.
               --events changes of 100 bytes, 50,000 a second, over a million keys, uniform and by
               Zipf: percent of a core (and that of making the changes), bytes written and to be
               uploaded over those of what changed, time of an increment beside what the disk takes
               for these bytes, increments that took longer than the interval, files, and a restore,
               which must give the state that was saved. Intervals are multiples of 100ms.
idle_memory    PSS of a JobManager and a TaskManager without a job. The last line is their sum, the
               median of the rounds.

Each prints a table for docs/performance.md, and what it was taken on. Without --events and --rounds
each takes as many as end within a few minutes.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import exactly_once
import exchange
import expected
import increments
import microbenchmarks
from engines import Handwritten, WeirRun, proc_kilobytes
from kafka_topics import KafkaTopics
from tables import conditions, number, print_table, spread
from weir_cluster import IdleCluster, WeirCluster

ENGINES = {"weir": WeirCluster, "weir-run": WeirRun, "handwritten": Handwritten}
PARTITIONS = 4
ROUND_TIMEOUT_SECONDS = 300
# A run during which the canary took this much longer than the fastest one was disturbed.
NOISY_CANARY = 1.25
# How long a cluster is left alone before its memory is read.
IDLE_SECONDS = 5


def canary_seconds():
    """CPU time of a fixed loop: shows what the machine is worth at this moment."""
    began = time.process_time()
    total = 0
    for i in range(1_000_000):
        total += i * i % 7
    return time.process_time() - began


def run_once(engine_name, topics, options, round_number):
    """One run of one engine from its start, or the job's submission, to the last output record."""
    output = f"out-{engine_name}-{round_number}"
    topics.create(output, PARTITIONS)
    before = canary_seconds()
    with ENGINES[engine_name](options, topics.bootstrap, "flights", output) as engine:
        began = time.monotonic()
        topics.wait_for(output, options.expected, ROUND_TIMEOUT_SECONDS, engine.check_alive)
        seconds = time.monotonic() - began
        cpu = engine.cpu_seconds()
        rss = engine.peak_rss_mb()
    digest = topics.digest(output)
    if digest["records"] != options.expected:
        raise SystemExit(f"{engine_name} wrote {digest['records']} records, "
                         f"{options.expected} were expected")
    topics.delete(output)
    return {"engine": engine_name, "round": round_number, "cpu_s": round(cpu, 3),
            "seconds": round(seconds, 3), "rss_mb": round(rss, 1), "digest": digest["digest"],
            "canary_s": round(max(before, canary_seconds()), 4),
            "load": round(os.getloadavg()[0], 2)}


def mark_kept(runs):
    """Sets "kept" in each run. A round counts when none of its engines was disturbed; where that
    leaves less than half of the rounds, all count. One rule for all engines, or they would be
    compared under different conditions. Returns what to tell the reader."""
    slowest = NOISY_CANARY * min(run["canary_s"] for run in runs)
    rounds = sorted({run["round"] for run in runs})
    disturbed = {run["round"] for run in runs if run["canary_s"] > slowest}
    left_out = disturbed if len(disturbed) * 2 <= len(rounds) else set()
    for run in runs:
        run["quiet"] = run["canary_s"] <= slowest
        run["kept"] = run["round"] not in left_out
    if disturbed and not left_out:
        return (f"NOISY: the machine was disturbed in {len(disturbed)} of {len(rounds)} rounds; "
                "all are counted")
    return f"{len(disturbed)} of {len(rounds)} rounds were disturbed and are left out"


def summary(name, engine, rounds, events):
    kept = [one for one in rounds if one["kept"]]
    millions = events / 1e6
    return {
        "bench": name, "query": name, "engine": engine,
        "cpu_s_per_million": round(statistics.median(one["cpu_s"] for one in kept) / millions, 4),
        "events_per_s": round(events / statistics.median(one["seconds"] for one in kept)),
        "rss_mb": max(one["rss_mb"] for one in kept),
        "rounds": rounds,
    }


def print_results(results, events):
    table = []
    for one in results:
        kept = [each for each in one["rounds"] if each["kept"]]
        cpu = [each["cpu_s"] / events * 1e6 for each in kept]
        ratio = ratios(one, results[-1])
        table.append([one["engine"], f"{number(one['cpu_s_per_million'], 3)} {spread(cpu, 3)}",
                      f"{number(statistics.median(ratio))} × {spread(ratio)}",
                      number(one["events_per_s"], 0), f"{one['rss_mb']:.0f} MB",
                      f"{len(kept)} of {len(one['rounds'])}"])
    print_table(["engine", "CPU-s per million", f"CPU / {results[-1]['engine']}", "events/s",
                 "peak RSS", "rounds"], table)


def ratios(result, anchor):
    """CPU of one engine over another's, round by round: what disturbs the machine disturbs both."""
    by_round = {one["round"]: one for one in anchor["rounds"]}
    return [one["cpu_s"] / by_round[one["round"]]["cpu_s"]
            for one in result["rounds"] if one["kept"]]


def flight_delays(options):
    return beside_handwritten(options, "bench_handwritten", 0, expected.late_flights)


def airport_delays(options):
    return beside_handwritten(options, "bench_handwritten_windows", expected.DAYS_OF_THE_SLICE,
                              expected.windows_of_airports)


def beside_handwritten(options, yardstick, days, outputs):
    options.program, options.yardstick = options.name, yardstick
    with KafkaTopics(options, pathlib.Path(options.log_folder)) as topics:
        topics.create("flights", PARTITIONS)
        topics.create("late-flights", PARTITIONS)  # nothing goes there
        rows = topics.load_flights("flights", options.events, days)
        options.expected = outputs(rows, options.events)
        rounds = []
        for number in range(1, options.rounds + 1):
            for engine in options.engines:
                rounds.append(run_once(engine, topics, options, number))
                print(f"round {number}: {engine} {rounds[-1]['cpu_s']:.2f} CPU-s, "
                      f"{rounds[-1]['seconds']:.2f} s", flush=True)
    if len({one["digest"] for one in rounds}) != 1:
        raise SystemExit("the engines' outputs differ; nothing is reported")
    noise = mark_kept(rounds)
    results = [summary(options.name, engine,
                       [one for one in rounds if one["engine"] == engine], options.events)
               for engine in options.engines]
    print_results(results, options.events)
    print(noise)
    headline = f"{results[0]['engine']}: {results[0]['cpu_s_per_million']:.3f} CPU-s per million"
    for result in results[:-1]:
        each = ratios(result, results[-1])
        result["ratio"] = round(statistics.median(each), 3)
        print(f"{result['engine']} / {results[-1]['engine']}: {result['ratio']:.2f} x CPU "
              f"({min(each):.2f} to {max(each):.2f} in {len(each)} rounds)")
    if len(results) > 1:
        headline = (f"{results[0]['engine']} / {results[-1]['engine']}: "
                    f"{results[0]['ratio']:.2f} x CPU per record")
    return results, headline


def idle_memory(options):
    rounds = []
    for number in range(1, options.rounds + 1):
        with IdleCluster(options, "", "", f"idle-{number}") as cluster:
            time.sleep(IDLE_SECONDS)
            cluster.check_alive()
            jobmanager, taskmanager = (
                round(proc_kilobytes(pid, "smaps_rollup", "Pss") / 1024, 1)
                for pid in cluster.pids())
            rss = sum(proc_kilobytes(pid, "smaps_rollup", "Rss") for pid in cluster.pids()) / 1024
        rounds.append({"jobmanager_pss_mb": jobmanager, "taskmanager_pss_mb": taskmanager,
                       "pss_mb": round(jobmanager + taskmanager, 1), "rss_mb": round(rss, 1)})
        print(f"round {number}: JobManager {jobmanager} MB PSS, TaskManager {taskmanager} MB PSS; "
              f"{rss:.1f} MB RSS together", flush=True)
    pss = statistics.median(one["pss_mb"] for one in rounds)
    result = {"bench": "idle_memory", "query": "idle_memory", "engine": "weir", "pss_mb": pss,
              "rss_mb": max(one["rss_mb"] for one in rounds), "rounds": rounds}
    return [result], f"idle JobManager and TaskManager: {pss:.1f} MB PSS"


def on_kafka(bench):
    def run(options):
        with KafkaTopics(options, pathlib.Path(options.log_folder)) as topics:
            return bench(options, topics)
    return run


BENCHES = {
    "flight_delays": (flight_delays, "Kafka JSON in, 15 minutes late or more, Kafka JSON out"),
    "airport_delays": (airport_delays, "Kafka JSON in, windows of airports, Kafka JSON out"),
    "exactly_once": (on_kafka(exactly_once.exactly_once),
                     "latency and CPU of exactly-once delivery at several intervals"),
    "transaction_handles": (on_kafka(exactly_once.transaction_handles),
                            "a commit by a reused and by a fresh transactional handle"),
    "exchange": (lambda options: exchange.exchange(options, canary_seconds),
                 "bytes between two workers over gRPC, beside plain sockets"),
    "hash_aggregate": (microbenchmarks.hash_aggregate, "keyed sums, beside a hash table"),
    "windows": (microbenchmarks.windows, "windows by overlap, beside a hash table"),
    "timers": (microbenchmarks.timers, "timers, beside a binary heap"),
    "keyed_state": (microbenchmarks.keyed_state, "each kind of keyed state, per access"),
    "tier": (microbenchmarks.tier, "keyed state behind RocksDB by hit ratio"),
    "checkpoint": (microbenchmarks.checkpoint, "pause and bytes of a checkpoint of keyed state"),
    "increments": (lambda options: increments.increments(options, canary_seconds),
                   "increments of keyed state: dirty log, write batch, ingested table"),
    "idle_memory": (idle_memory, "memory of a JobManager and a TaskManager without a job"),
}


# --events and --rounds, where they are others.
DEFAULTS = {"exchange": (6_000_000, 5), "checkpoint": (2_000_000, 3),
            "hash_aggregate": (2_000_000, 3), "tier": (2_000_000, 3),
            "increments": (1_000_000, 3)}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["list", *BENCHES])
    parser.add_argument("--engines", default=",".join(ENGINES),
                        help="in the order in which they run: " + ", ".join(ENGINES))
    parser.add_argument("--events", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--intervals", default="200ms,1s,10s")
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--source-dir", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("WEIR_SOURCE_DIR", ".")))
    parser.add_argument("--binary-dir", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("WEIR_BINARY_DIR", "build/release")))
    options = parser.parse_args(arguments)
    options.engines = options.engines.split(",")
    options.intervals = options.intervals.split(",")
    unknown = [engine for engine in options.engines if engine not in ENGINES]
    if unknown:
        parser.error(f"there is no engine '{unknown[0]}'; there are {', '.join(ENGINES)}")
    events, rounds = DEFAULTS.get(options.name, (2_000_000, 5))
    options.events = events if options.events is None else options.events
    options.rounds = rounds if options.rounds is None else options.rounds
    if options.events < 1 or options.rounds < 1:
        parser.error("--events and --rounds must be at least 1")
    return options


def main(arguments):
    options = parse(arguments)
    if options.name == "list":
        for name, (_, what) in BENCHES.items():
            print(f"{name:<21}{what}")
        return
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as options.log_folder:
        load = os.getloadavg()[0]
        results, headline = BENCHES[options.name][0](options)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"results": results}, indent=2) + "\n")
    print(conditions(options, load))
    print(headline)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{pathlib.Path(str(error.cmd[0])).name} failed with exit code "
                         f"{error.returncode}") from error
