"""The flows of .ci/act: each starts from an event, runs the whole workflow, and looks at what is on the forge afterwards.

After every flow the records decide about the border: the program in `respond` and `publish` had no key of a model, in
`propose` no token of the forge, and neither of the two servers ever saw the other one's secret.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = "acme/widgets"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
KEY = "sk-key-of-the-model-5aK2"
TOKEN = "ghs_token-of-the-forge-9Qx7"
# A person's own token: what the workflow's token writes counts as said by the bot.
ANN = "ghp_token-of-ann-3Lw8"
ISSUE = 7

CHECK = """#!/bin/sh
echo "TAP version 13"
echo "1..2"
if grep -q "sum(prices)" src/price.py; then echo "ok 1 - total adds"; else echo "not ok 1 - total adds"; fi
if grep -q "def first" src/price.py; then echo "ok 2 - first is there"; else echo "not ok 2 - first is there"; fi
"""
PRICE = "def total(prices):\n    return max(prices)\n\n\ndef first(prices):\n    return prices[0]\n"
FILES = {"check.sh": CHECK, "src/price.py": PRICE, ".prentice.yml": "checks: [sh check.sh]\n"}

GOOD = """The sum is wanted.

src/price.py
```
<<<<<<< SEARCH
    return max(prices)
=======
    return sum(prices)
>>>>>>> REPLACE
```
"""
REVISED = """Said so in a comment.

