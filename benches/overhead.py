#!/usr/bin/env python3
"""What Prentice costs besides the model and the checks.

    python3 benches/overhead.py [--prentice target/release/prentice] [--files 50 20000]

For each size it makes a repository with that many small source files and one bug, runs `prentice run` against an
endpoint on loopback that answers at once with the fix, and prints, in one run on one machine:

- CPU seconds of `prentice run` with all its children, against the floor: git clone and the same check run twice;
- the peak memory of the largest process, and the bytes sent to the model.
"""
import argparse, http.server, json, os, pathlib, subprocess, tempfile, threading

FIX = """The sum is wanted.

src/price.py
```
<<<<<<< SEARCH
    return max(prices)
=======
    return sum(prices)
>>>>>>> REPLACE
```
"""
CHECK = """echo 1..1
if grep -q 'sum(prices)' src/price.py; then echo 'ok 1 - total adds'; else echo 'not ok 1 - total adds'; fi
"""
sent = []


class Endpoint(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"object": "list", "data": [{"id": "scripted"}]})

    def do_POST(self):
        sent.append(len(self.rfile.read(int(self.headers["content-length"]))))
        message = {"role": "assistant", "content": FIX}
        self.answer({"id": "1", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})


def cpu(command, **options):
    """Runs a command and returns its CPU seconds, children included, and the peak memory of the largest process."""
    with subprocess.Popen(command, **options) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode


def make(folder, files):
    folder.mkdir()
    (folder / "src").mkdir()
    (folder / "check.sh").write_text(CHECK)
    (folder / "src/price.py").write_text("def total(prices):\n    return max(prices)\n")
    (folder / "task.yml").write_text("title: total adds the prices\nchecks: [sh check.sh]\n")
    for number in range(files):
        place = folder / f"src/part{number // 200}"
        place.mkdir(exist_ok=True)
        lines = "".join(f"def work_{number}_{i}(value):\n    return value * {i} + {number}\n\n\n" for i in range(20))
        (place / f"module_{number}.py").write_text(lines)
    git = ["git", "-C", str(folder), "-c", "user.name=B", "-c", "user.email=b@b.invalid"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(git + words, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prentice", default="target/release/prentice")
    parser.add_argument("--files", type=int, nargs="+", default=[50, 20000])
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.prentice).resolve())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    print(f"{'files':>7} {'floor CPU s':>12} {'prentice CPU s':>15} {'ratio':>6} {'peak MB':>8} {'bytes sent':>11}")
    for files in arguments.files:
        with tempfile.TemporaryDirectory() as temporary:
            repository = pathlib.Path(temporary) / "repository"
            make(repository, files)
            floor = 0.0
            for copy in ("one", "two"):
                tree = pathlib.Path(temporary) / copy
                floor += cpu(["git", "clone", "-q", "--no-local", str(repository), str(tree)])[0]
                floor += cpu(["sh", "check.sh"], cwd=tree, stdout=subprocess.DEVNULL)[0]
            sent.clear()
            words = [program, "run", "task.yml", "--base-url", url, "--json"]
            seconds, peak, code = cpu(words, cwd=repository, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if code != 0:
                raise SystemExit(f"prentice ended with {code} on {files} files")
            print(f"{files:>7} {floor:>12.2f} {seconds:>15.2f} {seconds / floor:>6.1f} {peak:>8.0f} {sum(sent):>11}")


if __name__ == "__main__":
    main()
