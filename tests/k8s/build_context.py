"""What an image is built of: the files of its build context, by .dockerignore, and the Debian
packages that a list of them brings."""

import os
import re
import subprocess


def ignored_by(line):
    """A line of .dockerignore as a pattern for paths below the top. Docker knows more kinds; they
    are refused, as nobody would notice that they are misunderstood here."""
    if not re.fullmatch(r"/?(\*\*/)?[\w.*-]+(/[\w.*-]+)*/?", line):
        raise ValueError(f".dockerignore: '{line}' is not understood")
    pattern = re.escape(line.strip("/"))
    pattern = pattern.replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return re.compile(f"{pattern}(?:/.*)?")


def ignored(root):
    """The patterns of the .dockerignore there."""
    with open(os.path.join(root, ".dockerignore"), encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return [ignored_by(line) for line in lines if line and not line.startswith("#")]


def files(root):
    """Paths relative to root, sorted, of the build context but for what git keeps for itself."""
    patterns, found = ignored(root), []

    def kept(path):
        return path != ".git" and not any(one.fullmatch(path) for one in patterns)

    for folder, folders, names in os.walk(root):
        below = os.path.relpath(folder, root)
        folders[:] = [one for one in folders if kept(os.path.normpath(os.path.join(below, one)))]
        paths = [os.path.normpath(os.path.join(below, one)) for one in names]
        found += [path for path in paths if kept(path)]
    return sorted(found)


def output(*command):
    """Its standard output, whatever the exit code."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False, timeout=120).stdout


def with_dependencies(wanted):
    """These Debian packages, those that they depend on, and those that every Debian has; of the
    packages that are installed here. Recommended ones are not among them."""
    fields = "${Package}\t${Essential}\t${Provides}\t${Pre-Depends}, ${Depends}\n"
    depends, provided, pending = {}, {}, list(wanted)
    for line in output("dpkg-query", "-W", "-f", fields).splitlines():
        name, essential, provides, needed = line.split("\t")
        depends[name] = [[re.sub(r"[ (:].*", "", one.strip()) for one in choice.split("|")]
                         for choice in needed.split(",") if choice.strip()]
        for one in provides.split(",") if provides else []:
            provided.setdefault(re.sub(r"[ (:].*", "", one.strip()), []).append(name)
        pending += [name] if essential == "yes" else []
    found = set()
    while pending:
        name = pending.pop()
        if name in found or name not in depends:
            continue
        found.add(name)
        for choice in depends[name]:
            there = [real for one in choice for real in [one, *provided.get(one, [])]
                     if real in depends]
            pending += there[:1]
    return found


def owners(paths):
    """path -> the installed Debian packages that have it; none for what is not of a package."""
    forms = {}
    for path in paths:
        real = os.path.realpath(path)
        # /bin and /lib are links into /usr; packages name their files by either.
        forms[path] = {real, re.sub(r"^/usr/(bin|sbin|lib\w*)/", r"/\1/", real)}
    asked = sorted(set().union(*forms.values())) if forms else []
    having = {}
    for line in output("dpkg-query", "-S", *asked).splitlines():
        names, _, path = line.rpartition(": ")
        having.setdefault(path, set()).update(one.split(":")[0] for one in names.split(", "))
    return {path: set().union(*(having.get(one, set()) for one in alternatives))
            for path, alternatives in forms.items()}
