#!/usr/bin/env python3
"""Real changes, written as answers in every notation and as carelessly as models write: do they arrive byte for byte?

    python3 benches/answers.py --prentice target/release/prentice --repo DIR [--repo DIR ...] [--commits 10] [--skip 0] [--show 5] [--git]

The changes are the newest commits of any git repositories (text alone, at most five files, 100 KB a file, 200 lines): nobody
here wrote them. Each is written as an answer once for every row of the table, and `prentice apply` is given the files before.
*right* is every byte of every file as the commit left it; *refused* is exit 1 and nothing changed; *wrong* is anything else.

Rows that say "must be refused" give the answer to files that it does not fit: the text that is searched stands in them twice,
or one line that it needs was changed since. There *right* is a refusal.

What a row cannot say is left out and counted in no column: a text that is unique only together with half of the file, a
block without indentation that could lose it.
"""

import argparse
import collections
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

LONGEST_FILE_BYTES = 100_000
MOST_FILES = 5
MOST_LINES = 200
CONTEXT_LINES = 3


class CannotSay(Exception):
    """The commit has nothing to which the row applies."""


@dataclass
class Change:
    """One commit: the files that it touches, before and after; a file that is new or gone stands in one of them."""

    name: str
    before: dict
    after: dict

    def files(self):
        return sorted(set(self.before) | set(self.after))


def git(repo, *arguments):
    return subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, check=True).stdout


def changes(repo, most, skip=0):
    found = []
    for commit in git(repo, "log", "--no-merges", "--format=%H", "-n", str((skip + most) * 20)).decode().split():
        change = change_of(repo, commit)
        if change:
            found.append(change)
        if len(found) == skip + most:
            break
    return found[skip:]


def change_of(repo, commit):
    try:
        rows = git(repo, "diff-tree", "-r", "--no-commit-id", "--no-renames", "--numstat", commit).decode(errors="replace").splitlines()
    except subprocess.CalledProcessError:
        return None  # A clone that does not hold every object.
    if not 0 < len(rows) <= MOST_FILES:
        return None
    before, after, lines = {}, {}, 0
    for row in rows:
        added, removed, path = row.split("\t", 2)
        if added == "-" or path.startswith('"'):
            return None
        lines += int(added) + int(removed)
        for files, revision in ((before, f"{commit}^"), (after, commit)):
            try:
                data = git(repo, "cat-file", "blob", f"{revision}:{path}")
            except subprocess.CalledProcessError:
                continue  # There is none before, or behind, the commit.
            try:
                text = data.decode()
            except UnicodeDecodeError:
                return None
            if len(data) > LONGEST_FILE_BYTES or "\r" in text:
                return None
            files[path] = text
    if lines == 0 or lines > MOST_LINES or before == after or not before:
        return None
    return Change(f"{Path(repo).parent.name}@{commit[:10]}", before, after)


@dataclass
class Block:
    """Lines `start..end` of the file before become `new`; both hold the context around."""

    start: int
    end: int
    old: str
    new: str


def blocks(before, after, around=CONTEXT_LINES):
    """The change of a file as blocks whose old text stands once in the file, with as much context as that takes."""
    if before.endswith("\n") and after.endswith("\n"):
        before, after = before[:-1], after[:-1]
    old, new = before.split("\n"), after.split("\n")
    spans = [code[1:] for code in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if code[0] != "equal"]
    while True:
        found = []
        for a, b, c, d in spans:
            start, end = max(0, a - around), min(len(old), b + around)
            ahead, behind = a - start, end - b
            if found and found[-1][1] >= start:
                found[-1] = (found[-1][0], end, found[-1][2], d + behind)
            else:
                found.append((start, end, c - ahead, d + behind))
        result = [Block(start, end, "\n".join(old[start:end]), "\n".join(new[c:d])) for start, end, c, d in found]
        texts = ["\n" + block.old + "\n" for block in result]
        whole = "\n" + before + "\n"
        if all(block.old.strip() and count(whole, text) == 1 for block, text in zip(result, texts)):
            return result
        around *= 2
        if around > len(old) / 2:
            raise CannotSay


