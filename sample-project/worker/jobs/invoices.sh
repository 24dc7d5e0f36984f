#!/bin/sh
echo "invoices: nothing to send at $(date -u +%H:%M:%S)"
