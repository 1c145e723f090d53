#!/bin/sh
# Puts miners into a folder, for tests: minerd, bfgminer and cgminer, those of the machine or built from source. Only what
# building needs is installed, and that from Debian, if this is root.
#   miners.sh FOLDER
# MINERS_FROM is where OWNER/NAME is cloned from; default https://github.com.
set -u
out=$(mkdir -p "$1" && cd "$1" && pwd)
from=${MINERS_FROM:-https://github.com}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

have() { [ -x "$out/$1" ]; }
needs() {
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
	fi
}
clone() { GIT_TERMINAL_PROMPT=0 git clone -q --depth 1 "$from/$1" "$2"; }

minerd() {
	clone pooler/cpuminer "$work/minerd" && cd "$work/minerd" &&
	./autogen.sh && ./configure CFLAGS=-O3 && make -j2 && cp minerd "$out/"
}
# BFGMiner's submodules are named by addresses that no longer answer.
bfgminer() {
	clone luke-jr/bfgminer "$work/bfgminer" && cd "$work/bfgminer" && rm -rf libblkmaker libbase58 ccan-upstream &&
	clone bitcoin/libblkmaker libblkmaker && clone luke-jr/libbase58 libbase58 && clone rustyrussell/ccan ccan-upstream &&
	NOSUBMODULES=1 ./autogen.sh &&
	CFLAGS="-O2 -fcommon" ./configure --enable-cpumining --without-curses --disable-other-drivers && make &&
	mkdir -p "$out/bfgminer.d" && cp .libs/bfgminer "$out/bfgminer.d/" 2>/dev/null || cp bfgminer "$out/bfgminer.d/" &&
	cp libblkmaker/.libs/*.so* libbase58/.libs/*.so* "$out/bfgminer.d/" &&
	printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s/bfgminer" "$@"\n' "$out/bfgminer.d" "$out/bfgminer.d" > "$out/bfgminer" && chmod +x "$out/bfgminer"
}
cgminer() {
	clone ckolivas/cgminer "$work/cgminer" && cd "$work/cgminer" &&
	CFLAGS="-O2 -fcommon" ./autogen.sh --enable-icarus --disable-libsystemd && make -j2 && cp cgminer "$out/"
}

for miner in minerd bfgminer cgminer; do
	if ! have $miner && found=$(command -v $miner.real || PATH=$(echo "$PATH" | tr ':' '\n' | grep -v "^$out$" | paste -sd:) command -v -- $miner) && [ -x "$found" ]; then
		ln -s "$found" "$out/$miner"
	fi
	have $miner && continue
	[ -e "$work/needed" ] || { needs git make gcc automake autoconf libtool pkg-config libcurl4-openssl-dev libjansson-dev libusb-1.0-0-dev libudev-dev uthash-dev; : > "$work/needed"; }
	(set -e; $miner) >"$work/$miner.log" 2>&1
	have $miner || { echo "$miner could not be had: it is not installed, and building it from $from failed:"; tail -3 "$work/$miner.log"; }
done
for miner in minerd bfgminer cgminer; do have $miner && echo "$miner is in $out"; done
exit 0