def whole_lines(before, after):
    """Notations of lines cannot say that the end of the last line comes or goes, nor that a new file has none."""
    if (before if before is not None else "\n").endswith("\n") != after.endswith("\n"):
        raise CannotSay


def count(whole, text):
    at, found = whole.find(text), 0
    while at >= 0:
        found += 1
        at = whole.find(text, at + 1)
    return found


def fence_for(text):
    longest, run = 2, 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return "`" * (longest + 1)


LANGUAGES = {"py": "python", "rs": "rust", "go": "go", "js": "javascript", "ts": "typescript", "java": "java", "md": "markdown"}


def language(path):
    return LANGUAGES.get(path.rsplit(".", 1)[-1], "")


# -- blocks of search and replace ------------------------------------------------------------------------------------------

def holds_markers(text):
    return any(line.startswith(("<<<<<", "=====", ">>>>>", "-----", "+++++")) for line in text.split("\n"))


def search_replace(change, name="{path}\n{fence}{language}", between="\n", form=lambda block: (block.old, block.new), last="{fence}"):
    parts = ["The cause is in the lines below.\n"]
    for path in change.files():
        before, after = change.before.get(path), change.after.get(path)
        if after is None:
            parts.append(f"DELETE: {path}\n")
            continue
        whole_lines(before, after)
        pairs = [("", after.removesuffix("\n"))] if before is None else [form(block) for block in blocks(before, after)]
        for old, new in pairs:
            fence = fence_for(old + new)
            head = name.format(path=path, fence=fence, language=language(path))
            if holds_markers(old) or holds_markers(new):
                raise CannotSay
            old, new = (text + "\n" if text else "" for text in (old, new))
            parts.append(f"{head}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n{last.format(fence=fence)}\n")
    return between.join(parts)


def without_indent(block):
    lines = [line for line in (block.old + "\n" + block.new).split("\n") if line.strip()]
    common = os.path.commonprefix(lines)
    width = len(common) - len(common.lstrip(" "))
    if width == 0:
        raise CannotSay
    cut = lambda text: "\n".join(line[width:] if line.strip() else line for line in text.split("\n"))
    return cut(block.old), cut(block.new)


def numbered(block):
    """With the numbers of a listing before the lines, in both parts."""
    with_numbers = lambda text: "\n".join(f"{number:4} | {line}" for number, line in enumerate(text.split("\n"), block.start + 1))
    return with_numbers(block.old), with_numbers(block.new)


def with_blank_end(block):
    """With a blank line more at the end of both parts."""
    return block.old + "\n", block.new + "\n"


def in_list(answer):
    """In an item of a list, three blanks deep."""
    lines = answer.split("\n")
    return "1. The change:\n\n" + "\n".join("   " + line if line else "" for line in lines)


def with_elision(block):
    old = block.old.split("\n")
    if len(old) < 6:
        raise CannotSay
    return "\n".join(old[:2] + ["    # ... rest unchanged ..."] + old[-2:]), block.new


# -- unified diffs ---------------------------------------------------------------------------------------------------------

def udiff(change, header="git", hunk=lambda head, lines: (head, lines), context=CONTEXT_LINES, fence=True, numbers=True):
    """`numbers`: the line numbers are right, so that a text that stands twice is found by them."""
    parts = []
    for path in change.files():
        before, after = change.before.get(path), change.after.get(path)
        ours, theirs = ("a/", "b/") if header != "plain" else ("", "")
        if header != "git" and not after and before is None:
            raise CannotSay
        if header == "git":
            parts.append(f"diff --git a/{path} b/{path}\n")
            parts.append("new file mode 100644\n" if before is None else "deleted file mode 100644\n" if after is None else "")
        old_name = "/dev/null" if before is None else ours + path
        new_name = "/dev/null" if after is None else theirs + path
        parts.append(f"--- {old_name}\n+++ {new_name}\n")
        for head, lines in hunks(before, after, context, numbers):
            said, lines = hunk(head, lines)
            parts.append(said + "".join(lines))
    text = "".join(parts)
    mark = fence_for(text)
    return f"Here is the change:\n\n{mark}diff\n{text}{mark}\n" if fence else text


