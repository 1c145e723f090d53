package cash_test

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/api/cash"
)

// public is what the office answers, and why it needs to know nobody: of notes it is who holds them that counts, and of a quote
// its id, which is a secret of whoever asked for it. A route that is not here fails: say what opens it.
var public = map[string]string{
	"GET /cash/v1/info":                     "of all",
	"GET /cash/v1/keys":                     "of all",
	"GET /cash/v1/keys/{id}":                "of all",
	"GET /cash/v1/keysets":                  "of all",
	"GET /cash/v1/supply":                   "of all: what circulates is to be checked by anybody",
	"GET /cash/v1/mint/quote/aqsha/{quote}": "by the quote's id",
	"GET /cash/v1/melt/quote/aqsha/{quote}": "by the quote's id",
	"GET /cash/v1/announcements/{id}":       "of all: the ledger's receipt of a keyset",
	"GET /cash/v1/ws":                       "by the quote's id, or the note's point",
	"POST /cash/v1/mint/quote/aqsha":        "changes nothing but its own quote",
	"POST /cash/v1/mint/quote/aqsha/check":  "by the quotes' ids",
	"POST /cash/v1/melt/quote/aqsha":        "changes nothing but its own quote",
	"POST /cash/v1/swap":                    "by the notes' secrets",
	"POST /cash/v1/mint/aqsha":              "by the quote's id, and its key where it has one",
	"POST /cash/v1/mint/aqsha/batch":        "by the quotes' ids, and their keys where they have any",
	"POST /cash/v1/melt/aqsha":              "by the notes' secrets",
	"POST /cash/v1/restore":                 "by blinded outputs, which nobody else can make",
	"POST /cash/v1/checkstate":              "by the notes' points, which only who has seen the secret knows",
	"/cash/log/":                            "of all: the public log",
	"/":                                     "says that nothing is here",
}

func TestEveryRouteOfTheOfficeIsKnown(t *testing.T) {
	routes := cash.NewServer(nil, cash.About{}, slog.New(slog.DiscardHandler)).Routes()
	for _, pattern := range routes {
		if public[pattern] == "" {
			t.Errorf("%s is served, and nobody has said what opens it", pattern)
		}
	}
	for pattern := range public {
		if !slices.Contains(routes, pattern) {
			t.Errorf("%s is not served any more", pattern)
		}
	}
}
