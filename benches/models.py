#!/usr/bin/env python3
"""How far Prentice, aider and mini-swe-agent get with the same model on tasks that no one here wrote.

    git clone https://github.com/jkoppel/QuixBugs
    pip install pytest aider-chat mini-swe-agent          (each peer in an environment of its own is easier)
    python3 benches/models.py run --quixbugs QuixBugs --url http://127.0.0.1:8080/v1 --model NAME --work DIR \\
        --tool prentice --tool aider=PATH/aider --tool mini=PATH/mini [--only gcd,lis] [--every 2] [--exercises DIR]
    python3 benches/models.py report --work DIR

The tasks are the 40 Python programs of QuixBugs, each with one bug and a test file that fails; or with `--exercises DIR` the
Python exercises of a checkout of https://github.com/Aider-AI/polyglot-benchmark, each a file to write by its instructions.
Every tool gets a repository with the program, its test and its data, the same words as a task, the same test command, and
the model at temperature 0 through a counter on loopback, which adds up requests and tokens from the server's own `usage`.
What it leaves is judged in a repository that it never saw: only the program itself is taken over, and the test is run. The
tools take turns program by program, so that a noisy machine is noisy for all of them. A variant of Prentice is asked for by `--tool prentice:NAME={yaml of the model's profile}`, such as
`--tool 'prentice:blocks={edits: search_replace}'`. `--tool embedded` is Prentice with the model inside it, of the same name (see
`prentice model list`): no server is asked, tokens are Prentice's own count.

`--rounds 1` lets Prentice ask once, so that first answers are compared and time decides nothing. `--examples whole|blocks` shows
every tool how two other programs were mended, in AGENTS.md: as whole files, or as blocks of search and replace.

Limits: aider reflects three times on a failed test (its own limit), Prentice makes as many changes as the profile says (eight
for small models), mini-swe-agent 10 steps; 600 seconds for each program (`--seconds`).

A request that names no longest answer gets 2,048 tokens, or a model that repeats itself would write until its window is full;
what a tool that ran out of time has asked for last is waited for before the next one begins.

Results go to DIR/results.jsonl, a line for each program and tool; what is there is not run again.
"""

import argparse
import difflib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

SECONDS = 600
LONGEST_ANSWER = 2048
TEST_SECONDS = 30


class Counter(http.server.BaseHTTPRequestHandler):
    """Hands requests on to the model, and adds up what they cost."""

    url, count, lock = "", {}, threading.Lock()
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def hand_on(self, data=None):
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(self.url + self.path.removeprefix("/v1"), data=data, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS * 2) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def answer(self, status, body, kind="application/json"):
        try:
            self.write(status, body, kind)
        except BrokenPipeError:
            pass  # Whoever asked is out of time.

    def write(self, status, body, kind):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(*self.hand_on())

    def do_POST(self):
        data = self.rfile.read(int(self.headers["content-length"]))
        wanted = json.loads(data)
        streams = wanted.get("stream")
        if not any(wanted.get(key) for key in ("max_tokens", "max_completion_tokens")):
            wanted["max_tokens"] = LONGEST_ANSWER
        if streams:
            wanted.pop("stream_options", None)
            wanted["stream"] = False
        status, body = self.hand_on(json.dumps(wanted).encode())
        value = json.loads(body)
        usage = value.get("usage") or {}
        with self.lock:
            if status == 200:
                self.count["requests"] = self.count.get("requests", 0) + 1
            self.count["bytes"] = max(self.count.get("bytes", 0), len(data))
            self.count["read"] = self.count.get("read", 0) + usage.get("prompt_tokens", 0)
            self.count["written"] = self.count.get("written", 0) + usage.get("completion_tokens", 0)
        if not streams or status != 200:
            return self.answer(status, body)
        for choice in value["choices"]:
            choice["delta"] = choice.pop("message")
        value["object"] = "chat.completion.chunk"
        self.answer(status, f"data: {json.dumps(value)}\n\ndata: [DONE]\n\n".encode(), "text/event-stream")


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@localhost", *words],
                   check=True, capture_output=True)


