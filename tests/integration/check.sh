#!/bin/sh
echo "TAP version 13"
echo "1..2"
if grep -q "sum(prices)" src/price.py; then echo "ok 1 - total adds"; else echo "not ok 1 - total adds"; fi
if grep -q "def first" src/price.py; then echo "ok 2 - first is there"; else echo "not ok 2 - first is there"; fi
