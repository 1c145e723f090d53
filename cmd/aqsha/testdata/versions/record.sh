#!/bin/sh
# record.sh PROGRAM NAME: makes NAME.tar.gz, what that program leaves behind: a ledger with payments, a snapshot and an index, ended in order.
set -e
program=$(realpath "$1") name=$2 here=$(realpath "$(dirname "$0")") work=$(mktemp -d)
cd "$work"
"$program" init --development --shared-keys --data data
"$program" bank admit bank --data data
"$program" issue bank 1000 --data data
"$program" wallet new alice --bank bank --data data
"$program" wallet new shop --bank bank --tier business --data data
"$program" pay bank alice 100 --data data
for amount in 1 2 3 4 5; do "$program" pay alice shop $amount --data data; done
tar --sparse --owner=0 --group=0 --mtime=@0 -czf "$here/$name.tar.gz" data
cd / && rm -r "$work"
