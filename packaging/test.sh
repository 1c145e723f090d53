#!/usr/bin/env bash
# Installs the Debian package into an empty Debian root, plays the commands of docs/PACKAGES.md there,
# starts the units' own commands as their user, pays, upgrades and removes. Needs root, debootstrap and a Debian mirror.
#   packaging/test.sh [ROOT]      ROOT: an empty Debian root that is there already
set -euo pipefail
cd "$(dirname "$0")/.."
package=$(ls -t dist/aqsha_*_"$(dpkg --print-architecture)".deb 2>/dev/null | head -1)
[ -n "$package" ] || { echo "no package in dist/: run make dist first" >&2; exit 1; }
root=${1:-$(mktemp -d /tmp/aqsha-root-XXXXXX)}
if [ ! -x "$root/bin/sh" ]; then
	command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap >/dev/null
	debootstrap --variant=minbase stable "$root" >"$root.log" 2>&1 || { tail "$root.log" >&2; exit 1; }
fi
end() {
	[ -z "${node:-}" ] || { echo "the node's own words:"; tail -40 "$root/tmp/node.log"; } >&2
	[ -z "${node:-}" ] || kill "$node" 2>/dev/null || true
	umount "$root/proc" 2>/dev/null || true
	[ -n "${1:-}" ] || case "$root" in /tmp/aqsha-root-*) rm -rf "$root" "$root.log" ;; esac
}
trap 'end' EXIT
chmod 755 "$root" # as made by mktemp nobody but root could enter it
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
say() { printf '== %s\n' "$*"; }

say "install $(basename "$package")"
cp "$package" "$root/tmp/aqsha.deb"
inside dpkg -i /tmp/aqsha.deb
inside aqsha version
inside getent passwd aqsha

say "the page's commands"
sed -n '/^```sh$/,/^```$/p' docs/PACKAGES.md | grep -v '^```' | grep -v '^systemctl' >"$root/tmp/page.sh"
[ -s "$root/tmp/page.sh" ] || { echo "docs/PACKAGES.md has no commands" >&2; exit 1; }
cat "$root/tmp/page.sh"
inside bash -eu /tmp/page.sh

say "the unit's command, as its user"
unit=$root/usr/lib/systemd/system/aqsha.service
start=$(sed -n 's/^ExecStart=//p' "$unit" | sed 's#%d/passphrase#/run/passphrase#; s#\$AQSHA_UP##')
install -m 0400 "$root/etc/aqsha/passphrase" "$root/run/passphrase"
inside chown aqsha /run/passphrase
inside setpriv --reuid aqsha --regid aqsha --clear-groups sh -c "exec $start" >"$root/tmp/node.log" 2>&1 &
node=$!
inside aqsha status --wait 180s http://127.0.0.1:8420
inside setpriv --reuid aqsha --regid aqsha --clear-groups aqsha supply --data /var/lib/aqsha --passphrase-file /run/passphrase

say "an upgrade leaves it running"
inside dpkg -i /tmp/aqsha.deb >/dev/null
inside aqsha status http://127.0.0.1:8420 >/dev/null
pkill -INT -P "$node" 2>/dev/null || kill -INT "$node"
wait "$node" || { cat "$root/tmp/node.log" >&2; exit 1; }
node=
inside setpriv --reuid aqsha --regid aqsha --clear-groups aqsha verify --data /var/lib/aqsha --passphrase-file /run/passphrase

say "removing leaves the money"
inside dpkg -r aqsha
[ -f "$root/var/lib/aqsha/config.toml" ]
[ ! -e "$root/usr/bin/aqsha" ]
say "passed"
