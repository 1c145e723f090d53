// Package accounts keeps a pool's accounts and books at what its log says: what users are owed, which blocks are final,
// what may be paid, and why nobody is.
//
// It may import accounting (the pure rules), books, chain, commit, payout and sharelog. All state is under one lock;
// layout, which is taken before it, keeps a debt from being laid into a coinbase while the wallet is about to pay it.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/chain"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// Accounts follow the log: they are always what the log says up to a position.
//
// Locks in order: payments' own, layout, mu; feesMu by itself. mu is held while the books are written, layout while the
// log's writer is waited for: a disk that stands still keeps back new jobs and payments, and no share. The books are
// behind the log at most, never ahead of it: after a crash CatchUp books what is missing, each entry under its key
// once.
type Accounts struct {
	log     *txlog.Log
	network bitcoin.Network
	writer  *commit.Committer
	nodes   *chain.Nodes
	logger  *slog.Logger

	mean   atomic.Int64 // mean fees of the 144 blocks before the current one, satoshi
	feesMu sync.Mutex
	fees   feesOf
	meanAt bitcoin.Hash // tip that mean is of

	checkedAt bitcoin.Hash // tip at which all blocks were looked at; owned by follow

	mu    sync.Mutex
	state *accounting.State
	books *books.Books
	fault error // why nobody is paid, beside records that are refused (see reason)
	// frozen: the books know what the log does not, so nothing is entered until the log is back.
	frozen bool
	// outside is why nobody is paid for what the chain, the wallet or a mirror know and the log does not (see
	// Pool.reconcile).
	outside error
	// corrected is by what the accounts of earlier rules were changed at this start.
	corrected map[string]money.Satoshi
	// claimed are users whose debts the wallet is about to pay: no new coinbase does.
	claimed map[uint64]bool

	// layout is held from laying out a coinbase to queueing its job, and while a payment is chosen:
	// a debt is in a coinbase that is out or in the wallet's payment, never in both.
	layout sync.Mutex
	// issued is how many jobs the log has, or will have once what is queued is durable. Owned by who holds layout.
	issued uint64
}

// Options are what accounts work with.
type Options struct {
	Network bitcoin.Network
	Log     *txlog.Log
	Writer  *commit.Committer // of the log
	Nodes   *chain.Nodes
	Logger  *slog.Logger
	File    string // of the books; empty keeps them in memory
	// Prepared is what was read of the log, and held against the books, beforehand; nil: nothing.
	Prepared *Prepared
}

// Open opens the books, brings them up to the log's end and holds the two against each
// other. Where they differ the pool runs, and pays nobody (see Fault).
func Open(options Options) (*Accounts, error) {
	log, prepared := options.Log, options.Prepared
	opened, err := books.Open(options.File)
	if err != nil {
		return nil, err
	}
	a := &Accounts{
		log: log, network: options.Network, writer: options.Writer, nodes: options.Nodes, logger: options.Logger,
		state: accounting.New(), books: opened, claimed: map[uint64]bool{},
	}
	if prepared != nil {
		a.state = prepared.state
	}
	a.state.Recall = accounting.RecallFrom(log)
	ctx := context.Background()
	if err := a.adopt(ctx); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	if prepared != nil {
		if err := a.book(ctx, prepared.unbooked); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
	}
	if err := a.CatchUp(ctx); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	a.mean.Store(int64(a.state.MeanFees)) // until the node has been asked
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := &books.Snapshot{}
	if prepared != nil && a.corrected == nil { // else they have been written anew
		seen = prepared.books
	}
	if err := a.compareSince(ctx, seen); err != nil {
		a.freeze(err)
	}
	return a, nil
}

// Corrected is by what the accounts of earlier rules were changed at this start.
func (a *Accounts) Corrected() map[string]money.Satoshi { return a.corrected }

// stop stops payments; the first reason stays. The caller holds mu.
func (a *Accounts) stop(reason error) {
	if reason != nil && a.fault == nil {
		a.fault = &FaultError{reason}
	}
}

