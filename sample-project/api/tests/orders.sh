#!/bin/sh
# usage: api/tests/orders.sh URL
# Asks a running api for its orders; the kettle must be among them.
set -eu
curl -sf "$1/cgi-bin/orders" | grep -q '"article": "kettle"'