def hunks(before, after, context, numbers):
    """The hunks of a diff. Where the numbers are wrong their old lines stand in the file once."""
    if not numbers and before and after and before.endswith("\n") and after.endswith("\n"):
        for block in blocks(before, after, around=context):
            lines = signed(block.old.split("\n"), block.new.split("\n"))
            old, new = block.end - block.start, block.new.count("\n") + 1
            yield f"@@ -{block.start + 1},{old} +{block.start + 1},{new} @@\n", lines
        return
    head = None
    for line in [*list(difflib.unified_diff(kept(before), kept(after), n=context))[2:], None]:
        if line is None or line.startswith("@@"):
            if head is not None:
                yield head, current
            head, current = line, []
        else:
            current.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")


def signed(old, new):
    """Lines with the signs of a diff."""
    lines = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [f" {line}\n" for line in old[a:b]]
        else:
            lines += [f"-{line}\n" for line in old[a:b]] + [f"+{line}\n" for line in new[c:d]]
    return lines


def kept(text):
    if not text:
        return []
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def wrong_counts(head, lines):
    old, new = head.split()[1:3]
    return f"@@ {old.split(',')[0]},{len(lines) + 2} {new.split(',')[0]},{len(lines) - 1} @@\n", lines


def wrong_place(head, lines):
    old, new = (part.split(",") for part in head.split()[1:3])
    return f"@@ -{int(old[0][1:]) + 17},{(old + ['1'])[1]} +{int(new[0][1:]) + 23},{(new + ['1'])[1]} @@\n", lines


def bare(_, lines):
    return "@@ ... @@\n", lines


def very_bare(_, lines):
    return "@@\n", lines


def blank_context(head, lines):
    return head, ["\n" if line == " \n" else line for line in lines]


# -- the patch format of codex ---------------------------------------------------------------------------------------------

def v4a(change, wrap="{}", end="*** End Patch\n", anchor=False):
    parts = ["*** Begin Patch\n"]
    for path in change.files():
        before, after = change.before.get(path), change.after.get(path)
        if after is None:
            parts.append(f"*** Delete File: {path}\n")
        elif before is None:
            whole_lines(before, after)
            parts.append(f"*** Add File: {path}\n" + "".join(f"+{line}\n" for line in after.removesuffix("\n").split("\n")))
        else:
            if not (before.endswith("\n") and after.endswith("\n")):
                raise CannotSay
            parts.append(f"*** Update File: {path}\n")
            old_lines = before.split("\n")
            for block in blocks(before, after):
                old, new = block.old.split("\n"), block.new.split("\n")
                head = anchor_of(old_lines, block) if anchor else None
                parts.append(f"@@ {head}\n" if head else "@@\n")
                parts += signed(old, new)
    return wrap.format("".join(parts) + end)


def anchor_of(lines, block):
    """The line before the block that git would show behind its @@; none that stands twice, or in a block before."""
    for line in reversed(lines[:block.start]):
        if line[:1].isalpha() and lines.count(line) == 1:
            return line
    return None


# -- calls in JSON ---------------------------------------------------------------------------------------------------------

def calls(change, wrap, names=("path", "old_str", "new_str")):
    path_name, old_name, new_name = names
    result = []
    for path in change.files():
        before, after = change.before.get(path), change.after.get(path)
        if after is None:
            result.append({"command": "delete", path_name: path})
        elif before is None:
            result.append({"command": "create", path_name: path, "file_text": after})
        else:
            # Within a line where the text is unique there, as models do: not always whole lines.
            for block in blocks(before, after):
                result.append({"command": "str_replace", path_name: path, old_name: block.old, new_name: block.new})
    return wrap(result)


def fenced_json(value):
    text = json.dumps(value, indent=2)
    mark = fence_for(text)
    return f"I will change it.\n\n{mark}json\n{text}\n{mark}\n"


