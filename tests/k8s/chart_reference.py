#!/usr/bin/env python3
"""Writes the table of values in deploy/chart/weir/README.md from values.yaml, or with --check says
whether it is fresh. Every leaf of values.yaml is a row; its comment is its description, the comment
of the map it is in else.

  chart_reference.py [--check]
"""

import json
import os
import re
import sys

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHART = os.path.join(ROOT, "deploy/chart/weir")
BEGIN = "<!-- values: written by tests/k8s/chart_reference.py from values.yaml -->\n"
END = "<!-- end of values -->\n"
KEY = re.compile(r"^( *)([A-Za-z][A-Za-z0-9]*):( .*)?$")


def comments(text):
    """(section, {path: description}) in the order of the file, by indentation."""
    rows, section, pending, stack = [], "", [], []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("## "):
            section, pending = stripped[3:], []
        elif stripped.startswith("# "):
            pending.append(stripped[2:])
        elif KEY.match(line):
            indent, name, _ = KEY.match(line).groups()
            del stack[len(indent) // 2:]
            stack.append(name)
            rows.append((section, ".".join(stack), " ".join(pending)))
            pending = []
        else:
            pending = []
    return rows


def lookup(values, path):
    for name in path.split("."):
        values = values[name]
    return values


def shown(value):
    """A value as it would be typed, short."""
    return "`" + json.dumps(value) + "`"


def table(text):
    """The Markdown between BEGIN and END."""
    values, lines, last = yaml.safe_load(text), [], ""
    for section, path, description in comments(text):
        value = lookup(values, path)
        children = isinstance(value, dict) and any(
            other.startswith(path + ".") for _, other, _ in comments(text))
        if section != last:
            lines += ["", f"### {section}", "", "| value | default | |", "|---|---|---|"]
            last = section
        if children:
            if description:
                lines.append(f"| `{path}` | | {description} |")
            continue
        lines.append(f"| `{path}` | {shown(value)} | {description.replace('|', chr(92) + '|')} |")
    return "\n".join(lines[1:]) + "\n"


def main():
    with open(os.path.join(CHART, "values.yaml"), encoding="utf-8") as file:
        made = table(file.read())
    path = os.path.join(CHART, "README.md")
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    fresh = before + BEGIN + "\n" + made + "\n" + END + after
    if sys.argv[1:] == ["--check"]:
        if readme != fresh:
            sys.exit("deploy/chart/weir/README.md is not what values.yaml says; "
                     "run ./dev k8s-test --update")
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(fresh)


if __name__ == "__main__":
    main()
