package api

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// by is a payment of a wallet.
func by(t *testing.T, id byte) *token.Transaction {
	t.Helper()
	tx, err := token.New(&token.Transfer{Parties: []token.WalletID{{id}, {255}}, Payers: 1,
		Inputs: []token.ID{token.OutputID(token.TransactionID{id}, 0)}, Outputs: []token.Output{{Party: 1, Amount: 1}}},
		1)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func said(rows []SeriesRow) string {
	var parts []string
	for _, r := range rows {
		value := "?"
		if r.Value != nil {
			value = fmt.Sprint(*r.Value)
		}
		if (r.Value == nil) != r.Suppressed {
			value += "!"
		}
		parts = append(parts, strings.TrimSpace(r.Date+" "+r.Of)+" "+value)
	}
	return strings.Join(parts, "; ")
}

// Refusals are counted by day and code, outlive the process, and are told to everybody only where they are of many
// wallets, and where a total leaves not few.
func TestRefusalsAreCountedByDay(t *testing.T) {
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	r := openRefusals(dir, quiet)
	limit, bad := token.Errorf(ledger.LimitDay, "amount", "over it"), token.Errorf(ledger.BadSignature, "witnesses", "")
	const monday, tuesday, wednesday = 20_787, 20_788, 20_789 // 30 November 2026 on
	for id := range byte(10) {
		r.count(monday, by(t, id), limit)
		r.count(tuesday, by(t, id), limit)
	}
	r.count(tuesday, by(t, 3), limit)
	r.count(tuesday, by(t, 3), bad)
	r.count(wednesday, by(t, 3), bad)
	for _, none := range []error{nil, token.Errorf(node.Overloaded, "", "later"), fmt.Errorf("a disk")} {
		r.count(monday, by(t, 1), none)
	}
	if err := r.store(); err != nil {
		t.Fatal(err)
	}
	r = openRefusals(dir, quiet)
	for about, c := range map[string]struct {
		q    seriesQuery
		want string
	}{
		"everything": {seriesQuery{step: "day", byCode: true, everything: true},
			"2026-11-30 limit-day 10; 2026-12-01 bad-signature 1; 2026-12-01 limit-day 11; 2026-12-02 bad-signature 1"},
		"for everybody": {seriesQuery{step: "day", byCode: true},
			"2026-11-30 limit-day 10; 2026-12-01 bad-signature ?; 2026-12-01 limit-day 11; 2026-12-02 bad-signature ?"},
		"in all": {seriesQuery{step: "day", everything: true},
			"2026-11-30 10; 2026-12-01 12; 2026-12-02 1"},
		"in all, for everybody": {seriesQuery{step: "day"}, "2026-11-30 10; 2026-12-01 ?; 2026-12-02 ?"},
		"by week": {seriesQuery{step: "week", byCode: true},
			"2026-11-30 bad-signature ?; 2026-11-30 limit-day 21"},
	} {
		if got := said(r.rowsOf(c.q, monday, wednesday)); got != c.want {
			t.Errorf("%s: %s\nwant %s", about, got, c.want)
		}
	}
	if rows := r.rowsOf(seriesQuery{step: "day"}, wednesday, monday); len(rows) != 0 {
		t.Errorf("no days: %v", rows)
	}
	for day := range uint32(refusalDays + 5) {
		r.count(30_000+day, by(t, 1), limit)
	}
	if len(r.kept.list) != refusalDays || r.kept.list["2026-11-30"] != nil {
		t.Errorf("%d days are kept, and the oldest are not those that were forgotten", len(r.kept.list))
	}
}
