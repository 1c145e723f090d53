#!/bin/sh
# Puts a bitcoind into a folder, for tests: Bitcoin Knots, which is Bitcoin Core with changes of its own, from
# Debian's unstable suite, with the libraries it was built with. Nothing is installed on the machine.
#   bitcoind.sh FOLDER
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs"
cat > "$work/unstable.sources" <<SOURCES
Types: deb
URIs: http://deb.debian.org/debian
Suites: sid
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
with="-o Dir::Etc::sourcelist=$work/unstable.sources -o Dir::Etc::sourceparts=/nonexistent -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache -o APT::Sandbox::User=root"
apt-get $with -qq update
needed=$(apt-cache $with depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances bitcoin-knots | grep -E '^(lib(c6|stdc|gcc-s|event|sqlite3|zmq|bsd|md|gssapi|krb5|k5crypto|com-err|keyutils|norm|pgm|sodium|ssl|zstd)[^ ]*)$' | sort -u)
cd "$work/debs"
apt-get $with -qq download bitcoin-knots $needed
for package in *.deb; do dpkg-deb -x "$package" "$out/knots"; done
libraries=$(dirname "$(find "$out/knots" -name 'libc.so.6' | head -1)")
loader=$(find "$out/knots" -name 'ld-linux*.so.*' | head -1)
cat > "$out/bitcoind" <<RUN
#!/bin/sh
exec "$loader" --library-path "$libraries" "$out/knots/usr/bin/bitcoind" "\$@"
RUN
chmod +x "$out/bitcoind"
"$out/bitcoind" --version | head -1
