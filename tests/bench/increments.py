"""./dev bench increments: three designs of keyed state's increments, beside what the disk takes."""

import json
import statistics
import subprocess

KEYS = 1_000_000
QUICK_KEYS = 20_000
DESIGNS = ["log", "batch", "table"]
DISTRIBUTIONS = ["uniform", "zipf"]


def milliseconds(interval):
    for unit, factor in (("ms", 1), ("s", 1000)):
        number = interval.removesuffix(unit)
        if number != interval and number.isdigit():
            return int(number) * factor
    raise SystemExit(f"--intervals: '{interval}' is no interval such as 200ms or 10s")


def run(options, *arguments):
    printed = subprocess.run([options.binary_dir / "bin" / "bench_increments", *arguments],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed)


def with_ratios(one, disk):
    """What a run says, per second of changes, and beside the bytes of its changes."""
    changed_per_increment = one["changed_bytes"] / one["increments"]
    one["cpu_percent"] = round(100 * one["cpu_s"] / one["seconds"], 2)
    one["change_cpu_percent"] = round(100 * one["change_cpu_s"] / one["seconds"], 2)
    one["written_ratio"] = round(one["written_bytes"] / one["changed_bytes"], 2)
    one["upload_ratio"] = round(one["upload_bytes"] / one["changed_bytes"], 2)
    one["limit_ms"] = round(1e3 * changed_per_increment * disk["seconds"] / disk["bytes"], 3)
    one["increment_ratio"] = round(one["increment_p50_ms"] / one["limit_ms"], 2)
    return one


def measure(options, canary_seconds):
    """{(interval, distribution, design): its rounds}. The designs take turns in processes of their
    own."""
    keys = QUICK_KEYS if options.events < 100_000 else KEYS
    runs = {(interval, distribution, design): [] for interval in options.intervals
            for distribution in DISTRIBUTIONS for design in DESIGNS}
    for number in range(1, options.rounds + 1):
        disk = run(options, "disk")
        print(f"round {number}: the disk takes {disk['bytes'] / disk['seconds'] / 1e6:.0f} MB/s",
              flush=True)
        for interval in options.intervals:
            for distribution in DISTRIBUTIONS:
                # Not always the same one first.
                turn = number % len(DESIGNS)
                for design in DESIGNS[turn:] + DESIGNS[:turn]:
                    before = canary_seconds()
                    one = run(options, design, str(milliseconds(interval)), distribution,
                              str(keys), str(options.events))
                    one = with_ratios(one, disk)
                    one["canary_s"] = round(max(before, canary_seconds()), 4)
                    runs[interval, distribution, design].append(one)
                    print(f"round {number}: {interval} {distribution} {design}: "
                          f"{one['cpu_percent']:.1f} % of a core", flush=True)
                if len({runs[interval, distribution, one][-1]["digest"] for one in DESIGNS}) != 1:
                    raise SystemExit(f"{interval} {distribution}: the designs have restored "
                                     "different states; nothing is reported")
    return runs


COLUMNS = [("core %", "cpu_percent", 1), ("chg %", "change_cpu_percent", 1),
           ("written", "written_ratio", 2), ("upload", "upload_ratio", 2),
           ("p50 ms", "increment_p50_ms", 1), ("limit", "limit_ms", 1),
           ("ratio", "increment_ratio", 1), ("p99 ms", "increment_p99_ms", 1),
           ("late", "late", 0), ("files", "files_p50", 0), ("max", "files_max", 0),
           ("restore s", "restore_s", 2), ("CPU-s", "restore_cpu_s", 2)]


def increments(options, canary_seconds):
    runs = measure(options, canary_seconds)
    results = []
    print(f"{'':<24}" + "".join(f"{title:>10}" for title, _, _ in COLUMNS) + f"{'/ log':>18}")
    for (interval, distribution, design), rounds in runs.items():
        result = {"bench": "increments", "query": f"{interval} {distribution}", "engine": design,
                  "rounds": rounds}
        line = f"{interval + ' ' + distribution + ' ' + design:<24}"
        for _, name, digits in COLUMNS:
            result[name] = round(statistics.median(one[name] for one in rounds), 3)
            line += f"{result[name]:>10.{digits}f}"
        logs = runs[(interval, distribution, "log")]
        ratios = [one["cpu_s"] / log["cpu_s"] for one, log in zip(rounds, logs)]
        result["cpu_over_log"] = round(statistics.median(ratios), 2)
        results.append(result)
        print(f"{line}{result['cpu_over_log']:>8.2f}"
              f"{f' {min(ratios):.2f}-{max(ratios):.2f}':>10}")
    first = {one["engine"]: one for one in results[:len(DESIGNS)]}
    return results, (f"increments, {results[0]['query']}: CPU of log 1, table "
                     f"{first['table']['cpu_over_log']:.1f}, batch "
                     f"{first['batch']['cpu_over_log']:.1f}")
