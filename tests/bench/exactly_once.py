"""The benches of exactly-once delivery: its latency and cost, and those of a handle's commits."""

import argparse
import statistics

import expected
from engines import Handwritten, duration_seconds
from weir_cluster import WeirCluster

PARTITIONS = 4
TIMEOUT_SECONDS = 300
ENGINES = {"weir": WeirCluster, "bare producer": Handwritten}
VARIANTS = [("weir", "at-least-once"), ("weir", "exactly-once"), ("bare producer", "exactly-once")]
# Of the stream in which latency is measured; with checkpoints at a longer interval three of those.
SKIPPED_SECONDS = 1
INTERVALS_PER_STREAM = 3
# Of each handle in each round, at most.
COMMITS = 200


def _variant(options, engine, delivery, interval):
    settings = argparse.Namespace(**vars(options))
    settings.delivery, settings.interval = delivery, interval
    return ENGINES[engine], settings


def _cost(topics, options, variant, number):
    """One drain of the loaded topic: CPU up to the last record that readers see."""
    engine, delivery, interval = variant
    make, settings = _variant(options, engine, delivery, interval)
    output = f"cost-{engine.replace(' ', '-')}-{delivery}-{interval}-{number}"
    topics.create(output, PARTITIONS)
    broker = topics.broker_cpu_seconds()
    with make(settings, topics.bootstrap, "flights", output) as running:
        found = topics.await_committed(output, options.expected, TIMEOUT_SECONDS,
                                       running.check_alive)
        cpu = running.cpu_seconds()
    if found["records"] != options.expected:
        raise SystemExit(f"{engine} wrote {found['records']} records, {options.expected} were "
                         "expected")
    topics.delete(output)
    return {"cpu_s_per_million": cpu / options.events * 1e6,
            "broker_cpu_s_per_million":
                (topics.broker_cpu_seconds() - broker) / options.events * 1e6,
            "digest": found["digest"]}


def _latency(topics, options, variant, number):
    """One stream at the fixed rate, with topics of its own."""
    engine, delivery, interval = variant
    make, settings = _variant(options, engine, delivery, interval)
    name = f"{engine.replace(' ', '-')}-{delivery}-{interval}-{number}"
    for topic in ("in-" + name, "latency-" + name):
        topics.create(topic, PARTITIONS)
    seconds = max(options.seconds,
                  round(INTERVALS_PER_STREAM * duration_seconds(interval)) + SKIPPED_SECONDS)
    with make(settings, topics.bootstrap, "in-" + name, "latency-" + name) as running:
        found = topics.latencies("in-" + name, "latency-" + name, options.rate, seconds,
                                 SKIPPED_SECONDS, running.check_alive)
    for topic in ("in-" + name, "latency-" + name):
        topics.delete(topic)
    return found


def _medians(rounds):
    return {name: round(statistics.median(one[name] for one in rounds), 3)
            for name in ("cpu_s_per_million", "broker_cpu_s_per_million", "p50_ms", "p99_ms")}


def _ratio(rounds, variant, anchor, name):
    return statistics.median(mine[name] / other[name]
                             for mine, other in zip(rounds[variant], rounds[anchor]))


def _report(rounds, options):
    print(f"{'engine':<15}{'delivery':<15}{'interval':>9}{'CPU-s/M':>9}{'broker':>8}{'p50 ms':>9}"
          f"{'p99 ms':>9}{'x CPU':>7}{'x p50':>7}")
    results = []
    for interval in options.intervals:
        anchor = ("weir", "at-least-once", interval)
        for engine, delivery in VARIANTS:
            variant = (engine, delivery, interval)
            median = _medians(rounds[variant])
            median["cpu_ratio"] = round(_ratio(rounds, variant, anchor, "cpu_s_per_million"), 3)
            median["p50_ratio"] = round(_ratio(rounds, variant, anchor, "p50_ms"), 3)
            print(f"{engine:<15}{delivery:<15}{interval:>9}{median['cpu_s_per_million']:>9.3f}"
                  f"{median['broker_cpu_s_per_million']:>8.3f}{median['p50_ms']:>9.1f}"
                  f"{median['p99_ms']:>9.1f}{median['cpu_ratio']:>7.2f}{median['p50_ratio']:>7.2f}")
            results.append({"bench": "exactly_once", "query": f"flight_delays-{interval}",
                            "engine": f"{engine}, {delivery}", **median,
                            "rounds": rounds[variant]})
    return results


def exactly_once(options, topics):
    topics.create("flights", PARTITIONS)
    rows = topics.load_flights("flights", options.events)
    options.expected = expected.late_flights(rows, options.events)
    variants = [(*variant, interval) for interval in options.intervals for variant in VARIANTS]
    rounds = {variant: [] for variant in variants}
    for number in range(1, options.rounds + 1):
        for variant in variants:
            one = {**_cost(topics, options, variant, number),
                   **_latency(topics, options, variant, number)}
            rounds[variant].append(one)
            print(f"round {number}: {', '.join(variant)}: {one['cpu_s_per_million']:.3f} CPU-s/M, "
                  f"p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms", flush=True)
    if len({one["digest"] for each in rounds.values() for one in each}) != 1:
        raise SystemExit("the engines' outputs differ; nothing is reported")
    results = _report(rounds, options)
    interval = options.intervals[0]
    mine, bare = ("weir", "exactly-once", interval), ("bare producer", "exactly-once", interval)
    cost = _ratio(rounds, mine, ("weir", "at-least-once", interval), "cpu_s_per_million")
    latency = _ratio(rounds, mine, bare, "p50_ms")
    return results, (f"exactly once at {interval}: {cost:.2f} x CPU of at least once, "
                     f"{latency:.2f} x p50 of the bare transactional producer")


def _commit_text(one):
    return (f"p50 {one['p50_ms']:.2f} ms, p99 {one['p99_ms']:.2f} ms, {one['cpu_ms']:.2f} ms CPU, "
            f"broker {one['broker_cpu_ms']:.2f} ms CPU")


def transaction_handles(options, topics):
    """Needs no engine: bench_handles speaks to the broker alone."""
    topics.create("handles", 1)
    commits = max(5, min(COMMITS, options.events // 100))
    rounds = {"reuse": [], "fresh": []}
    for number in range(1, options.rounds + 1):
        for mode, runs in rounds.items():
            broker = topics.broker_cpu_seconds()
            one = topics.handles("handles", commits, mode)
            one["broker_cpu_ms"] = 1000 * (topics.broker_cpu_seconds() - broker) / commits
            runs.append(one)
            print(f"round {number}: {mode}: {_commit_text(one)}", flush=True)
    results = []
    for mode, runs in rounds.items():
        median = {name: round(statistics.median(one[name] for one in runs), 3)
                  for name in ("p50_ms", "p99_ms", "cpu_ms", "broker_cpu_ms")}
        print(f"{mode} (medians): {_commit_text(median)}")
        results.append({"bench": "transaction_handles", "query": "commit", "engine": mode,
                        **median, "rounds": runs})
    ratio = statistics.median(fresh["p50_ms"] / reuse["p50_ms"]
                              for fresh, reuse in zip(rounds["fresh"], rounds["reuse"]))
    cpu = statistics.median(fresh["cpu_ms"] / reuse["cpu_ms"]
                            for fresh, reuse in zip(rounds["fresh"], rounds["reuse"]))
    return results, f"a fresh producer for each commit: {ratio:.1f} x its time, {cpu:.1f} x its CPU"
