"""The engine "weir": a JobManager and a TaskManager, and the worker they start for the job."""

import json
import pathlib
import socket
import subprocess
import tempfile
import time

from engines import Engine

READY_SECONDS = 30
CALL_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WeirCluster(Engine):
    """The example on a cluster of processes of its own. The CPU time is that of all
    processes from their start on, with submission, planning and the start of the worker; only the
    `weir` program, which is the user's side, is left out."""

    def start(self):
        self.start_servers()
        self._weir("submit", "--detach", f"--checkpoint.interval={self.interval}",
                   self.programs / self.example, "--", *self.weir_arguments)

    def __exit__(self, *_):
        super().__exit__()
        self._folder.cleanup()

    def start_servers(self):
        """Returns when the TaskManager has registered."""
        self._folder = tempfile.TemporaryDirectory(prefix="weir-bench-cluster-")
        folder = pathlib.Path(self._folder.name)
        self._address = f"127.0.0.1:{free_port()}"
        shared = ["--cluster.id=bench", f"--storage.root={folder}/storage", "--log.level=warning"]
        self.spawn(self.programs / "weir-jobmanager", *shared, f"--rpc.address={self._address}")
        self.spawn(self.programs / "weir-taskmanager", *shared,
                   f"--jobmanager.addresses={self._address}",
                   f"--taskmanager.work-dir={folder}/taskmanager")
        deadline = time.monotonic() + READY_SECONDS
        while not self._taskmanagers():
            self.check_alive()
            if time.monotonic() > deadline:
                self.fail(f"the cluster is not ready after {READY_SECONDS} s")
            time.sleep(0.05)

    def _taskmanagers(self):
        answer = self._call("cluster", "describe", "-o", "json")
        return json.loads(answer.stdout)["taskmanagers"] if answer.returncode == 0 else []

    def _weir(self, *arguments):
        answer = self._call(*arguments)
        if answer.returncode != 0:
            raise SystemExit(f"weir {arguments[0]} failed: {answer.stderr.strip()}")

    def _call(self, *arguments):
        return subprocess.run(
            [self.programs / "weir", f"--jobmanager.addresses={self._address}", *arguments],
            capture_output=True, text=True, check=False, timeout=CALL_SECONDS)


class IdleCluster(WeirCluster):
    """The same without a job."""

    def start(self):
        self.start_servers()
