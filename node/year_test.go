package node_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// A small pilot: so many wallets and payments, a restart each night, a backup each week that is restored into another
// directory, with which the pilot goes on.
const (
	pilotWallets    = 300
	pilotPayEvery   = 3 * time.Minute
	pilotStartMoney = 10_000 * money.Tenge
)

// pilot is a ledger whose days pass in no time, beside the books of who was paid what.
type pilot struct {
	t        *testing.T
	world    *sim.World
	rng      *rand.Rand
	now      time.Duration // since the world began
	skew     time.Duration // by which the machine's clock is wrong
	disk     *disk.Disk    // the machine's
	node     *node.Node
	bank     token.WalletID
	wallets  []token.WalletID
	books    []money.Tiyn // of each wallet
	backups  *disk.Disk
	paid     int
	restarts int
	doubted  int
	full     int
}

func (p *pilot) wall() uint64  { return sim.StartMillis + uint64((p.now + p.skew).Milliseconds()) }
func (p *pilot) valid() uint64 { return p.node.Clock().TimeMillis + 600_000 }

func (p *pilot) config(d *disk.Disk) node.Config {
	return node.Config{Dir: "data", NoIndex: true, Synchronous: true, Now: p.wall, Monotonic: func() time.Duration { return p.now },
		Options: txlog.Options{Origin: p.world.Genesis.Name, Signers: []note.Signer{p.world.LogSigner}, FS: d.FS(), SegmentBytes: 1 << 18, Background: func(work func()) { work() }}}
}

func (p *pilot) open() {
	p.t.Helper()
	n, err := node.Open(p.config(p.disk))
	if errors.Is(err, disk.ErrFull) { // said with its cause; somebody makes room
		p.full++
		p.disk.SetCapacity(0)
		n, err = node.Open(p.config(p.disk))
	}
	if err != nil {
		p.t.Fatalf("after %s: %v", p.now, err)
	}
	p.node = n
}

func (p *pilot) submit(tx *token.Transaction) {
	p.t.Helper()
	if _, err := p.node.Submit(p.t.Context(), tx); err != nil {
		p.t.Fatalf("after %s: %s: %v", p.now, tx.Body.Kind(), err)
	}
}

// begin makes the bank and the wallets, and pays each his first money.
func (p *pilot) begin() {
	p.now = time.Second
	if err := node.Init(p.config(p.disk), p.world.Genesis); err != nil {
		p.t.Fatal(err)
	}
	p.open()
	admit, bank := p.world.Admit("bank", 1, p.valid())
	p.submit(admit)
	p.bank = bank
	for i := range pilotWallets {
		tx, id := p.world.Register("bank", bank, uint64(i+1), fmt.Sprint("wallet ", i), 2, p.valid())
		p.submit(tx)
		p.wallets, p.books = append(p.wallets, id), append(p.books, pilotStartMoney)
	}
	for i := range p.wallets {
		issue := p.world.Issue(uint64(i+1), bank, p.valid(), pilotStartMoney)
		p.submit(issue)
		p.submit(p.world.Sign(&token.Transfer{Parties: []token.WalletID{bank, p.wallets[i]}, Payers: 1, Inputs: []token.ID{token.OutputID(issue.ID(), 0)},
			Outputs: []token.Output{{Party: 1, Amount: pilotStartMoney}}}, p.valid(), sim.One(token.RoleWallet, 0, p.world.Key("bank treasury"))))
	}
}

