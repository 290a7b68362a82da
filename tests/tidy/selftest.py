#!/usr/bin/env python3
"""Each tidy check finds what is planted, and is silent about a clean tree."""

import os
import tempfile
import unittest

import check_budget
import check_docs
import check_errors
import api_reference
import check_generated
import check_layers
import check_quotes
import check_style
import cli_reference
import tree

HERE = os.path.dirname(os.path.abspath(__file__))

GOOD_HEADER = """\
#pragma once

#include <string>

/// Counts. Threads: one.
class Counter {
 public:
  int Next() { return ++value_; }

 private:
  int value_ = 0;
};
"""


class Planted(unittest.TestCase):
    """A small tree in a temporary folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.plant("common/base/counter.h", GOOD_HEADER)
        self.plant("common/base/counter.cc", '#include "common/base/counter.h"\n')
        self.plant("common/base/CMakeLists.txt", "weir_library(NAME b SRCS counter.cc)\n")

    def plant(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def assert_finds(self, problems, *words):
        self.assertTrue(any(all(word in problem for word in words) for problem in problems),
                        f"{words} not in {problems}")


class Layers(Planted):

    def check(self):
        return check_layers.check(self.root, tree.read(HERE, "layers.txt"))

    def test_clean(self):
        self.plant("common/time/clock.h", '#include "common/base/counter.h"\n')
        self.plant("api/weir/weir.h", '#include "common/time/clock.h"\n')
        self.plant("api/run/run.h", '#include "weir/weir.h"\n#include "common/time/clock.h"\n')
        self.plant("examples/one/main.cc", '#include "weir/weir.h"\n')
        self.plant("common/net/grpc_channel.cc", "#include <grpcpp/grpcpp.h>\n")
        self.assertEqual(self.check(), [])

    def test_arrow_up(self):
        self.plant("common/time/clock.h", "")
        self.plant("common/base/up.h", '#include "common/time/clock.h"\n')
        self.assert_finds(self.check(), "common/base/up.h:1", "common/time")

    def test_processes_apart(self):
        self.plant("taskmanager/task/task.h", "")
        self.plant("jobmanager/job/job.h", '#include "taskmanager/task/task.h"\n')
        self.assert_finds(self.check(), "jobmanager/job/job.h:1", "taskmanager/task")

    def test_example_sees_the_api_only(self):
        self.plant("examples/one/main.cc", '#include "common/base/counter.h"\n')
        self.assert_finds(self.check(), "examples/one/main.cc:1", "common/base")

    def test_proto_imports(self):
        self.plant("common/types/x.proto", "")
        self.plant("proto/a.proto", 'import "common/types/x.proto";\n')
        self.assert_finds(self.check(), "proto/a.proto:1", "common/types")

    def test_confined(self):
        self.plant("common/net/channel.cc", "#include <grpcpp/grpcpp.h>\n")
        self.plant("connectors/kafka/reader.cc", "#include <librdkafka/rdkafka.h>\n")
        self.plant("jobmanager/job/job.cc", '#include "proto/control.grpc.pb.h"\n')
        problems = self.check()
        self.assert_finds(problems, "common/net/channel.cc:1", "grpcpp")
        self.assert_finds(problems, "connectors/kafka/reader.cc:1", "librdkafka")
        self.assert_finds(problems, "jobmanager/job/job.cc:1", "grpc.pb.h")

    def test_cycle(self):
        self.plant("taskmanager/task/a.h", '#include "taskmanager/worker/b.h"\n')
        self.plant("taskmanager/worker/b.h", '#include "taskmanager/task/a.h"\n')
        self.assert_finds(self.check(), "cycle", "taskmanager/task", "taskmanager/worker")

    def test_missing_and_unknown(self):
        self.plant("common/base/lost.h", '#include "common/base/nowhere.h"\n')
        self.plant("common/sundries/x.h", "")
        problems = self.check()
        self.assert_finds(problems, "common/base/lost.h:1", "does not exist")
        self.assert_finds(problems, "common/sundries/x.h", "no line")


class Style(Planted):

    def check(self, ratchet=""):
        return check_style.check(self.root, ratchet)[0]

    def source(self, text, path="state/heap/planted.cc"):
        self.plant(path, text)
        self.plant(os.path.join(os.path.dirname(path), "CMakeLists.txt"),
                   f"weir_library(NAME x SRCS {os.path.basename(path)})\n")

    def test_clean(self):
        self.source('// std::thread, rand() and "sleep(1)" in words\nconst char* k = "throw";\n'
                    "int F(int x) { return Lifetime(0) + x; }\n")
        self.assertEqual(self.check(), [])

    def test_every_banned_name(self):
        planted = {
            "thread": "std::thread t;",
            "sleep": "absl::SleepFor(x);",
            "absl-mutex": "absl::Mutex m;",
            "std-mutex": "std::mutex m;",
            "string-view": "std::string_view v;",
            "views": "auto v = r | std::views::all;",
            "absl-optional": "absl::optional<int> x;",
            "absl-log": "#include <absl/log/log.h>",
            "wall-clock": "auto t = std::chrono::system_clock::now();",
            "random": "int r = rand();",
            "getenv": 'auto e = getenv("X");',
            "throw": "throw 1;",
            "assert": "assert(x);",
            "using-namespace": "using namespace weir;",
        }
        self.assertEqual(set(planted), {name for name, _, _, _ in check_style.BANNED})
        self.source("\n".join(planted.values()) + "\n")
        problems = self.check()
        for line, name in enumerate(planted, 1):
            self.assert_finds(problems, f"planted.cc:{line}: {name}")

    def test_allowed_where_it_belongs(self):
        self.source("std::thread t;\nauto n = std::chrono::steady_clock::now();\n",
                    "common/exec/threads.cc")
        self.assertEqual(self.check(), [])

    def test_lines_and_marks(self):
        self.source("// " + "x" * 98 + "\n// TO" + "DO: later\n// see https://" + "x" * 100 + "\n")
        problems = self.check()
        self.assert_finds(problems, "planted.cc:1: line-length")
        self.assert_finds(problems, "planted.cc:2: mark")
        self.assertEqual(len(problems), 2)

    def test_header(self):
        self.plant("state/heap/bare.h", "#include <string>\n\nclass Bare {\n};\nclass Later;\n")
        problems = self.check()
        self.assert_finds(problems, "bare.h:1: pragma-once")
        self.assert_finds(problems, "bare.h:3: contract", "Bare")
        self.assertEqual(len(problems), 2)

    def test_orphan_and_name(self):
        self.plant("state/heap/string_utils.cc", "")
        problems = self.check()
        self.assert_finds(problems, "string_utils.cc: orphan")
        self.assert_finds(problems, "string_utils.cc: name")

    def test_long_function(self):
        body = "  ++x;\n" * 71
        self.source("Foo::Foo(int x) : x_{x}, y_(1) {\n" + body + "}\nint Short() { return 1; }\n")
        key = "function state/heap/planted.cc Foo::Foo"
        self.assert_finds(self.check(), "ratchet", key, "71 lines")
        self.assertEqual(self.check(f"{key} 71\n"), [])
        self.assert_finds(self.check(f"{key} 70\n"), "grew from 70 to 71")

    def test_long_file(self):
        self.source("int x;\n" * 501)
        key = "file state/heap/planted.cc"
        self.assert_finds(self.check(), key, "500 allowed")
        self.assertEqual(self.check(f"{key} 501\n"), [])
        stale = f"{key} 501\nfile state/heap/gone.cc 600\n"
        self.assert_finds(self.check(stale), "gone.cc", "drop")
        self.source("int x;\n" * 801)
        self.assert_finds(self.check(f"{key} 900\n"), "800 at the very most")


class Docs(Planted):

    def setUp(self):
        super().setUp()
        self.plant("common/config/options.cc", '{"jobmanager.bind-address", "x"}\n')
        self.plant("deploy/dev/test.sh", "")

    def test_clean(self):
        self.plant("docs/a.md", "`common/base/counter.h` `common/base/*.{h,cc}` `./dev test -L x`\n"
                   "`jobmanager.bind-address` `bootstrap.servers` [a](a.md) `weir`\n")
        self.assertEqual(check_docs.check(self.root), [])

    def test_planted(self):
        self.plant("docs/a.md", "`common/base/gone.h`\n`./dev dance`\n`jobmanager.bind-adress`\n"
                   "[b](b.md)\n")
        problems = check_docs.check(self.root)
        self.assert_finds(problems, "docs/a.md:1", "common/base/gone.h")
        self.assert_finds(problems, "docs/a.md:2", "dance")
        self.assert_finds(problems, "docs/a.md:3", "jobmanager.bind-adress")
        self.assert_finds(problems, "docs/a.md:4", "b.md")


class Errors(Planted):

    HEAD = "| what one sees | test |\n|---|---|\n"

    def setUp(self):
        super().setUp()
        self.plant("tests/e2e/b_test.cc", "")
        self.plant("tests/unit/state/a_test.cc", "TEST_F(ATest, Fails) {}\nTEST(B, IsSo) {}\n")

    def check(self, rows):
        self.plant("docs/errors.md", self.HEAD + rows)
        return check_errors.check(self.root)

    def test_clean(self):
        self.assertEqual(self.check("| it failed | `unit.ATest.Fails`, `unit.B.IsSo` |\n"), [])

    def test_planted(self):
        problems = self.check("| gone | `unit.ATest.Gone` |\n| elsewhere | `e2e.ATest.Fails` |\n"
                              "| nothing | no test |\n")
        self.assert_finds(problems, "docs/errors.md:3", "unit.ATest.Gone")
        self.assert_finds(problems, "docs/errors.md:4", "e2e.ATest.Fails")
        self.assert_finds(problems, "docs/errors.md:5", "no test that exists")

    def test_page_is_gone(self):
        self.assert_finds(check_errors.check(self.root), "docs/errors.md")


class Generated(Planted):

    def test_all(self):
        self.plant("documentation.sh", "#!/bin/sh\necho options\n")
        program = os.path.join(self.root, "documentation.sh")
        os.chmod(program, 0o755)
        self.plant("examples/kafka_to_kafka/main.cc", "int main() {}\n")
        for path in api_reference.FILES:
            self.plant(path, "// All of it.\nservice Client {\n  // Says it.\n"
                       "  rpc Say(Word) returns (stream Word);\n}\n"
                       "message Word { string said = 1; }  // by anybody\n")
        page = api_reference.render(self.root)
        self.assertIn("| Say | Word | stream of Word | Says it. |", page)
        self.assertIn("**Word**: by anybody", page)
        self.plant("docs/api.md", page)
        self.plant("docs/configuration.md", "options\n")
        self.plant("docs/metrics.md", "options\n")
        self.plant("docs/cli.md", cli_reference.render(program))
        self.plant("README.md", "Weir\n\n```cpp\nint main() {}\n```\n")
        self.assertEqual(check_generated.check(self.root, program, program, program), [])
        self.plant("docs/configuration.md", "older options\n")
        self.plant("docs/api.md", "older calls\n")
        self.plant("docs/metrics.md", "older metrics\n")
        self.plant("docs/cli.md", "older verbs\n")
        self.plant("README.md", "Weir\n\n```cpp\nint main() { return 0; }\n```\n")
        problems = check_generated.check(self.root, program, program, program)
        self.assert_finds(problems, "docs/configuration.md", "out of date")
        self.assert_finds(problems, "docs/api.md", "out of date")
        self.assert_finds(problems, "docs/metrics.md", "out of date")
        self.assert_finds(problems, "docs/cli.md", "out of date")
        self.assert_finds(problems, "README.md", "main.cc")


class Quotes(Planted):

    def page(self, path, *lines):
        return "\n".join([f"<!-- from {path} -->", "```cpp", *lines, "```", ""])

    def test_clean(self):
        quoted = self.page("common/base/counter.h", "int value_ = 0;")
        self.plant("docs/a.md", quoted + "\n" + self.page("common/base/counter.h",
                                                         *GOOD_HEADER.splitlines()))
        self.plant("README.md", "```\nno code\n```\n")
        self.plant("elsewhere.md", "```cpp\nint x;\n```\n")
        self.assertEqual(check_quotes.check(self.root), [])

    def test_planted(self):
        self.plant("docs/a.md", self.page("common/base/counter.h", "int value_ = 1;"))
        self.plant("docs/b.md", self.page("common/base/gone.h", "int x;"))
        self.plant("README.md", "```cpp\nint x;\n```\n")
        self.plant("docs/c.md", self.page("common/base/counter.h"))
        problems = check_quotes.check(self.root)
        self.assert_finds(problems, "docs/a.md:2", "counter.h")
        self.assert_finds(problems, "docs/b.md:2", "does not exist")
        self.assert_finds(problems, "README.md:1", "claims")
        self.assert_finds(problems, "docs/c.md:2", "counter.h")


COMMAND_LINE = """\
#!/bin/sh
case "$1" in
  --help) printf 'Usage\\n\\n  start  Go.\\n  stop   Halt.\\n' ;;
  *) printf '%s it.\\n\\n  --%s  All.\\n\\n' "$1" "$1"
     printf 'Common:\\n  --help  Show %s.\\n' "$(seq -s' ' 60)" ;;
