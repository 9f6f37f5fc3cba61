#!/usr/bin/env bash
# Gets the program for this runner and gives its path as the output `program`: the one that `binary` names, a build of the
# action's own checkout, or the release of the wanted version, whose SHA-256 is checked at every use, cached or not.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=action/say.sh
. "$here/say.sh"

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1" | cut -c 1-64; else shasum -a 256 <"$1" | cut -c 1-64; fi
}

# The first argument is a file, the second the digest that it must have, the third who says so.
check_sha256() {
  local found
  found=$(sha256 "$1")
  [ "$found" = "$2" ] || fail "$1 has the SHA-256 $found, but $3 says $2; it is not used"
  say "SHA-256 $found, as $3 says"
}

hand_over() {
  [ -f "$1" ] && [ -x "$1" ] || fail "$1 is no program that can be run"
  say "$("$1" --version) at $1"
  printf 'program=%s\n' "$1" >>"$GITHUB_OUTPUT"
}

target() {
  local machine system
  case "${RUNNER_ARCH:-$(uname -m)}" in
    X64 | x86_64) machine=x86_64 ;;
    ARM64 | arm64 | aarch64) machine=aarch64 ;;
    *) fail "there is no release for the processor ${RUNNER_ARCH:-$(uname -m)}; build it and name it in \`binary\`" ;;
  esac
  case "${RUNNER_OS:-$(uname -s)}" in
    Linux) system=unknown-linux-musl ;;
    macOS | Darwin) system=apple-darwin ;;
    *) fail "there is no release for ${RUNNER_OS:-$(uname -s)}; use a Linux or macOS runner" ;;
  esac
  printf '%s-%s' "$machine" "$system"
}

download() {
  # Unencrypted only from this machine, where a mirror or a test may stand.
  local protocols='=https'
  case "$1" in http://127.0.0.1:*) protocols='=http' ;; esac
  curl --fail --silent --show-error --location --proto "$protocols" --proto-redir "$protocols" \
    --retry 3 --connect-timeout 20 --max-time 300 --output "$2" -- "$1"
}

# The release carries its attestation, so that no token is needed. The first argument is the archive, the second a folder to
# work in, the third the address of the attestation.
check_attestation() {
  local why=""
  if [ -n "$WITH_DOWNLOAD_URL" ]; then
    why="the archive comes from \`download-url\`"
  elif [ "${GITHUB_SERVER_URL:-}" != https://github.com ]; then
    why="this server has no public attestations"
  elif ! command -v gh >/dev/null; then
    why="gh is not on this runner"
  fi
  if [ -n "$why" ]; then
    say "attestation NOT checked: $why; the SHA-256 was"
    return
  fi
  download "$3" "$2/attestation.json" || fail "$3 cannot be downloaded"
  gh attestation verify "$1" --bundle "$2/attestation.json" --repo "$WITH_REPOSITORY" \
    --signer-workflow "$WITH_REPOSITORY/.github/workflows/release.yml" ||
    fail "the archive was not attested by the release workflow of $WITH_REPOSITORY; it is not used"
  say "attestation checked: built by the release workflow of $WITH_REPOSITORY"
}

install_release() {
  local version=$1 name from cache archive work wanted who
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] ||
    fail "version \"$version\" is none; write one such as 0.1.0, or \`source\`"
  from=$WITH_DOWNLOAD_URL
  if [ -z "$from" ]; then
    [ -n "$WITH_REPOSITORY" ] ||
      fail "used from a local folder, the action has no releases: set \`version: source\`, \`binary\` or \`download-url\`"
    from="${GITHUB_SERVER_URL:-https://github.com}/$WITH_REPOSITORY/releases/download"
  fi
  name="prentice-v$version-$(target).tar.gz"
  cache="${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/prentice/$version"
  archive="$cache/$name"
  work=$(mktemp -d "$RUNNER_TEMP/prentice-install.XXXXXX")
  command -v curl >/dev/null || fail "curl is not on this runner; install it or name a program in \`binary\`"

  # A pinned digest needs no word of the server; without one the server's is asked for every time.
  if [ -n "$WITH_CHECKSUM" ]; then
    wanted=$WITH_CHECKSUM who="the input \`checksum\`"
  else
    download "$from/v$version/$name.sha256" "$work/sha256" || fail "$from/v$version/$name.sha256 cannot be downloaded"
    wanted=$(cut -c 1-64 <"$work/sha256") who="the release's checksum file"
  fi
  if [ -f "$archive" ] && [ "$(sha256 "$archive")" = "$wanted" ]; then
    say "using the archive in the tool cache"
    cp "$archive" "$work/ready"
  else
    [ ! -f "$archive" ] || say "the archive in the tool cache is not the one that is wanted; it is replaced"
    say "downloading $name"
    download "$from/v$version/$name" "$work/ready" || fail "$from/v$version/$name cannot be downloaded"
    mkdir -p "$cache"
  fi
  check_sha256 "$work/ready" "$wanted" "$who"
  check_attestation "$work/ready" "$work" "$from/v$version/prentice-v$version.attestation.json"

  tar -xzf "$work/ready" -C "$work" prentice
  [ ! -L "$work/prentice" ] || fail "the archive holds a link in the place of the program"
  [ "$("$work/prentice" --version)" = "prentice $version" ] || fail "the archive holds $("$work/prentice" --version), not $version"
  # Copied beside and moved, so that a runner that shares the cache never sees half an archive.
  cp "$work/ready" "$archive.$$" && mv -f "$archive.$$" "$archive"
  hand_over "$work/prentice"
}

build_source() {
  local root target_folder
  root=$(dirname "$here")
  target_folder=${CARGO_TARGET_DIR:-$RUNNER_TEMP/prentice-target}
  [ -f "$root/Cargo.toml" ] || fail "version is \`source\`, but $root has no Cargo.toml"
  command -v cargo >/dev/null || fail "version is \`source\`, but cargo is not on this runner"
  say "building $root"
  (cd "$root" && cargo build --locked --release --bin prentice --target-dir "$target_folder")
  hand_over "$target_folder/release/prentice"
}

if [ -n "$WITH_BINARY" ]; then
  [ -z "$WITH_CHECKSUM" ] || check_sha256 "$WITH_BINARY" "$WITH_CHECKSUM" "the input \`checksum\`"
  say "using the program that \`binary\` names; its origin was NOT checked"
  hand_over "$WITH_BINARY"
elif [ "$WITH_VERSION" = source ]; then
  build_source
else
  install_release "$WITH_VERSION"
fi
