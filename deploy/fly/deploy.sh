#!/bin/sh
# Deploys Shelfsync to Fly.io, and rotates its keys. docs/deploy/runbook.md describes every use.
#
#   deploy/fly/deploy.sh --dry-run     # print the commands, and change nothing
#   deploy/fly/deploy.sh               # create what is missing, migrate, deploy, sync
#   deploy/fly/deploy.sh --staging     # the same with .env.staging, on smaller machines
#   deploy/fly/deploy.sh rotate admin  # accept a second ADMIN_KEY; --finish ends the first one
#
# This file only finds Node: deploy/fly/deploy.ts does the work.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
command -v node >/dev/null 2>&1 || {
  echo "deploy: Node is missing. Install Node 24: https://nodejs.org" >&2
  exit 1
}
exec node "$root/bin/launch.js" "$root/deploy/fly/deploy.ts" "$@"