@dataclass
class Program:
    """One task: what is asked, the file that is judged, its test, and where the files of its repository come from."""

    name: str
    task: str
    source: str
    test: str
    files: dict

    def make(self, folder):
        for path, origin in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, folder / path)
        (folder / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n.aider*\n")
        return folder

    def check(self):
        return f"python3 -m pytest -q {self.test}"

    def passes(self, folder):
        test = [*self.check().split(), "-x", "-p", "no:cacheprovider"]
        try:
            return subprocess.run(test, cwd=folder, capture_output=True, timeout=TEST_SECONDS).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def quixbugs(checkout):
    """The 40 programs, each with its test and the data that the test reads."""
    programs = []
    for path in sorted((checkout / "python_testcases").glob("test_*.py")):
        name = path.stem.removeprefix("test_")
        source, test = f"python_programs/{name}.py", f"python_testcases/test_{name}.py"
        files = [source, "python_programs/node.py", test, "python_testcases/node.py",
                 "python_testcases/load_testdata.py", f"json_testcases/{name}.json", "conftest.py"]
        task = f"{source} has a bug: its test {test} fails. Fix the program; do not change the test."
        present = {file: checkout / file for file in files if (checkout / file).exists()}
        programs.append(Program(name, task, source, test, present))
    return programs


def example(checkout, name, form):
    """How a program was mended, as an answer in a form."""
    def lines(folder):
        text = re.sub(r'\n"""[\s\S]*?"""\s*$', "\n", (checkout / folder / f"{name}.py").read_text())
        return text.strip("\n").split("\n")
    before, after = lines("python_programs"), lines("correct_python_programs")
    said = f"Earlier change: fix {name}\n\npython_programs/{name}.py\n"
    if form == "whole":
        return said + "```python\n" + "\n".join(after) + "\n```\n"
    for kind, start, end, new, new_end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            start, behind = max(start - 1, 0), before[end:end + 1]
            new = max(new - 1, 0)
            blocks = ["<<<<<<< SEARCH", *before[start:end], *behind, "=======", *after[new:new_end], *behind, ">>>>>>> REPLACE"]
            said += "\n".join(blocks) + "\n"
    return said


def examples(checkout, name, form):
    others = [other for other in ("bitcount", "gcd", "quicksort") if other != name][:2]
    said = "How this repository was changed before, as answers in the form that is asked for:\n\n"
    return said + "\n".join(example(checkout, other, form) for other in others)


def exercises(checkout):
    """The Python exercises that are one file: a beginning without a body, a test, and instructions in words."""
    programs = []
    for folder in sorted((checkout / "python/exercises/practice").iterdir()):
        files = json.loads((folder / ".meta/config.json").read_text())["files"]
        if len(files["solution"]) != 1 or len(files["test"]) != 1:
            continue
        source, test = files["solution"][0], files["test"][0]
        parts = [folder / ".docs" / name for name in ("introduction.md", "instructions.md", "instructions.append.md")]
        words = "\n\n".join(part.read_text() for part in parts if part.exists())
        task = f"Write {source} so that its test {test} passes. Keep the names that are there; do not change the test.\n\n{words}"
        others = [path.name for path in folder.glob("*.py")]
        programs.append(Program(folder.name, task, source, test, {name: folder / name for name in others}))
    return programs


def prentice(arguments, tool, folder, program, profile, inside=False):
    text = f"sandbox:\n  command_time: {TEST_SECONDS}s\n"
    if profile:
        text += f"model:\n  profiles:\n    {arguments.model}: {profile}\n"
    (folder / ".prentice.yml").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "settings")
    model = ["--model", f"embedded:{arguments.model}"] if inside else \
        ["--base-url", arguments.counter, "--model", arguments.model]
    words = [tool, "run", program.task, "--repo", ".", *model, "--check", program.check(), "--json", "--max-time",
             f"{SECONDS}s", *(["--rounds", str(arguments.rounds)] if arguments.rounds else [])]
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS * 2)
    (folder / "said.txt").write_text(ran.stdout + ran.stderr)
    if inside:
        said = json.loads(ran.stdout or "{}")
        spent = said.get("spent") or {}
        Counter.count.update(requests=spent.get("calls", 0), read=spent.get("input_tokens", 0),
                             written=spent.get("output_tokens", 0))
    branch = subprocess.run(["git", "-C", str(folder), "branch", "--list", "--format=%(refname:short)", "prentice/*"],
                            capture_output=True, text=True).stdout.split()
    if not branch:
        return None, "no change was called done"
    shown = subprocess.run(["git", "-C", str(folder), "show", f"{branch[0]}:{program.source}"],
                           capture_output=True)
    return shown.stdout if shown.returncode == 0 else None, json.loads(ran.stdout or "{}").get("verdict", "")


