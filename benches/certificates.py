#!/usr/bin/env python3
"""What `prentice certify` says of known bug fixes, of the same changes with the fix left out, and of weakened tests.

For each fix of `fixes.tsv` these changes are made on the fix's own parent and certified:

  fix       the commit as its author made it: `proven` or `added`, or `green` where it brings no test
  left-out  only the commit's tests: never `proven`, `added` or `green`, since its tests fail
  loosened  the commit's tests with every added line taken out that holds an assertion, and no fix: never `proven`
  skipped   the commit's tests with every test of the touched files skipped, and no fix: never `proven`
  deleted   the touched files of tests deleted, and no fix: never `proven`

Usage:
  certificates.py select [--work DIR] [--mirror DIR]      print the rows that the rule below selects
  certificates.py run [--work DIR] [--mirror DIR] [--prentice PROGRAM] [--only REPOSITORY] [--each N] [--no-sandbox]

`--mirror DIR` takes repositories from DIR/OWNER+NAME/repo instead of from GitHub. Dependencies are installed by `prentice`
itself, which needs the network and runs the repositories' own code: run this in a container. Results go to
DIR/results.jsonl, one line for each change; what is there already is not run again. `--each N` takes the first N fixes of
each repository that bring tests, and one that brings none.

The rule of `select`: the newest commits of the default branch that are no merge, whose subject says that they fix
something and is not about documents, style or tools, that change at most three files of code and 60 lines of them, no
manifest; five that change tests as well and one that does not for each repository. No result of any check is looked at.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
CODE = (".py", ".rs", ".js", ".mjs", ".cjs", ".ts", ".go", ".java", ".c", ".cc", ".cpp", ".h", ".hpp")
SAYS_FIX = re.compile(r"\b(fix|fixes|fixed|bug|crash|crashes|panic|regression)\b", re.I)
IS_OTHER = re.compile(
    r"typo|\bdocs?\b|docstring|javadoc|lint|warning|clippy|bump|\bdeps\b|readme|refactor|\bCI\b|chore|\bbuild\b|"
    r"comment|changelog|\[meta\]|windows|mypy|ruff|typing|\btypes?\b|format|spelling|sphinx|indent|revert|sonar|"
    r"checkstyle|merge|benchmark|performance|\bperf\b|deprecat|syntax error|example|release", re.I)
MANIFESTS = re.compile(
    r"(^|/)(package(-lock)?\.json|pyproject\.toml|setup\.(py|cfg)|uv\.lock|go\.(mod|sum)|Cargo\.(toml|lock)|pom\.xml|"
    r"CMakeLists\.txt|requirements[^/]*\.txt|tox\.ini)$|(^|/)\.github/")
TEST_FOLDER = re.compile(r"(^|/)(_?tests?|__tests__|specs?|testdata|testing|fixtures)/")
TEST_FILE = re.compile(
    r"(^test_.*|.*_test\.(py|go|c|cc|cpp))$|\.(test|spec)\.|Tests?\.java$|^tests?\.(m?js|ts|py|c|cpp)$|^xmltest")
ASSERTION = re.compile(
    r"assert|expect\s*\(|\bt\.(equal|deepEqual|is|true|false|throws|same|error|Error|Fatal)|\brequire\.|should|"
    r"\bXMLTest\b|\bCHECK|REQUIRE|fail\w*\s*\(|\bif \(|panic!", re.I)
COMMANDS = ("fix", "left-out", "loosened", "skipped", "deleted")


def git(repo, *words, data=None, env=None):
    done = subprocess.run(["git", "-C", str(repo), *words], input=data, capture_output=True, env=env)
    if done.returncode:
        sys.exit(f"git {' '.join(words)} in {repo}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def table(name):
    rows = [line.split("\t") for line in (HERE / name).read_text().splitlines() if line and line[0] != "#"]
    return [[cell.strip() for cell in row] for row in rows]


def is_test(path):
    return bool(TEST_FOLDER.search(path) or TEST_FILE.search(path.rsplit("/", 1)[-1]))


def clone(arguments, name):
    place = arguments.work / name.replace("/", "+")
    if not place.exists():
        mirror = arguments.mirror and arguments.mirror / name.replace("/", "+") / "repo"
        source = str(mirror) if mirror else f"https://github.com/{name}"
        subprocess.run(["git", "clone", "-q", source, str(place)], check=True)
    return place


def select(arguments):
    print("# repository\tcommit\ttests\tdate\tsubject")
    for name, _language, since in table("repositories.tsv"):
        repo = clone(arguments, name)
        head = git(repo, "rev-parse", "refs/remotes/origin/HEAD").decode().strip()
        log = git(repo, "log", "--no-merges", f"--since={since}", "--numstat", "--date=short",
                  "--format=@@%H%x09%ad%x09%s", head).decode(errors="replace")
        left, seen = {"tested": 5, "untested": 1}, set()
        for block in log.split("@@")[1:]:
            first, *rest = block.strip("\n").split("\n")
            commit, date, subject = first.split("\t", 2)
            files = [line.split("\t") for line in rest if line.count("\t") == 2]
            code = [row for row in files if row[2].endswith(CODE) and not is_test(row[2])]
            tests = [row for row in files if is_test(row[2])]
            lines = sum(int(a) + int(b) for a, b, _ in code if a != "-")
            odd = any(a == "-" or "=>" in p or MANIFESTS.search(p) for a, _, p in files)
            if not SAYS_FIX.search(subject) or IS_OTHER.search(subject) or subject in seen:
                continue
            if odd or not 1 <= len(code) <= 3 or lines > 60:
                continue
            if any(re.match(r"(docs?|bench\w*|examples?|scripts?|tools?)/", row[2]) for row in code):
                continue
            inline = any(row[2].endswith(".rs") for row in code) and not tests and \
                re.search(rb"^[-+]\s*#\[(tokio::)?test\]", git(repo, "show", "--format=", commit), re.M)
            kind = "tested" if tests and any(int(row[0]) for row in tests) else "untested"
            if inline or (tests and kind == "untested") or not left[kind]:
                continue
            left[kind] -= 1
            seen.add(subject)
            print("\t".join([name, commit, kind, date, subject.replace("\t", " ")]))


def weakened(kind, path, before, after):
    """The text of a file of tests, made to pass without the fix; None deletes the file."""
    if kind == "deleted":
        return None
    text = after.decode(errors="surrogateescape")
    if kind == "loosened":
        old = set(before.decode(errors="surrogateescape").splitlines()) if before else set()
        kept, open_brackets = [], 0
        for line in text.splitlines():
            drop = open_brackets > 0 or (line not in old and ASSERTION.search(line))
            if drop:
                bare = re.sub(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])*'|`[^`]*`", "", line)
                open_brackets = max(0, open_brackets + sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}")))
                if path.endswith(".py"):
                    kept.append(line[: len(line) - len(line.lstrip())] + "pass" if not kept or open_brackets == 0 else "")
                continue
            kept.append(line)
        return ("\n".join(kept) + "\n").encode(errors="surrogateescape")
    rules = {
        ".py": [(r"(?m)^(\s*)((?:async )?def test_)", r"\1@__import__('unittest').skip('later')\n\1\2")],
        ".go": [(r"(?m)^(func Test\w+\((\w+) \*testing\.T\) \{)", r"\1\n\t\2.Skip()")],
        ".rs": [(r"(?m)^(\s*)#\[test\]", r"\1#[test]\n\1#[ignore]")],
        ".java": [(r"(?m)^(\s*)(@Test|@ParameterizedTest)\b",
                   r"\1@org.junit.jupiter.api.Disabled\n\1\2" if b"jupiter" in after else r"\1@org.junit.Ignore\n\1\2")],
        ".js": [(r"(?m)^(\s*)(it|test|describe)\(", r"\1\2.skip("), (r"(?m)^(\s*)t\.test\(", r"\1t.skip(")],
    }
    rules[".ts"] = rules[".mjs"] = rules[".cjs"] = rules[".js"]
    for pattern, new in rules.get(os.path.splitext(path)[1], []):
        text = re.sub(pattern, new, text)
    return text.encode(errors="surrogateescape")


def made_change(repo, commit, kind):
    """Makes the commit that is certified on top of the fix's parent; None when there is nothing to weaken."""
    if kind == "fix":
        return commit
    names = git(repo, "diff", "--name-only", "-z", f"{commit}^", commit).decode().split("\0")
    tests = [name for name in names if name and is_test(name)]
    index = repo / ".git" / "index.bench"
    env = dict(os.environ, GIT_INDEX_FILE=str(index), GIT_AUTHOR_NAME="bench", GIT_AUTHOR_EMAIL="bench@localhost",
               GIT_COMMITTER_NAME="bench", GIT_COMMITTER_EMAIL="bench@localhost",
               GIT_AUTHOR_DATE="2026-01-01T00:00:00Z", GIT_COMMITTER_DATE="2026-01-01T00:00:00Z")
    git(repo, "read-tree", f"{commit}^", env=env)
    for name in tests:
        show = lambda at: subprocess.run(["git", "-C", str(repo), "show", f"{at}:{name}"], capture_output=True)
        before, after = show(f"{commit}^"), show(commit)
        if kind == "deleted" and before.returncode or after.returncode:
            continue
        new = after.stdout if kind == "left-out" else weakened(kind, name, before.stdout, after.stdout)
        if new is None:
            git(repo, "rm", "-q", "--cached", name, env=env)
            continue
        blob = git(repo, "hash-object", "-w", "--stdin", data=new).decode().strip()
        mode = git(repo, "ls-tree", commit, name).split()[0].decode()
        git(repo, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}", env=env)
    tree = git(repo, "write-tree", env=env).decode().strip()
    if tree == git(repo, "rev-parse", f"{commit}^^{{tree}}").decode().strip():
        return None
    made = git(repo, "commit-tree", tree, "-p", f"{commit}^", "-m", kind, env=env).decode().strip()
    git(repo, "update-ref", f"refs/bench/{kind}-{commit[:12]}", made)
    return made