def in_tags(found):
    """Calls as models without functions write them into their text."""
    return "\n".join(f"<tool_call>\n{json.dumps({'name': 'str_replace_editor', 'arguments': call})}\n</tool_call>" for call in found)


def in_function_tags(found):
    """As Qwen3-Coder writes them."""
    parameters = lambda call: "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in call.items())
    return "".join(f"<tool_call>\n<function=edit>\n{parameters(call)}</function>\n</tool_call>\n" for call in found)


def in_invoke_tags(found):
    """As Claude writes them."""
    parameters = lambda call: "".join(f'<parameter name="{key}">{value}</parameter>\n' for key, value in call.items())
    calls = "".join(f'<invoke name="edit">\n{parameters(call)}</invoke>\n' for call in found)
    return f"I will change it.\n\n<function_calls>\n{calls}</function_calls>\n"


def with_raw_breaks(found):
    """JSON whose strings hold line breaks and tabs as they are."""
    return json.dumps(found, indent=1).replace("\\n", "\n").replace("\\t", "\t")


# -- whole files -----------------------------------------------------------------------------------------------------------

def changes_white_space(before, after):
    """Tells whether a line changes at its end alone, which a whole file is not believed to mean."""
    lines = signed(before.split("\n"), after.split("\n"))
    gone, new = ({line[1:-1] for line in lines if line[0] == sign} for sign in "-+")
    return bool({line.rstrip() for line in gone - new} & {line.rstrip() for line in new - gone})


def whole(change, name="FILE: {path}\n{fence}{language}\n", fence=fence_for):
    parts = ["The cause is in the lines below.\n"]
    for path in change.files():
        after = change.after.get(path)
        if after is None:
            parts.append(f"DELETE: {path}\n")
            continue
        whole_lines(change.before.get(path), after)
        if changes_white_space(change.before.get(path) or "", after):
            raise CannotSay
        mark = fence(after)
        head = name.format(path=path, fence=mark, language=language(path))
        parts.append(f"{head}{after}{'' if after.endswith(chr(10)) or not after else chr(10)}{mark}\n")
    return "\n".join(parts)


# -- files that are not as the answer believes ------------------------------------------------------------------------------

def crlf(files):
    return {path: text.replace("\n", "\r\n") for path, text in files.items()}


def changed_files(change):
    """The files before, where one of them stays and changes."""
    if not set(change.before) & set(change.after):
        raise CannotSay
    return change.before


def twice(change):
    """Every text that is searched stands in the file once more, at its end."""
    files = {}
    for path, text in change.before.items():
        after = change.after.get(path)
        if after is None or not text.endswith("\n"):
            raise CannotSay
        files[path] = text + "".join("\n" + block.old + "\n\n" for block in blocks(text, after))
        for block in blocks(text, after):
            if count("\n" + files[path], "\n" + block.old + "\n") < 2:
                raise CannotSay
    return files


def grown_old(change):
    """Of every text that is searched one line is another now, in a word."""
    files = {}
    for path, text in change.before.items():
        after = change.after.get(path)
        if after is None:
            raise CannotSay
        lines = text.split("\n")
        for block in blocks(text, after):
            found = [n for n in range(block.start, block.end) if len(lines[n].split()) > 1]
            if not found:
                raise CannotSay
            words = lines[found[0]].rsplit(None, 1)
            lines[found[0]] = words[0] + " other" + words[1]
        files[path] = "\n".join(lines)
    return files


def raw_breaks(change):
    texts = [text for files in (change.before, change.after) for text in files.values()]
    if any("\\n" in text or "\\t" in text for text in texts):
        raise CannotSay
    return calls(change, with_raw_breaks)


def in_content(change):
    if any("<content>" in text or "</content>" in text for text in change.after.values()):
        raise CannotSay
    return whole(change, "<write_to_file>\n<path>{path}</path>\n<content>\n", lambda _: "</content>\n</write_to_file>")


