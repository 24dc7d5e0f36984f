#!/bin/sh
# Puts the catalogue into the page's template and prints the page.
set -eu
awk -F, '{ printf "<tr><td>%s</td><td>%.2f</td></tr>\n", $1, $2 }' data/catalogue.csv > rows.html
sed -e '/@ROWS@/r rows.html' -e '/@ROWS@/d' templates/index.html
