#!/usr/bin/env python3
"""Cuts GitHub's own description of its REST API to the operations that Prentice uses.

usage: trim.py api.github.com.json openapi.json

The first file is generated/api.github.com.json of the npm package @octokit/openapi; see NOTICE. Kept are the operations
below and every schema that they refer to; texts, examples and extensions are left out.
"""
import json
import sys

HERE = "/repos/{owner}/{repo}"
OPERATIONS = """
get
post /dispatches
get /labels
post /labels
get /collaborators/{username}/permission
get /compare/{basehead}
get /git/ref/{ref}
post /git/refs
post /git/blobs
get /git/blobs/{file_sha}
post /git/trees
get /git/trees/{tree_sha}
post /git/commits
get /git/commits/{commit_sha}
get /contents/{path}
get /pulls
post /pulls
get /pulls/{pull_number}
patch /pulls/{pull_number}
get /pulls/{pull_number}/reviews
get /pulls/{pull_number}/comments
post /pulls/{pull_number}/requested_reviewers
post /pulls/{pull_number}/comments/{comment_id}/replies
delete /pulls/comments/{comment_id}
post /pulls/comments/{comment_id}/reactions
get /pulls/comments/{comment_id}/reactions
get /issues
post /issues
get /issues/{issue_number}
patch /issues/{issue_number}
get /issues/comments
patch /issues/comments/{comment_id}
delete /issues/comments/{comment_id}
get /issues/{issue_number}/comments
post /issues/{issue_number}/comments
post /issues/{issue_number}/labels
delete /issues/{issue_number}/labels/{name}
get /issues/{issue_number}/reactions
post /issues/{issue_number}/reactions
get /issues/comments/{comment_id}/reactions
post /issues/comments/{comment_id}/reactions
get /commits/{ref}/check-runs
post /check-runs
patch /check-runs/{check_run_id}
get /actions/runs/{run_id}
get /actions/runs/{run_id}/jobs
get /actions/jobs/{job_id}/logs
"""
DROPPED = ("description", "summary", "examples", "example", "externalDocs", "tags", "operationId", "title", "deprecated")


def plain(part, names=False):
    """Leaves out what no validation needs; `names` says that the keys are names and not words of the format."""
    if isinstance(part, dict):
        kept = {}
        for key, value in part.items():
            if not names and (key in DROPPED or key.startswith("x-")):
                continue
            kept[key] = plain(value, key in ("properties", "schemas", "parameters", "responses", "paths"))
        return kept
    if isinstance(part, list):
        return [plain(value) for value in part]
    return part


def references(part):
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        whole = json.load(file)
    paths, components = {}, {}
    for line in OPERATIONS.split("\n"):
        if line.strip():
            method, _, rest = line.partition(" ")
            operation = whole["paths"][HERE + rest][method]
            paths.setdefault(HERE + rest, {})[method] = plain(operation)
    todo = list(references(paths))
    while todo:
        _, _, kind, name = todo.pop().split("/", 3)
        if name not in components.setdefault(kind, {}):
            components[kind][name] = plain(whole["components"][kind][name])
            todo += references(components[kind][name])
    components = {kind: dict(sorted(parts.items())) for kind, parts in sorted(components.items())}
    trimmed = {"openapi": whole["openapi"], "info": {"version": whole["info"]["version"]}, "paths": paths, "components": components}
    with open(target, "w", encoding="utf-8") as file:
        json.dump(trimmed, file, indent=0, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    print(len(paths), "paths", {kind: len(parts) for kind, parts in components.items()})


main()