// freeze stops payments and the books. The caller holds mu.
func (a *Accounts) freeze(reason error) {
	a.frozen = true
	a.stop(reason)
}

// FaultError is why the pool pays nobody until somebody has looked.
type FaultError struct{ Reason error }

func (e *FaultError) Error() string     { return "payments are stopped: " + e.Reason.Error() }
func (e *FaultError) Unwrap() error     { return e.Reason }
func (e *FaultError) ErrorCode() string { return "payments-stopped" }

// Fault is why nobody is paid, nil when payments go on.
func (a *Accounts) Fault() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reason()
}

// Stopped is Fault, or what the log has lost as others know.
func (a *Accounts) Stopped() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopped()
}

// stopped is Stopped for who holds mu.
func (a *Accounts) stopped() error {
	if fault := a.reason(); fault != nil || a.outside == nil {
		return fault
	}
	return &FaultError{a.outside}
}

// reason is Fault for who holds mu.
func (a *Accounts) reason() error {
	if a.fault == nil && len(a.state.Refused) > 0 {
		return &FaultError{fmt.Errorf("%w; once you have looked at it, 'aqsha pool admin override %[2]d --reason "+
			"TEXT' has payments go on without it",
			a.state.Refused[0], a.state.Refused[0].Entry)}
	}
	return a.fault
}

// errNotRefused: an override must not be a licence for what comes later.
var errNotRefused = errors.New("first, last: the accounts understand every entry there, or the log is not so long yet")

// MaxReason bounds an override's reason, in bytes.
const MaxReason = 500

// Override goes on without entries of the log that the accounts refuse, first to last: the log says so, with the
// reason, before payments do.
func (a *Accounts) Override(ctx context.Context, first, last uint64, reason string) error {
	if reason == "" || len(reason) > MaxReason {
		return fmt.Errorf("reason: want 1 to %d bytes; the log publishes it", MaxReason)
	}
	if err := a.CatchUp(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	covers := slices.ContainsFunc(a.state.Refused, func(e *accounting.RecordError) bool {
		return first <= e.Entry &&
			e.Entry <= last
	})
	position := a.state.Position
	a.mu.Unlock()
	if !covers || last >= position {
		return errNotRefused
	}
	return a.RecordDurably(ctx, &sharelog.Override{TimeMillis: time.Now().UnixMilli(), First: first, Last: last,
		Reason: reason})
}

// bookEvery bounds the entries of one transaction of the books.
const bookEvery = 1000

// CatchUp applies what the log has beyond the position. A record that the accounts do not understand and an entry that
// the books have otherwise stop payments, not the pool. Anybody may call it; the records are applied once, in the log's
// order.
func (a *Accounts) CatchUp(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var entries []books.Entry
	for entry, err := range a.log.Entries(a.state.Position, a.log.Size()) {
		if err != nil {
			return err
		}
		more, _ := a.state.ApplyEntry(entry) // what it refuses, it keeps
		if entries = append(entries, more...); len(entries) >= bookEvery {
			if err := a.book(ctx, entries); err != nil {
				return err
			}
			entries = entries[:0]
		}
	}
	return a.book(ctx, entries)
}

// book writes entries of the log to the books. Where the books differ nothing more is written to them, so that they
// stay as they are to be looked at. The caller holds mu.
func (a *Accounts) book(ctx context.Context, entries []books.Entry) error {
	if len(entries) == 0 || a.frozen {
		return nil
	}
	err := a.books.Book(ctx, entries...)
	var differ *books.DifferError
	if errors.As(err, &differ) {
		a.freeze(fmt.Errorf("%w; %s", err, olderLog))
		return nil
	}
	return err
}

// Follow follows the log and the fate of the pool's blocks until ctx ends or the log cannot be read. current is the
// template that is worked on; nil: none yet.
func (a *Accounts) Follow(ctx context.Context, scheme string, current func() *bitcoin.Template) error {
	check := time.NewTicker(time.Second)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-check.C:
		}
		if err := a.CatchUp(ctx); err != nil {
			if ctx.Err() == nil {
				return fmt.Errorf("accounts: %w", err)
			}
			return nil
		}
		t := current()
		if len(a.nodes.All()) == 0 || t == nil {
			continue
		}
		a.checkBlocks(ctx, t)
		if scheme == payout.FPPS {
			if err := a.updateMeanFees(ctx, t); err != nil {
				a.logger.Warn("fees of the last blocks are not known", "error", err)
			}
		}
	}
}

