#!/usr/bin/env python3
"""Prose must not rot: what the docs name in backticks or links has to exist.

Checked: paths into the tree, relative links, `./dev` verbs, and option names (against the string
literals of common/config, where the option table lives, and the values of the chart).
"""

import argparse
import glob
import os
import re
import sys

import tree

BACKTICKS = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"[\w.+*-]+(?:/[\w.+*{},-]*)+$|[\w-]+\.(?:md|txt|cmake|json|sh|py|proto|h|cc)$")
OPTION = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][A-Za-z0-9_-]*)+$")
OPTION_LITERAL = re.compile(r'"([a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)+)"')


def braces(pattern):
    """x/{a,b} -> [x/a, x/b]"""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if not match:
        return [pattern]
    return [one for part in match.group(1).split(",")
            for one in braces(pattern[:match.start()] + part + pattern[match.end():])]


def exists(root, folder, path):
    for base in {root, os.path.join(root, folder)}:
        if all(glob.glob(os.path.join(base, one)) for one in braces(path)):
            return True
    return False


def chart_values(root):
    """The values of the chart by their paths: they look like options."""
    path, names, stack = "deploy/chart/weir/values.yaml", set(), []
    lines = tree.read(root, path).splitlines() if exists(root, "", path) else []
    for indent, name in re.findall(r"^( *)([A-Za-z]+):", "\n".join(lines), re.MULTILINE):
        del stack[len(indent) // 2:]
        stack.append(name)
        names.add(".".join(stack))
    return names


def option_names(root):
    names = chart_values(root)
    for path in tree.walk(root, (".h", ".cc"), ["common/config"]):
        names.update(OPTION_LITERAL.findall(tree.read(root, path)))
    return names


def check_token(root, folder, token, tops, options):
    """The problem with one word in backticks, or None."""
    verb = re.match(r"\./dev ([a-z0-9-]+)", token)
    if verb:
        script = os.path.join(root, "deploy/dev", verb.group(1) + ".sh")
        return None if os.path.exists(script) else f"./dev has no verb {verb.group(1)}"
    if token.startswith("weir/") and exists(root, folder, "api/" + token):
        return None
    if PATH.match(token) and "/" in token:
        first = token.split("/")[0]
        if first in tops and first != "build" and not exists(root, folder, token.rstrip("/")):
            return f"{token} does not exist"
    elif OPTION.match(token) and token.split(".")[0] in {name.split(".")[0] for name in options}:
        if token not in options and not exists(root, folder, token):
            return f"there is no option {token}"
    return None


def check(root):
    problems = []
    tops = set(os.listdir(root)) - {".git"}
    options = option_names(root)
    for path in tree.walk(root, (".md",)):
        folder = os.path.dirname(path)
        fenced = False
        for number, line in enumerate(tree.read(root, path).splitlines(), 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            words = [] if fenced else BACKTICKS.findall(line)
            words += [match.group(0) for match in re.finditer(r"\./dev [a-z0-9-]+", line)]
            for word in dict.fromkeys(words):
                problem = check_token(root, folder, word, tops, options)
                if problem:
                    problems.append(f"{path}:{number}: {problem}")
            for target in [] if fenced else LINK.findall(line):
                target = target.split("#")[0]
                if target and "://" not in target and not target.startswith("mailto:"):
                    if not exists(root, folder, target.rstrip("/")):
                        problems.append(f"{path}:{number}: link to {target}, which does not exist")
    return problems


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    return tree.report("docs", check(parser.parse_args().root))


if __name__ == "__main__":
    sys.exit(main())
