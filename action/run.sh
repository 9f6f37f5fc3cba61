#!/usr/bin/env bash
# Calls the program. Each call gets the one secret that its side of the border needs, also when one job does everything, and
# what it gives as outputs is checked before it is handed on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=action/say.sh
. "$here/say.sh"

folder="$RUNNER_TEMP/prentice"
order=${WITH_ORDER:-$folder/order}
bundle=${WITH_BUNDLE:-$folder/bundle}
mkdir -p "$folder"

# The sides are called by name, in `call`. Runners other than the forge's own also pass inputs as INPUT_...
# First the side of the model and the repository's code: no token of any kind.
# shellcheck disable=SC2329
with_key() {
  env -u GITHUB_TOKEN -u GH_TOKEN -u INPUT_TOKEN -u ACTIONS_RUNTIME_TOKEN -u ACTIONS_ID_TOKEN_REQUEST_TOKEN "$@"
}

# The side of the forge: no key of a model.
# shellcheck disable=SC2329
with_token() {
  env -u PRENTICE_API_KEY -u OPENAI_API_KEY -u INPUT_API-KEY "$@"
}

# shellcheck disable=SC2329
with_nothing() { with_key env -u PRENTICE_API_KEY -u OPENAI_API_KEY -u INPUT_API-KEY "$@"; }

# What an output may look like; nothing else leaves this step.
form_of() {
  case "$1" in
    decision) echo '^(run|certify|publish|nothing)$' ;;
    outcome) echo '^[a-z_]+$' ;;
    order-digest | digest) echo '^[0-9a-f]{64}$' ;;
    branch) echo '^[A-Za-z0-9][A-Za-z0-9._/-]*$' ;;
    pull-request | adopt) echo '^[0-9]+$' ;;
    pull-request-url) echo '^https?://[A-Za-z0-9.:_/-]+$' ;;
    cost-usd) echo '^[0-9]+(\.[0-9]+)?$' ;;
    *) echo '^$' ;;
  esac
}

got_decision="" got_order_digest="" got_digest=""

# Hands on what a call gave, and keeps what the next call needs.
take_outputs() {
  local line name value form
  while IFS= read -r line || [ -n "$line" ]; do
    name=${line%%=*}
    value=${line#*=}
    form=$(form_of "$name")
    if [ -z "$value" ]; then continue; fi
    if [[ ! $value =~ $form ]]; then
      printf '::error title=Prentice::an output has an unexpected form and is not handed on; this is a bug\n'
      exit 70
    fi
    case "$name" in
      decision) got_decision=$value ;;
      order-digest) got_order_digest=$value ;;
      digest) got_digest=$value ;;
    esac
    printf '%s=%s\n' "$name" "$value" >>"$GITHUB_OUTPUT"
  done <"$1"
}

# Sets `code` to the program's exit code. The first argument says which secret it gets.
call() {
  local side=$1 outputs
  shift
  outputs=$(mktemp "$folder/outputs.XXXXXX")
  code=0
  GITHUB_OUTPUT=$outputs "$side" "$PROGRAM" "$@" </dev/null || code=$?
  take_outputs "$outputs"
  rm -f "$outputs"
}

