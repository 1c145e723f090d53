package api

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// What was refused is in no log, so it is counted here: by day and code, in a table that outlives the process. A node
// counts what it was asked itself; another node of the same network counts its own.

// Bounds of what is counted, and how often it is stored: a crash loses what came since.
const (
	refusalDays  = 1_000
	refusalCodes = 256 // of one day
	refusalStore = time.Minute
	fewWallets   = 10 // whose refusals are nobody's business
)

// refusalCell counts the refusals of one code on one day.
type refusalCell struct {
	Count int64 `json:"count"`
	// Wallets that asked, as far as it matters whether they are few.
	Wallets []token.WalletID `json:"wallets,omitempty"`
}

func (c *refusalCell) few() bool { return len(c.Wallets) < fewWallets }

// meet notes whose transactions a cell counts, until they are no longer few; more need not be known.
func (c *refusalCell) meet(wallets []token.WalletID) {
	for _, id := range wallets {
		if c.few() && !slices.Contains(c.Wallets, id) {
			c.Wallets = append(c.Wallets, id)
		}
	}
}

// refusals is the table. Its cells are by day (2026-11-30), then by code.
type refusals struct {
	kept   *keptFile[map[string]*refusalCell]
	logger *slog.Logger
	dirty  bool // guarded by kept.mu
}

func openRefusals(dir string, logger *slog.Logger) *refusals {
	return &refusals{kept: openKept[map[string]*refusalCell](dir, "refusals.json", logger), logger: logger}
}

// count counts a refusal of a transaction; an answer that is no refusal of a rule is none. What it keeps is bounded by
// days, codes and few wallets a cell: strangers choose what is refused.
func (r *refusals) count(day uint32, tx *token.Transaction, err error) {
	if err == nil {
		return
	}
	p := problemOf(err)
	if p.Status >= 500 || p.Code == string(node.Overloaded) || p.Code == codeInternal {
		return
	}
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	date := time.Unix(int64(day)*86_400, 0).UTC().Format(time.DateOnly)
	codes := r.kept.list[date]
	if codes == nil {
		// The oldest day makes room: who refuses without end fills neither memory nor the file.
		if codes = map[string]*refusalCell{}; len(r.kept.list) >= refusalDays {
			delete(r.kept.list, slices.Min(slices.Collect(maps.Keys(r.kept.list))))
		}
		r.kept.list[date] = codes
	}
	c := codes[p.Code]
	if c == nil {
		if len(codes) >= refusalCodes {
			return
		}
		c = &refusalCell{}
		codes[p.Code] = c
	}
	c.Count++
	c.meet(ledger.Signing(tx.Body))
	r.dirty = true
}

// store writes the table down, if it has changed.
func (r *refusals) store() error {
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	if !r.dirty {
		return nil
	}
	err := r.kept.store()
	r.dirty = err != nil
	return err
}

// keep stores the table every minute until it is told to end: a crash loses the refusals of its last minute, which the
// series says of itself.
func (r *refusals) keep(ctx context.Context) {
	look := time.NewTicker(refusalStore)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if err := r.store(); err != nil {
				r.logger.Error("the count of refusals cannot be stored", "error", err)
			}
		}
	}
}

// day is a copy of a day's cells, and that of all of them together.
func (r *refusals) day(day uint32) (cells map[string]refusalCell, all refusalCell) {
	r.kept.mu.Lock()
	defer r.kept.mu.Unlock()
	cells = map[string]refusalCell{}
	date := time.Unix(int64(day)*86_400, 0).UTC().Format(time.DateOnly)
	for code, c := range r.kept.list[date] { // any order: sums and sets
		cells[code] = refusalCell{c.Count, slices.Clone(c.Wallets)}
		all.Count += c.Count
		all.meet(c.Wallets)
	}
	return cells, all
}

// rowsOf adds days up to periods, by code or of all. What is of few wallets is hidden from whoever may not read
// everything, and so is a total of which no more than that few would be left; a period is shown when its days are.
func (r *refusals) rowsOf(q seriesQuery, first, last uint32) []SeriesRow {
	type sum struct {
		count  int64
		hidden bool
	}
	rows := []SeriesRow{}
	for at := first; at <= last; {
		period, of := q.period(at), map[string]*sum{}
		for ; at <= last && q.period(at) == period; at++ {
			cells, all := r.day(at)
			rest := refusalCell{} // what a total would tell of those that are hidden
			for _, c := range cells {
				if c.few() {
					rest.Count += c.Count
					rest.meet(c.Wallets)
				}
			}
			if !q.byCode {
				cells = map[string]refusalCell{"": all}
			}
			for code, c := range cells {
				s := of[code]
				if s == nil {
					s = &sum{}
					of[code] = s
				}
				few := c.few() || !q.byCode && rest.Count > 0 && rest.few()
				s.count, s.hidden = s.count+c.Count, s.hidden || c.Count > 0 && few && !q.everything
			}
		}
		for _, code := range slices.Sorted(maps.Keys(of)) {
			row := SeriesRow{Date: period, Of: code, Suppressed: of[code].hidden}
			if !row.Suppressed {
				row.Value = &of[code].count
			}
			rows = append(rows, row)
		}
	}
	return rows
}
