#!/usr/bin/env python3
"""How fast the model inside Prentice reads and writes, against a server of llama.cpp with the same file.

    cargo build --release --example ask
    llama-server -m MODEL.gguf --port 8080                (or any other server that tells `timings` in its replies)
    python3 benches/inference.py --model MODEL.gguf --url http://127.0.0.1:8080/v1 --pid PID_OF_THE_SERVER \\
        [--prompt-file FILE] [--tokens 128] [--rounds 5] [--ask target/release/examples/ask]

Both get the same user message at temperature 0, in turns, so that a noisy machine is noisy for both; each round of ours is a process
of its own, the server is asked not to use its cache. Without --prompt-file the message is a part of this repository's own source.

Tokens a second are medians over the rounds, with the least and the most behind them; the ratio is ours over the server's. Memory is
the peak of the resident set of each process (VmHWM), the mapped file's pages included; the server's is told with --pid only. At the
end stands whether both wrote the same text, or up to where. Both should have the same number of threads: ours has one for each core
unless RAYON_NUM_THREADS says otherwise.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import urllib.request
from pathlib import Path

SECONDS = 1800
SOURCE = Path(__file__).resolve().parent.parent / "src/inference/matrix.rs"


def ours(options, prompt):
    words = [str(options.ask), str(options.model), "--prompt-file", prompt, "--tokens", str(options.tokens),
             "--window", str(options.window), "--json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, timeout=SECONDS)
    if done.returncode:
        raise SystemExit(f"{words}: {done.returncode}")
    said = json.loads(done.stdout)
    return {"read": said["read_tokens"] / said["read_seconds"], "written": said["written_tokens"] / said["written_seconds"],
            "tokens": (said["read_tokens"], said["written_tokens"]), "bytes": said["peak_bytes"], "text": said["text"]}


def theirs(options, prompt):
    asked = {"messages": [{"role": "user", "content": Path(prompt).read_text()}], "temperature": 0, "max_tokens": options.tokens,
             "cache_prompt": False, "model": options.name}
    request = urllib.request.Request(f"{options.url.rstrip('/')}/chat/completions", data=json.dumps(asked).encode(),
                                     headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as reply:
        said = json.loads(reply.read())
    timings = said.get("timings")
    if not timings:
        raise SystemExit(f"{options.url}: the reply has no timings, it is no server of llama.cpp")
    return {"read": timings["prompt_n"] / timings["prompt_ms"] * 1000,
            "written": timings["predicted_n"] / timings["predicted_ms"] * 1000,
            "tokens": (timings["prompt_n"], timings["predicted_n"]), "bytes": peak(options.pid),
            "text": said["choices"][0]["message"]["content"]}


def peak(pid):
    if pid is None:
        return None
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def spread(values):
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


def table(us, them):
    print(f"{'':<22}{'inside':>22}{'server':>22}   ratio")
    for name, words in [("read", "read, tokens/s"), ("written", "written, tokens/s")]:
        left, right = [row[name] for row in us], [row[name] for row in them]
        ratio = statistics.median(left) / statistics.median(right)
        print(f"{words:<22}{spread(left):>22}{spread(right):>22}   {ratio:.2f}")
    left, right = us[-1]["bytes"], them[-1]["bytes"]
    shown = ["-" if size is None else f"{size / 2**20:.0f}" for size in (left, right)]
    ratio = f"{left / right:.2f}" if left and right else "-"
    print(f"{'peak memory, MiB':<22}{shown[0]:>22}{shown[1]:>22}   {ratio}")
    print(f"{'tokens read, written':<22}{'{}, {}'.format(*us[-1]['tokens']):>22}{'{}, {}'.format(*them[-1]['tokens']):>22}")


def agreement(us, them):
    texts = {row["text"] for row in us}, {row["text"] for row in them}
    for name, several in zip(("the model inside", "the server"), texts):
        if len(several) > 1:
            print(f"{name} wrote {len(several)} different texts at temperature 0")
    left, right = us[-1]["text"], them[-1]["text"]
    if left == right:
        return "both wrote the same text"
    same = len(os.path.commonprefix([left, right]))
    return f"the texts are the same for {same} of {len(left)} and {len(right)} characters, then {left[same:same + 40]!r} and {right[same:same + 40]!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--name", default="", help="the model's name, where the server wants one")
    parser.add_argument("--prompt-file", type=Path)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--window", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ask", type=Path, default=Path("target/release/examples/ask"))
    options = parser.parse_args()
    options.ask = options.ask.resolve()
    with tempfile.TemporaryDirectory() as folder:
        prompt = options.prompt_file or Path(folder) / "prompt"
        if options.prompt_file is None:
            prompt.write_text(f"Explain this module in a few sentences.\n\n{SOURCE.read_text()[:6000]}")
        us, them = [], []
        for turn in range(options.rounds):
            for ask, rows in [(ours, us), (theirs, them)][::1 if turn % 2 == 0 else -1]:
                rows.append(ask(options, str(prompt)))
    table(us, them)
    print(agreement(us, them))


if __name__ == "__main__":
    main()
