package clustercmd

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aqsha/aqsha/internal/cli/drill"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
)

// Salaries is what was found when a farm paid its workers on a network of four validators, one of which was unplugged
// in the middle.
type Salaries struct {
	Unplugged      string // which one
	Paid           int    // salaries, each at another validator than the one before
	PauseSeconds   float64
	CatchUpSeconds float64
	Entries        uint64 // of each validator's log
	Root           txlog.Hash
}

// What is paid, and when the validator is unplugged: after so many of the salaries.
const (
	workers       = 12
	salary        = 250_000 * money.Tenge
	paidUntilGone = 5
	goneUntilBack = 10
)

// PaySalaries runs four validators as processes of this program, has salaries paid at each in turn, kills one (SIGKILL)
// in the middle, pays on at the others, and starts it again. say tells of it by the story's texts (scenario.Stage.Say).
// It fails where a payment that was answered is missing at a validator, or their logs differ.
func PaySalaries(ctx context.Context, say func(key string, pairs ...any)) (s Salaries, err error) {
	d, err := drill.New(ctx, func(string, ...any) {}, drill.Result{})
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(d.Dir)
	p := &clusterPlay{Drill: d}
	defer p.StopAll()
	say("validators-say-1")
	if err := p.begin(ctx); err != nil {
		return s, err
	}
	list, err := p.hire(ctx)
	if err != nil {
		return s, err
	}
	const victim = 2
	s.Unplugged = p.plans[victim].Name
	var gone time.Time
	for i, worker := range list {
		switch i {
		case paidUntilGone:
			say("validators-say-2", "validator", s.Unplugged, "paid", i, "all", len(list))
			// By SIGKILL: an orderly end would write what a power cut does not.
			_ = p.nodes[victim].Process.Kill()
			_ = p.nodes[victim].Wait()
			gone = time.Now()
		case goneUntilBack:
			say("validators-say-3")
			began := time.Now()
			if err := p.start(ctx, victim); err != nil {
				return s, err
			}
			if err := p.compare(ctx); err != nil {
				return s, err
			}
			s.CatchUpSeconds = time.Since(began).Seconds()
		}
		at := i % len(p.nodes)
		if at == victim && !gone.IsZero() && i < goneUntilBack {
			at = 0
		}
		if err := p.payTo(ctx, at, worker, salary); err != nil {
			return s, err
		}
		if i == paidUntilGone {
			s.PauseSeconds = time.Since(gone).Seconds()
		}
	}
	s.Paid = len(p.paid)
	if err := p.conclude(ctx); err != nil {
		return s, err
	}
	s.Entries, s.Root = p.genesis.Validators[0].Size, p.genesis.Validators[0].Root
	return s, nil
}

// hire gives workers wallets.
func (p *clusterPlay) hire(ctx context.Context) (list []token.WalletID, err error) {
	for i := range workers {
		receipt, err := p.clients[0].Register(ctx, wallet.NewWallet{Name: fmt.Sprintf("worker-%d", i+1),
			Registrar: p.bank, Tier: wallet.TierPerson})
		if err != nil {
			return nil, err
		}
		list = append(list, token.RegisteredID(receipt.ID))
	}
	// All validators have the wallets before one of them is asked to pay into one.
	return list, p.compare(ctx)
}
