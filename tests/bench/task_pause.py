"""The bench of how long a whole task stands still at a barrier, on a cluster of processes."""

import argparse
import statistics

import expected
from tables import number, print_table
from weir_cluster import WeirCluster

PARTITIONS = 4
TIMEOUT_SECONDS = 300
BACKENDS = ["hashmap", "rocksdb"]
INTERVAL = "200ms"


def task_pause(options, topics):
    """Windows of airports, parallelism 2, a checkpoint in each INTERVAL while all records are
    drained; what `weir checkpoint describe` says of each subtask of each checkpoint."""
    topics.create("flights", PARTITIONS)
    topics.create("late-flights", PARTITIONS)  # nothing goes there
    rows = topics.load_flights("flights", options.events, expected.DAYS_OF_THE_SLICE)
    options.expected = expected.windows_of_airports(rows, options.events)
    found = {}
    for round_number in range(1, options.rounds + 1):
        for backend in BACKENDS:
            for one in _run(options, topics, backend, round_number):
                found.setdefault((backend, one["name"]), []).append(one)
    return _report(found)


def _run(options, topics, backend, round_number):
    settings = argparse.Namespace(**vars(options))
    settings.program = "airport_delays"
    settings.interval, settings.delivery = INTERVAL, "exactly-once"
    settings.submit = [f"--state.backend={backend}", "--checkpoint.retained=100"]
    settings.job_arguments = ["--parallelism=2"]
    output = f"out-{backend}-{round_number}"
    topics.create(output, PARTITIONS)
    with WeirCluster(settings, topics.bootstrap, "flights", output) as cluster:
        topics.await_committed(output, options.expected, TIMEOUT_SECONDS, cluster.check_alive)
        checkpoints = cluster.subtask_checkpoints()
    topics.delete(output)
    return checkpoints


def _report(found):
    table = []
    for (backend, name), several in sorted(found.items()):
        pauses = sorted(int(one.get("sync_us", 0)) / 1000 for one in several)
        table.append([backend, name, len(several), f"{number(statistics.median(pauses), 3)} ms",
                      f"{number(pauses[len(pauses) * 99 // 100], 3)} ms",
                      f"{number(pauses[-1], 3)} ms"])
    print_table(["state.backend", "task", "subtasks' checkpoints", "pause, median", "99 of 100",
                 "longest"], table)
    longest = max(int(one.get("sync_us", 0)) / 1000 for several in found.values()
                  for one in several)
    return ([{"state_backend": backend, "task": name, "checkpoints": several}
             for (backend, name), several in found.items()],
            f"the longest pause of a task at a barrier: {number(longest, 3)} ms")