def patch_rows():
    names = ("file_path", "old_string", "new_string")
    return {
        "search/replace, as asked": search_replace,
        "search/replace, path in the fence": lambda c: search_replace(c, "{fence}{language}\n{path}"),
        "search/replace, path bold": lambda c: search_replace(c, "**{path}**\n\n{fence}{language}"),
        "search/replace, heading with `path`": lambda c: search_replace(c, "### `{path}`\n\n{fence}{language}"),
        "search/replace, In `path`:": lambda c: search_replace(c, "Now in `{path}`:\n\n{fence}{language}"),
        "search/replace, path behind the language": lambda c: search_replace(c, "{fence}{language} {path}"),
        "search/replace, language:path": lambda c: search_replace(c, "{fence}{language}:{path}"),
        "search/replace, no fence": lambda c: search_replace(c, "{path}", last=""),
        "search/replace, indentation lost": lambda c: search_replace(c, form=without_indent),
        "search/replace, numbers of lines": lambda c: search_replace(c, form=numbered),
        "search/replace, a blank line more": lambda c: search_replace(c, form=with_blank_end),
        "search/replace, in a list": lambda c: in_list(search_replace(c)),
        "udiff, in a list": lambda c: in_list(udiff(c)),
        "udiff, as git": udiff,
        "udiff, as git, no fence": lambda c: udiff(c, fence=False),
        "udiff, no diff --git": lambda c: udiff(c, "short"),
        "udiff, no a/ b/": lambda c: udiff(c, "plain"),
        "udiff, wrong counts": lambda c: udiff(c, hunk=wrong_counts),
        "udiff, wrong line numbers": lambda c: udiff(c, hunk=wrong_place, numbers=False),
        "udiff, @@ ... @@": lambda c: udiff(c, "short", bare, numbers=False),
        "udiff, @@": lambda c: udiff(c, "short", very_bare, numbers=False),
        "udiff, blank lines without sign": lambda c: udiff(c, hunk=blank_context),
        "udiff, one line of context": lambda c: udiff(c, context=1),
        "v4a": v4a,
        "v4a, fenced": lambda c: v4a(c, "```\n{}```\n"),
        "v4a, in a shell call": lambda c: v4a(c, "apply_patch <<'EOF'\n{}EOF\n"),
        "v4a, anchors": lambda c: v4a(c, anchor=True),
        "json, list": lambda c: calls(c, fenced_json),
        "json, object with edits": lambda c: calls(c, lambda found: json.dumps({"cause": "c", "edits": found})),
        "json, a line each": lambda c: calls(c, lambda found: "\n".join(map(json.dumps, found))),
        "json, file_path, old_string": lambda c: calls(c, fenced_json, names),
        "json, <tool_call>": lambda c: calls(c, in_tags),
        "json, line breaks in strings": raw_breaks,
        "calls in <function=..>": lambda c: calls(c, in_function_tags),
        "calls in <invoke name=..>": lambda c: calls(c, in_invoke_tags),
        "search/replace, <path> and <diff>": lambda c: search_replace(c, "<replace_in_file>\n<path>{path}</path>\n<diff>", last="</diff>\n</replace_in_file>"),
        "whole file, <path> and <content>": in_content,
        "whole file, as asked": whole,
        "whole file, bold path": lambda c: whole(c, "**{path}**\n{fence}{language}\n"),
        "whole file, heading": lambda c: whole(c, "### {path}\n\n{fence}{language}\n"),
        "whole file, in a list": lambda c: in_list(whole(c)),
        "whole file, path in the info": lambda c: whole(c, "{fence}{language} {path}\n"),
    }


