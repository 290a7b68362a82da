"""What the kubelet does for a running pod: asks its probes, restarts a container that is not alive,
and says whether it is ready. Containers whose process ends are started again by podman itself, by
the pod's restartPolicy."""

import http.client
import ssl
import subprocess
import threading
import time

import manifests

INTERVAL_SECONDS = 0.2


class Probe:
    """One probe and its count of failures in a row; the defaults are Kubernetes'."""

    def __init__(self, document, containers):
        get = document["httpGet"]
        self.path = get["path"]
        self.port = manifests.port_number(get["port"], containers)
        self.tls = get.get("scheme", "HTTP") == "HTTPS"
        self.period = document.get("periodSeconds", 10)
        self.timeout = document.get("timeoutSeconds", 1)
        self.threshold = document.get("failureThreshold", 3)
        self.failures = 0
        self.due = 0.0

    def ask(self, address):
        """None when all is well, else what is not. As a kubelet, it checks no certificate."""
        try:
            if self.tls:
                context = ssl._create_unverified_context()  # pylint: disable=protected-access
                connection = http.client.HTTPSConnection(address, self.port, timeout=self.timeout,
                                                         context=context)
            else:
                connection = http.client.HTTPConnection(address, self.port, timeout=self.timeout)
            connection.request("GET", self.path)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            return f"{self.path}: {error}"
        return None if 200 <= response.status < 400 else f"{self.path}: {response.status} {text}"

    def take(self, trouble, now):
        """Counts an answer; True when the threshold is reached."""
        self.failures = self.failures + 1 if trouble else 0
        self.due = now + self.period
        return self.failures >= self.threshold


class Kubelet:
    """Watches the first container of a pod from a thread of its own."""

    def __init__(self, pod, log):
        self.ready = False
        self.trouble = "starting"
        self.restarts = 0
        self._pod = pod
        self._log = log
        self._pid = 0
        self._stopping = False
        self._begin()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self):
        """Asks no more; the pod is not ready from now on."""
        self._stopping = True
        self.ready = False
        self._thread.join()

    def _begin(self):
        container = self._pod.plan.containers[0]
        containers = self._pod.plan.containers
        self._probes = {kind: Probe(container[kind], containers)
                        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
                        if kind in container}
        self._started = "startupProbe" not in self._probes
        self.ready = False

    def _watch(self):
        self._pid = self._pod.pid()
        while not self._stopping:
            self._notice_restart()
            self._step(time.monotonic())
            time.sleep(INTERVAL_SECONDS)
        self.ready = False

    # The process has ended: podman starts another one.
    def _notice_restart(self):
        if self._pid != 0 and not _ended(self._pid):
            return
        self.ready = False
        pid = self._pod.pid()
        if pid != 0 and pid != self._pid:
            if self._pid != 0:
                self.restarts += 1
                self._log(f"{self._pod.name}: its container was started again")
            self._pid = pid
            self._begin()

    def _step(self, now):
        kinds = ("livenessProbe", "readinessProbe") if self._started else ("startupProbe",)
        for kind in kinds:
            probe = self._probes.get(kind)
            if probe is None or now < probe.due or self._stopping:
                continue
            trouble = probe.ask(self._pod.ip)
            failed = probe.take(trouble, now)
            if kind == "startupProbe" and trouble is None:
                self._started = True
                return
            if kind == "readinessProbe" and (trouble is None or failed):
                self.ready = trouble is None and not self._stopping
            if trouble is not None:
                self.trouble = trouble
            if failed and kind != "readinessProbe":
                self._log(f"{self._pod.name}: {kind} failed: {trouble}")
                subprocess.run(["podman", "restart", self._pod.container()], check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
