# make run   builds everything, starts the platform and plays the demo economy
# make test  installs what the tests need and runs them all
GO ?= go

.PHONY: run build test check fuzz bench deps

build:
	$(GO) build -o bin/aqsha ./cmd/aqsha

run: build
	./bin/aqsha --help

test: check deps
	$(GO) test -race ./...

check:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt'd:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test ./internal/tidy

# What the tests need beyond Go; each line of work adds its own.
deps: .tools/btcd

.tools/btcd:
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/btcsuite/btcd@v0.26.2

fuzz:
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
