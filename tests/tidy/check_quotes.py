#!/usr/bin/env python3
"""Code in the docs is code that is built: a block below a line

  <!-- from examples/page_tags/main.cc -->

stands in that file, line for line (its indentation may be less), and every block of C++ in the docs
and in README.md has such a line above it.
"""

import argparse
import os
import re
import sys
import textwrap

import tree

MARK = re.compile(r"^<!-- from (\S+) -->$")
FENCE = re.compile(r"^```(\w*)$")


def blocks(text):
    """(line number, language, path of the mark above or None, lines) of every fenced block."""
    mark, opened = None, None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if opened is not None:
            if fence:
                yield opened + (lines,)
                mark, opened = None, None
            else:
                lines.append(line)
        elif fence:
            opened, lines = (number, fence.group(1), mark), []
        elif MARK.match(line):
            mark = MARK.match(line).group(1)
        elif line.strip():
            mark = None


def dedented(lines):
    return textwrap.dedent("\n".join(lines))


def stands_in(lines, text):
    quoted, source = dedented(lines), text.splitlines()
    return any(dedented(source[start:start + len(lines)]) == quoted
               for start in range(len(source) - len(lines) + 1))


def check(root):
    problems = []
    for page in tree.walk(root, (".md",)):
        if page != "README.md" and not page.startswith("docs/"):
            continue
        for number, language, path, lines in blocks(tree.read(root, page)):
            where = f"{page}:{number}"
            if path is None:
                if language == "cpp":
                    problems.append(f"{where}: C++ that no line <!-- from FILE --> claims")
            elif not os.path.exists(os.path.join(root, path)):
                problems.append(f"{where}: {path} does not exist")
            elif not lines or not stands_in(lines, tree.read(root, path)):
                problems.append(f"{where}: not what stands in {path}")
    return problems


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    return tree.report("quotes", check(parser.parse_args().root))


if __name__ == "__main__":
    sys.exit(main())
