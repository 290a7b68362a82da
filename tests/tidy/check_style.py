#!/usr/bin/env python3
"""What the compiler cannot say: banned names, lengths, header contracts, orphaned sources.

Files above 500 lines and functions above 70 are frozen in ratchet.txt: they may shrink, not grow,
and new ones need a look at the design instead of an entry. --update lowers or drops entries.
"""

import argparse
import fnmatch
import os
import re
import sys

import tree

SOFT_FILE_LINES = 500
HARD_FILE_LINES = 800
FUNCTION_LINES = 70
LINE_CHARACTERS = 100

LOW = ["common/exec/*", "common/time/*", "common/base/*", "*/main.cc", "cmake/*"]
REAL = ["tests/support/*", "tests/integration/*", "tests/e2e/*", "tests/hosts/*", "tests/chaos/*",
        "tests/bench/*", "tests/compat/*"]
TESTS = ["tests/*"]
# Job authors see rows, formats and connectors, and simdjson and spdlog speak std::string_view.
ENGINE_BORDER = ["api/*", "client/*", "connectors/*", "examples/*", "tests/*", "common/base/*",
                 "common/types/*", "common/formats/*"]

# (name, pattern, what to use instead, where it may stand)
BANNED = [
    ("thread", r"\bstd::j?thread\b|\bpthread_create\b|\bstd::async\b",
     "an Executor or the BlockingPool", LOW + TESTS),
    ("sleep", r"\bsleep_(?:for|until)\b|\bu?sleep\(|\bnanosleep\(|\bSleepFor\b",
     "a timer of the Executor", LOW + REAL),
    ("absl-mutex", r"\babsl::(?:Mutex|MutexLock|CondVar|Notification|BlockingCounter)\b",
     "weir::Mutex, MutexLock and CondVar of common/exec/mutex.h", []),
    ("std-mutex", r"\bstd::(?:(?:shared_|recursive_)?mutex|lock_guard|unique_lock|scoped_lock|"
     r"condition_variable\w*)\b", "weir::Mutex of common/exec/mutex.h", LOW + TESTS),
    ("string-view", r"\bstd::string_view\b", "absl::string_view", ENGINE_BORDER),
    ("views", r"\b(?:std|ranges)::views\b", "a loop (clang 14 cannot compile views)", []),
    ("absl-optional", r"\babsl::(?:optional|nullopt|make_optional)\b", "std::optional", []),
    ("absl-log", r"\babsl/log/", "common/base/log.h", []),
    ("wall-clock", r"\b(?:system|steady|high_resolution)_clock::now\b|\babsl::Now\(|"
     r"\bgettimeofday\(|\bclock_gettime\(|(?<![\w.>:])time\((?:nullptr|NULL|0)\)",
     "the Clock that is handed in", LOW + REAL + ["*/grpc_*"]),  # gRPC deadlines are wall time
    ("random", r"(?<![\w.>:])s?rand\(|\bstd::(?:s?rand\b|random_device|mt19937|default_random)|"
     r"\babsl::(?:Insecure)?BitGen\b", "the Random that is handed in", LOW + REAL),
    ("getenv", r"\b(?:secure_)?getenv\(", "a typed option", LOW + TESTS),
    ("throw", r"\bthrow\b", "absl::Status", ["examples/*", "tests/*"]),
    # types: access to one element, checked in builds with assertions only
    ("assert", r"(?<!\w)assert\(", "WEIR_CHECK", ["common/types/*"]),
    ("using-namespace", r"(?m)^using namespace (?!std::(?:chrono_|string_)?literals)", "full names",
     []),
]

MARKS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
TEXT_SUFFIXES = (".h", ".cc", ".proto", ".py", ".sh", ".cmake", "CMakeLists.txt")


def allowed(path, places):
    return any(fnmatch.fnmatch(path, place) for place in places)


def check_tokens(path, code):
    for name, pattern, instead, places in BANNED:
        if allowed(path, places):
            continue
        for match in re.finditer(pattern, code):
            line = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {name}: not {match.group(0).strip()}; use {instead}"


def check_lines(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LINE_CHARACTERS and "://" not in line:
            yield f"{path}:{number}: line-length: {len(line)} characters, {LINE_CHARACTERS} allowed"
        if MARKS.search(line):
            yield f"{path}:{number}: mark: an open end; finish it, or describe it in docs"


def check_header(path, text):
    code = tree.code_only(text)
    first = next((line for line in code.splitlines() if line.strip()), "")
    if first.strip() != "#pragma once":
        yield f"{path}:1: pragma-once: a header begins with it"
    if path.startswith("tests/"):
        return
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"class\s+(?:\[\[\w+\]\]\s+|\w+\([^)]*\)\s+|[A-Z_]+\s+)?(\w+)(?!.*;\s*$)",
                         line)
        if not match:
            continue
        above = number - 1
        while above >= 0 and re.match(r"(template|requires|\[\[|\s+\S.*>$)", lines[above]):
            above -= 1
        if above < 0 or not lines[above].lstrip().startswith("///"):
            yield f"{path}:{number + 1}: contract: class {match.group(1)} has no /// comment"


DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def function_lengths(code):
    """Yields (first line, lines of the body, name) for every function outside others."""
    code = DIRECTIVE.sub(lambda match: "\n" * match.group(0).count("\n"), code)
    kinds = []  # of the open braces: "function", "initializer" or "scope"
    line, since, start = 1, "", 0
    name = ""
    for index, character in enumerate(code):
        if character == "\n":
            line += 1
            since += " "
        elif character == "{":
            text = since.strip()
            inside = "function" in kinds or "initializer" in kinds
            glued = index > 0 and (code[index - 1].isalnum() or code[index - 1] in "_>,({=")
            if inside or glued or text.endswith(("=", "(", ",")):
                kinds.append("initializer")
            elif "(" in text and not re.match(
                    r"(?:template\s*<.*>\s*)?(?:class|struct|enum|union|namespace)\b", text):
                kinds.append("function")
                start, name = line, re.sub(r"\s+", " ", text.split("(")[0]).split(" ")[-1]
                since = ""
            else:
                kinds.append("scope")
                since = ""
        elif character == "}":
            kind = kinds.pop() if kinds else "scope"
            if kind == "function":
                yield start, max(0, line - start - 1), name
            if kind != "initializer":
                since = ""
        elif character == ";" and kinds[-1:] != ["initializer"]:
            since = ""
        else:
            since += character


def measure(path, text):
    """The lengths the ratchet watches: {entry: value}."""
    result = {}
    count = text.count("\n")
    if count > SOFT_FILE_LINES:
        result[f"file {path}"] = count
    for _, length, name in function_lengths(tree.code_only(text)):
        if length > FUNCTION_LINES:
            key = f"function {path} {name}"
            result[key] = max(length, result.get(key, 0))
    return result


def check_ratchet(measured, frozen):
    for key, value in sorted(measured.items()):
        limit = SOFT_FILE_LINES if key.startswith("file ") else FUNCTION_LINES
        if key.startswith("file ") and value > HARD_FILE_LINES:
            yield f"ratchet: {key}: {value} lines, {HARD_FILE_LINES} at the very most"
        elif key not in frozen:
            yield f"ratchet: {key}: {value} lines, {limit} allowed"
        elif value > frozen[key]:
            yield f"ratchet: {key}: grew from {frozen[key]} to {value} lines"
    for key in sorted(set(frozen) - set(measured)):
        yield f"ratchet: {key}: is short enough now; drop its entry (--update)"


def read_ratchet(text):
    entries = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            key, value = line.rsplit(" ", 1)
            entries[key] = int(value)
    return entries


def check_orphans(root, sources):
    """Every .cc is named by the CMakeLists.txt nearest above it (or one further up)."""
    texts = {}
    for path in sources:
        folder, name, found = os.path.dirname(path), os.path.basename(path), False
        while not found:
            lists = os.path.join(folder, "CMakeLists.txt")
            if lists not in texts:
                exists = os.path.exists(os.path.join(root, lists))
                texts[lists] = tree.read(root, lists) if exists else ""
            relative = os.path.relpath(path, folder or ".")
            found = re.search(rf"(?<![\w./]){re.escape(relative)}(?![\w.])", texts[lists])
            if not folder:
                break
            folder = os.path.dirname(folder)
        if not found:
            yield f"{path}: orphan: no CMakeLists.txt lists {name}"


def check(root, ratchet_text):
    problems, measured = [], {}
    for path in tree.walk(root, TEXT_SUFFIXES):
        problems += check_lines(path, tree.read(root, path))
    cpp = tree.walk(root, (".h", ".cc"), tree.TOP_FOLDERS)
    for path in cpp:
        text = tree.read(root, path)
        problems += check_tokens(path, tree.code_only(text))
        measured.update(measure(path, text))
        if path.endswith(".h"):
            problems += check_header(path, text)
        if re.search(r"(utils?|helpers?|misc)\.(h|cc)$", path):
            problems.append(f"{path}: name: a file is named after one idea")
    problems += check_orphans(root, [path for path in cpp if path.endswith(".cc")])
    problems += check_ratchet(measured, read_ratchet(ratchet_text))
    return problems, measured


RATCHET_HEAD = """\
# Files above 500 lines and functions above 70 (body), with the length they may not exceed.
# check_style.py --update lowers and drops entries; adding one by hand needs a reason in review.
"""


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    ratchet_text = tree.read(here, "ratchet.txt")
    problems, measured = check(arguments.root, ratchet_text)
    if arguments.update:
        frozen = read_ratchet(ratchet_text)
        kept = {key: min(value, measured[key]) for key, value in frozen.items() if key in measured}
        with open(os.path.join(here, "ratchet.txt"), "w", encoding="utf-8") as file:
            file.write(RATCHET_HEAD)
            file.writelines(f"{key} {value}\n" for key, value in sorted(kept.items()))
        return 0
    return tree.report("style", problems)


if __name__ == "__main__":
    sys.exit(main())