def certify(arguments, repo, base, head):
    words = [str(arguments.prentice), "certify", f"{base}..{head}", "--json", "--repo", str(repo),
             "--command-time", "10m", *(["--no-sandbox"] if arguments.no_sandbox else [])]
    start = time.monotonic()
    ran = subprocess.run(words, capture_output=True, text=True, timeout=3600)
    seconds = time.monotonic() - start
    try:
        return json.loads(ran.stdout), seconds
    except ValueError:
        return {"verdict": "error", "reason": (ran.stderr or ran.stdout)[-400:], "evidence": {}}, seconds


def once(found):
    """How long the checks of the base took, each run once: the floor."""
    return sum(row["seconds"] for row in found.get("timing", []) if row["tree"] == "base")


def chosen(arguments):
    left = defaultdict(lambda: {"tested": arguments.each or 99, "untested": 1 if arguments.each else 99})
    for row in table("fixes.tsv"):
        name, tests = row[0], row[2]
        if (arguments.only and arguments.only != name) or not left[name][tests]:
            continue
        left[name][tests] -= 1
        yield row


def run(arguments):
    results = arguments.work / "results.jsonl"
    have = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    done = {(row["repository"], row["commit"], row["change"]) for row in have}
    languages = {row[0]: row[1] for row in table("repositories.tsv")}
    with results.open("a") as out:
        for name, commit, tests, _date, subject in chosen(arguments):
            kinds = COMMANDS if tests == "tested" else COMMANDS[:1]
            kinds = [kind for kind in kinds if (name, commit, kind) not in done]
            if not kinds:
                continue
            repo = clone(arguments, name)
            git(repo, "checkout", "-q", "--force", "--detach", f"{commit}^")
            for kind in kinds:
                head = made_change(repo, commit, kind)
                row = {"repository": name, "language": languages[name], "commit": commit, "tests": tests,
                       "subject": subject, "change": kind}
                if head is None:
                    row |= {"verdict": "nothing to weaken", "reason": "", "seconds": 0}
                else:
                    found, seconds = certify(arguments, repo, f"{commit}^", head)
                    row |= {"verdict": found["verdict"], "reason": found["reason"], "seconds": round(seconds, 2)}
                    row["once"], row["all"] = round(once(found), 2), round(sum(r["seconds"] for r in found.get("timing", [])), 2)
                    if kind == "fix":
                        runs = found["evidence"].get("base", {}).get("checks", [])
                        row["checks"] = [run["check"]["argv"] for run in runs]
                        row["notes"] = found["evidence"].get("not_checked", [])[:3]
                out.write(json.dumps(row) + "\n")
                out.flush()
                print(f"{name} {commit[:9]} {tests} {kind}: {row['verdict']} ({row['seconds']} s) {row['reason'][:150]}",
                      flush=True)
    report(results)