// payment has a wallet pay another from its newest tokens; nil when it has too little.
func (p *pilot) payment() (tx *token.Transaction, from, to int, amount money.Tiyn) {
	from, to = p.rng.IntN(pilotWallets), p.rng.IntN(pilotWallets)
	amount = money.Tiyn(1 + p.rng.Int64N(int64(500*money.Tenge)))
	if from == to {
		return nil, 0, 0, 0
	}
	var inputs []token.ID
	total := money.Tiyn(0)
	p.view(func(s *livestate.State) {
		for _, live := range s.TokensOf(p.wallets[from], 64) {
			if inputs, total = append(inputs, live.ID), total+live.Amount; total > amount && p.rng.IntN(3) > 0 {
				break
			}
		}
	})
	if total <= amount {
		return nil, 0, 0, 0
	}
	return p.world.Pay(p.wallets[from], p.world.Key(fmt.Sprint("wallet ", from)), p.wallets[to], amount, inputs, total, p.valid()), from, to, amount
}

func (p *pilot) view(read func(s *livestate.State)) {
	p.t.Helper()
	if err := p.node.View(p.t.Context(), func(s *livestate.State, _ node.Head) { read(s) }); err != nil {
		p.t.Fatal(err)
	}
}

// pay makes a payment and writes it into the books. A disk that is full stops payments until there is room; the ledger goes on
// then or is started again, and whether the payment was made is asked of the ledger.
func (p *pilot) pay() {
	p.t.Helper()
	tx, from, to, amount := p.payment()
	if tx == nil {
		return
	}
	_, err := p.node.Submit(p.t.Context(), tx)
	var refusal *token.Error
	switch {
	case err == nil:
	case errors.As(err, &refusal) && refusal.Code == node.DiskFull:
		p.full++
		p.disk.SetCapacity(0)
		if p.full%2 == 0 {
			_ = p.node.Close()
			p.open()
		} else {
			_, _ = p.node.Submit(p.t.Context(), tx) // executed now, or found executed
		}
		made := false
		p.view(func(s *livestate.State) { _, made = s.Token(token.OutputID(tx.ID(), 0)) })
		if !made {
			return
		}
	default:
		p.t.Fatalf("after %s: %v", p.now, err)
	}
	p.paid++
	p.books[from] -= amount
	p.books[to] += amount
}

// leap sets the clock wrong for a moment: ahead, nothing is executed; behind, payments go on.
func (p *pilot) leap(by time.Duration) {
	p.t.Helper()
	p.skew = by
	defer func() { p.skew = 0 }()
	if by < 0 {
		p.pay()
		return
	}
	tx, _, _, _ := p.payment()
	if tx == nil {
		return
	}
	_, err := p.node.Submit(p.t.Context(), tx)
	var refusal *token.Error
	if !errors.As(err, &refusal) || refusal.Code != node.ClockDoubted {
		p.t.Fatalf("after %s: with a clock %s ahead: %v", p.now, by, err)
	}
	p.doubted++
}

// check holds the ledger against the books.
func (p *pilot) check() (log, state txlog.Hash) {
	p.t.Helper()
	p.view(func(s *livestate.State) {
		for i, id := range p.wallets {
			if w, _ := s.Wallet(id); w.Balance != p.books[i] {
				p.t.Fatalf("after %s: wallet %d has %s, the books say %s", p.now, i, w.Balance, p.books[i])
			}
		}
		if s.LiveTotal() != s.Authority().Circulating() || s.LiveTotal() != pilotWallets*pilotStartMoney {
			p.t.Fatalf("after %s: %s are live, %s circulate", p.now, s.LiveTotal(), s.Authority().Circulating())
		}
		state = stateRoot(p.t, s)
	})
	return p.node.Head().Root, state
}

