package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Banknotes are what circulates as cash beside what the ledger holds for it.
type Banknotes struct {
	Reserve money.Tiyn `json:"reserve" doc:"what all wallets that back banknotes hold, by the last block's leaf"`
	Height  uint64     `json:"height" doc:"of that block"`
	Offices []Office   `json:"offices" doc:"cash offices whose public logs this node recounts"`
}

// OfficeGap is one thing that recounting does not show.
type OfficeGap struct {
	Gap    string            `json:"gap"`
	Values map[string]string `json:"values" doc:"what the texts of the gap leave open"`
}

// officeGaps are the gaps of a recount.
func officeGaps(gaps []recount.Gap) []OfficeGap {
	list := make([]OfficeGap, 0, len(gaps))
	for _, g := range gaps {
		values := map[string]string{}
		for i := 0; i+1 < len(g.Values); i += 2 {
			values[fmt.Sprint(g.Values[i])] = fmt.Sprint(g.Values[i+1])
		}
		list = append(list, OfficeGap{g.Name, values})
	}
	return list
}

// Office is a cash office whose public log was recounted from its beginning, and held against this ledger.
type Office struct {
	Origin        string         `json:"origin" doc:"of the public log"`
	Wallet        token.WalletID `json:"wallet" doc:"the reserve; zero where the log could not be verified"`
	Verified      bool           `json:"verified" doc:"every proof, sum and link holds, and nothing that the ledger says differs"`
	Problem       string         `json:"problem,omitempty" doc:"what does not hold"`
	ProblemCode   string         `json:"problem_code,omitempty"`
	Unverified    []string       `json:"unverified" doc:"what recounting does not show, in English"`
	Gaps          []OfficeGap    `json:"unverified_gaps" doc:"the same by name, with values"`
	Size          uint64         `json:"size" doc:"entries of the log"`
	Blocks        uint64         `json:"blocks"`
	TimeMillis    uint64         `json:"time_millis" doc:"of its newest block, by the office's clock, Unix milliseconds"`
	Circulating   money.Tiyn     `json:"circulating" doc:"what the notes that are out are worth"`
	Waiting       money.Tiyn     `json:"waiting" doc:"paid in, and not yet issued or sent back"`
	Owed          money.Tiyn     `json:"owed" doc:"redeemed, and not yet paid out"`
	Reserve       money.Tiyn     `json:"reserve" doc:"what the reserve holds, by the office's books: circulating, waiting, owed and what is left of expired keysets"`
	Denominations []Denomination `json:"denominations" doc:"the largest first; those of which no note was ever issued are left out"`
}

// Denomination is what circulates of one, over all keysets.
type Denomination struct {
	Amount      money.Tiyn `json:"amount"`
	Issued      uint64     `json:"issued"`
	Redeemed    uint64     `json:"redeemed"`
	Outstanding uint64     `json:"outstanding"`
	Worth       money.Tiyn `json:"worth"`
}

// recounted is a log as it was recounted last: again when its checkpoint is another, and not sooner than restFor times
// what looking took, so that whoever asks makes a node do little else at most a tenth of the time. It is under the
// lock of offices, which is not held while one is recounted.
type recounted struct {
	checkpoint []byte
	view       Office
	next       time.Time
	running    bool // somebody's request recounts it: others get the view of before
}

const restFor = 10

// offices are the logs that a node recounts, by folder. Its lock is over done and what is noted in it, not over a recount.
type offices struct {
	mu   sync.Mutex // over done, and what a recount is noted in
	done map[string]*recounted
}

// registerBanknotes serves what circulates as notes.
func (s *Server) registerBanknotes() {
	o := operation("get-banknotes", "/v1/banknotes", "Banknotes in circulation by denomination, beside the reserve",
		byAnybody)
	o.Description =
		"Each office's public log is recounted by this node from its beginning, and held against its ledger, as `aqsha cash verify` does. An answer can be as old as ten times the time that the last recount took."
	huma.Register(s.api, o, func(ctx context.Context, _ *struct{}) (*answer[Banknotes],
		error) {
		return ok(s.banknotes(ctx))
	})
}

// banknotes puts each office's recount beside what the last block says of the reserve.
func (s *Server) banknotes(ctx context.Context) (b Banknotes, err error) {
	last, err := s.block(s.node.Head().Height)
	if err != nil {
		return b, err
	}
	b = Banknotes{Reserve: last.Reserve, Height: last.Height, Offices: []Office{}}
	for _, dir := range s.options.CashLogs {
		b.Offices = append(b.Offices, s.office(dir))
	}
	return b, ctx.Err()
}