def peer(words, folder, program, environment):
    environment = dict(os.environ, OPENAI_API_KEY="none", **environment)
    try:
        ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS, env=environment,
                             stdin=subprocess.DEVNULL)
        said, how = ran.stdout + ran.stderr, f"exit {ran.returncode}"
    except subprocess.TimeoutExpired as error:
        said, how = (error.stdout or b"").decode(errors="replace"), "out of time"
    (folder / "said.txt").write_text(said)
    path = folder / program.source
    return path.read_bytes() if path.exists() else None, how


def aider(arguments, tool, folder, program):
    words = [tool, "--model", f"openai/{arguments.model}", "--openai-api-base", arguments.counter, "--yes-always",
             "--no-stream", "--no-pretty", "--no-check-update", "--analytics-disable", "--no-show-model-warnings",
             "--no-gitignore", "--auto-test", "--test-cmd",
             f"timeout {TEST_SECONDS} {program.check()}", "--message", program.task, program.source]
    return peer(words, folder, program, {})


def mini(arguments, tool, folder, program):
    said = f"{program.task} The test command is `timeout {TEST_SECONDS} {program.check()}`."
    words = [tool, "-m", f"openai/{arguments.model}", "-t", said, "-y", "--exit-immediately", "-c",
             "mini_textbased.yaml", "-c", "model.model_class=litellm_textbased", "-c", "agent.step_limit=10", "-c", "agent.mode=yolo", "-c",
             "model.model_kwargs.temperature=0", "-o", str(folder / "trajectory.json")]
    return peer(words, folder, program, {"MSWEA_CONFIGURED": "true", "MSWEA_COST_TRACKING": "ignore_errors",
                                      "OPENAI_API_BASE": arguments.counter, "MSWEA_SILENT_STARTUP": "1"})


def settle(arguments):
    """Waits until the server has written what nobody waits for any more."""
    asked = {"model": arguments.model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    data, headers = json.dumps(asked).encode(), {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(Counter.url + "/chat/completions", data, headers), timeout=SECONDS * 2):
        pass


def run(arguments):
    Counter.url = (arguments.url or "").rstrip("/")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments.counter = f"http://127.0.0.1:{server.server_port}/v1"
    results = arguments.work / "results.jsonl"
    have = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    done = {(row["model"], row["tool"], row["program"]) for row in have}
    programs = exercises(arguments.exercises) if arguments.exercises else quixbugs(arguments.quixbugs)
    names = [program.name for program in programs]
    only = arguments.only.split(",") if arguments.only else names
    if unknown := [name for name in only if name not in names]:
        sys.exit(f"--only: there is no {', '.join(unknown)}; there are {', '.join(names)}")
    programs = [program for program in programs if program.name in only][::arguments.every]
    with results.open("a") as out:
        for program in programs:
            name = program.name
            for given in arguments.tool:
                tool, _, rest = given.partition("=")
                if (arguments.model, tool, name) in done:
                    continue
                folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=arguments.work))
                program.make(folder)
                if arguments.examples:
                    (folder / "AGENTS.md").write_text(examples(arguments.quixbugs, name, arguments.examples))
                git(folder, "init", "-q")
                git(folder, "add", "-A")
                git(folder, "commit", "-qm", "a program")
                Counter.count = {"requests": 0, "read": 0, "written": 0, "bytes": 0}
                start = time.monotonic()
                kind = tool.partition(":")[0]
                if kind in ("prentice", "embedded"):
                    left, how = prentice(arguments, str(arguments.prentice), folder, program, rest, kind == "embedded")
                else:
                    left, how = {"aider": aider, "mini": mini}[kind](arguments, rest or kind, folder, program)
                seconds = time.monotonic() - start
                if kind != "embedded":
                    settle(arguments)
                with tempfile.TemporaryDirectory() as judge:
                    judged = program.make(Path(judge))
                    if left is not None:
                        (judged / program.source).write_bytes(left)
                    solved = left is not None and program.passes(judged)
                row = {"model": arguments.model, "tool": tool, "program": name, "solved": solved, "how": how,
                       "claims": how in ("proven", "added", "green"), "seconds": round(seconds, 1), "folder": folder.name,
                       **Counter.count}
                out.write(json.dumps(row) + "\n")
                out.flush()
                print(f"{name} {tool}: {'solved' if solved else 'not solved'} ({how}), {row['requests']} requests, "
                      f"{row['read']}/{row['written']} tokens, {row['seconds']} s", flush=True)
    report(arguments)


