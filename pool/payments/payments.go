// Package payments pays users from a node's wallet, looks after each payment until the chain has decided it, and holds
// the log against the chain and the wallet before.
//
// It may import accounts, chain, commit, outbox, reconcile and sharelog. One payment is made at a time; a crash at any
// step sends the same transaction again or none.
package payments

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/chain"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/outbox"
	"github.com/aqsha/aqsha/pool/reconcile"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Payments pay users from a node's wallet, and look after what was paid until the chain has decided.
//
// mu is held while nodes and the wallet are asked, for minutes perhaps: what must answer at once (PayoutsPaused) does
// not take it. It is taken before the accounts' locks.
type Payments struct {
	accounts *accounts.Accounts
	writer   *commit.Committer // of the log
	log      *txlog.Log
	nodes    *chain.Nodes
	wallet   *wallet.Wallet
	tagger   *reconcile.Tagger // nil: nothing is marked
	outbox   outbox.Outbox
	scriptOf func(user uint64) []byte
	byScript func() map[string]uint64
	logger   *slog.Logger

	mu       sync.Mutex           // one payment at a time
	sighted  map[uint64]*sighting // of open payments; owned by who holds mu
	movedAt  bitcoin.Hash         // tip at which settled payments were looked after; owned like sighted
	movedErr error                // and what was found amiss
	outside  outside              // owned like sighted

	options atomic.Pointer[PayOptions] // of the last payment
}

// Options are what payments work with.
type Options struct {
	Accounts *accounts.Accounts
	Writer   *commit.Committer
	Log      *txlog.Log
	Nodes    *chain.Nodes
	Wallet   *wallet.Wallet    // nil: nobody is paid by it
	Tagger   *reconcile.Tagger // nil: what is sent is not marked
	Dir      string            // keeps signed payments; Pay needs it
	// ScriptOf is a user's output script, ByScript the users by theirs.
	ScriptOf func(user uint64) []byte
	ByScript func() map[string]uint64
	// Mirror gives the newest checkpoint that somebody has copied of the log. May be nil.
	Mirror func(context.Context) (txlog.Checkpoint, error)
	Logger *slog.Logger
}

// New holds the log against chain and wallet from now on. Called before anybody is served.
func New(o Options) *Payments {
	p := &Payments{
		accounts: o.Accounts, writer: o.Writer, log: o.Log, nodes: o.Nodes, wallet: o.Wallet, tagger: o.Tagger,
		outbox:   outbox.Outbox{Dir: o.Dir},
		scriptOf: o.ScriptOf, byScript: o.ByScript, logger: o.Logger,
		sighted: map[uint64]*sighting{}, outside: outside{started: time.Now(), mirror: o.Mirror},
	}
	if p.wallet != nil && p.tagger != nil {
		p.wallet.Tagging(p.tagger.Sequence)
	}
	p.begin()
	return p
}

// ErrPaused means that the operator has paused payouts.
var ErrPaused = errors.New("payouts are paused")

// pausedFile stands beside the payments' directory while payouts are paused: a restart does not pay.
func (p *Payments) pausedFile() string { return p.outbox.Dir + ".paused" }

// PausePayouts stops or resumes payments from the wallet. A payment that has been signed is finished.
func (p *Payments) PausePayouts(pause bool) error {
	if p.outbox.Dir == "" {
		return errors.New("payouts: this pool keeps no payments")
	}
	if !pause {
		err := os.Remove(p.pausedFile())
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	}
	return durable.Replace(vfs.OS, p.pausedFile(), []byte("payouts are paused: aqsha pool admin payouts resume\n"))
}

// PayoutsPaused says whether payments are stopped.
func (p *Payments) PayoutsPaused() bool {
	if p.outbox.Dir == "" {
		return false
	}
	_, err := os.Stat(p.pausedFile())
	return err == nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
