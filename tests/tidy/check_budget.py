#!/usr/bin/env python3
"""The lanes of .ci/run and budget.txt name each other, and the minutes sum to 75 at most."""

import os
import re
import sys

import tree

LIMIT_MINUTES = 75


def check(ci_text, budget_text):
    minutes = {}
    for line in budget_text.splitlines():
        if line.strip() and not line.startswith("#"):
            lane, value = line.split()
            minutes[lane] = float(value)
    lanes = re.findall(r"^lane (\w+)", ci_text, re.MULTILINE)
    problems = [f"lane {lane} has no budget" for lane in lanes if lane not in minutes]
    problems += [f"budget for {lane}, which .ci/run has not" for lane in minutes
                 if lane not in lanes]
    if sum(minutes.values()) > LIMIT_MINUTES:
        problems.append(f"{sum(minutes.values()):g} minutes in all, {LIMIT_MINUTES} allowed")
    return problems


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    return tree.report("budget", check(tree.read(root, ".ci/run"), tree.read(here, "budget.txt")))


if __name__ == "__main__":
    sys.exit(main())