// RecordDurably has a record in the log, and in the accounts. An error may come after the record is queued: it may be
// in the log all the same, and whoever called looks there before he tries again.
func (a *Accounts) RecordDurably(ctx context.Context, record sharelog.Record) error {
	a.writer.Record(record)
	if err := a.writer.Flush(ctx); err != nil {
		return err
	}
	return a.CatchUp(ctx)
}

// LayOut runs f, which lays a job's coinbases out and queues its record, while no payment is chosen.
func (a *Accounts) LayOut(f func() error) error {
	a.layout.Lock()
	defer a.layout.Unlock()
	err := f()
	if err == nil {
		a.issued++
	}
	return err
}

// ChangeTerms runs f, which queues a record of the scheme or the fee, while no coinbase is laid out.
func (a *Accounts) ChangeTerms(f func()) {
	a.layout.Lock()
	defer a.layout.Unlock()
	f()
}

// Position is how much of the log the accounts have taken in.
func (a *Accounts) Position() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Position
}

// jobWait bounds how long a new job waits for the last but one to be durable, which it is unless the disk stands still.
const jobWait = 5 * time.Second

// AwaitJobs sees to it that a coinbase counts at least what precedes the last job but one, by which an auditor
// judges its position (see checkPosition). The caller holds layout.
func (a *Accounts) AwaitJobs() error {
	if err := a.CatchUp(context.Background()); err != nil {
		return err
	}
	a.mu.Lock()
	logged := a.state.JobCount
	a.mu.Unlock()
	a.issued = max(a.issued, logged)
	if logged+1 >= a.issued {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), jobWait)
	defer cancel()
	return a.writer.Flush(ctx)
}

// Outputs of a coinbase beside their script: value and the script's length.
const outputOverhead = 9

// Split is what a template's reward and earlier debts give each user, as of the returned position. The result is
// ordered by user. The caller holds layout until the job's record is queued.
func (a *Accounts) Split(scheme string, feePPM uint64, t *bitcoin.Template,
	scriptOf func(uint64) []byte) (uint64, []payout.Owed, error) {
	if err := a.CatchUp(context.Background()); err != nil {
		return 0, nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	position := a.state.Position
	credits, err := a.state.History.Split(scheme, feePPM, payout.Reward{Total: t.CoinbaseValue, Target: t.Target,
		Position: position})
	if err != nil {
		return 0, nil, err
	}
	byUser := map[uint64]money.Satoshi{}
	for _, credit := range credits {
		byUser[credit.User] = credit.Amount
	}
	stopped := a.stopped() != nil
	debt := func(user uint64) money.Satoshi {
		if a.claimed[user] || stopped { // the wallet pays it, or it may have been paid
			return 0
		}
		return a.state.Debt(user)
	}
	for user := range a.state.Since {
		if debt(user) > 0 && byUser[user] == 0 {
			byUser[user] = 0
		}
	}
	var owed []payout.Owed
	for user, credit := range byUser {
		if user == 0 {
			continue
		}
		owed = append(owed, payout.Owed{User: user, Credit: credit, Debt: debt(user),
			Bytes: outputOverhead + len(scriptOf(user))})
	}
	slices.SortFunc(owed, func(x, y payout.Owed) int { return int(int64(x.User) - int64(y.User)) })
	return position, owed, nil
}

// LoggedFee is the fee that the log names last.
func (a *Accounts) LoggedFee() (ppm uint64, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Scheme.FeePPM, a.state.Scheme.Name != ""
}

// MeanFees is F: the mean fees of the blocks before the current one.
func (a *Accounts) MeanFees() money.Satoshi { return money.Satoshi(a.mean.Load()) }

// Close closes the books.
func (a *Accounts) Close() error { return a.books.Close() }
