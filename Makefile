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
deps:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		echo "chromium is not here and could not be installed: the browser tests will be skipped"

fuzz:
	for target in FuzzSegment FuzzRecordFields FuzzSmallFiles FuzzCheckpoint FuzzTilePath; do \
		$(GO) test ./txlog -run '^$$' -fuzz "^$$target\$$" -fuzztime 30s -fuzzminimizetime 5x || exit 1; done
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
