#!/usr/bin/env python3
"""Runs a page of the docs: its blocks of `sh` in their order, in one shell, as a reader would type
them. A block of `text` behind them is what was printed since the last such block: its lines have to
come in that order, others between them, and … stands for anything.

  getting_started.py PAGE

Exit code 1, and what went wrong, when a command fails or its output is another one.
"""

import re
import subprocess
import sys
import time

FENCE = re.compile(r"^```(\w*)$")
END = "--- end of block"


def blocks(page):
    """(line number, language, lines) of every fenced block."""
    opened = None
    for number, line in enumerate(page.splitlines(), 1):
        fence = FENCE.match(line)
        if not fence and opened:
            opened[2].append(line)
        elif fence and opened:
            yield opened
            opened = None
        elif fence:
            opened = (number, fence.group(1), [])


class Shell:
    """One bash that ends with the first command that fails."""

    def __init__(self):
        self._bash = subprocess.Popen(["bash", "-e", "-o", "pipefail"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, lines):
        """What the lines print; None when one of them has failed."""
        self._bash.stdin.write("\n".join(lines) + f"\necho\necho '{END}'\n")
        self._bash.stdin.flush()
        printed = []
        for line in self._bash.stdout:
            if line.rstrip("\n") == END:
                return printed
            print("    " + line, end="", flush=True)
            printed.append(line.rstrip("\n"))
        return None


def first_missing(expected, printed):
    """The first expected line that does not come, or None."""
    rest = iter(printed)
    for line in expected:
        pattern = re.compile(".*".join(re.escape(part) for part in line.strip().split("…")))
        if not any(pattern.fullmatch(one.strip()) for one in rest):
            return line
    return None


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        page = file.read()
    shell, printed, commands = Shell(), [], 0
    for number, language, lines in blocks(page):
        if language == "sh":
            print("\n".join("$ " + line for line in lines), flush=True)
            start = time.monotonic()
            output = shell.run(lines)
            if output is None:
                sys.exit(f"{path}:{number}: a command of this block has failed")
            print(f"  ({time.monotonic() - start:.1f} s)", flush=True)
            printed += output
            commands += 1
        elif language == "text":
            missing = first_missing(lines, printed)
            if missing is not None:
                sys.exit(f"{path}:{number}: this was not printed: {missing}")
            printed = []
    if commands == 0:
        sys.exit(f"{path}: no block of commands")
    print(f"{path}: {commands} blocks of commands ran")


if __name__ == "__main__":
    main()