# `config` becomes the variables that the program reads; it refuses names that it does not know.
export_config() {
  local line name
  while IFS= read -r line; do
    line=${line#"${line%%[![:space:]]*}"}
    case "$line" in "" | \#*) continue ;; esac
    [[ $line =~ ^([a-z_]+)\.([a-z_]+):[[:space:]]*(.*)$ ]] || fail "config: \"$line\" is not \`section.key: value\`"
    name=$(printf 'PRENTICE_%s_%s' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" | tr '[:lower:]' '[:upper:]')
    export "$name=${BASH_REMATCH[3]}"
  done <<<"$WITH_CONFIG"
}

# Models that run inside the program and that the run will ask are fetched where they are not there yet, by a cache, an image or
# `model add`. No secret is needed for that. The program reads the settings; it is not called where none of them has the word.
fetch_model() {
  local flags=()
  grep -qs embedded .prentice.yml - <<<"$WITH_MODEL ${PRENTICE_MODEL:-} ${OPENAI_MODEL:-}" || return 0
  add_flag --model "$WITH_MODEL"
  GITHUB_OUTPUT=/dev/null with_nothing "$PROGRAM" model fetch --configured --yes ${flags[@]+"${flags[@]}"} </dev/null ||
    fail "the model inside could not be fetched"
}

add_flag() { [ -z "$2" ] || flags+=("$1=$2"); }

respond() {
  [ "$WITH_DRY_RUN" != true ] || fail "dry-run needs a \`task\`: to answer an event is to write to the forge"
  mkdir -p "$order"
  call with_token respond --out "$order"
}

propose() {
  local flags=() line side=with_key
  # A mirror for models may stand there.
  export_config
  # A certificate needs no model, and what it measures may be anybody's.
  if [ "$got_decision" = certify ]; then side=with_nothing; else fetch_model; fi
  add_flag --model "$WITH_MODEL"
  add_flag --base-url "$WITH_BASE_URL"
  add_flag --attempts "$WITH_ATTEMPTS"
  add_flag --rounds "$WITH_ROUNDS"
  add_flag --max-tokens "$WITH_MAX_TOKENS"
  add_flag --max-cost "$WITH_MAX_COST"
  add_flag --max-time "$WITH_MAX_TIME"
  while IFS= read -r line; do add_flag --check "$line"; done <<<"$WITH_CHECK"
  if [ -n "$WITH_TASK" ]; then
    # shellcheck disable=SC2153
    add_flag --base "$WITH_BASE"
    call "$side" propose --out "$bundle" --repo . ${flags[@]+"${flags[@]}"} -- "$WITH_TASK"
  else
    [ -n "$1" ] || fail "propose needs a \`task\`, or an \`order\` with its \`order-digest\`"
    call "$side" propose --out "$bundle" --repo . ${flags[@]+"${flags[@]}"} \
      --order "$order/order.json" --order-digest "$1"
  fi
}

publish() {
  local flags=()
  add_flag --order-digest "$2"
  if [ "$WITH_DRY_RUN" = true ]; then
    say "dry run: the bundle $1 is not published"
  elif [ -n "$1" ]; then
    call with_token publish "$bundle" --digest "$1" --github ${flags[@]+"${flags[@]}"}
  elif [ -n "$2" ]; then
    # What needs no bundle, or the bundle that never came: the person who asked is told.
    call with_token publish --order "$order/order.json" --github "${flags[@]}"
  else
    fail "publish needs the \`digest\` of a bundle, or the \`order-digest\` of an order without one"
  fi
}

choose() {
  local bundles=() digests=() line
  while IFS= read -r line; do
    case "$line" in
      "") ;;
      *=) say "${line%=} has no digest, so there is no bundle; left out" ;;
      *=*)
        bundles+=("${line%=*}")
        digests+=("--digest=${line##*=}")
        ;;
      *) fail "bundle: \"$line\" is not \`FOLDER=DIGEST\`" ;;
    esac
  done <<<"$WITH_BUNDLE"
  [ ${#bundles[@]} -gt 0 ] || fail "no attempt gave a bundle to choose from"
  call with_nothing choose --out "$folder/bundle" "${digests[@]}" -- "${bundles[@]}"
}

everything() {
  local proposed
  if [ -z "$WITH_TASK" ]; then
    respond
    if [ "$code" != 0 ] || [ "$got_decision" = nothing ]; then return; fi
  fi
  if [ "$got_decision" = publish ]; then
    publish "" "$got_order_digest"
    return
  fi
  propose "$got_order_digest"
  proposed=$code
  # Also a run without a change, or without a bundle, is told where it was asked for.
  [ -n "$got_digest$got_order_digest" ] || return 0
  publish "$got_digest" "$got_order_digest"
  [ "$code" != 0 ] || code=$proposed
}

for secret in "${PRENTICE_API_KEY:-}" "${GITHUB_TOKEN:-}"; do
  [ -z "$secret" ] || printf '::add-mask::%s\n' "$(escape "$secret")"
done
cd "$WITH_WORKING_DIRECTORY"
code=0
case "$WITH_MODE" in
  run) everything ;;
  respond) respond ;;
  propose)
    propose "$WITH_ORDER_DIGEST"
    # No acceptable change, a service that failed, a limit: the bundle says so, and it is for `publish` to tell it.
    case "$code" in
      1 | 3 | 4)
        if [ -n "$got_digest" ]; then
          warn "there is no change to propose (exit code $code); the bundle says why"
          code=0
        fi
        ;;
    esac
    ;;
  choose) choose ;;
  publish) publish "$WITH_DIGEST" "$WITH_ORDER_DIGEST" ;;
  *) fail "mode \"$WITH_MODE\" is none of run, respond, propose, choose, publish" ;;
esac
exit "$code"