def report(arguments):
    rows = [json.loads(line) for line in (arguments.work / "results.jsonl").read_text().splitlines()]
    groups = defaultdict(list)
    for row in rows:
        groups[row["model"], row["tool"]].append(row)
    print(f"\n{'model':<22}{'tool':<22}{'programs':>9}{'solved':>8}{'by the first answer':>21}{'tokens read':>13}"
          f"{'written':>9}{'requests':>10}{'seconds':>9}{'wrongly called done':>21}")
    for (model, tool), found in groups.items():
        mean = lambda key: sum(row[key] for row in found) / len(found)
        first = sum(row["solved"] and row["requests"] == 1 for row in found)
        wrong = sum(row["claims"] and not row["solved"] for row in found)
        print(f"{model:<22}{tool:<22}{len(found):>9}{sum(row['solved'] for row in found):>8}{first:>21}"
              f"{mean('read'):>13.0f}{mean('written'):>9.0f}{mean('requests'):>10.1f}{mean('seconds'):>9.0f}"
              f"{wrong if tool.startswith(('prentice', 'embedded')) else '-':>21}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("--work", type=Path, default=Path("target/models"))
    parser.add_argument("--quixbugs", type=Path, default=Path("QuixBugs"))
    parser.add_argument("--exercises", type=Path, help="a checkout of Aider-AI/polyglot-benchmark, in the place of QuixBugs")
    parser.add_argument("--prentice", type=Path, default=Path("target/release/prentice"))
    parser.add_argument("--url")
    parser.add_argument("--model")
    parser.add_argument("--tool", action="append", default=[])
    parser.add_argument("--only")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--rounds", type=int, help="calls that Prentice may make")
    parser.add_argument("--examples", choices=["whole", "blocks"], help="two programs of QuixBugs, mended, as examples")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each program, where the machine is busy")
    arguments = parser.parse_args()
    globals()["SECONDS"] = arguments.seconds
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.work, arguments.prentice = arguments.work.resolve(), arguments.prentice.resolve()
    if arguments.what == "report":
        return report(arguments)
    if not (arguments.model and arguments.tool):
        sys.exit("run needs --model and at least one --tool")
    asked = [tool for tool in arguments.tool if tool.partition("=")[0].partition(":")[0] != "embedded"]
    if asked and not arguments.url:
        sys.exit(f"{asked[0]} needs --url, the server of the model")
    if arguments.exercises and arguments.examples:
        sys.exit("--examples are programs of QuixBugs: leave out --exercises")
    if arguments.exercises and not (arguments.exercises / "python/exercises/practice").is_dir():
        sys.exit(f"{arguments.exercises} is no checkout of https://github.com/Aider-AI/polyglot-benchmark")
    if not arguments.exercises and not (arguments.quixbugs / "python_testcases").is_dir():
        sys.exit(f"{arguments.quixbugs} is no checkout of QuixBugs: git clone https://github.com/jkoppel/QuixBugs")
    run(arguments)


if __name__ == "__main__":
    main()
