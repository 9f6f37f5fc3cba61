#!/usr/bin/env python3
"""How well `prentice context` finds the files that a real fix changed, what each signal adds, and the weights themselves.

Usage:
  context.py run --tasks FILE --mirrors DIR --out FILE [--every N] [--prentice PROGRAM] [--tokens 1024,4096,8192]
  context.py report FILE          recall of the changed files, in the ranking and inside the budgets, overall and by language
  context.py ablate FILE          the same with each signal and some groups left out (-), and with each alone (=)
  context.py train FILE           the weights that fit best, checked on repositories that they were not fitted to

FILE of --tasks has one JSON object a line: `id`, `repo` (OWNER/NAME), `lang`, `base_commit`, `text` (what a person wrote),
`gold_files` (what the fix changed, without tests), and where it is known `gold_symbols` (PATH::NAME of each function that it
changed). DIR holds each repository as OWNER+NAME/repo, a git directory; nothing is checked out. `run` writes a line for each
task and goes on where it was stopped; what failed is asked again. Tests, fixtures and examples are left out of the ranking, as
the fixes' own tests are no part of the gold files. `train` needs numpy.

`functions@N` tells how many of the functions begin in a line that is shown, `bodies@N` how many do so in an excerpt and not only
in the outline. Where they begin is found by `pip install 'tree-sitter-language-pack<1'`; without it these columns say nan.

PRENTICE_CONTEXT_EMBEDDINGS='{model: NAME, base_url: URL}' asks an embedding model too; `ablate` then tells what it adds.

A budget counts as the program's tokenizer counts. `ablate` works on the ranking as it was written down: which files were parsed
stays as it was.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

try:
    from tree_sitter_language_pack import get_parser
except ImportError:
    get_parser = None

SOURCE = re.compile(r"\.(py|rs|[mc]?jsx?|[mc]?tsx?|go|java|c|h|cc|cpp|kt|rb|vue|svelte)$")
TEST = re.compile(
    r"(^|/)(tests?|__tests__|testing|testdata|test_data|fixtures?|specs?|bench(es|marks?)?|examples?|e2e)/|"
    r"(^|/)(test_[^/]*|conftest|[^/]*_tests?|tests?)\.[a-z]+$|\.(test|spec)\.[a-z]+$|"
    r"(Tests?|TestCase|IT)\.java$|src/(it|androidTest)/")
LANGUAGES = {"py": "python", "rs": "rust", "js": "javascript", "jsx": "javascript", "mjs": "javascript", "cjs": "javascript",
             "ts": "typescript", "mts": "typescript", "tsx": "tsx", "go": "go", "java": "java"}
FUNCTION = re.compile(r"function|method|constructor|^arrow_function$")
CUTS = (1, 5, 10, 20)
FOLDS = 6
GROUPS = {
    "all of the past": ("alike", "history", "together"),
    "all of parsing": ("piece", "uses", "led_to", "bigrams"),
    "all of the path": ("name", "name_cover", "folder"),
}


def counts(path):
    return bool(SOURCE.search(path)) and not TEST.search(path)


def functions(task, repository):
    """The lines in which each function begins that the fix changed; several where a file has many of that name."""
    if get_parser is None:
        return []
    found = []
    for symbol in task.get("gold_symbols", []):
        path, name = symbol.split("::", 1)
        language = LANGUAGES.get(path.rsplit(".", 1)[-1])
        words = ["git", "--git-dir", str(repository), "show", f"{task['base_commit']}:{path}"]
        text = subprocess.run(words, capture_output=True).stdout
        if language and text:
            found.append([path, beginnings(get_parser(language).parse(text).root_node, re.split(r"\.|::", name)[-1])])
    return found


def beginnings(root, name):
    """Whatever has a name of its own and is a function, or is one's value."""
    lines, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        own = next(filter(None, map(node.child_by_field_name, ("name", "left", "key"))), None)
        value = next(filter(None, map(node.child_by_field_name, ("value", "right"))), None)
        if own is not None and own.text.decode(errors="replace").split("<")[0].split(".")[-1] == name:
            kinds = (node.type, value.type if value is not None else "")
            if any(FUNCTION.search(kind) for kind in kinds):
                lines.append(node.start_point[0] + 1)
    return lines


