#!/usr/bin/env python3
"""How much `prentice context` and `prentice index` cost, against ripgrep reading the same files and a bare parse of them.

    cargo build --release
    cargo bench --bench parse --no-run          (prints the path of the program for --parse)
    python3 benches/speed.py --tree FOLDER [--tree FOLDER] [--grow 100,4000,60000] [--parse PROGRAM] [--work DIR]

For each tree, or for every share of it that --grow asks for (files taken evenly over the sorted paths), a git repository is made
below DIR and kept for the next time. Then, in turn and as often as --repeat says, the least of each is told:

    rg          rg -c '' of all files that the ignore rules let through: every line is read once, nothing is done with it
    parse       every file of a known language parsed once on all cores, nothing is done with it
    cold        prentice context --no-index
    index       prentice index, into an empty index
    warm        prentice context, with that index

CPU is that of user and system together, in seconds: a busy machine changes it less than the time on the wall. Ratios are against rg,
for `index` against `parse`. Memory is the peak of the resident set.
"""

import argparse
import multiprocessing
import os
import shutil
import subprocess
import time
from pathlib import Path

QUESTION = "timeout of the connection is ignored when the device is reset\n\nThe driver's reset handler drops the pending `timeout`."


def measure(words, folder):
    start = time.time()
    with open(os.devnull, "wb") as null:
        child = subprocess.Popen(words, cwd=folder, stdout=null, stderr=subprocess.PIPE)
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        raise SystemExit(f"{words}: {child.returncode}: {said.decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime, time.time() - start, usage.ru_maxrss / 1024


def least(rows):
    return min(rows, key=lambda row: row[0])


def git(folder, *words):
    subprocess.run(["git", "-c", "user.name=b", "-c", "user.email=b@b.invalid", *words], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)


def repository(tree, count, folder):
    """Makes a repository of `count` files of `tree`, or of all."""
    if (folder / ".git").is_dir():
        return
    shutil.rmtree(folder, ignore_errors=True)
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink() and ".git" not in path.parts)
    step = max(1.0, len(files) / (count or len(files)))
    chosen = [files[int(at * step)] for at in range(min(count or len(files), len(files)))]
    for path in chosen:
        place = folder / path.relative_to(tree)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")


def table(folder, options):
    prentice = str(options.prentice.resolve())
    ask = [prentice, "context", "--json", QUESTION]
    commands = {"rg": ["rg", "-c", "--hidden", "-g", "!.git", "", "."]}
    if options.parse:
        commands["parse"] = [str(options.parse.resolve()), str(folder)]
    commands |= {"cold": [*ask, "--no-index"], "index": [prentice, "index"], "warm": ask}
    rows = {name: [] for name in commands}
    for _ in range(options.repeat):
        for name, words in commands.items():
            if name == "index":
                subprocess.run([prentice, "index", "--forget"], cwd=folder, check=True)
            rows[name].append(measure(words, folder))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=folder, capture_output=True).stdout.split(b"\0")[:-1]
    size = sum((folder / os.fsdecode(name)).stat().st_size for name in listed) / 1e6
    kept = (folder / ".git/prentice/index/index.sqlite").stat().st_size / 1e6
    print(f"\n{folder.name}: {len(listed)} files, {size:.1f} MB; the index has {kept:.1f} MB")
    print(f"{'':<8}{'CPU s':>8}{'wall s':>8}{'MB':>7}   ratio")
    for name in commands:
        cpu, wall, memory = least(rows[name])
        floor = least(rows["parse" if name == "index" and options.parse else "rg"])[0]
        print(f"{name:<8}{cpu:>8.2f}{wall:>8.2f}{memory:>7.0f}   {cpu / floor:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, action="append", required=True)
    parser.add_argument("--grow", default="", help="numbers of files, with commas")
    parser.add_argument("--prentice", type=Path, default=Path("target/release/prentice"))
    parser.add_argument("--parse", type=Path)
    parser.add_argument("--work", type=Path, default=Path("target/speed"))
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for tree in options.tree:
        for count in [int(part) for part in options.grow.split(",") if part] or [None]:
            folder = options.work.resolve() / f"{tree.resolve().name}-{count or 'all'}"
            # In a process of its own: a child's peak begins with that of its parent.
            maker = multiprocessing.get_context("spawn").Process(target=repository, args=(tree.resolve(), count, folder))
            maker.start()
            maker.join()
            table(folder, options)


if __name__ == "__main__":
    main()
