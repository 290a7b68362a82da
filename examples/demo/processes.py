"""Starting, watching and ending processes, by their pids. Linux only: reads /proc."""

import os
import signal
import socket
import subprocess
import time


def spawn(argv, *, keep=False, **popen_options):
    """A process that is killed by the kernel when the demo dies, unless `keep`. It has a session of
    its own: Ctrl-C reaches only the demo, which then stops the others in order."""
    argv = [str(argument) for argument in argv]
    if not keep:
        argv = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
    popen_options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(argv, start_new_session=True, **popen_options)


def stop(process, seconds=5.0):
    """SIGTERM, later SIGKILL; reaps it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def free_port():
    """A port of 127.0.0.1 that is free now; another program may still take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stat(pid):
    """(parent's pid, start time) of a living process, else None. A zombie does not live."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[19]))


def start_time(pid):
    """With the pid it names a process for good: pids come again."""
    found = _stat(pid)
    return found and found[1]


def descendants(roots):
    """{pid: start time} of the living processes in `roots` and of all their children."""
    everything = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (found := _stat(int(name))):
            everything[int(name)] = found
    family = {pid: everything[pid][1] for pid in roots if pid in everything}
    grown = True
    while grown:
        children = {pid: started for pid, (parent, started) in everything.items()
                    if parent in family and pid not in family}
        family.update(children)
        grown = bool(children)
    return family


def resident_mb(pids):
    """Sum of the resident sets (VmRSS) in MB."""
    kilobytes = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status") as file:
                kilobytes += next((int(line.split()[1]) for line in file
                                   if line.startswith("VmRSS:")), 0)
        except OSError:
            pass  # ended meanwhile
    return kilobytes / 1024


def end_all(family, seconds=5.0):
    """SIGTERM to the processes of {pid: start time} that still live, SIGKILL to those that stay."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + seconds
        alive = [pid for pid, started in family.items() if start_time(pid) == started]
        for pid in alive:
            try:
                os.kill(pid, sent)
            except ProcessLookupError:
                pass
        while alive and time.monotonic() < deadline:
            time.sleep(0.05)
            alive = [pid for pid in alive if start_time(pid) == family[pid]]
        if not alive:
            return