def run(command, files, answer, expected):
    """right, refused or wrong; and what was said. The command is run where the files are."""
    with tempfile.TemporaryDirectory(prefix="answers-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(text.encode())
        (Path(folder) / "answer").write_bytes(answer.encode())
        done = subprocess.run([*command, f"{folder}/answer"], cwd=tree, capture_output=True, timeout=60)
        left = {str(path.relative_to(tree)): path.read_bytes().decode() for path in tree.rglob("*") if path.is_file()}
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        if done.returncode != 0 and left == files:
            return "refused", said
        if done.returncode == 0 and expected is not None and left == expected:
            return "right", said
        return "wrong", said


def keep(folder, before, after, answer, said):
    """Writes what an answer was given, what was expected, and what was said."""
    shutil.rmtree(folder, ignore_errors=True)
    for part, held in (("before", before), ("after", after or {})):
        for path, text in held.items():
            (folder / part / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / part / path).write_bytes(text.encode())
    (folder / "answer").write_bytes(answer.encode())
    (folder / "said").write_text(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prentice", default="target/release/prentice")
    parser.add_argument("--repo", action="append", required=True)
    parser.add_argument("--commits", type=int, default=10)
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of the newest, which were perhaps looked at")
    parser.add_argument("--show", type=int, default=0, help="so many refused or wrong answers of each row are kept and shown")
    parser.add_argument("--keep", help="the folder for them")
    parser.add_argument("--git", action="store_true", help="give diffs to `git apply` as well")
    parser.add_argument("--row", help="only rows with this text in their names")
    arguments = parser.parse_args()

    rows = {name: (write, lambda c: c.before, lambda c: c.after) for name, write in patch_rows().items()}
    for name in ("search/replace, as asked", "udiff, @@", "v4a", "json, list", "whole file, as asked"):
        write = patch_rows()[name]
        short = name.split(",")[0]
        rows[f"{short}: files with CRLF"] = (write, lambda c: crlf(c.before), lambda c: {**crlf(c.after), **{p: t for p, t in c.after.items() if p not in c.before}})
        if short != "whole file":
            rows[f"{short}: must be refused, stands twice"] = (write, twice, None)
            rows[f"{short}: must be refused, a line was changed"] = (write, grown_old, None)
    rows["search/replace: must be refused, lines left out"] = (lambda c: search_replace(c, form=with_elision), changed_files, None)

    prentice = str(Path(arguments.prentice).resolve())
    if not os.access(prentice, os.X_OK):
        parser.error(f"--prentice {arguments.prentice}: there is no such program; build it with cargo build --release")
    for repo in arguments.repo:
        if subprocess.run(["git", "-C", repo, "rev-parse", "HEAD"], capture_output=True).returncode != 0:
            parser.error(f"--repo {repo}: it is no git repository with a commit")
    peer = collections.defaultdict(collections.Counter)
    table, reasons = collections.defaultdict(collections.Counter), collections.defaultdict(list)
    for repo in arguments.repo:
        for change in changes(repo, arguments.commits, arguments.skip):
            for name, (write, files, expected) in rows.items():
                if arguments.row and arguments.row not in name:
                    continue
                try:
                    answer, before = write(change), files(change)
                    after = expected(change) if expected else None
                except CannotSay:
                    continue
                verdict, said = run([prentice, "apply"], before, answer, after)
                if expected is None:
                    verdict = "right" if verdict == "refused" else "wrong"
                table[name][verdict] += 1
                if arguments.git and expected and name.startswith("udiff"):
                    peer[name][run(["git", "apply"], before, answer, after)[0]] += 1
                if verdict != "right" and len(reasons[name]) < arguments.show:
                    reasons[name].append((verdict, change.name, said))
                    if arguments.keep:
                        keep(Path(arguments.keep) / f"{name.replace('/', '_').replace(' ', '_')}-{change.name}", before, after, answer, said)
        print(f"{repo}: {sum(sum(row.values()) for row in table.values())} answers", file=sys.stderr, flush=True)

    print("| row | answers | right | refused | wrong |\n| --- | ---: | ---: | ---: | ---: |")
    total = collections.Counter()
    for name in rows:
        if name in table:
            row = table[name]
            total += row
            print(f"| {name} | {sum(row.values())} | {row['right']} | {row['refused']} | {row['wrong']} |")
    print(f"| all | {sum(total.values())} | {total['right']} | {total['refused']} | {total['wrong']} |")
    for name, row in peer.items():
        print(f"git apply, {name}: {row['right']} right, {row['refused']} refused, {row['wrong']} wrong of {sum(row.values())}")
    for name, found in reasons.items():
        for verdict, change, said in found:
            print(f"\n{verdict}: {name}: {change}\n    " + said[:600].replace("\n", "\n    "))


if __name__ == "__main__":
    main()
