#!/usr/bin/env python3
"""docs/errors.md: every row names a test that reproduces it, and every test it names exists.

A test is named `folder.Suite.Name`: the folder below tests, the suite, the test.
"""

import argparse
import os
import re
import sys

import tree

PAGE = "docs/errors.md"
NAMED = re.compile(r"`(\w+)\.(\w+)\.(\w+)`")
DEFINED = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)")
ROW = re.compile(r"^\|(?!\s*-{3})(.+)\|$")


def defined_tests(root):
    """{"e2e.RecordCopyTest.NamesOfJobs", ...}"""
    found = set()
    for path in tree.walk(root, (".cc",), ["tests"]):
        folder = path.split(os.sep)[1]
        for suite, name in DEFINED.findall(tree.read(root, path)):
            found.add(f"{folder}.{suite}.{name}")
    return found


def check(root):
    if not os.path.exists(os.path.join(root, PAGE)):
        return [f"{PAGE} does not exist"]
    problems = []
    tests = defined_tests(root)
    folders = os.listdir(os.path.join(root, "tests"))
    lines = tree.read(root, PAGE).splitlines()
    for number, line in enumerate(lines, 1):
        row = ROW.match(line)
        is_head = row and number < len(lines) and lines[number].startswith("|---")
        named = [".".join(parts) for parts in NAMED.findall(line) if parts[0] in folders]
        if row and not is_head and not any(name in tests for name in named):
            problems.append(f"{PAGE}:{number}: the row names no test that exists")
        for name in named:
            if name not in tests:
                problems.append(f"{PAGE}:{number}: there is no test {name}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), "../.."))
    root = os.path.abspath(parser.parse_args().root)
    return tree.report("errors", check(root))


if __name__ == "__main__":
    sys.exit(main())
