#!/bin/sh
# usage: worker/build.sh IMAGE:TAG
# Builds the worker, if all of its scripts parse.
set -eu
cd "$(dirname "$0")"
for script in worker.sh jobs/*.sh; do
  sh -n "$script"
done
docker build --tag "$1" .
