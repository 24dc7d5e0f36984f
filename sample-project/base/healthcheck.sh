#!/bin/sh
# Healthy is who answers /healthz.
exec wget -q -O /dev/null "http://127.0.0.1:$PORT/healthz"