def report(results):
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    verdicts = ["proven", "added", "green", "unproven", "refused", "error", "nothing to weaken"]
    count = defaultdict(Counter)
    for row in rows:
        change = row["change"] if row["change"] != "fix" else f"fix, {row['tests']}"
        count[change][row["verdict"]] += 1
    print(f"\n{'change':<14}" + "".join(f"{verdict:>19}" for verdict in verdicts))
    for change, found in count.items():
        print(f"{change:<14}" + "".join(f"{found[verdict]:>19}" for verdict in verdicts))
    fixes = [row for row in rows if row["change"] == "fix"]
    print(f"\n{len(fixes)} fixes, {len({row['repository'] for row in rows})} repositories, "
          f"{len({row['language'] for row in rows})} languages")
    ratios = sorted(row["all"] / row["once"] for row in fixes if row.get("once", 0) > 0.05)
    if ratios:
        print(f"the commands of a certificate take {ratios[len(ratios) // 2]:.1f} times those of the base alone (median; "
              f"{ratios[0]:.1f} to {ratios[-1]:.1f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["select", "run", "report"])
    parser.add_argument("--work", type=Path, default=Path("target/certificates"))
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--prentice", type=Path, default=Path("target/release/prentice"))
    parser.add_argument("--only")
    parser.add_argument("--each", type=int, default=0)
    parser.add_argument("--no-sandbox", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.work, arguments.prentice = arguments.work.resolve(), arguments.prentice.resolve()
    if arguments.what == "report":
        return report(arguments.work / "results.jsonl")
    {"select": select, "run": run}[arguments.what](arguments)


if __name__ == "__main__":
    main()
