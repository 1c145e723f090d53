#!/usr/bin/env bash
# Builds what a release consists of into dist/: static binaries, archives, Debian and RPM packages, a bill of materials of
# each binary and the checksums of all. The same commit gives the same bytes.
#   packaging/dist.sh [VERSION]     VERSION: the newest tag without its v, or 0.0.0 and the commit
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
described=$(git describe --tags --match 'v[0-9]*' 2>/dev/null || true)
export VERSION=${1:-${described#v}}
VERSION=${VERSION:-0.0.0-$(git rev-parse --short=12 HEAD)}
export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export LICENSE=Apache-2.0
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}
tool() { "$go" tool -modfile=packaging/tools/go.mod "$@"; }

rm -rf dist
mkdir -p dist/stage
"$go" build -buildvcs=auto -o dist/stage/native ./cmd/aqsha
export CGO_ENABLED=0
for platform in $platforms; do
	os=${platform%/*} ARCH=${platform#*/}
	export ARCH STAGE=dist/stage/$os-$ARCH
	echo "$platform: $VERSION"
	mkdir -p "$STAGE"/{bin,man,completions,systemd}
	GOOS=$os GOARCH=$ARCH "$go" build -buildvcs=auto -trimpath -ldflags "-s -w -X github.com/aqsha/aqsha/internal/cli.release=$VERSION" -o "$STAGE/bin/aqsha" ./cmd/aqsha
	dist/stage/native manual --list | while read -r name; do
		page=aqsha${name:+-$name}
		dist/stage/native manual $name >"$STAGE/man/${page// /-}.1"
	done
	dist/stage/native completion bash >"$STAGE/completions/aqsha.bash"
	dist/stage/native completion zsh >"$STAGE/completions/_aqsha"
	dist/stage/native completion fish >"$STAGE/completions/aqsha.fish"
	dist/stage/native config sample >"$STAGE/config.toml"
	cp LICENSE README.md CHANGELOG.md "$STAGE"
	[ "$os" = linux ] && cp packaging/systemd/*.service packaging/sysusers.conf "$STAGE/systemd"
	GOFLAGS=-buildvcs=false tool cyclonedx-gomod bin -json -output "dist/aqsha-$VERSION-$os-$ARCH.cdx.json" "$STAGE/bin/aqsha"
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C dist/stage \
		--transform "s,^$os-$ARCH,aqsha-$VERSION-$os-$ARCH," -c "$os-$ARCH" | gzip -n >"dist/aqsha-$VERSION-$os-$ARCH.tar.gz"
	if [ "$os" = linux ]; then
		sed "s|\${STAGE}|$STAGE|; s|\${ARCH}|$ARCH|; s|\${VERSION}|$VERSION|; s|\${LICENSE}|$LICENSE|" packaging/nfpm.yaml >"$STAGE/nfpm.yaml"
		for packager in deb rpm; do
			tool nfpm package --config "$STAGE/nfpm.yaml" --packager $packager --target dist/ >/dev/null
		done
	fi
done
(cd dist && sha256sum -- *.tar.gz *.deb *.rpm *.cdx.json >SHA256SUMS)
cat dist/SHA256SUMS