src/price.py
```
<<<<<<< SEARCH
    return sum(prices)
=======
    return sum(prices)  # all of them
>>>>>>> REPLACE
```
"""
BREAKS = "FILE: src/price.py\n```\ndef total(prices):\n    return sum(prices)\n```\n"

# What stands in for the actions of others: they need a server that only the forge has.
STAND_INS = {
    "actions/checkout": """
        git init -q . && git fetch -q "$ACT_REMOTE" '+refs/heads/*:refs/remotes/origin/*'
        git checkout -q -B main "refs/remotes/origin/${WITH_REF:-main}"
    """,
    "actions/upload-artifact": """
        rm -rf "$ACT_STORE/$WITH_NAME" && mkdir -p "$ACT_STORE/$WITH_NAME"
        if [ -d "$WITH_PATH" ]; then cp -R "$WITH_PATH/." "$ACT_STORE/$WITH_NAME"; else cp "$WITH_PATH" "$ACT_STORE/$WITH_NAME"; fi
    """,
    "actions/download-artifact": """
        mkdir -p "$WITH_PATH" && cp -R "$ACT_STORE/$WITH_NAME/." "$WITH_PATH"
    """,
}


class LanguageModel:
    """An endpoint that gives its answers in turn, and the last one for ever."""

    def __init__(self, answers):
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def reply(self, value):
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.reply({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
                answer = answers[min(len(outer.asked), len(answers) - 1)]
                outer.asked.append(str(self.headers) + body)
                message = {"role": "assistant", "content": answer}
                self.reply({
                    "id": "1", "object": "chat.completion", "model": "scripted",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
                })

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()


class Forge:
    """The model of GitHub as a process of its own, which ends when its standard input closes."""

    def __init__(self, program, bare, issue):
        command = [program, "--repository", str(bare), "--issue", str(issue)]
        command += ["--token", f"{TOKEN}:github-actions[bot]", "--token", f"{ANN}:ann"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), f"the model of GitHub said {line!r}"
        self.url = line.split()[-1].rstrip("/")

    def ask(self, path, body=None):
        """Reads as the workflow, writes as a person."""
        token = TOKEN if body is None else ANN
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {token}"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def of_repository(self, path, body=None):
        return self.ask(f"/repos/{REPOSITORY}{path}", body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)


class World:
    """A repository with the workflow in it, and what act needs to run it."""

    def __init__(self, folder, tools, variant):
        self.folder, self.tools = folder, tools
        self.checkout, self.bare = folder / "checkout", folder / "bare.git"
        self.records, self.store = folder / "records", folder / "store"
        for place in (self.checkout, self.records, self.store, folder / "home"):
            place.mkdir(parents=True)
        for name, text in FILES.items():
            place = self.checkout / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self.git("init", "-q", "-b", "main")
        self.commit("first")
        pin = f"acme/prentice@{COMMIT}"
        self.run([tools.program, "init", "--yes", "--action", pin, "--for", variant], quiet=True)
        self.commit("prentice")
        self.run(["git", "init", "-q", "--bare", "-b", "main", str(self.bare)])
        self.git("push", "-q", str(self.bare), "main")
        # Only the name is read from it.
        self.git("remote", "add", "origin", f"https://github.com/{REPOSITORY}.git")
        self.local = self.stand_ins()

    def run(self, command, quiet=False):
        result = subprocess.run(command, cwd=self.checkout, capture_output=True, text=True, env=self.environment())
        if result.returncode != 0:
            sys.exit(f"{command}: {result.stdout}{result.stderr}")
        return result.stdout

    def git(self, *arguments):
        return self.run(["git", *arguments]).strip()

    def commit(self, message):
        self.git("add", "-A")
        self.git("-c", "user.name=T", "-c", "user.email=t@t.invalid", "commit", "-q", "-m", message)

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "TMPDIR": str(self.folder)}

    def stand_ins(self):
        """Writes the stand-ins, and our action with a recorder in front of the program; returns act's flags."""
        flags = []
        workflow = (self.checkout / ".github/workflows/prentice.yml").read_text()
        for name, script in STAND_INS.items():
            pins = {line.split("uses:")[1].split("#")[0].strip() for line in workflow.splitlines() if f"uses: {name}@" in line}
            place = self.folder / "actions" / name
            place.mkdir(parents=True)
            inputs = ["name", "path", "ref", "fetch-depth", "persist-credentials", "if-no-files-found", "overwrite", "retention-days"]
            action = {
                "name": name,
                "description": "a stand-in",
                "inputs": {key: {"description": key, "default": ""} for key in inputs},
                "runs": {"using": "composite", "steps": [{
                    "shell": "bash",
                    "run": script,
                    "env": {f"WITH_{key.upper()}": f"${{{{ inputs.{key} }}}}" for key in ("name", "path", "ref")},
                }]},
            }
            (place / "action.yml").write_text(json.dumps(action))
            flags += [f"--local-repository=https://github.com/{pin}={place}" for pin in pins]
        place = self.folder / "actions/prentice"
        shutil.copytree(ROOT / "action", place / "action")
        recorder = self.folder / "recorder"
        recorder.write_text(
            "#!/usr/bin/env bash\n"
            f'if [ "$1" != --version ]; then place=$(mktemp "{self.records}/$(date +%s%N).XXXX")\n'
            '{ printf "%s\\0" "$1"; env -0; } >"$place"; fi\n'
            f'exec "{self.tools.program}" "$@"\n'
        )
        recorder.chmod(0o755)
        action = (ROOT / "action.yml").read_text()
        before = 'in the place of a release: for runners without a network"\n    default: ""\n'
        assert before in action, "action.yml: the input `binary` is not where it was"
        (place / "action.yml").write_text(action.replace(before, before.replace('""', f'"{recorder}"')))
        return flags + [f"--local-repository=https://github.com/acme/prentice@{COMMIT}={place}"]

    def act(self, event, payload, forge, model):
        """Runs the workflow for an event; returns the log and whether all jobs passed."""
        place = self.folder / "event.json"
        place.write_text(json.dumps(payload))
        variables = {
            "GITHUB_API_URL": forge.url, "GITHUB_GRAPHQL_URL": f"{forge.url}/graphql", "ACT_REMOTE": self.bare, "ACT_STORE": self.store,
        }
        command = [
            self.tools.act, event, "--eventpath", str(place), "-P", "ubuntu-24.04=-self-hosted", "-a", "ann",
            "--no-cache-server", "--pull=false", "--no-skip-checkout", "--action-offline-mode", "--defaultbranch", "main",
            "--concurrent-jobs", "1", f"--action-cache-path={self.folder / 'cache'}",
            "-s", f"GITHUB_TOKEN={TOKEN}", "-s", f"PRENTICE_API_KEY={KEY}",
            "--var", "PRENTICE_MODEL=scripted", "--var", f"PRENTICE_BASE_URL={model.url}", *self.local,
        ]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        result = subprocess.run(command, cwd=self.checkout, capture_output=True, text=True, env=self.environment(), timeout=600)
        return result.returncode == 0, result.stdout + result.stderr

    def calls(self):
        """Returns what the program was called with since the last time: a list of (command, environment)."""
        calls = []
        for place in sorted(self.records.iterdir()):
            command, *pairs = place.read_text().rstrip("\0").split("\0")
            calls.append((command, dict(pair.split("=", 1) for pair in pairs)))
            place.unlink()
        return calls


