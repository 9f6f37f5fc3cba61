#!/usr/bin/env bash
# Lets the sandbox use user namespaces on hosted Ubuntu runners, which forbid them since 24.04, and says what it did. A
# machine that is not thrown away after the job is left as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=action/say.sh
. "$here/say.sh"

setting=kernel.apparmor_restrict_unprivileged_userns
file=/proc/sys/kernel/apparmor_restrict_unprivileged_userns

namespaces_work() { unshare --user --map-root-user --mount --pid --fork true 2>/dev/null; }

if [ "${RUNNER_OS:-$(uname -s)}" != Linux ]; then
  say "sandbox: there is none on ${RUNNER_OS:-$(uname -s)}; nothing was changed"
elif ! command -v unshare >/dev/null; then
  say "sandbox: unshare is not here to try user namespaces with; nothing was changed"
elif namespaces_work; then
  say "sandbox: user namespaces work; nothing was changed"
elif [ ! -r "$file" ] || [ "$(cat "$file")" != 1 ]; then
  say "sandbox: user namespaces do not work, and AppArmor is not the reason; nothing was changed"
elif [ "${RUNNER_ENVIRONMENT:-}" != github-hosted ]; then
  say "sandbox: AppArmor forbids user namespaces; this machine is not a hosted runner, so nothing was changed"
  say "sandbox: to allow them, its administrator runs: sysctl -w $setting=0"
elif ! sudo -n true 2>/dev/null; then
  say "sandbox: AppArmor forbids user namespaces, and sudo asks for a password; nothing was changed"
else
  sudo -n sysctl -q -w "$setting=0"
  if namespaces_work; then
    say "sandbox: set $setting=0 on this hosted runner; user namespaces work now"
  else
    say "sandbox: set $setting=0 on this hosted runner, but user namespaces still do not work"
  fi
fi
