"""Whether the pod of `helm test` says the truth: its script is run by this machine's shell, with a
stand-in for `weir` that prints a table of TaskManagers in given states."""

import os
import re
import subprocess
import tempfile

from references import Problem

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Of 2 TaskManagers that the chart asks for: (their states, whether the test passes).
CASES = ((["REGISTERED", "REGISTERED"], True),
         (["REGISTERED", "REGISTERED", "SUSPECT"], True),
         (["REGISTERED", "SUSPECT"], False),
         (["SUSPECT", "SUSPECT"], False),
         (["REGISTERED"], False),
         ([], False))


def source(path, pattern):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        found = re.search(pattern, file.read())
    if not found:
        raise Problem(f"{path} has no longer what tests/k8s/helm_test.py looks for: {pattern}")
    return found.group(1)


def columns():
    """Of the table of `weir tm list`, as the command line has them."""
    return re.findall(r'"(\w+)"', source("client/output/table_output.cc",
                                         r'\{\{("TASKMANAGER", [^}]*)\}'))


def known_states():
    return source("proto/client.proto", r"string state = 6; +// ([A-Z, ]+)\n").split(", ")


def table(states):
    lines = [columns()]
    for number, state in enumerate(states):
        values = {"TASKMANAGER": f"tm-{number}", "HOST": f"10.244.1.{number}", "STATE": state}
        lines.append([values.get(name, "2") for name in columns()])
    return "".join("  ".join(one.ljust(12) for one in line).rstrip() + "\n" for line in lines)


def run(container, states, reachable=True):
    """(exit code, what it wrote) of the container's command, where `weir` knows these."""
    with tempfile.TemporaryDirectory() as folder:
        weir = os.path.join(folder, "weir")
        with open(weir, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{'' if reachable else 'exit 6'}\n"
                       f"case \"$*\" in 'tm list') cat {folder}/table ;; 'cluster describe') ;;\n"
                       "*) echo \"weir $*: not known here\" >&2; exit 2 ;;\nesac\n")
        os.chmod(weir, 0o755)
        with open(os.path.join(folder, "table"), "w", encoding="utf-8") as file:
            file.write(table(states))
        done = subprocess.run(container["command"] + container["args"], text=True, check=False,
                              env={"PATH": f"{folder}:{os.environ['PATH']}"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def check(container):
    """Of a chart with 2 TaskManagers; how many checks there were."""
    if known_states() != ["REGISTERED", "SUSPECT"]:
        raise Problem(f"a TaskManager is one of {known_states()} by proto/client.proto: which of "
                      "them does helm test count?")
    for states, passes in CASES:
        code, wrote = run(container, states)
        if (code == 0) != passes:
            raise Problem(f"helm test of TaskManagers that are {states} ends with {code}: {wrote}")
        expected = f"{states.count('REGISTERED')} of 2 TaskManagers have registered"
        if expected not in wrote:
            raise Problem(f"helm test of TaskManagers that are {states} says: {wrote}")
    code, wrote = run(container, ["REGISTERED", "REGISTERED"], reachable=False)
    if code == 0:
        raise Problem(f"helm test of a cluster that cannot be reached passes: {wrote}")
    return len(CASES) + 1
