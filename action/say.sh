# shellcheck shell=bash
# What the scripts of the action say to the log. Sourced, not run.

# Keeps a text from ending its line or from being read as an escape (GitHub, "Workflow commands").
escape() {
  local text=${1//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '%s' "${text//$'\n'/%0A}"
}

say() { printf 'prentice: %s\n' "$(escape "$*")"; }

warn() { printf '::warning title=Prentice::%s\n' "$(escape "$*")"; }

# Ends with exit code 2, usage or configuration, as the program does.
fail() {
  printf '::error title=Prentice::%s\n' "$(escape "$*")"
  exit 2
}
