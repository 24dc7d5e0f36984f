#!/bin/sh
# Runs every job, again and again, until it is told to stop.
trap 'exit 0' TERM INT
while true; do
  for job in jobs/*.sh; do
    "./$job"
  done
  sleep "$INTERVAL" &
  wait $!
done
