"""./dev bench exchange: a gigabyte between two workers, beside a plain Unix socket."""

import json
import statistics
import subprocess

BATCH_KILOBYTES = 64
BYTES_PER_EVENT = 44
# (engine, way, channels)
RUNS = [("unix, 1 channel", "unix", 1), ("unix, 64 channels", "unix", 64),
        ("tcp, 1 channel", "tcp", 1), ("tcp, 64 channels", "tcp", 64),
        ("plain unix socket", "raw", 1)]


def exchange(options, canary_seconds):
    """--events rows of 44 bytes a run."""
    program = options.binary_dir / "bin" / "bench_exchange"
    megabytes = max(1, options.events * BYTES_PER_EVENT >> 20)
    rounds = {name: [] for name, _, _ in RUNS}
    for number in range(1, options.rounds + 1):
        for name, way, channels in RUNS:
            before = canary_seconds()
            printed = subprocess.run(
                [program, way, str(channels), str(megabytes), str(BATCH_KILOBYTES)], check=True,
                capture_output=True, text=True).stdout
            one = json.loads(printed)
            gigabytes = one["bytes"] / 1e9
            one.update(round=number, gb_per_s=round(gigabytes / one["seconds"], 3),
                       cpu_s_per_gb=round(one["cpu_s"] / gigabytes, 3),
                       canary_s=round(max(before, canary_seconds()), 4))
            rounds[name].append(one)
        print(f"round {number} done", flush=True)
    results = []
    print(f"{'':<20}{'GB/s':>8}{'CPU-s/GB':>10}{'min':>8}{'max':>8}{'KB/message':>12}"
          f"{'grants/GB':>11}")
    for name, _, _ in RUNS:
        costs = [one["cpu_s_per_gb"] for one in rounds[name]]
        first = rounds[name][0]
        message_kilobytes = first["bytes"] / first["messages"] / 1e3
        result = {"bench": "exchange", "query": "exchange", "engine": name,
                  "gb_per_s": statistics.median(one["gb_per_s"] for one in rounds[name]),
                  "cpu_s_per_gb": statistics.median(costs), "rounds": rounds[name]}
        results.append(result)
        print(f"{name:<20}{result['gb_per_s']:>8.2f}{result['cpu_s_per_gb']:>10.2f}"
              f"{min(costs):>8.2f}{max(costs):>8.2f}{message_kilobytes:>12.0f}"
              f"{first['grant_messages'] / first['bytes'] * 1e9:>11.0f}")
    return results, (f"exchange over a Unix socket, 64 channels: "
                     f"{results[1]['cpu_s_per_gb']:.2f} CPU-s per GB")