def event(forge, **more):
    """An event's payload, from what the forge itself says of the repository and the sender."""
    return {"repository": forge.of_repository(""), "sender": forge.ask("/users/ann"), **more}


def label(world, forge, model):
    issue = forge.of_repository(f"/issues/{ISSUE}")
    payload = event(forge, action="labeled", issue=issue, label={"name": "prentice"})
    return world.act("issues", payload, forge, model)


def comment(world, forge, model, number, text):
    made = forge.of_repository(f"/issues/{number}/comments", {"body": text})
    payload = event(forge, action="created", issue=forge.of_repository(f"/issues/{number}"), comment=made)
    return world.act("issue_comment", payload, forge, model)


def check_border(world, forge, model, expected, log):
    calls = world.calls()
    commands = [command for command, _ in calls]
    expect(commands == expected, f"the program was called with {commands}, not {expected}", log)
    for command, environment in calls:
        text = json.dumps(environment)
        needs = {"respond": TOKEN, "publish": TOKEN, "propose": KEY}.get(command)
        for secret, name in ((KEY, "the model's key"), (TOKEN, "the forge's token")):
            if secret == needs:
                expect(secret in text, f"{command} had no {name}", log)
            else:
                expect(secret not in text, f"{command} had {name}", log)
    wrong = forge.ask("/__violations")
    expect(wrong == [], f"calls that break GitHub's description: {wrong}", log)
    expect(KEY not in json.dumps(forge.ask("/__calls")), "the forge saw the model's key", log)
    expect(TOKEN not in "".join(model.asked), "the model saw the forge's token", log)
    expect(KEY not in log and TOKEN not in log, "a secret stands in the log", log)


def expect(condition, message, log):
    if not condition:
        sys.exit(f"{log}\n\nFAILED: {message}")


def pulls(forge):
    return forge.of_repository("/pulls?state=all")


ALL_CALLS = ["respond", "propose", "publish"]


def flow_label(tools, folder):
    """A label leads to one draft pull request."""
    with start(tools, folder, "label,comments", [GOOD]) as (world, forge, model):
        passed, log = label(world, forge, model)
        expect(passed, "a job failed", log)
        check_border(world, forge, model, ALL_CALLS, log)
        expect([pull["draft"] for pull in pulls(forge)] == [True], f"not one draft: {pulls(forge)}", log)
        return log


def flow_comment(tools, folder):
    """A comment on the pull request leads to another commit on it."""
    with start(tools, folder, "label,comments", [GOOD, REVISED]) as (world, forge, model):
        _, log = label(world, forge, model)
        expect(len(pulls(forge)) == 1, "no pull request to comment on", log)
        before = pulls(forge)[0]
        world.calls()
        passed, log = comment(world, forge, model, before["number"], "/prentice revise Say what is added.")
        expect(passed, "a job failed", log)
        check_border(world, forge, model, ALL_CALLS, log)
        after = pulls(forge)
        expect([pull["number"] for pull in after] == [before["number"]], "not the same pull request", log)
        expect(after[0]["head"]["sha"] != before["head"]["sha"], "no new commit", log)
        return log


def flow_failed(tools, folder):
    """A change that breaks a test leads to no pull request, and to words where it was asked for."""
    with start(tools, folder, "label,comments", [BREAKS]) as (world, forge, model):
        _, log = label(world, forge, model)
        check_border(world, forge, model, ALL_CALLS, log)
        expect(pulls(forge) == [], "a pull request was made", log)
        said = forge.of_repository(f"/issues/{ISSUE}/comments")
        expect(len(said) == 1 and "green before" in said[0]["body"], f"not one comment that says why: {said}", log)
        return log


