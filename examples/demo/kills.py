"""When which process is killed: on observed progress, never on the clock."""

import time

WORKER_AT = 0.30
JOBMANAGER_AT = 0.60
CHECKPOINTS_BEFORE = 2
ASK_SECONDS = 0.2


class Kills:
    """Kills a worker process, and after its recovery the leading JobManager, each while records are
    flowing. advance() is called over and over and does what is due."""

    def __init__(self, weir, observer, job_id, say):
        self._weir = weir
        self._observer = observer
        self._job_id = job_id
        self._say = say
        self._next_question = 0.0
        self._generation = None
        self._again_running_at = None
        # time.monotonic() of the kills.
        self.worker = None
        self.jobmanager = None
        self.checkpoints = 0

    def advance(self, flowing):
        now = time.monotonic()
        if self.jobmanager is not None or now < self._next_question:
            return
        self._next_question = now + ASK_SECONDS
        if self.worker is None:
            if flowing and self._observer.progress >= WORKER_AT and self._enough_checkpoints():
                self._kill_worker()
        elif self._observer.progress >= JOBMANAGER_AT and self._recovered():
            self._kill_jobmanager()

    def count_checkpoints(self):
        self.checkpoints = max(self.checkpoints, self._weir.checkpoints(self._job_id))

    def problem(self, first_output, last_output):
        """Why the kills prove nothing, or None."""
        for name, moment in (("worker", self.worker), ("JobManager", self.jobmanager)):
            if moment is None:
                return f"the {name} was never killed"
            if not first_output < moment < last_output:
                return f"the {name} was not killed between the first and the last output"
        return None

    def _enough_checkpoints(self):
        self.count_checkpoints()
        return self.checkpoints >= CHECKPOINTS_BEFORE

    def _kill_worker(self):
        job = self._weir.ask("describe", self._job_id)
        if job is None:
            return
        pid = self._weir.kill_worker(job)
        if pid is not None:
            self.worker = time.monotonic()
            self._generation = int(job["generation"])
            self._say(f"kill -9 of worker process {pid}, after {self.checkpoints} checkpoints")

    def _recovered(self):
        """The job runs in a later generation, and new records have come since that was seen."""
        if self._again_running_at is None:
            job = self._weir.ask("describe", self._job_id)
            if job and int(job["generation"]) > self._generation and job["state"] == "RUNNING":
                self._again_running_at = time.monotonic()
            return False
        return self._observer.recovered_at(self._again_running_at, None) is not None

    def _kill_jobmanager(self):
        pid = self._weir.kill_leader()
        if pid is not None:
            self.jobmanager = time.monotonic()
            self._say(f"kill -9 of the leading JobManager, process {pid}")
