#!/usr/bin/env bash
# The hosts of a run as network namespaces on one wire, which no other network can be reached from: so every run may have
# the same addresses. Sourced by run.sh; the test itself calls `network.sh cut|mend RUN HOST HOST`.
set -euo pipefail

readonly PREFIX=risc-hosts
readonly SUBNET=10.73.0
readonly HOSTS=(db worker-1 worker-2 worker-3 receivers)
readonly NOBODY=02:00:00:00:00:ff

namespace() { echo "$PREFIX-$1-$2"; }

number() {
  local n
  for n in "${!HOSTS[@]}"; do
    [ "${HOSTS[n]}" != "$1" ] || { echo $((n + 1)) && return; }
  done
  echo "there is no host $1" >&2
  return 1
}

address() { echo "$SUBNET.$(number "$1")"; }

hardware_address() { echo "02:00:00:00:00:0$(number "$1")"; }

# Hosts never ask who has an address: the silence would tell one that it is cut off, as no router in between would.
route() {
  ip -n "$(namespace "$1" "$2")" neigh replace "$(address "$3")" lladdr "$4" dev eth0 nud permanent
}

mend() {
  route "$1" "$2" "$3" "$(hardware_address "$3")"
  route "$1" "$3" "$2" "$(hardware_address "$2")"
}

# Packets between the two vanish, and nobody is told: connections stay half open.
cut() {
  route "$1" "$2" "$3" $NOBODY
  route "$1" "$3" "$2" $NOBODY
}

up() {
  local run=$1 wire host other
  wire=$(namespace "$run" wire)
  ip netns add "$wire"
  ip -n "$wire" link add wire type bridge
  ip -n "$wire" link set wire up
  for host in "${HOSTS[@]}"; do add_host "$run" "$wire" "$host"; done
  for host in "${HOSTS[@]}"; do
    for other in "${HOSTS[@]}"; do
      [ "$host" = "$other" ] || route "$run" "$host" "$other" "$(hardware_address "$other")"
    done
  done
}

add_host() {
  local wire=$2 host=$3 ns
  ns=$(namespace "$1" "$host")
  ip netns add "$ns"
  ip -n "$wire" link add "$host" type veth peer name eth0 netns "$ns"
  ip -n "$wire" link set "$host" master wire up
  ip -n "$ns" link set lo up
  ip -n "$ns" link set eth0 address "$(hardware_address "$host")" up
  ip -n "$ns" address add "$(address "$host")/24" dev eth0
}

namespaces_of() { ip netns list | awk '{ print $1 }' | grep "^$PREFIX-$1-" || true; }

processes_of() {
  local ns
  for ns in $(namespaces_of "$1"); do ip netns pids "$ns"; done
}

# Ends whatever runs on the hosts, and removes them. PostgreSQL is given the time to remove its data.
down() {
  local run=$1 signal ns
  for signal in TERM KILL; do
    processes_of "$run" | xargs -r kill -"$signal" 2>/dev/null || true
    wait_until_gone "$run" && break
  done
  for ns in $(namespaces_of "$run"); do
    ip netns del "$ns" || true # its complaint is seen, and the others are removed
  done
}

wait_until_gone() {
  local n
  for ((n = 0; n < 100; n++)); do
    [ -n "$(processes_of "$1")" ] || return 0
    sleep 0.1
  done
  return 1
}

# A run is named after its process, so what belongs to no such process was left behind by one that was killed.
remove_leftovers() {
  local run
  for run in $(ip netns list | sed -nE "s/^$PREFIX-([0-9]+)-.*/\1/p" | sort -u); do
    is_running "$run" || down "$run"
  done
}

is_running() { [ "$1" != $$ ] && grep -qs 'run\.sh' "/proc/$1/cmdline"; }

# Prints why there can be no such hosts here; nothing if there can.
why_not() {
  local probe complaint=''
  probe=$(namespace $$ probe)
  if [ "$(uname)" != Linux ]; then
    echo 'network namespaces are a thing of Linux'
  elif [ "$(id -u)" != 0 ]; then
    echo 'only root may make network namespaces'
  elif ! command -v ip >/dev/null; then
    echo 'there is no command ip (package iproute2)'
  else
    complaint=$(try_out "$probe" 2>&1) || echo "network namespaces are not permitted: ${complaint//$'\n'/; }"
    ip netns del "$probe" 2>/dev/null || true
  fi
}

try_out() {
  ip netns add "$1" &&
    ip -n "$1" link add wire type bridge &&
    ip -n "$1" link add one type veth peer name other &&
    ip -n "$1" neigh replace "$SUBNET.1" lladdr $NOBODY dev wire nud permanent &&
    ip netns exec "$1" true
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  case ${1-} in
    cut | mend) "$@" ;;
    *) echo 'usage: network.sh cut|mend RUN HOST HOST' >&2 && exit 64 ;;
  esac
fi