// copyTo copies and verifies a node's log into a directory on another disk.
func (p *pilot) copyTo(d *disk.Disk, source *node.Node) *node.Node {
	p.t.Helper()
	config := p.config(d)
	config.Synchronous, config.Leader, config.Options.Signers = false, "source", nil
	n, err := node.Open(config)
	if err != nil {
		genesis, e := source.Log().Entry(0)
		if e != nil {
			p.t.Fatal(e)
		}
		if _, e := node.InitCopy(config, genesis); e != nil {
			p.t.Fatal(errors.Join(err, e))
		}
		if n, err = node.Open(config); err != nil {
			p.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Minute)
	defer cancel()
	if err := n.FollowUntil(ctx, to(source), nil, source.Head().Size, nil); err != nil {
		p.t.Fatalf("after %s: copying: %v", p.now, err)
	}
	return n
}

// week backs the ledger up, restores the backup into another directory, and goes on there.
func (p *pilot) week() {
	p.t.Helper()
	log, state := p.check()
	backup := p.copyTo(p.backups, p.node)
	restored := disk.New(uint64(p.now))
	copied := p.copyTo(restored, backup)
	for _, n := range []*node.Node{copied, backup, p.node} {
		if err := n.Close(); err != nil {
			p.t.Fatal(err)
		}
	}
	p.disk = restored
	p.open()
	if l, s := p.check(); l != log || s != state {
		p.t.Fatalf("after %s: restored with roots %s and %s, backed up %s and %s", p.now, l, s, log, state)
	}
}

// TestAPilotsYear plays days of a pilot; PILOT_DAYS asks for more, as "make year" does.
func TestAPilotsYear(t *testing.T) {
	days, backupEvery := int(setting("PILOT_DAYS", short(9, 2))), 7
	if days < 2*backupEvery {
		backupEvery = 2
	}
	p := &pilot{t: t, world: sim.NewWorld(365), rng: rand.New(rand.NewPCG(365, 1)), disk: disk.New(1), backups: disk.New(2)}
	p.begin()
	perDay := int(24 * time.Hour / pilotPayEvery)
	begun := p.now
	for day := range days {
		fullAt := -1
		if day == days/3 || day == 2*days/3 {
			fullAt = p.rng.IntN(perDay / 2)
		}
		for i := range perDay {
			p.now = begun + time.Duration(day*perDay+i)*pilotPayEvery
			if i == fullAt {
				p.fill()
			}
			if p.rng.IntN(perDay) == 0 {
				p.leap(append(leapsAhead, -time.Minute, -5*time.Hour)[p.rng.IntN(len(leapsAhead)+2)])
			}
			p.pay()
		}
		p.restarts++
		if err := p.node.Close(); err != nil {
			t.Fatal(err)
		}
		p.open()
		if day%backupEvery == backupEvery-1 {
			p.week()
		}
	}
	p.finish(days)
}

// fill takes all room on the disk but a little.
func (p *pilot) fill() {
	used := int64(0)
	for _, name := range files(p.t, p.disk) {
		used += int64(len(p.disk.Contents(name)))
	}
	p.disk.SetCapacity(used + 1000)
}

// finish holds the end against the books, a last copy, and the log verified from nothing.
func (p *pilot) finish(days int) {
	t := p.t
	p.disk.SetCapacity(0)
	log, state := p.check()
	last := p.copyTo(p.backups, p.node)
	if last.Head().Root != log {
		t.Errorf("the last backup ends with root %s, the ledger with %s", last.Head().Root, log)
	}
	for _, n := range []*node.Node{last, p.node} {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	config := p.config(p.disk)
	config.Reverify = true
	var err error
	if p.node, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	if l, s := p.check(); l != log || s != state {
		t.Errorf("verified from nothing: roots %s and %s, want %s and %s", l, s, log, state)
	}
	_ = p.node.Close()
	if p.paid < days*400 || p.doubted+p.full == 0 {
		t.Errorf("in %d days %d payments, %d jumps of the clock, %d full disks", days, p.paid, p.doubted, p.full)
	}
	t.Logf("%d days: %d payments, %d restarts, %d jumps of the clock, %d times a full disk", days, p.paid, p.restarts, p.doubted, p.full)
	if os.Getenv("PILOT_DAYS") != "" {
		fmt.Printf("%d days of a pilot: %d payments, %d restarts, %d jumps of the clock ahead, %d times a full disk stopped the log; roots and books are equal\n", days, p.paid, p.restarts, p.doubted, p.full)
	}
}
