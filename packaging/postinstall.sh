#!/bin/sh
# After installing and after upgrading. No service is started nor restarted: who leads is the operator's decision, and an
# upgrade goes follower by follower (docs/OPERATING.md).
set -e
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers aqsha.conf
elif ! getent passwd aqsha >/dev/null; then
	useradd --system --home-dir /var/lib/aqsha --shell /usr/sbin/nologin aqsha
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
