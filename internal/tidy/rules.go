package tidy

// pure packages (rooms, or folders of one) take state and input and return effects: no clock, no randomness, no I/O,
// no floats.
var pure = []string{"money", "token", "purse", "contract", "ledger", "cash", "farm/usage", "pool/accounting"}

// impure are folders of a pure room that run what the room decides, an office with its files and clock, or read files.
var impure = []string{"cash/office", "cash/recount", "cash/curve/speed"}

// forbiddenInPure are imports that would make a pure package impure.
var forbiddenInPure = []string{
	"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "sync", "sync/atomic", "io/fs", "log",
	"log/slog", "runtime",
}

// mayImport lists, for each room, the rooms of this module it may import.
// A room that is not listed may be imported by anything only if it is listed on the right somewhere.
// Sub-packages (txlog/vfs) belong to their room.
var mayImport = map[string][]string{
	// common ground
	"money":  {},
	"params": {"money"},
	"txlog":  {},
	"words":  {},

	// ledger line
	"token":     {"money"},
	"contract":  {"money", "token"},
	"purse":     {"money", "token"},
	"ledger":    {"money", "token", "contract", "purse"},
	"cash":      {"money", "txlog", "token", "contract", "ledger"},
	"trace":     {"money", "token", "ledger"},
	"livestate": {"money", "txlog", "token", "contract", "ledger"},
	"index":     {"money", "txlog", "token", "contract", "ledger"},
	"node":      {"money", "params", "txlog", "token", "contract", "ledger", "cash", "livestate", "index"},
	"cluster":   {"money", "params", "txlog", "token", "contract", "ledger", "livestate", "index", "node"},
	"bank":      {"money", "params", "txlog", "token", "contract", "ledger", "cash", "node"},

	// mining line
	"bitcoin": {"money", "params", "txlog"},
	"pool":    {"money", "params", "txlog", "bitcoin"},
	"farm":    {"words", "money", "params", "txlog", "bitcoin", "pool"},

	// market line
	"market": {"words", "money", "params", "txlog"},

	// faces
	"wallet": {"money", "params", "txlog", "token", "contract", "purse", "ledger", "cash", "livestate", "node", "api",
		"words"},
	"planner": {"money", "params", "farm"},
	"api": {"money", "params", "txlog", "token", "contract", "purse", "ledger", "cash", "livestate", "index", "node",
		"cluster", "bank", "bitcoin",
		"pool", "farm", "market", "console", "words"},
	"console": {},
	"scenario": {"words", "money", "params", "txlog", "token", "contract", "purse", "ledger", "cash", "node",
		"cluster", "bank",
		"bitcoin", "pool", "farm",
		"planner", "market", "api", "wallet"},

	// the command line: what commands share, then a package for each line, which imports the rooms of its own line only
	"internal/cli":         {"money", "token", "txlog", "contract", "ledger", "node", "api", "words"},
	"internal/cli/clitest": {"internal/cli", "txlog"},
	"internal/cli/clitest/served": {"api", "wallet", "internal/cli/clitest", "internal/cli/datadir",
		"internal/cli/nodecmd"},
	"internal/cli/datadir": {"token", "txlog", "node", "cluster", "api", "wallet", "internal/cli"},
	"internal/cli/session": {"words", "money", "token", "txlog", "node", "api", "wallet", "internal/cli",
		"internal/cli/datadir"},
	"internal/cli/standing":     {"words", "token", "node", "wallet", "internal/cli", "internal/cli/session"},
	"internal/cli/drill":        {"words", "money", "token", "api", "wallet", "internal/cli/datadir"},
	"internal/cli/walletcmd":    append([]string{"internal/cli/standing"}, onLedgers...),
	"internal/cli/authoritycmd": append([]string{"internal/cli/standing"}, onLedgers...),
	"internal/cli/play": {"money", "token", "contract", "ledger", "livestate", "node", "wallet",
		"internal/cli"},
	"internal/cli/programcmd": append([]string{"trace", "internal/cli/play", "internal/cli/standing"},
		onLedgers...),
	"internal/cli/channelcmd": append([]string{"params", "scenario"}, onLedgers...),
	"internal/cli/nodecmd":    append([]string{"params", "cluster"}, onLedgers...),
	"internal/cli/statuscmd":  onLedgers,
	"internal/cli/copycmd": append([]string{"internal/cli/nodecmd", "internal/cli/statuscmd",
		"internal/cli/drill"}, onLedgers...),
	"internal/cli/verifycmd": append([]string{"cash", "cluster", "internal/cli/cashcmd"}, onLedgers...),
	"internal/cli/cashcmd":   append([]string{"cash", "cluster", "internal/cli/nodecmd"}, onLedgers...),
	"internal/cli/pursecmd":  append([]string{"purse"}, onLedgers...),
	"internal/cli/clustercmd": append([]string{"params", "cluster", "internal/cli/nodecmd", "internal/cli/statuscmd",
		"internal/cli/copycmd", "internal/cli/drill"}, onLedgers...),
	"internal/cli/chaincmd": {"words", "money", "txlog", "bitcoin", "internal/cli"},
	"internal/cli/miningcmd": {"words", "money", "params", "txlog", "bitcoin", "pool", "internal/cli",
		"internal/cli/chaincmd"},
	"internal/cli/farmdir":    {"words", "txlog", "farm", "internal/cli"},
	"internal/cli/controlcmd": {"words", "money", "txlog", "farm", "internal/cli", "internal/cli/farmdir"},
	"internal/cli/farmcmd": {"words", "money", "params", "txlog", "bitcoin", "pool", "farm", "api", "internal/cli",
		"internal/cli/farmdir", "internal/cli/controlcmd"},
	"internal/cli/minebench": {"words", "money", "params", "txlog", "bitcoin", "pool", "farm", "planner",
		"internal/cli"},
	"internal/cli/plancmd": {"words", "money", "params", "txlog", "farm", "planner", "internal/cli"},
	"internal/cli/marketcmd": {"words", "money", "params", "txlog", "market", "farm", "bitcoin", "internal/cli",
		"internal/cli/chaincmd", "internal/cli/sealcmd"},
	"internal/cli/sealcmd": {"words", "txlog", "market", "internal/cli"},

	// commands about several lines
	"internal/cli/configcmd": {"words", "farm", "internal/cli", "internal/cli/datadir", "internal/cli/nodecmd"},
	"internal/cli/democmd": append([]string{"params", "scenario", "internal/cli/nodecmd", "internal/cli/clustercmd"},
		onLedgers...),
	"internal/cli/benchcmd": append([]string{"trace", "cash", "purse", "cluster", "internal/cli/drill"},
		onLedgers...),
	"internal/cli/consolebench": {"words", "money", "txlog", "token", "node", "api", "console", "internal/cli"},
	"cmd/aqsha": {"words", "console", "internal/cli", "internal/cli/authoritycmd", "internal/cli/benchcmd",
		"internal/cli/cashcmd", "internal/cli/chaincmd", "internal/cli/channelcmd", "internal/cli/clustercmd",
		"internal/cli/configcmd", "internal/cli/consolebench", "internal/cli/copycmd",
		"internal/cli/democmd", "internal/cli/farmcmd", "internal/cli/marketcmd",
		"internal/cli/minebench", "internal/cli/miningcmd",
		"internal/cli/nodecmd", "internal/cli/plancmd", "internal/cli/programcmd", "internal/cli/pursecmd",
		"internal/cli/sealcmd", "internal/cli/statuscmd", "internal/cli/verifycmd", "internal/cli/walletcmd"},
}

