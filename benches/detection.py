#!/usr/bin/env python3
"""Which commands `prentice checks` finds in public repositories, and what comes of running them.

  detection.py [--work DIR] [--mirror DIR] [--prentice PROGRAM] [--run]

`detection.tsv` says for each repository what its own CI and documents run, and a text that the found command must hold.
With `--run` the checks are run too, as `prentice certify HEAD..HEAD` does, dependencies included, which needs the network and
runs the repositories' own code: do that in a container. `--mirror DIR` takes repositories from DIR/OWNER+NAME/repo.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

from certificates import clone, table


def outcome(arguments, repo):
    start = time.monotonic()
    words = [str(arguments.prentice), "certify", "HEAD..HEAD", "--json", "--repo", str(repo), "--command-time", "10m"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=3600)
    seconds = time.monotonic() - start
    try:
        found = json.loads(ran.stdout)
    except ValueError:
        return f"error: {(ran.stderr or ran.stdout).strip().splitlines()[-1][:120]}", seconds
    runs = [run for run in found["evidence"]["base"]["checks"] if run["check"]["kind"] == "test"]
    counts = {}
    for run in runs:
        for test in run["tests"]:
            counts[test["outcome"]] = counts.get(test["outcome"], 0) + 1
    if counts:
        return ", ".join(f"{count} {word}" for word, count in sorted(counts.items())), seconds
    missing = [run.get("could_not_run") for run in runs if run.get("could_not_run")]
    if missing:
        return missing[0][:120], seconds
    notes = [note for note in found["evidence"]["not_checked"] if "could not be installed" in note]
    exits = ", ".join(f"exit {run['exit'].get('code', run['exit'])}" for run in runs)
    return (notes[0][:150] if notes else f"no names of tests, {exits}"), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("target/certificates"))
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--prentice", type=Path, default=Path("target/release/prentice"))
    parser.add_argument("--run", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.work, arguments.prentice = arguments.work.resolve(), arguments.prentice.resolve()
    right = ran = 0
    rows = table("detection.tsv")
    for name, _own, wanted in rows:
        repo = clone(arguments, name)
        if arguments.run:
            subprocess.run(["git", "-C", str(repo), "checkout", "-qf", "origin/HEAD"], check=True)
        words = [str(arguments.prentice), "checks", "--json", "--repo", str(repo), "--base", "origin/HEAD"]
        found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        tests = [" ".join(check["argv"]) for check in found if check["kind"] == "test"]
        # Options that make a runner name its tests may stand between.
        fits = any(wanted in test or wanted.replace("node --test", "node --test-reporter=tap --test") in test for test in tests)
        right += fits
        line = f"{name}: {'right' if fits else 'NOT FOUND'}: {'; '.join(tests) or 'nothing'}"
        if arguments.run:
            what, seconds = outcome(arguments, repo)
            ran += "passed" in what
            line += f" -> {what} ({seconds:.0f} s)"
        print(line, flush=True)
    print(f"\n{right} of {len(rows)} right" + (f", {ran} ran to tests with names" if arguments.run else ""))


if __name__ == "__main__":
    main()
