# make run   builds everything, starts the platform and plays the demo economy
# make test  installs what the tests need and runs them all
GO ?= go

.PHONY: run build test check fuzz bench deps

build:
	$(GO) build -o bin/aqsha ./cmd/aqsha

run: build
	./bin/aqsha demo

test: check deps
	$(GO) test -race ./...

check:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt'd:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test ./internal/tidy

# What the tests need beyond Go; each line of work adds its own.
deps: .tools/btcd
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		echo "chromium is not here and could not be installed: the browser tests will be skipped"

.tools/btcd:
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/btcsuite/btcd@v0.26.2

fuzz:
	for target in FuzzSegment FuzzRecordFields FuzzSmallFiles FuzzCheckpoint FuzzTilePath; do \
		$(GO) test ./txlog -run '^$$' -fuzz "^$$target\$$" -fuzztime 30s -fuzzminimizetime 5x || exit 1; done
	for target in bitcoin:FuzzDecodeTemplate bitcoin:FuzzDecodeHeader bitcoin/sha256d:FuzzKernels pool:FuzzLines pool/stratum:FuzzParse pool/sharelog:FuzzDecode pool/miner:FuzzAPI; do \
		$(GO) test ./$${target%:*} -run '^$$' -fuzz "^$${target#*:}\$$" -fuzztime 30s -fuzzminimizetime 5x || exit 1; done
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