def ask(task, options, folder):
    text = Path(folder) / f"{task['id'].replace('/', '_')}.txt"
    text.write_text(task["text"])
    repository = Path(options.mirrors) / task["repo"].replace("/", "+") / "repo"
    row = {key: task[key] for key in ("id", "repo", "lang", "gold_files")}
    row["functions"] = functions(task, repository)
    for tokens in options.tokens.split(","):
        words = [options.prentice, "context", "--json", "--repo", str(repository), "--base", task["base_commit"],
                 "--no-index", "--tokens", tokens, "--file", str(text)]
        done = subprocess.run(words, capture_output=True, timeout=900)
        if done.returncode:
            return {**row, "error": done.stderr.decode(errors="replace").strip()}
        answer = json.loads(done.stdout)
        row.setdefault("lines", {})[tokens] = [
            [excerpt["path"], excerpt["start"], excerpt["end"], excerpt["outline"]]
            for excerpt in answer["excerpts"] if excerpt["path"] in task["gold_files"]]
        row["ranked"] = [file for file in answer["ranked"] if counts(file["path"])]
        row.setdefault("shown", {})[tokens] = sorted({excerpt["path"] for excerpt in answer["excerpts"]})
        row["milliseconds"] = sum(answer["timings_ms"].values())
    return row


def run(options):
    tasks = [json.loads(line) for line in open(options.tasks)][::options.every]
    out = Path(options.out)
    known = {row["id"] for row in read(out)} if out.exists() else set()
    tasks = [task for task in tasks if task["id"] not in known]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool, out.open("a") as file:
        for number, row in enumerate(pool.map(lambda task: ask(task, options, folder), tasks), 1):
            if "error" in row:
                print(f"{row['id']}: {row['error']}", file=sys.stderr)
            file.write(json.dumps(row) + "\n")
            file.flush()
            if number % 25 == 0:
                print(f"{number} of {len(tasks)}", file=sys.stderr)


def read(path):
    rows = [json.loads(line) for line in open(path)]
    return [row for row in rows if "error" not in row]


def share(functions, shown):
    is_shown = lambda path, line: any(path == one and start <= line <= end for one, start, end, _ in shown)
    begin = [any(is_shown(path, line) for line in lines) for path, lines in functions]
    return sum(begin) / len(begin) if begin else None


def measure(row, order):
    gold = set(row["gold_files"])
    figures = {f"R@{cut}": len(gold & set(order[:cut])) / len(gold) for cut in CUTS}
    figures["all@10"] = float(gold <= set(order[:10]))
    figures["MRR"] = next((1 / place for place, path in enumerate(order, 1) if path in gold), 0.0)
    for tokens, shown in row["shown"].items():
        figures[f"files@{tokens}"] = len(gold & set(shown)) / len(gold)
    for tokens, shown in row["lines"].items():
        figures[f"functions@{tokens}"] = share(row["functions"], shown)
        figures[f"bodies@{tokens}"] = share(row["functions"], [one for one in shown if not one[3]])
    return figures


def mean(figures, name):
    known = [one[name] for one in figures if one[name] is not None]
    return 100 * sum(known) / len(known) if known else float("nan")


def width(name):
    return max(11, len(name) + 1)


def line(label, figures):
    print(f"{label:<16}{len(figures):>4} " + "".join(f"{mean(figures, name):>{width(name)}.1f}" for name in figures[0]))


def head(row):
    print(f"{'':<16}{'n':>4} " + "".join(f"{name:>{width(name)}}" for name in measure(row, [])))


def report(options):
    rows = read(options.file)
    groups = defaultdict(list)
    for row in rows:
        figures = measure(row, [file["path"] for file in row["ranked"]])
        groups["all"].append(figures)
        groups[row["lang"]].append(figures)
    head(rows[0])
    for label in sorted(groups, key=lambda label: (label != "all", label)):
        line(label, groups[label])


