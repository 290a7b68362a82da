#!/usr/bin/env python3
"""Prints docs/api.md, the reference of the public API, from the comments of proto/*.proto:

  python3 tests/tidy/api_reference.py > docs/api.md

It reads the plain style in which these files are written: a comment stands above a message or rpc,
or behind a field; one statement a line, or a message on one line.
"""

import os
import re
import sys

import tree

SERVICE = "proto/client.proto"
# The messages that calls carry, in the order of the page.
FILES = [SERVICE, "proto/checkpoint_statistics.proto", "proto/job_graph.proto", "proto/sinks.proto",
         "proto/worker_logs.proto"]

INTRODUCTION = """# The API of a cluster

Made from `proto/*.proto` by `tests/tidy/api_reference.py`; a test keeps it so.

gRPC, on the address of every JobManager (`rpc.address`), with server reflection: `grpcurl
-plaintext 127.0.0.1:6123 describe weir.proto.Client` shows the same. An example in Python, with all
it takes to find the leader and to go on after lost connections:
`examples/python_client/weir_client.py`.

- *Leader.* A standby answers FAILED_PRECONDITION, with the leader's address in the trailing
  metadata `weir-leader-address` (empty: nobody leads yet).
- *Token.* Where `security.token-file` is set, each call carries the metadata
  `authorization: Bearer TOKEN`.
- *Again.* Every call may be repeated. `SubmitJob` has `client_token` for that: the same token is
  the same job.
- *Errors* are one sentence each. INVALID_ARGUMENT: the request is wrong; NOT_FOUND: no such job or
  artifact; FAILED_PRECONDITION: not in the job's present state; ABORTED: tried, and failed;
  UNAUTHENTICATED: token missing or wrong; UNAVAILABLE, RESOURCE_EXHAUSTED: later, perhaps;
  DEADLINE_EXCEEDED: no answer in time.
- *Versions.* Fields are added, never renumbered; unknown ones are ignored.
"""


class Reader:
    """Messages, enums and rpcs of one file, with their comments."""

    def __init__(self, text):
        self.service_comment = ""
        self.rpcs = []       # (name, request, response, comment)
        self.messages = []   # (name, comment, rows)
        self._lines = text.splitlines()
        self._at = 0
        self._read()

    def _read(self):
        comment = []
        while self._at < len(self._lines):
            line = self._lines[self._at].strip()
            self._at += 1
            if line.startswith("//"):
                comment.append(line[2:].strip())
                continue
            if line.startswith("service "):
                self.service_comment = " ".join(comment)
                self._read_service()
            elif line.startswith(("message ", "enum ")):
                # A comment behind a message on one line is its own.
                body, _, behind = line.partition("//")
                self._read_block(body, " ".join(comment + ([behind.strip()] if behind else [])), "")
            comment = []

    def _read_service(self):
        comment = []
        while not (line := self._lines[self._at].strip()).startswith("}"):
            self._at += 1
            rpc = re.match(r"rpc (\w+)\((stream )?(\w+)\) returns \((stream )?(\w+)\)", line)
            if line.startswith("//"):
                comment.append(line[2:].strip())
            elif rpc:
                request = ("stream of " if rpc.group(2) else "") + rpc.group(3)
                response = ("stream of " if rpc.group(4) else "") + rpc.group(5)
                self.rpcs.append((rpc.group(1), request, response, " ".join(comment)))
                comment = []
        self._at += 1

    def _read_block(self, line, comment, outer):
        kind, name = line.split()[:2]
        name = outer + name.rstrip("{")
        rows = []
        # Before what is nested in it.
        self.messages.append((name, comment, rows))
        opened = line[line.index("{") + 1:].strip()
        if opened.endswith("}"):
            for statement in opened[:-1].split(";"):
                self._add(kind, statement, "", rows)
            return
        above = []
        while not (line := self._lines[self._at].strip()).startswith("}"):
            self._at += 1
            if line.startswith("//"):
                above.append(line[2:].strip())
            elif line.startswith(("message ", "enum ")):
                self._read_block(line.partition("//")[0].strip(), " ".join(above), name + ".")
                above = []
            elif line:
                statement, _, behind = line.partition("//")
                for one in statement.split(";"):
                    self._add(kind, one, " ".join(above + [behind.strip()]).strip(), rows)
                above = []
        self._at += 1

    @staticmethod
    def _add(kind, statement, comment, rows):
        statement = statement.strip()
        field = re.match(r"(?:(repeated|optional) )?(map<[^>]+>|[\w.]+) (\w+) = (\d+)$", statement)
        value = re.match(r"(\w+) = (\d+)$", statement)
        if kind == "enum" and value:
            rows.append((value.group(1), "", comment))
        elif field:
            kinds = {"repeated": "list of ", "optional": "optional ", None: ""}
            rows.append((field.group(3), kinds[field.group(1)] + field.group(2), comment))


def escaped(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def render(root):
    readers = {path: Reader(tree.read(root, path)) for path in FILES}
    lines = [INTRODUCTION, "## Calls", "", readers[SERVICE].service_comment, "",
             "| call | takes | gives | |", "|---|---|---|---|"]
    for name, request, response, comment in readers[SERVICE].rpcs:
        lines.append(f"| {name} | {request} | {response} | {escaped(comment)} |")
    lines += ["", "## Messages"]
    for path in FILES:
        lines += ["", f"### `{path}`"]
        for name, comment, rows in readers[path].messages:
            lines += ["", f"**{name}**" + (f": {escaped(comment)}" if comment else ""), ""]
            if not rows:
                lines.append("Empty.")
                continue
            lines += ["| field | type | |", "|---|---|---|"]
            for field, kind, behind in rows:
                lines.append(f"| {field} | {escaped(kind)} | {escaped(behind)} |")
    return "\n".join(lines) + "\n"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.stdout.write(render(os.path.dirname(os.path.dirname(here))))


if __name__ == "__main__":
    main()
