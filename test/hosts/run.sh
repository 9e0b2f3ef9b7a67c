#!/usr/bin/env bash
# Runs the several-hosts test on hosts of its own and removes them, however it ends. Where there can be none it says
# "not run here: <reason>" and exits 0: that is neither passed nor failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./network.sh

reason=$(why_not)
if [ -n "$reason" ]; then
  echo "not run here: $reason"
  exit 0
fi

trap 'down $$' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

remove_leftovers
up $$
export HOSTS_RUN=$$
HOSTS_ADDRESSES=$(for host in "${HOSTS[@]}"; do echo "$host=$(address "$host")"; done)
export HOSTS_ADDRESSES
export HOSTS_SUBNET=$SUBNET.0/24
timeout 240 ip netns exec "$(namespace $$ db)" node hosts.ts & # or a trap would wait for its end
wait $!