esac
"""


class CommandLine(Planted):

    def program(self, text):
        self.plant("weir.sh", text)
        os.chmod(os.path.join(self.root, "weir.sh"), 0o755)
        return os.path.join(self.root, "weir.sh")

    def test_page(self):
        page = cli_reference.render(self.program(COMMAND_LINE))
        self.assertIn("## weir start\n\n```\nstart it.\n\n  --start  All.\n\nCommon as above.\n```",
                      page)
        self.assertIn("## weir stop\n", page)
        self.assertEqual(page.count("--help  Show 1 2 3"), 1)
        self.assertTrue(all(len(line) <= 100 for line in page.splitlines()))

    def test_a_verb_without_help(self):
        program = self.program("#!/bin/sh\n[ $1 = --help ] && echo '  start  Go.'\n")
        with self.assertRaisesRegex(RuntimeError, "weir start --help"):
            cli_reference.render(program)


class Budget(unittest.TestCase):

    def test_all(self):
        self.assertEqual(check_budget.check("lane a x\nlane b y\n", "a 70\nb 5\n"), [])
        self.assertEqual(len(check_budget.check("lane a x\n", "a 76\n")), 1)
        self.assertEqual(len(check_budget.check("lane a x\nlane b y\n", "a 1\n")), 1)
        self.assertEqual(len(check_budget.check("lane a x\n", "a 1\nb 1\n")), 1)


if __name__ == "__main__":
    unittest.main()
