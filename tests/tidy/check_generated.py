#!/usr/bin/env python3
"""What is copied into the docs equals its source: docs/configuration.md what the program
weir-configuration-docs prints, docs/metrics.md what weir-metrics-docs prints, docs/api.md what
api_reference.py makes of proto/*.proto, docs/cli.md what cli_reference.py makes of weir --help, and
the program in README.md examples/kafka_to_kafka/main.cc.
"""

import argparse
import os
import re
import subprocess
import sys

import api_reference
import cli_reference
import tree

PROGRAM = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def check(root, configuration_program, metrics_program, cli_program):
    problems = []
    for page, program in (("docs/configuration.md", configuration_program),
                          ("docs/metrics.md", metrics_program)):
        printed = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout
        if tree.read(root, page) != printed:
            name = os.path.basename(program)
            problems.append(f"{page} is out of date: build/dev/bin/{name} > {page}")
    if tree.read(root, "docs/api.md") != api_reference.render(root):
        problems.append("docs/api.md is out of date: "
                        "python3 tests/tidy/api_reference.py > docs/api.md")
    if tree.read(root, "docs/cli.md") != cli_reference.render(cli_program):
        problems.append("docs/cli.md is out of date: "
                        "python3 tests/tidy/cli_reference.py build/dev/bin/weir > docs/cli.md")
    shown = PROGRAM.search(tree.read(root, "README.md"))
    example = "examples/kafka_to_kafka/main.cc"
    if shown is None or shown.group(1) != tree.read(root, example):
        problems.append(f"README.md: the first program is not {example}")
    return problems


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configuration_program", help="weir-configuration-docs")
    parser.add_argument("metrics_program", help="weir-metrics-docs")
    parser.add_argument("cli_program", help="weir")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    options = parser.parse_args()
    return tree.report("generated", check(options.root, options.configuration_program,
                                          options.metrics_program, options.cli_program))


if __name__ == "__main__":
    sys.exit(main())