// onLedgers is what commands of the ledger's line are made of.
var onLedgers = []string{"words", "money", "txlog", "token", "contract", "ledger", "node", "api", "wallet",
	"internal/cli",
	"internal/cli/datadir",
	"internal/cli/session"}

// onlyImporter names the one room, and what lies below it, that may import a third-party module. Of the command
// line's library it is internal/cli, and cmd/aqsha which joins what is there.
var onlyImporter = map[string]string{
	"github.com/cometbft/cometbft":                   "cluster",
	"github.com/oasisprotocol/curve25519-voi":        "token",
	"github.com/spf13/cobra":                         "internal/cli",
	"cel.dev/cel-go":                                 "contract",
	"github.com/consensys/gnark-crypto":              "cash",
	"github.com/decred/dcrd/dcrec/secp256k1":         "cash",
	"github.com/danielgtaylor/huma":                  "api",
	"github.com/go-webauthn/webauthn":                "api",
	"github.com/prometheus/client_golang/prometheus": "",
}

// ownWriters are the files that still write files by the side of internal/durable. The list only shrinks.
var ownWriters = []string{
	"bitcoin/devnet/node.go",
	"farm/simulate/past/past.go",
	"internal/cli/files.go",
	"internal/cli/flags.go", // reads, without waiting for a pipe
	"internal/cli/marketcmd/report.go",
	"market/synthetic/files.go",
	"scenario/farm.go",
	"scenario/plan.go",
}

// doors are the files, or folders, that may make what everybody else takes from one place.
var doors = map[string][]string{
	"csv.NewWriter": {"internal/safecsv/safecsv.go"},
	"http.Client":   {"api/abuse/attack.go", "api/client.go", "internal/cli/miningcmd/pool_admin.go"},
	"http.Server": {
		"api/abuse/serve.go", // throws all away, in a measurement
		"api/cash/bench/bench.go",
		"api/server.go",                        // bounded by accesses too
		"farm/replay/",                         // machines that are played
		"farm/simulate/",                       // machines that are played
		"internal/cli/consolebench/console.go", // a bare page, in a measurement
		"pool/admin/control.go",                // a socket of this machine's file system
	},
}
