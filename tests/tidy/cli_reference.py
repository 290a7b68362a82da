#!/usr/bin/env python3
"""Prints docs/cli.md, the reference of the program weir, from what its --help says:

  python3 tests/tidy/cli_reference.py build/dev/bin/weir > docs/cli.md

The texts are the program's own. Lines that stand under one heading ("Common flags:") in most verbs
are shown once, and long lines are folded.
"""

import collections
import re
import subprocess
import sys
import textwrap

COLUMNS = 100
# A verb in the general help: two blanks, its name of one word or two, its summary.
VERB = re.compile(r"^  ([a-z][a-z-]*(?: [a-z][a-z-]*)?) +[A-Z]", re.MULTILINE)
VERB_LINE = re.compile(r"^  \S", re.MULTILINE)
# Where the help of a flag begins: behind at least two blanks.
FLAG = re.compile(r"^( *-.*?\S {2,})(\S.*)$")
NARROWEST_HELP = 40

INTRODUCTION = """# The program `weir`

<!-- Made from `weir --help` by `tests/tidy/cli_reference.py`: do not edit. -->

A thin client of a cluster, over [its API](api.md). What the verbs are for is in
[operations](operations.md); the words are in [concepts](concepts.md). A job's own binary has three
verbs, `run`, `plan` and `submit`: [writing jobs](writing-jobs.md).

- Flags may stand before or behind the verb: before it as `--flag=VALUE`, behind it also as
  `--flag VALUE` or `-f VALUE`. What stands behind `--` goes to the job.
- Flags with a dot are options ([configuration](configuration.md)): they may also stand in the YAML
  file of `--config` (or of the variable `WEIR_CONFIG`), or in the environment, as
  `WEIR_JOBMANAGER_ADDRESSES`. A flag wins over the environment, and that over the file.
- JOB is a job's id, or its name: of jobs with one name the one that has not ended, or else the
  newest. Where more than one has not ended, the id is asked for.
- Results go to standard output, notes and errors to standard error.
"""


def help_of(program, *arguments):
    ended = subprocess.run([program, *arguments, "--help"], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False)
    if ended.returncode != 0:
        words = " ".join(["weir", *arguments, "--help"])
        raise RuntimeError(f"`{words}` ended with {ended.returncode}: {ended.stdout}")
    return ended.stdout


def fold(line):
    """The line as lines of at most COLUMNS, the help of a flag below itself."""
    flag = FLAG.match(line)
    margin = len(flag.group(1)) if flag else len(line) - len(line.lstrip())
    if COLUMNS - margin < NARROWEST_HELP:
        margin = 8
    return textwrap.wrap(line, COLUMNS, subsequent_indent=" " * margin, break_long_words=False,
                         break_on_hyphens=False, drop_whitespace=True) or [""]


def block(lines):
    return ["```"] + [piece for line in lines for piece in fold(line)] + ["```", ""]


def paragraphs(text):
    """(heading or None, lines) for what stands between blank lines."""
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        lines = paragraph.splitlines()
        if len(lines) > 1 and not lines[0].startswith(" ") and lines[0].endswith(":"):
            yield lines[0], lines[1:]
        else:
            yield None, lines


def shared_lines(helps):
    """{heading: lines that more than half of the verbs with that heading have}, where it is met
    more than once."""
    counts, verbs, order = collections.Counter(), collections.Counter(), {}
    for text in helps.values():
        for heading, lines in paragraphs(text):
            if heading is None:
                continue
            verbs[heading] += 1
            for line in lines:
                counts[heading, line] += 1
                order.setdefault(heading, {})[line] = None
    return {heading: [line for line in order[heading] if 2 * counts[heading, line] > number]
            for heading, number in verbs.items() if number > 1}


def render(program):
    general = help_of(program)
    verbs = VERB.findall(general)
    if len(verbs) != len(VERB_LINE.findall(general)):
        raise RuntimeError("a line of the general help is no verb with a summary")
    helps = {verb: help_of(program, *verb.split()) for verb in verbs}
    shared = {heading: lines for heading, lines in shared_lines(helps).items() if lines}
    out = [INTRODUCTION] + block(general.rstrip("\n").splitlines())
    for heading, lines in shared.items():
        out += [f"## {heading.rstrip(':')}", "", "What most verbs take.", ""] + block(lines)
    for verb in verbs:
        out += [f"## weir {verb}", ""]
        text = []
        for heading, lines in paragraphs(helps[verb]):
            common = shared.get(heading, [])
            own = [line for line in lines if line not in common]
            if heading is not None and len(own) < len(lines):
                also = [f"{heading[:-1]} as above" + (", but:" if own else ".")]
            else:
                also = [] if heading is None else [heading]
            text += ([""] if text else []) + also + own
        out += block(text)
    return "\n".join(out).rstrip("\n") + "\n"


def main():
    sys.stdout.write(render(sys.argv[1]))


if __name__ == "__main__":
    main()
