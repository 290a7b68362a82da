"""The engines of the benchmarks: processes that are started, measured from /proc and stopped."""

import os
import pathlib
import subprocess

STOP_SECONDS = 15
# Between checkpoints, and between the commits of the hand-written program.
INTERVAL = "500ms"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Engine:
    """One or more processes with their children. A context manager: working inside, gone behind."""

    def __init__(self, options, bootstrap, source, sink):
        self.programs = options.binary_dir / "bin"
        self.job_arguments = [f"--brokers={bootstrap}", f"--input={source}", f"--output={sink}"]
        # How it commits; benches that compare nothing of it leave it as it is.
        self.interval = getattr(options, "interval", INTERVAL)
        self.delivery = getattr(options, "delivery", "at-least-once")
        self.weir_arguments = [*self.job_arguments, f"--delivery={self.delivery}"]
        # The example, and the program that it is measured beside.
        self.example = getattr(options, "program", "flight_delays")
        self.yardstick = getattr(options, "yardstick", "bench_handwritten")
        self._log = pathlib.Path(options.log_folder) / f"{sink}.log"
        self._processes = []

    def start(self):
        """Starts the processes; from here on records may flow."""
        raise NotImplementedError

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def spawn(self, *command):
        """A process that the kernel kills when the benchmark dies."""
        with open(self._log, "ab") as log:
            self._processes.append(subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL))
        return self._processes[-1]

    def fail(self, what):
        tail = self._log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{what}:\n{tail}")

    def check_alive(self):
        for process in self._processes:
            if process.poll() is not None:
                self.fail(f"{process.args[4]} ended with exit code {process.returncode}")

    def pids(self):
        """The processes and everything they have started."""
        pids = [process.pid for process in self._processes]
        for pid in pids:
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                pids += [int(child) for child in task.read_text().split()]
        return pids

    def cpu_seconds(self):
        """User and system time of all processes, with those of children that ended; at least one
        tick of the clock."""
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(int(field) for field in fields[11:15])
        return max(ticks, 1) / TICKS_PER_SECOND

    def peak_rss_mb(self):
        return sum(proc_kilobytes(pid, "status", "VmHWM") for pid in self.pids()) / 1024


class WeirRun(Engine):
    """The example, everything in one process."""

    def start(self):
        self.spawn(self.programs / self.example, "run", f"--checkpoint.interval={self.interval}",
                   "--", *self.weir_arguments)


class Handwritten(Engine):
    def start(self):
        self.spawn(self.programs / self.yardstick, *self.job_arguments,
                   f"--delivery={self.delivery}",
                   f"--interval-ms={round(duration_seconds(self.interval) * 1000)}")


def duration_seconds(text):
    """"200ms" or "1s"."""
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


def proc_kilobytes(pid, file, field):
    """The number behind "<field>:" in a file of /proc/<pid>, 0 when there is none."""
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0
