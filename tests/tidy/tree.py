"""The source tree as the tidy checks see it: files, lines, code without comments and strings."""

import os
import re

TOP_FOLDERS = ("proto", "common", "state", "connectors", "api", "taskmanager", "jobmanager",
               "client", "examples", "tests")
SKIPPED_FOLDERS = {"build", ".git", "__pycache__", "node_modules", ".cache"}


def walk(root, suffixes, tops=None):
    """Paths relative to root, sorted, of the files that end so; below tops, or everywhere."""
    found = []
    for start in tops or [""]:
        for folder, folders, files in os.walk(os.path.join(root, start)):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            for name in files:
                if name.endswith(suffixes):
                    found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def code_only(text):
    """The C++ text with comments and literals blanked; every line keeps its number."""

    def blank(match):
        piece = match.group(0)
        kept = "\n" * piece.count("\n")
        return kept if piece.startswith("/") else '""' + kept

    return TOKEN.sub(blank, text)


def report(name, problems):
    """Prints one problem a line; the exit code of the check."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problem(s)" if problems else f"{name}: clean")
    return 1 if problems else 0
