# make run   builds everything, starts the platform and plays the demo economy
# make test  installs what the tests need and runs them all
GO ?= go

.PHONY: run build test check fuzz sim year attack detect soak drill bench deps blocks chains fleet payments interop

build:
	$(GO) build -o bin/aqsha ./cmd/aqsha

run: build
	./bin/aqsha demo

# The commands' tests start hundreds of processes, some against deadlines of a few seconds: they run
# without the race detector, under which a process takes a second to start. All else runs under it; campaigns of one
# goroutine, sweeps of sizes and measurements run short there and at length without it.
test: check deps
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v /cmd/aqsha)
	$(GO) test -timeout 20m ./cmd/aqsha
	$(GO) test -timeout 20m ./node -run 'Crash|Fates|Failing|Disk|Sync|Rot|Pilot|Voyages|Replays|Clock|Snapshot'
	$(GO) test -timeout 20m ./node/bench

check:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt'd:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -count=1 ./internal/tidy

# What the tests need beyond Go; each line of work adds its own.
deps: .tools/btcd .tools/btcwallet .tools/bitcoind
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		echo "chromium is not here and could not be installed: the browser tests will be skipped"
	@command -v pkill >/dev/null || { [ "$$(id -u)" = 0 ] && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq procps >/dev/null; } || \
		echo "pkill is not here and could not be installed: the operator's page will not be played"

.tools/btcd:
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/btcsuite/btcd@v0.26.2

# A wallet for btcd, from which tests of the pool pay.
.tools/btcwallet:
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/btcsuite/btcwallet@v0.16.10-0.20240718224643-db3a4a2543bd

# A bitcoind beside btcd, from Debian's packages.
.tools/bitcoind:
	@internal/testnode/bitcoind.sh .tools || echo "no bitcoind could be had from Debian: the tests that want one will be skipped"

# Every fuzz target of the module, FUZZTIME each.
FUZZTIME ?= 20s
fuzz:
	@for file in $$(grep -rl '^func Fuzz' --include='*_test.go' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' $$file); do \
			echo "$$(dirname $$file) $$target"; \
			$(GO) test $$(dirname $$file) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x || exit 1; \
		done; \
	done

# Crashes the real node on a simulated disk, CRASHES times at one operation after the other, and lets it meet as many fates, in
# which sizes, clocks and faults of the disk are drawn by seed; then all sizes of tables, states, logs and caches, and wallets that pay
# batches and a farm's store of samples on simulated disks. make sim SEED=n, or
# make sim FATE=n, replays the one that a failure named.
CRASHES ?= 20000
sim:
	cd node && SIM_SEED=$(SEED) SIM_FATE=$(FATE) SIM_CRASHES=$(CRASHES) $(GO) test -count 1 -run '$(if $(SEED),TestCrashAtEveryOperation,$(if $(FATE),TestFates,TestCrashAtEveryOperation|TestFates))' -timeout 240m
	$(if $(SEED)$(FATE),,SWEEP=all $(GO) test -count 1 ./livestate ./index ./node/packed ./node/verifier ./txlog -run 'EverySize' -timeout 60m)
	$(if $(FATE),,SIM_SEED=$(SEED) SIM_CRASHES=$(CRASHES) $(GO) test ./api/wallet ./farm/sample -count 1 -run 'Crash' -timeout 120m)

# A small pilot's year in simulated time: 300 wallets, 20 payments an hour, restarts, backups that are restored, clocks, full disks.
PILOT_DAYS ?= 365
year:
	PILOT_DAYS=$(PILOT_DAYS) $(GO) test ./node -count 1 -run TestAPilotsYear -timeout 120m

# Composes transactions from all that strangers, customers, banks, agencies and operators know and hold, ATTACKS of them,
# and asks for what is not theirs.
ATTACKS ?= 1000000
attack:
	ATTACKS=$(ATTACKS) $(GO) test ./ledger -count 1 -run AttackersGetNothing -v -timeout 180m

# Holds the verdicts of the checks of definitions against brute force, a million times, and of coverage a tenth of that.
verdicts:
	$(GO) test ./contract -count 1 -run 'TestVerdictsHoldAgainstBruteForce|TestCoverageHoldsAgainstBruteForce' -verdicts $(or $(VERDICTS),1000000) -timeout 120m

# Kills a leader, destroys its data and promotes its follower: how long, and what is lost.
drill: build
	./bin/aqsha drill
	./bin/aqsha drill destroy

# Ten minutes of payments at 80 % of what the machine does: are rate and memory flat?
SOAK ?= 10m
soak: build
	./bin/aqsha bench soak --duration $(SOAK)

# Blocks beside a busy bitcoind, BLOCKS_TIME for each of four kinds of node: an hour in all.
BLOCKS_TIME ?= 15m
blocks:
	AQSHA_BLOCKS=$(BLOCKS_TIME) $(GO) test ./pool -count 1 -run TestEveryBlockArrives -v -timeout 180m

# A hundred blocks on regtest and signet, and one of testnet4, which alone takes 2^32 hashes.
chains:
	AQSHA_CHAINS=1 $(GO) test ./pool -count 1 -run TestMineOnEachNetwork -v -timeout 120m

# A pool that pays is killed at KILLS steps of its payments, behind a connection that loses, repeats and makes up answers.
KILLS ?= 100
payments:
	AQSHA_KILLS=$(KILLS) $(GO) test ./pool -count 1 -run TestKilledAtEveryStepOfAPayment -v -timeout 60m

# Ten thousand modelled devices; make test has 50.
FLEET ?= 10000
fleet:
	AQSHA_FLEET=$(FLEET) $(GO) test ./pool/fleet -count 1 -run TestFleet -v -timeout 180m

# Real miners mine through the pool: pooler's minerd and BFGMiner with the processor, and cgminer, which has no driver for one
# and shows that it logs in and takes jobs. Those that are not on the machine are built from source (MINERS_FROM, default
# https://github.com); what cannot be had is named, and its test skipped.
interop: .tools/bitcoind
	@internal/testnode/miners.sh .tools
	$(GO) test ./pool -count 1 -run TestInterop -v -timeout 30m

# Healthy machines over 100 simulated hours and every fault on many; 2,400 machines are 10,000 machine-days.
MACHINES ?= 2400
detect:
	DETECTION_MACHINES=$(MACHINES) $(GO) test ./farm/alert -count 1 -run 'Clean|Detection' -v -timeout 120m

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...
