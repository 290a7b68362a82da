"""The engines of the benchmarks: processes that are started, measured from /proc and stopped."""

import os
import pathlib
import subprocess

STOP_SECONDS = 15
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Engine:
    """One or more processes with their children. A context manager: running inside, gone behind."""

    def __init__(self, options, bootstrap, source, sink):
        self._log = pathlib.Path(options.log_folder) / f"{sink}.log"
        self._processes = []
        self._commands = self.commands(options.binary_dir / "bin", bootstrap, source, sink)

    def commands(self, programs, bootstrap, source, sink):
        raise NotImplementedError

    def __enter__(self):
        with open(self._log, "wb") as log:
            for command in self._commands:
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=log,
                                                        stdin=subprocess.DEVNULL))
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def check_alive(self):
        for process in self._processes:
            if process.poll() is not None:
                tail = self._log.read_text(errors="replace")[-2000:]
                raise SystemExit(f"{process.args[0]} ended with exit code {process.returncode}:\n"
                                 f"{tail}")

    def _pids(self):
        """The processes and everything they have started."""
        pids = [process.pid for process in self._processes]
        for pid in pids:
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                pids += [int(child) for child in task.read_text().split()]
        return pids

    def cpu_seconds(self):
        """User and system time of all processes, with those of children that ended."""
        ticks = 0
        for pid in self._pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / TICKS_PER_SECOND

    def peak_rss_mb(self):
        kilobytes = 0
        for pid in self._pids():
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    kilobytes += int(line.split()[1])
        return kilobytes / 1024


class WeirRun(Engine):
    """examples/flight_delays, everything in one process."""

    def commands(self, programs, bootstrap, source, sink):
        return [[programs / "flight_delays", "run", "--", f"--brokers={bootstrap}",
                 f"--input={source}", f"--output={sink}"]]


class Handwritten(Engine):
    def commands(self, programs, bootstrap, source, sink):
        return [[programs / "bench_handwritten", f"--brokers={bootstrap}", f"--input={source}",
                 f"--output={sink}"]]


ENGINES = {"weir": WeirRun, "handwritten": Handwritten}
