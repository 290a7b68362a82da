#!/usr/bin/env python3
"""Real flights through a real cluster on this machine, with real kills.

Starts Kafka, a JobManager, a standby and two TaskManagers, submits examples/flight_delays, kills a
worker and the leading JobManager with SIGKILL while records flow, and compares the output with an
oracle. The exit code is 0 only when nothing was lost and every value is right.
"""

import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import processes
from demo_run import MOCK_RECORDS, RECORDS, SOURCE, DemoFailure, DemoRun
from kafka_cluster import RealKafka

KEPT_FILE = "kept.json"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--records", type=int, metavar="N",
                        help=f"flights to send (default {RECORDS:,}; {MOCK_RECORDS:,} on the mock)")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON")
    parser.add_argument("--keep", action="store_true",
                        help="leave the cluster up, and say how to look at it and stop it")
    parser.add_argument("--stop", metavar="DIR", type=pathlib.Path,
                        help="stop a cluster that --keep has left up")
    parser.add_argument("--build-dir", metavar="DIR", type=pathlib.Path,
                        default=SOURCE / "build" / "dev")
    parser.add_argument("--broker", choices=("auto", "kafka", "mock"), default="auto",
                        help="auto is Apache Kafka, or the mock where it cannot be fetched")
    arguments = parser.parse_args()
    if arguments.records is not None and arguments.records < 100:
        parser.error("--records must be 100 or more")
    if arguments.records is not None and arguments.records > RECORDS:
        parser.error(f"--records must be {RECORDS:,} or less: the committed data has no more")
    if arguments.json:
        try:
            open(arguments.json, "a", encoding="utf-8").close()
        except OSError as error:
            parser.error(f"--json cannot be written: {error}")
    return arguments


def keep(run, folder):
    commands, family = run.leave()
    (folder / KEPT_FILE).write_text(json.dumps(family))
    print("The cluster stays up. To look at it:")
    for command in commands:
        print(f"  {command}")
    print(f"  ls {folder}/logs\nTo stop it:\n  ./dev demo --stop {folder}")


def stop_kept(folder):
    if not (folder / KEPT_FILE).is_file():
        raise DemoFailure(f"{folder} holds no cluster of this demo")
    family = json.loads((folder / KEPT_FILE).read_text())
    processes.end_all({int(pid): started for pid, started in family.items()})
    RealKafka(SOURCE, folder, keep=True).stop()
    shutil.rmtree(folder)


def run_demo(arguments):
    """The exit code. Whatever happens, no process is left behind, except by --keep."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-demo-"))
    (folder / "logs").mkdir()
    run, kept, failed = None, False, True
    try:
        run = DemoRun(folder, arguments.build_dir.resolve(), arguments.keep)
        result = run.execute(arguments.broker, arguments.records)
        result.print_table(run.wrong, run.throughput_note)
        if arguments.json:
            result.write_json(arguments.json)
        if arguments.keep:
            keep(run, folder)
            kept = True
        if (problem := run.problem()) is not None:
            raise DemoFailure(problem)
        failed = False
    finally:
        # From here on signals wait: the end must be complete.
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        outlived = [] if kept or run is None else run.stop()
        if not kept and (not failed or not any((folder / "logs").iterdir())):
            shutil.rmtree(folder)
        elif failed:
            print(f"Logs are in {folder}/logs.", file=sys.stderr)
    if outlived:
        raise DemoFailure(f"processes {outlived} outlived their TaskManager (they are ended now)")
    return 0


def main():
    arguments = parse_arguments()

    def interrupt(*_):
        raise KeyboardInterrupt

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)
    try:
        if arguments.stop:
            stop_kept(arguments.stop.resolve())
            return 0
        return run_demo(arguments)
    except (DemoFailure, RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; everything is stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
