"""./dev bench exchange: bytes between two workers over gRPC, beside plain sockets."""

import json
import statistics
import subprocess

from tables import number, print_table, spread

BATCH_KILOBYTES = 64
BYTES_PER_EVENT = 44
CHANNELS = (1, 4, 16, 64)
# gRPC's windows: sized by its BDP probe; without it by its default, and by one that holds some
# messages.
WINDOWS = {"probe": "probed", "no probe, 64 KB": "0", "no probe, 1 MB": "1024"}
SOCKETS = {"unix": "plain Unix socket", "tcp": "plain TCP socket"}


def ways():
    """{(socket, channels, windows): the program's arguments}; a plain socket has no windows."""
    found = {}
    for socket in SOCKETS:
        found[socket, 1, None] = (f"raw-{socket}", 1, "-")
        for channels in CHANNELS:
            for name, argument in WINDOWS.items():
                found[socket, channels, name] = (socket, channels, argument)
    return found


def run(options, megabytes, way, channels, windows):
    printed = subprocess.run(
        [options.binary_dir / "bin" / "bench_exchange", way, str(channels), str(megabytes),
         str(BATCH_KILOBYTES), windows],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    one = json.loads(printed)
    gigabytes = one["bytes"] / 1e9
    one.update(gb_per_s=round(gigabytes / one["seconds"], 3),
               cpu_s_per_gb=round(one["cpu_s"] / gigabytes, 3))
    return one


def exchange(options, canary_seconds):
    """--events rows of 44 bytes a run."""
    megabytes = max(1, options.events * BYTES_PER_EVENT >> 20)
    rounds = {way: [] for way in ways()}
    for done in range(1, options.rounds + 1):
        for way, arguments in ways().items():
            before = canary_seconds()
            one = run(options, megabytes, *arguments)
            one.update(round=done, canary_s=round(max(before, canary_seconds()), 4))
            rounds[way].append(one)
        print(f"round {done} done", flush=True)
    results, table = [], []
    for (socket, channels, windows), runs in rounds.items():
        limits = rounds[socket, 1, None]
        costs = [one["cpu_s_per_gb"] for one in runs]
        ratios = [one["cpu_s"] / one["bytes"] / (limit["cpu_s"] / limit["bytes"])
                  for one, limit in zip(runs, limits)]
        name = (SOCKETS[socket] if windows is None else
                f"exchange, {socket}, {channels} channel{'s' if channels > 1 else ''}, {windows}")
        result = {"bench": "exchange", "query": f"{socket} {channels}", "engine": name,
                  "gb_per_s": statistics.median(one["gb_per_s"] for one in runs),
                  "cpu_s_per_gb": statistics.median(costs),
                  "ratio": round(statistics.median(ratios), 2), "rounds": runs}
        results.append(result)
        first = runs[0]
        table.append([name, number(result["gb_per_s"]),
                      f"{number(result['cpu_s_per_gb'])} {spread(costs)}",
                      f"{number(result['ratio'])} × {spread(ratios)}",
                      number(first["bytes"] / first["messages"] / 1e3, 0),
                      number(first["grant_messages"] / first["bytes"] * 1e9, 0),
                      number(max(one["rss_mb"] for one in runs), 0)])
    print_table(["", "GB/s", "CPU-s/GB", "CPU / plain socket", "KB/message", "grants/GB",
                 "peak MB"], table)
    last = results[len(results) // 2 - len(WINDOWS)]
    return results, f"{last['engine']}: {last['cpu_s_per_gb']:.2f} CPU-s per GB"
