"""A Weir cluster of real processes on this machine, driven through the `weir` program."""

import json
import os
import signal
import subprocess
import threading
import time

import processes

START_SECONDS = 30
SUBMIT_SECONDS = 60
CALL_SECONDS = 20
SAMPLE_SECONDS = 0.5


class WeirCluster:
    """Two JobManagers (a leader and a standby) and two TaskManagers on shared storage."""

    def __init__(self, programs, folder, keep):
        self._programs = programs
        self._folder = folder
        self._keep = keep
        self._processes = {}
        self.addresses = ""
        # Every process ever seen, {pid: start time}; filled by the sampler.
        self._seen = {}
        self.peak_rss_mb = 0.0
        self._stopping = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def start(self):
        storage = self._folder / "storage"
        storage.mkdir()
        ports = [processes.free_port() for _ in range(2)]
        self.addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
        for number, port in enumerate(ports, 1):
            self._spawn(f"jobmanager-{number}", "weir-jobmanager", f"--storage.root={storage}",
                        f"--rpc.address=127.0.0.1:{port}")
        for number in (1, 2):
            work = self._folder / f"taskmanager-{number}"
            work.mkdir()
            self._spawn(f"taskmanager-{number}", "weir-taskmanager", f"--storage.root={storage}",
                        f"--jobmanager.addresses={self.addresses}", "--taskmanager.slots=4",
                        f"--taskmanager.work-dir={work}")
        self._sampler.start()
        deadline = time.monotonic() + START_SECONDS
        while True:
            overview = self.ask("cluster", "describe") or {}
            if overview.get("leader") and len(overview.get("taskmanagers", [])) == 2:
                return
            self._check_alive()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the Weir cluster is not complete after {START_SECONDS} s: "
                                   f"{overview} (logs in {self._folder / 'logs'})")
            time.sleep(0.05)

    def submit(self, job, *arguments):
        """The id of the job, once it is running."""
        command = self.command("submit", job, "--checkpoint.interval=500ms", "--", *arguments)
        result = subprocess.run(command, capture_output=True, text=True, check=False,
                                timeout=SUBMIT_SECONDS, start_new_session=True)
        if result.returncode != 0:
            raise RuntimeError(f"weir submit failed: {(result.stderr or result.stdout).strip()}")
        listed = self.ask("list")
        jobs = listed["jobs"] if isinstance(listed, dict) else listed
        return jobs[0]["job_id"]

    def ask(self, *verb):
        """The parsed answer of `weir VERB -o json`; None when there is none, as during failover."""
        try:
            result = subprocess.run(self.command(*verb, "-o", "json"), capture_output=True,
                                    text=True, check=False, timeout=CALL_SECONDS,
                                    start_new_session=True)
            return json.loads(result.stdout) if result.returncode == 0 else None
        except (subprocess.TimeoutExpired, json.JSONDecodeError):
            return None

    def command(self, *arguments):
        return [str(self._programs["weir"]), f"--jobmanager.addresses={self.addresses}",
                *map(str, arguments)]

    def checkpoints(self, job_id):
        """How many checkpoints of the job have completed, as far as it is known."""
        answer = self.ask("checkpoint", "list", job_id)
        return int(answer["completed"]) if answer else 0

    def kill_worker(self, description):
        """kill -9 of one worker process of the job that `weir describe` described; its pid, or None
        when none is running."""
        running = [int(worker["pid"]) for worker in description.get("workers", [])
                   if processes.start_time(worker["pid"])]
        return self._kill(running[0]) if running else None

    def kill_leader(self):
        """kill -9 of the leading JobManager; its pid, or None when there is no leader right now."""
        leader = (self.ask("cluster", "describe") or {}).get("leader")
        return self._kill(int(leader["pid"])) if leader else None

    def family(self):
        """{pid: start time} of all living processes of the cluster, workers included."""
        return processes.descendants([process.pid for process in self._processes.values()])

    def stop(self):
        """Ends everything. Returns the pids that had outlived their TaskManager."""
        self._stopping.set()
        if self._sampler.is_alive():
            self._sampler.join()
        self._seen.update(self.family())
        for name in sorted(self._processes, reverse=True):  # TaskManagers first
            processes.stop(self._processes[name])
        deadline = time.monotonic() + 2
        while (left := self._living()) and time.monotonic() < deadline:
            time.sleep(0.05)
        processes.end_all(left)
        return sorted(left)

    def _living(self):
        return {pid: started for pid, started in self._seen.items()
                if processes.start_time(pid) == started}

    def _kill(self, pid):
        if pid not in self.family():
            raise RuntimeError(f"process {pid} is none of this demo's; it is not killed")
        os.kill(pid, signal.SIGKILL)
        return pid

    def _spawn(self, name, program, *flags):
        log = self._folder / "logs" / f"{name}.log"
        with open(log, "ab") as output:
            self._processes[name] = processes.spawn(
                [self._programs[program], "--cluster.id=demo", *flags], keep=self._keep,
                stdout=output, stderr=subprocess.STDOUT)

    def _check_alive(self):
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = self._folder / "logs" / f"{name}.log"
                lines = log.read_text(errors="replace").strip().splitlines()
                raise RuntimeError(f"{name} ended with exit code {process.returncode}: "
                                   f"{lines[-1] if lines else '(no output)'} (see {log})")

    def _sample(self):
        while not self._stopping.wait(SAMPLE_SECONDS):
            family = self.family()
            self._seen.update(family)
            self.peak_rss_mb = max(self.peak_rss_mb, processes.resident_mb(family))
