"""What every bench prints at its end: a table for docs/performance.md, and what it was taken on."""

import datetime
import os
import pathlib
import platform
import subprocess


def number(value, digits=2):
    return "—" if value is None else f"{value:,.{digits}f}"


def spread(values, digits=2):
    """"(least to most)"."""
    return f"({number(min(values), digits)} to {number(max(values), digits)})"


def print_table(columns, rows):
    """As Markdown."""
    print()
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def commit(source_dir):
    found = subprocess.run(["git", "-C", source_dir, "describe", "--always", "--dirty"],
                           capture_output=True, text=True, check=False)
    return found.stdout.strip() or "of a source tree without git"


def conditions(options, began_load):
    """The date, the build and the machine, and how busy it was."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    ended = os.getloadavg()[0]
    return (f"{datetime.date.today()}, `./dev bench {options.name} --rounds {options.rounds}`, "
            f"build {options.binary_dir.name} of commit {commit(options.source_dir)}; "
            f"{os.cpu_count()} processors ({processor()}), {gigabytes:.0f} GB, Linux "
            f"{platform.release()}; load average {began_load:.1f} before, {ended:.1f} behind it")
