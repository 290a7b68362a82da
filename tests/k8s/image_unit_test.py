#!/usr/bin/env python3
"""Tests of the image's build from source, short of compiling: what deploy/image/make_package.sh
decides, and that its build context and the packages that it installs have all that a build takes.
./dev k8s-test --from-source compiles it."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

import build_context

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ["weir", "weir-jobmanager", "weir-taskmanager"]
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Each notes how it is called, and fails when it is to; cpack leaves what it would.
STAND_IN = """#!/bin/sh
name=$(basename "$0")
echo "$name $*" >>"{log}"
if [ "$name $1" = "{failing}" ]; then exit 1; fi
if [ "$name" = cpack ]; then
  while [ "$1" != -B ]; do shift; done
  mkdir -p "$2/_CPack_Packages"
  echo compiled >"$2/weir_1-1_amd64.deb"
fi
"""


class Script:
    """make_package.sh in `folder`, with stand-ins for what it calls."""

    def __init__(self, folder):
        self.source = os.path.join(folder, "source")
        self.package = os.path.join(folder, "package")
        self.programs = os.path.join(folder, "bin")
        self.log = os.path.join(folder, "log")
        os.makedirs(os.path.join(self.source, "deploy"))
        os.makedirs(self.programs)
        shutil.copy(os.path.join(ROOT, "deploy/apt-packages.txt"),
                    os.path.join(self.source, "deploy"))

    def offer(self, *names):
        os.makedirs(os.path.join(self.source, "prebuilt"))
        for name in names:
            with open(os.path.join(self.source, "prebuilt", name), "w", encoding="utf-8") as file:
                file.write("offered\n")

    def make(self, failing="none"):
        """Its exit code."""
        if os.path.exists(self.log):
            os.remove(self.log)
        for name in ("apt-get", "cmake", "cpack"):
            path = os.path.join(self.programs, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(STAND_IN.format(log=self.log, failing=failing))
            os.chmod(path, 0o755)
        return subprocess.run(
            ["sh", os.path.join(ROOT, "deploy/image/make_package.sh"), self.source, self.package],
            env={"PATH": f"{self.programs}:{SYSTEM_PATH}"}, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def calls(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    def made(self):
        """File name -> contents."""
        found = {}
        for name in os.listdir(self.package):
            with open(os.path.join(self.package, name), encoding="utf-8") as file:
                found[name] = file.read().strip()
        return found

    def installed(self):
        """The packages that it installs."""
        line = next(one for one in self.calls() if one.startswith("apt-get install "))
        return [word for word in line.split()[2:] if not word.startswith("-")]


class MakePackage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.script = Script(folder.name)

    def test_an_offered_package_is_taken_and_nothing_is_compiled(self):
        self.script.offer("weir_2-1_amd64.deb", "weir-dev_2-1_amd64.deb")
        self.assertEqual(0, self.script.make())
        self.assertEqual({"weir_2-1_amd64.deb": "offered"}, self.script.made())
        self.assertEqual([], self.script.calls())

    def test_without_one_it_installs_configures_compiles_and_packs(self):
        self.assertEqual(0, self.script.make())
        self.assertEqual({"weir_1-1_amd64.deb": "compiled"}, self.script.made())
        calls = self.script.calls()
        self.assertEqual(["apt-get update", "apt-get install", "cmake --preset", "cmake --build",
                          "cpack --config"], [" ".join(one.split()[:2]) for one in calls])
        self.assertEqual("cmake --preset release", calls[2])
        self.assertRegex(calls[3], "^cmake --build build/release --parallel [0-9]+ "
                                   f"--target {' '.join(PROGRAMS)}$")
        self.assertRegex(calls[4], "--config build/release/CPackConfig.cmake .*-G DEB "
                                   "-D CPACK_COMPONENTS_ALL=runtime ")

    def test_what_is_no_package_of_the_programs_is_not_taken(self):
        self.script.offer("weir-dev_2-1_amd64.deb", "README")
        self.assertEqual(0, self.script.make())
        self.assertEqual({"weir_1-1_amd64.deb": "compiled"}, self.script.made())

    def test_of_several_packages_none_is_taken(self):
        self.script.offer("weir_2-1_amd64.deb", "weir_3-1_amd64.deb")
        self.assertNotEqual(0, self.script.make())
        self.assertEqual({}, self.script.made())
        self.assertEqual([], self.script.calls())

    def test_a_step_that_fails_is_the_last_one(self):
        for number, step in enumerate(("apt-get update", "apt-get install", "cmake --preset",
                                       "cmake --build", "cpack --config"), 1):
            with self.subTest(step):
                self.assertNotEqual(0, self.script.make(failing=step))
                self.assertEqual(number, len(self.script.calls()))
                self.assertEqual({}, self.script.made())

    def test_it_installs_no_java_and_no_clang(self):
        self.assertEqual(0, self.script.make())
        installed = self.script.installed()
        self.assertIn("build-essential", installed)
        self.assertFalse([one for one in installed if re.search("clang|jre|maven", one)])


class Context(unittest.TestCase):
    def test_what_was_built_or_cached_is_left_out(self):
        patterns = build_context.ignored(ROOT)
        for path, left_out in (("build", True), ("build/release/bin/weir", True), (".cache", True),
                               ("tests/k8s/__pycache__/x.py", True), ("a.pyc", True),
                               ("tests/a.pyc", True), ("deploy/dev/build.sh", False),
                               ("builds", False), ("prebuilt/weir_1_amd64.deb", False),
                               ("tests/k8s/build_context.py", False)):
            self.assertEqual(left_out, any(one.fullmatch(path) for one in patterns), path)

    def test_patterns_that_are_not_understood_are_refused(self):
        for line in ("!docs", "a?", "[ab]", "a b"):
            with self.assertRaises(ValueError):
                build_context.ignored_by(line)

    def test_it_has_every_file_that_git_has(self):
        tracked = build_context.output("git", "-C", ROOT, "ls-files", "-z").split("\0")
        tracked = {one for one in tracked if one and os.path.exists(os.path.join(ROOT, one))}
        if not tracked:
            self.skipTest("no checkout of git")
        self.assertEqual(set(), tracked - set(build_context.files(ROOT)))


class SourceBuild(unittest.TestCase):
    """The context alone, in a folder of its own, is configured as in the image."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.top = os.path.realpath(folder.name)
        cls.files = build_context.files(ROOT)
        for path in cls.files:
            os.makedirs(os.path.join(cls.top, os.path.dirname(path)), exist_ok=True)
            shutil.copy(os.path.join(ROOT, path), os.path.join(cls.top, path))
        with tempfile.TemporaryDirectory() as other:
            script = Script(other)
            script.make()
            cls.installed = build_context.with_dependencies(script.installed())
        done = cls.run_there("cmake", "--preset", "release")
        if done.returncode != 0:
            raise AssertionError(f"the context cannot be configured: {done.stdout}")

    @classmethod
    def run_there(cls, *command):
        # The path of an image: what this machine has besides of programs is not to be found.
        return subprocess.run(command, cwd=cls.top, env={"PATH": SYSTEM_PATH, "HOME": cls.top},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=300)

    def made(self, name):
        """A file that configuring has made."""
        with open(os.path.join(self.top, "build/release", name), encoding="utf-8") as file:
            return file.read()

    def assert_installed(self, paths):
        """All of them come with the packages that make_package.sh installs."""
        self.assertTrue(paths)
        missing = {path: sorted(names) for path, names in build_context.owners(paths).items()
                   if not names & self.installed}
        self.assertEqual({}, missing, "not of a package that is installed")

    def test_all_sources_of_the_programs_are_there(self):
        done = self.run_there("ninja", "-C", "build/release", "-t", "inputs", *PROGRAMS)
        self.assertEqual(0, done.returncode, done.stdout)
        build = os.path.join(self.top, "build/release")
        paths = {os.path.relpath(os.path.join(build, one), self.top)
                 for one in done.stdout.splitlines()}
        sources = {one for one in paths if not one.startswith(("build/", "../"))}
        for one in ("proto/client.proto", "client/cli/main.cc", "jobmanager/main.cc"):
            self.assertIn(one, sources)
        self.assertEqual(set(), {one for one in sources
                                 if not os.path.exists(os.path.join(self.top, one))})

    def test_all_files_that_are_packed_are_there(self):
        named = re.findall(rf'"{re.escape(self.top)}/([^"]+)"', self.made("cmake_install.cmake"))
        sources = [one for one in named if not one.startswith("build/")]
        self.assertIn("LICENSE", sources)
        self.assertEqual([], [one for one in sources
                              if not os.path.exists(os.path.join(self.top, one))])

    def test_what_is_found_by_configuring_is_installed(self):
        found = re.findall(r"^\w+:(?:FILEPATH|PATH|INTERNAL)=(/usr/[^;\n]+)$",
                           self.made("CMakeCache.txt"), re.MULTILINE)
        self.assert_installed([one for one in found if os.path.isfile(one)])

    def test_the_headers_of_others_are_installed(self):
        folders = ["/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/include/c++/12"]
        names = set()
        for path in self.files:
            if path.endswith((".h", ".cc")) and not path.startswith(("tests/", "examples/")):
                with open(os.path.join(self.top, path), encoding="utf-8") as file:
                    names.update(re.findall(r'^#include [<"]([^>"]+)[>"]', file.read(),
                                            re.MULTILINE))
        paths = [next((one for one in (os.path.join(folder, name) for folder in folders)
                       if os.path.exists(one)), None) for name in names
                 if not os.path.exists(os.path.join(self.top, name))]
        self.assert_installed([one for one in paths if one])

    def test_the_programs_that_pack_are_installed(self):
        root = re.search(r"^CMAKE_ROOT:INTERNAL=(.*)$", self.made("CMakeCache.txt"), re.MULTILINE)
        module = os.path.join(root.group(1), "Modules/Internal/CPack/CPackDeb.cmake")
        with open(module, encoding="utf-8") as file:
            names = set(re.findall(r"find_program\(\w+ (?:NAMES )?([\w-]+)\)", file.read()))
        self.assertIn("dpkg-shlibdeps", names)
        paths = {name: shutil.which(name, path=SYSTEM_PATH) for name in names}
        self.assert_installed([path or name for name, path in paths.items()])


if __name__ == "__main__":
    unittest.main()