def flow_undo(tools, folder):
    """A revision is taken back by the publish job alone."""
    with start(tools, folder, "label,comments", [GOOD, REVISED]) as (world, forge, model):
        label(world, forge, model)
        number = pulls(forge)[0]["number"]
        comment(world, forge, model, number, "/prentice revise Say what is added.")
        world.calls()
        passed, log = comment(world, forge, model, number, "/prentice undo")
        expect(passed, "a job failed", log)
        check_border(world, forge, model, ["respond", "publish"], log)
        last = forge.of_repository(f"/git/commits/{pulls(forge)[0]['head']['sha']}")
        expect(last["message"].startswith("Take back "), f"not taken back: {last}", log)
        expect(len(model.asked) == 2, "the model was asked again", log)
        return log


def flow_nothing(tools, folder):
    """A comment without a command starts no call of the program."""
    with start(tools, folder, "label,comments", [GOOD]) as (world, forge, model):
        issue = forge.of_repository(f"/issues/{ISSUE}")
        words = {"id": 99, "node_id": "x", "body": "Nothing for anybody.", "user": forge.ask("/users/ann")}
        passed, log = world.act("issue_comment", event(forge, action="created", issue=issue, comment=words), forge, model)
        expect(passed, "a job failed", log)
        expect(world.calls() == [] and model.asked == [], "something ran for a comment without a command", log)
        return log


def flow_attempts(tools, folder):
    """Three attempts are made, and one is chosen and published.

    act evaluates the outputs of a matrix for its first job only, so here the choice is between one; choosing among several is
    tested in tests/integration/action.rs.
    """
    with start(tools, folder, "label,attempts", [GOOD]) as (world, forge, model):
        passed, log = label(world, forge, model)
        expect(passed, "a job failed", log)
        commands = [command for command, _ in world.calls()]
        expect(commands == ["respond", "propose", "propose", "propose", "choose", "publish"], f"{commands}", log)
        expect(len(pulls(forge)) == 1, "not one pull request", log)
        return log


class start:
    """A world with its two servers, for the time of one flow."""

    def __init__(self, tools, folder, variant, answers):
        self.world = World(folder, tools, variant)
        issue = folder / "issue.json"
        issue.write_text(json.dumps({
            "number": ISSUE, "title": "Add the prices", "body": "`total` gives the largest price. It must give the sum.",
        }))
        self.forge, self.model = Forge(tools.forge, self.world.bare, issue), LanguageModel(answers)

    def __enter__(self):
        return self.world, self.forge, self.model

    def __exit__(self, *error):
        self.model.__exit__(*error)
        self.forge.__exit__(*error)


FLOWS = {"label": flow_label, "comment": flow_comment, "failed": flow_failed, "undo": flow_undo, "nothing": flow_nothing, "attempts": flow_attempts}


def figures(log):
    """Returns what the last run of the workflow cost the forge: calls of each job, and how long the job's step took."""
    found = []
    for job in ("respond", "publish"):
        lines = [line for line in log.splitlines() if line.startswith(f"[prentice/{job}]")]
        calls = [line.split()[-1] for line in lines if re.search(r"\| +calls +\d+$", line)]
        spent = [line.split("[")[-1].rstrip("]") for line in lines if "Success - Main bash" in line and "run.sh" in line]
        if calls and spent:
            found.append(f"{job} {calls[-1]} calls in {spent[-1]}")
    return f" ({'; '.join(found)})" if found else ""


def main():
    parser = argparse.ArgumentParser()
    for name in ("act", "program", "forge"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--transcript", help="a folder for the log of each flow")
    parser.add_argument("flows", nargs="*", choices=[[], *FLOWS], default=[])
    tools = parser.parse_args()
    for name in tools.flows or FLOWS:
        with tempfile.TemporaryDirectory(prefix="prentice-act-") as folder:
            log = FLOWS[name](tools, pathlib.Path(folder).resolve() / "world")
        if tools.transcript:
            pathlib.Path(tools.transcript, f"{name}.txt").write_text(log)
        print(f"ok {name}: {FLOWS[name].__doc__.splitlines()[0]}{figures(log)}")


if __name__ == "__main__":
    main()
