#!/usr/bin/env bash
# Records demo/session.jsonl anew: the conversation of `prentice demo` with a real model.
#
#   demo/record.sh --model embedded
#   demo/record.sh --base-url http://127.0.0.1:8080/v1 [--model NAME]
#
# The sample is made as `prentice demo` makes it; the recording is only put in place when the run succeeded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
(($# > 0)) || { sed -n '3,6s/^# *//p' "${BASH_SOURCE[0]}"; exit 2; }
sample=$(mktemp -d)
trap 'rm -rf "$sample"' EXIT
cp demo/sample/Cargo.toml.sample "$sample/Cargo.toml"
cp -r demo/sample/src demo/sample/README.md demo/sample/task.yml "$sample/"
printf '/target\nCargo.lock\n' >"$sample/.gitignore"
git -C "$sample" init -q
git -C "$sample" add -A
git -C "$sample" -c user.name=Sample -c user.email=sample@prentice.invalid commit -qm 'pager: count and cut pages'
cargo run --release -- run "$sample/task.yml" --repo "$sample" "$@" \
  --record "$sample/session.jsonl"
cp "$sample/session.jsonl" demo/session.jsonl
echo "demo/session.jsonl is new: $(wc -l <demo/session.jsonl) answers"