def reordered(row, points):
    files = sorted(row["ranked"], key=lambda file: -points(file["signals"]) * file["kind_factor"])
    return [file["path"] for file in files]


def alone(row, name):
    """Files of equal shares by their paths: the order of the whole ranking would hide how little a signal says."""
    share = lambda file: file["signals"].get(name, {"share": 0.0})["share"]
    return [file["path"] for file in sorted(row["ranked"], key=lambda file: (-share(file), file["path"]))]


def ablate(options):
    rows = read(options.file)
    names = sorted({name for row in rows for file in row["ranked"] for name in file["signals"]})
    total = lambda signals, keep: sum(says["points"] for name, says in signals.items() if keep(name))
    head(rows[0])
    line("all", [measure(row, reordered(row, lambda s: total(s, lambda _: True))) for row in rows])
    for name in names:
        line(f"- {name}", [measure(row, reordered(row, lambda s: total(s, lambda n: n != name))) for row in rows])
    for label, group in GROUPS.items():
        line(f"- {label}", [measure(row, reordered(row, lambda s: total(s, lambda n: n not in group))) for row in rows])
    for name in names:
        line(f"= {name}", [measure(row, alone(row, name)) for row in rows])


def fit(data, steps=400, sharpness=8.0, decay=0.003, rate=0.05):
    """Listwise softmax regression (each changed file against all that were not), by Adam, without negative weights."""
    import numpy as np
    weights = np.full(data[0][0].shape[1], 0.5)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        slope = 2 * decay * sharpness * weights
        for shares, changed in data:
            score = sharpness * (shares @ weights)
            raised = np.exp(score - score.max())
            others = np.where(changed, 0.0, raised)
            for place in np.flatnonzero(changed):
                sum_ = others.sum() + raised[place]
                pull = (others @ shares) / sum_ - (1 - raised[place] / sum_) * shares[place]
                slope += sharpness * pull / changed.sum() / len(data)
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope * slope
        weights -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9)
        weights = np.maximum(weights, 0.0)
    return weights


def train(options):
    import numpy as np
    rows = [row for row in read(options.file) if row["ranked"]]
    names = sorted({name for row in rows for file in row["ranked"] for name in file["signals"]})

    def data(some):
        found = []
        for row in some:
            shares = np.array([[file["signals"].get(n, {"share": 0})["share"] for n in names] for file in row["ranked"]])
            changed = np.array([file["path"] in row["gold_files"] for file in row["ranked"]])
            if changed.any() and not changed.all():
                found.append((shares, changed))
        return found

    def order(row, weights):
        points = lambda signals: sum(w * signals.get(n, {"share": 0})["share"] for n, w in zip(names, weights))
        return reordered(row, points)

    repositories = sorted({row["repo"] for row in rows})
    apart = []
    for fold in range(FOLDS):
        left_out = set(repositories[fold::FOLDS])
        weights = fit(data(row for row in rows if row["repo"] not in left_out))
        apart += [measure(row, order(row, weights)) for row in rows if row["repo"] in left_out]
    head(rows[0])
    line("left out", apart)
    weights = fit(data(rows))
    line("fitted", [measure(row, order(row, weights)) for row in rows])
    for name, weight in zip(names, weights):
        print(f"{name:<16}{weight:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    asking = commands.add_parser("run")
    asking.add_argument("--tasks", required=True)
    asking.add_argument("--mirrors", required=True)
    asking.add_argument("--out", required=True)
    asking.add_argument("--every", type=int, default=1)
    asking.add_argument("--tokens", default="1024,4096,8192")
    asking.add_argument("--prentice", default="prentice")
    for name in ("report", "ablate", "train"):
        commands.add_parser(name).add_argument("file")
    options = parser.parse_args()
    {"run": run, "report": report, "ablate": ablate, "train": train}[options.command](options)


if __name__ == "__main__":
    main()
