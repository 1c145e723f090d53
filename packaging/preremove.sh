#!/bin/sh
# Before removing; an upgrade ("upgrade" for Debian, 1 for RPM) leaves the services running. Data stay where they are.
set -e
case "$1" in upgrade | 1) exit 0 ;; esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now aqsha.service aqsha-follower.service aqsha-pool.service aqsha-farm.service || true
fi
