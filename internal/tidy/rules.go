package tidy

// pure packages (rooms, or folders of one) take state and input and return effects: no clock, no randomness, no I/O, no floats.
var pure = []string{"money", "token", "contract", "ledger", "cash", "farm/use", "pool/accounting"}

// forbiddenInPure are imports that would make a pure package impure.
var forbiddenInPure = []string{
	"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "sync", "sync/atomic", "io/fs", "log", "log/slog", "runtime",
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
	"ledger":    {"money", "token", "contract"},
	"cash":      {"money", "token", "ledger"},
	"trace":     {"money", "token", "ledger"},
	"livestate": {"money", "txlog", "token", "contract", "ledger"},
	"index":     {"money", "txlog", "token", "contract", "ledger"},
	"node":      {"money", "params", "txlog", "token", "contract", "ledger", "cash", "livestate", "index"},
	"cluster":   {"money", "params", "txlog", "token", "contract", "ledger", "livestate", "index", "node"},
	"bank":      {"money", "params", "txlog", "token", "contract", "ledger", "cash", "node"},

	// mining line
	"bitcoin": {"money", "params", "txlog"},
	"pool":    {"money", "params", "txlog", "bitcoin"},
	"farm":    {"money", "params", "txlog", "bitcoin", "pool"},

	// market line
	"market": {"money", "params", "txlog"},

	// faces
	"api":       {"money", "params", "txlog", "token", "contract", "ledger", "cash", "livestate", "index", "node", "cluster", "bank", "bitcoin", "pool", "farm", "market", "console", "words"},
	"console":   {},
	"scenario":  {"money", "params", "txlog", "token", "contract", "ledger", "cash", "node", "cluster", "bank", "bitcoin", "pool", "farm", "market", "api"},
	"cmd/aqsha": {"money", "params", "txlog", "token", "contract", "ledger", "cash", "livestate", "index", "trace", "node", "cluster", "bank", "bitcoin", "pool", "farm", "market", "api", "console", "scenario", "words"},
}

// onlyImporter names the one room that may import a third-party module.
var onlyImporter = map[string]string{
	"github.com/cometbft/cometbft":                   "cluster",
	"github.com/oasisprotocol/curve25519-voi":        "token",
	"github.com/spf13/cobra":                         "cmd/aqsha",
	"cel.dev/cel-go":                                 "contract",
	"github.com/danielgtaylor/huma":                  "api",
	"github.com/prometheus/client_golang/prometheus": "",
}

// ownWriters are the files that still write files by the side of internal/durable. The list only shrinks.
var ownWriters = []string{
	"bitcoin/devnet/node.go",
	"cmd/aqsha/market.go",
	"cmd/aqsha/market_report.go",
	"cmd/aqsha/payperuse.go",
	"cmd/aqsha/trace.go",
	"farm/control/audit.go",
	"farm/simulate/past/past.go",
	"farm/watch/duty.go",
	"market/synthetic/files.go",
	"pool/drawer.go",
	"scenario/farm.go",
	"scenario/plan.go",
}
