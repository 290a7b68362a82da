#!/usr/bin/env python3
"""Arrows point down: checks every #include and proto import against layers.txt."""

import argparse
import fnmatch
import os
import re
import sys

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
IMPORT = re.compile(r'^import\s+(?:public\s+)?(")([^"]+)"', re.MULTILINE)


def read_rules(text):
    """-> ({folder pattern: [allowed]}, [(header pattern, [file patterns])])"""
    layers, confined = {}, []
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if "->" in line:
            header, files = line.split("->")
            confined.append((header.strip(), files.split()))
        elif line:
            folder, allowed = line.split(":")
            layers[folder.strip()] = allowed.split()
    return layers, confined


def covers(pattern, folder):
    if pattern == "*":
        return True
    if pattern.endswith("/*"):
        return folder == pattern[:-2] or folder.startswith(pattern[:-1])
    return folder == pattern or (pattern == "api" and folder.startswith("api/weir"))


def rule_for(layers, folder):
    """The longest line whose left side covers the folder or one above it."""
    matching = [key for key in layers
                if covers(key, folder) or folder.startswith(key.removesuffix("/*") + "/")]
    return max(matching, key=lambda key: len(key.removesuffix("/*")), default=None)


def target_of(root, included):
    """The folder in our tree that an include names; None for others' headers."""
    path = "api/" + included if included.startswith("weir/") else included
    if path.split("/")[0] not in tree.TOP_FOLDERS:
        return None
    if path.startswith("proto/") or os.path.exists(os.path.join(root, path)):
        return os.path.dirname(path)
    return None


def node_of(folder):
    """Folders as the cycle search sees them: two levels deep, api/weir belonging to api."""
    node = "/".join(folder.split("/")[:2])
    return "api" if node == "api/weir" else node


def find_cycle(edges):
    """One cycle as a list of folders, or None."""
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for following in sorted(edges.get(node, ())):
            if state.get(following) == "open":
                return path[path.index(following):] + [following]
            if following not in state and (cycle := visit(following)):
                return cycle
        state[node] = "done"
        path.pop()
        return None

    for node in sorted(edges):
        if node not in state and (cycle := visit(node)):
            return cycle
    return None


def check(root, rules_text):
    layers, confined = read_rules(rules_text)
    problems, edges = [], {}
    for path in tree.walk(root, (".h", ".cc", ".proto"), tree.TOP_FOLDERS):
        folder = os.path.dirname(path)
        key = rule_for(layers, folder)
        if key is None:
            problems.append(f"{path}: no line of layers.txt covers {folder}")
            continue
        text = tree.read(root, path)
        pattern = IMPORT if path.endswith(".proto") else INCLUDE
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            quote, included = match.groups()
            for header, places in confined:
                if fnmatch.fnmatch(included, header) and not any(
                        fnmatch.fnmatch(path, place) for place in places):
                    problems.append(f"{path}:{line}: {included} only in {' '.join(places)}")
            target = target_of(root, included)
            if target is None:
                if quote == '"' and included.split("/")[0] in tree.TOP_FOLDERS:
                    problems.append(f"{path}:{line}: {included} does not exist")
                continue
            if node_of(target) == node_of(folder):
                continue
            if not any(covers(allowed, target) for allowed in layers[key]):
                problems.append(f"{path}:{line}: {folder} must not include {target} ({included})")
            edges.setdefault(node_of(folder), set()).add(node_of(target))
    cycle = find_cycle(edges)
    if cycle:
        problems.append("cycle of includes: " + " -> ".join(cycle))
    return problems


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    root = parser.parse_args().root
    return tree.report("layers", check(root, tree.read(here, "layers.txt")))


if __name__ == "__main__":
    sys.exit(main())