// unread is an office of which nothing is known.
func unread(code, problem string) Office {
	return Office{Unverified: []string{}, Gaps: []OfficeGap{}, Denominations: []Denomination{}, Problem: problem,
		ProblemCode: code}
}

// office is the view of one log. Whoever is first after it changed recounts it, to the end though he hangs up, and at
// most until the server ends.
func (s *Server) office(dir string) Office {
	o, begun := &s.offices, time.Now()
	o.mu.Lock()
	if o.done == nil {
		o.done = map[string]*recounted{}
	}
	r := o.done[dir]
	if r == nil {
		r = &recounted{view: unread("cash-log-unread", "its log is being recounted for the first time")}
		o.done[dir] = r
	}
	if r.running || begun.Before(r.next) {
		defer o.mu.Unlock()
		return r.view
	}
	r.running = true
	checkpoint, view := r.checkpoint, r.view
	o.mu.Unlock()
	checkpoint, view = s.look(dir, checkpoint, view)
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	r.checkpoint, r.view, r.next, r.running = checkpoint, view, now.Add(restFor*now.Sub(begun)), false
	return view
}

// look recounts a log, unless its checkpoint is that of its view.
func (s *Server) look(dir string, checkpoint []byte, view Office) ([]byte, Office) {
	source, err := recount.Folder(vfs.OS, dir, "")
	if err == nil && bytes.Equal(source.Checkpoint, checkpoint) {
		return checkpoint, view
	}
	if err == nil {
		view, err = s.recount(s.streaming, source)
	}
	if err == nil {
		return source.Checkpoint, view
	}
	view = unread("cash-log-unread", "the folder of its log cannot be read")
	if wrong := new(record.CheckError); errors.As(err, &wrong) {
		view.Problem, view.ProblemCode = wrong.Error(), wrong.ErrorCode()
	} else if coded, is := fault.Of(err); is { // its words may say where the folder lies
		view.Problem, view.ProblemCode = "its log is damaged", coded.ErrorCode()
	}
	s.options.Logger.Warn("recounting a cash office's log", "folder", dir, "error", err)
	return nil, view
}

// recount verifies a log and holds it against this node's ledger: its reserve at the heights that the log names. Of a
// height that is not durable here nothing is said, which is no contradiction.
func (s *Server) recount(ctx context.Context, source recount.Source) (view Office, err error) {
	var reserves []ledger.CashReserve
	if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		reserves = slices.Clone(state.Authority().Reserves)
	}); err != nil {
		return view, err
	}
	leaf := func(_ context.Context, height uint64) (money.Tiyn, bool, error) {
		if height > s.node.Head().Height {
			return 0, false, nil
		}
		block, err := s.block(height)
		return block.Reserve, err == nil, err
	}
	r, err := recount.Log(ctx, source, recount.NewAgainst(leaf, reserves), nil)
	if err != nil {
		return view, err
	}
	view = Office{Origin: r.Origin, Verified: true, Unverified: r.Unverified, Gaps: officeGaps(r.Gaps),
		Size: r.Size, Blocks: r.Blocks,
		TimeMillis:  r.Last().Time * 1000,
		Circulating: r.Circulating, Waiting: r.Reserve.Waiting, Owed: r.Reserve.Owed, Reserve: r.Reserve.Balance(),
		Denominations: denominations(r.Keysets)}
	if r.Blocks == 0 {
		return view, nil
	}
	return view, view.Wallet.UnmarshalText([]byte(r.Wallet))
}

// denominations adds up keysets by denomination, the largest first.
func denominations(keysets []recount.Shelf) []Denomination {
	list := []Denomination{}
	for i := range keysets {
		for _, n := range keysets[i].Counts {
			at := slices.IndexFunc(list, func(d Denomination) bool { return d.Amount == n.Amount })
			if at < 0 {
				at, list = len(list), append(list, Denomination{Amount: n.Amount})
			}
			d := &list[at]
			d.Issued, d.Redeemed = d.Issued+n.Issued, d.Redeemed+n.Redeemed
			d.Outstanding, d.Worth = d.Issued-d.Redeemed, d.Worth+n.Outstanding()
		}
	}
	list = slices.DeleteFunc(list, func(d Denomination) bool { return d.Issued+d.Redeemed == 0 })
	slices.SortFunc(list, func(a, b Denomination) int { return int(b.Amount - a.Amount) })
	return list
}
