package pool

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// Accounts follow the log: they are always what the log says up to a position.
type Accounts struct {
	log    *txlog.Log
	mean   atomic.Int64 // mean fees of the 144 blocks before the current one, satoshi
	feesMu sync.Mutex
	fees   feesOf
	meanAt bitcoin.Hash // tip that mean is of

	checkedAt bitcoin.Hash // tip at which all blocks were looked at; owned by run

	mu    sync.Mutex
	state *accounting.State
	books *books.Books
	fault error // why nobody is paid, beside records that are refused (see reason)
	// frozen: the books know what the log does not, so nothing is entered until the log is back.
	frozen bool
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

// OpenAccounts opens the books, brings them up to the log's end and holds the two against each
// other. Where they differ the pool runs, and pays nobody (see Fault).
func OpenAccounts(log *txlog.Log, file string) (*Accounts, error) {
	return openAccounts(log, file, nil)
}

// openAccounts is OpenAccounts for a log of which some may have been read, and held against the books, beforehand.
func openAccounts(log *txlog.Log, file string, prepared *Prepared) (*Accounts, error) {
	opened, err := books.Open(file)
	if err != nil {
		return nil, err
	}
	a := &Accounts{log: log, state: accounting.New(), books: opened, claimed: map[uint64]bool{}}
	if prepared != nil {
		a.state = prepared.state
	}
	a.state.Recall = recallFrom(log)
	ctx := context.Background()
	if err := a.adopt(ctx); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	if prepared != nil {
		if err := a.book(ctx, prepared.unbooked); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
	}
	if err := a.catchUp(ctx); err != nil {
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

// recallStep is how many entries are read at a time when a job is looked for backwards.
const recallStep = 4096

// recallFrom looks jobs up in a log, backwards from before an entry: the newest of the number.
func recallFrom(log interface {
	Entries(from, to uint64) iter.Seq2[[]byte, error]
}) func(number, before uint64) (*sharelog.Job, uint64, error) {
	return func(number, before uint64) (found *sharelog.Job, index uint64, err error) {
		for to := before; to > 0 && found == nil; to -= min(to, recallStep) {
			at := to - min(to, recallStep)
			for entry, err := range log.Entries(at, to) {
				if err != nil {
					return nil, 0, err
				}
				if !sharelog.IsShare(entry) {
					if record, err := sharelog.Decode(entry); err == nil {
						if j, ok := record.(*sharelog.Job); ok && j.Number == number {
							found, index = j, at
						}
					}
				}
				at++
			}
		}
		return found, index, nil
	}
}

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

// reason is Fault for who holds mu.
func (a *Accounts) reason() error {
	if a.fault == nil && len(a.state.Refused) > 0 {
		return &FaultError{fmt.Errorf("%w; once you have looked at it, 'aqsha pool admin override %[2]d --reason TEXT' has payments go on without it",
			a.state.Refused[0], a.state.Refused[0].Entry)}
	}
	return a.fault
}

// errNotRefused: an override must not be a licence for what comes later.
var errNotRefused = errors.New("first, last: the accounts understand every entry there, or the log is not so long yet")

// maxReason bounds an override's reason, in bytes.
const maxReason = 500

// Override goes on without entries of the log that the accounts refuse, first to last: the log says so, with the reason,
// before payments do.
func (p *Pool) Override(ctx context.Context, first, last uint64, reason string) error {
	if reason == "" || len(reason) > maxReason {
		return fmt.Errorf("reason: want 1 to %d bytes; the log publishes it", maxReason)
	}
	a := p.accounts
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	covers := slices.ContainsFunc(a.state.Refused, func(e *accounting.RecordError) bool { return first <= e.Entry && e.Entry <= last })
	position := a.state.Position
	a.mu.Unlock()
	if !covers || last >= position {
		return errNotRefused
	}
	return p.recordDurably(ctx, &sharelog.Override{TimeMillis: time.Now().UnixMilli(), First: first, Last: last, Reason: reason})
}

// bookEvery bounds the entries of one transaction of the books.
const bookEvery = 1000

// catchUp applies what the log has beyond the position. A record that the accounts do not understand
// and an entry that the books have otherwise stop payments, not the pool.
func (a *Accounts) catchUp(ctx context.Context) error {
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

// run follows the log and the fate of the pool's blocks.
func (a *Accounts) run(ctx context.Context, p *Pool) {
	check := time.NewTicker(time.Second)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-check.C:
		}
		if err := a.catchUp(ctx); err != nil {
			if ctx.Err() == nil {
				p.fail(fmt.Errorf("accounts: %w", err))
			}
			return
		}
		if len(p.nodes) > 0 {
			a.checkBlocks(ctx, p)
			if current := p.current.Load(); current != nil && p.config.Scheme == payout.FPPS {
				if err := a.updateMeanFees(ctx, p, current.template); err != nil {
					p.logger.Warn("fees of the last blocks are not known", "error", err)
				}
			}
		}
	}
}

// orphanPatience keeps a block that the node does not have on its best chain from being called an
// orphan while it is still being submitted.
const orphanPatience = 3 * time.Second

// checkBlocks asks the node, at each new tip, about blocks that are not final, and logs what has
// changed. An orphan may return to the best chain, so it is watched as long as the others.
func (a *Accounts) checkBlocks(ctx context.Context, p *Pool) {
	current := p.current.Load()
	if current == nil || current.template.Previous == a.checkedAt {
		return
	}
	tip := int64(current.template.Height) - 1
	open, young := a.openBlocks(tip)
	hashes := make([]bitcoin.Hash, len(open))
	queries := make([]bitcoin.Query, len(open))
	for i, b := range open {
		queries[i] = bitcoin.Query{Method: "getblockhash", Params: []any{b.Height}, Result: &hashes[i]}
	}
	if _, err := p.askChain(ctx, current.template, queries); err != nil {
		return // the next second asks again
	}
	for i, b := range open {
		if queries[i].Err != nil {
			young = true // above the tip of a node that lags, or the chain has become shorter
			continue
		}
		onChain, depth := hashes[i] == b.Hash, tip-int64(b.Height)+1
		status := uint64(0)
		switch {
		case !onChain && b.Status != sharelog.StatusOrphaned:
			status = sharelog.StatusOrphaned
		case onChain && b.Status == sharelog.StatusOrphaned:
			status = sharelog.StatusRestored
		case onChain && depth > accounting.FinalConfirmations && b.Status == 0:
			status = sharelog.StatusConfirmed
		default:
			continue
		}
		p.logger.Info("block", "hash", b.Hash, "height", b.Height, "status", [...]string{"", "final", "orphaned", "restored"}[status])
		p.committer.record(&sharelog.Status{TimeMillis: time.Now().UnixMilli(), Hash: b.Hash, Status: status})
	}
	// What was just logged is applied before the next look, or would be logged twice.
	durable := make(chan struct{})
	p.committer.then(func() { close(durable) })
	select {
	case <-durable:
	case <-ctx.Done():
		return
	}
	if !young {
		a.checkedAt = current.template.Previous
	}
}

// openBlocks are those that are not final, up to a height, and whether some are so young that they
// may still be on their way to the node.
func (a *Accounts) openBlocks(tip int64) (open []accounting.Block, young bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.state.Blocks {
		switch {
		case b.Status == sharelog.StatusConfirmed:
		case b.Status == sharelog.StatusOrphaned && tip > int64(b.Height)+2*accounting.FinalConfirmations: // for good, see buried
		case int64(b.Height) > tip || time.Since(time.UnixMilli(b.Entry.TimeMillis)) < orphanPatience:
			young = true
		default:
			open = append(open, *b)
		}
	}
	return open, young
}

// Position is how much of the log the accounts have taken in.
func (a *Accounts) Position() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Position
}

// jobWait bounds how long a new job waits for the last but one to be durable, which it is unless the disk stands still.
const jobWait = 5 * time.Second

// awaitJobs sees to it that a coinbase counts at least what precedes the last job but one, by which an auditor
// judges its position (see checkPosition). The caller holds layout.
func (a *Accounts) awaitJobs(p *Pool) error {
	if err := a.catchUp(context.Background()); err != nil {
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
	return p.flush(ctx)
}

// Outputs of a coinbase beside their script: value and the script's length.
const outputOverhead = 9

// owed is what a template's reward and earlier debts give each user, as of the returned position.
func (a *Accounts) owed(c Config, t *bitcoin.Template, scriptOf func(uint64) []byte) (uint64, []payout.Owed, error) {
	if err := a.catchUp(context.Background()); err != nil {
		return 0, nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	position := a.state.Position
	credits, err := a.state.History.Split(c.Scheme, c.FeePPM, payout.Reward{Total: t.CoinbaseValue, Target: t.Target, Position: position})
	if err != nil {
		return 0, nil, err
	}
	byUser := map[uint64]money.Satoshi{}
	for _, credit := range credits {
		byUser[credit.User] = credit.Amount
	}
	debt := func(user uint64) money.Satoshi {
		if a.claimed[user] {
			return 0 // the wallet pays it
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
		owed = append(owed, payout.Owed{User: user, Credit: credit, Debt: debt(user), Bytes: outputOverhead + len(scriptOf(user))})
	}
	slices.SortFunc(owed, func(x, y payout.Owed) int { return int(int64(x.User) - int64(y.User)) })
	return position, owed, nil
}

// loggedFee is the fee that the log names last.
func (a *Accounts) loggedFee() (ppm uint64, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Scheme.FeePPM, a.state.Scheme.Name != ""
}

func (a *Accounts) meanFees() money.Satoshi { return money.Satoshi(a.mean.Load()) }

// Close closes the books.
func (a *Accounts) Close() error { return a.books.Close() }

// olderLog is what an operator does when the books know more than the log.
const olderLog = "the log in this directory is older than the books, as after a backup was put back: " +
	"stop the pool, bring back the newest copy of the log (DIR/shares) and start again; until then nobody is paid, " +
	"because what the missing entries paid would be paid twice"

// compare holds the books against the log: every entry balances, none is in the books that the log
// does not give, and every account has what the log says. The caller holds mu.
func (a *Accounts) compare(ctx context.Context) error { return a.compareSince(ctx, &books.Snapshot{}) }

// compareSince is compare for books of which a part was seen before: what came after is read.
func (a *Accounts) compareSince(ctx context.Context, before *books.Snapshot) error {
	now, err := a.books.Since(ctx, before)
	if err != nil {
		return err
	}
	if now.Entries > a.state.Entries {
		extra, err := a.unknownEntry(ctx)
		if err != nil {
			return err
		}
		return fmt.Errorf("the books have %q of %s, which the log does not give; %s", extra.Key, time.UnixMilli(extra.TimeMillis).UTC().Format(time.RFC3339), olderLog)
	}
	booked := now.Balances
	for account, amount := range a.state.Balance {
		if booked[account] != amount {
			return fmt.Errorf("books have %d satoshi on %s, the log gives %d", booked[account], account, amount)
		}
	}
	for account, amount := range booked {
		if a.state.Balance[account] != amount {
			return fmt.Errorf("books have %d satoshi on %s, which the log does not give", amount, account)
		}
	}
	return nil
}

// unknownEntry is the newest entry of the books that the log does not give, as of the log's applied part.
func (a *Accounts) unknownEntry(ctx context.Context) (*books.Entry, error) {
	state, given := accounting.New(), map[string]bool{}
	state.Recall = a.state.Recall
	for entry, err := range a.log.Entries(0, a.state.Position) {
		if err != nil {
			return nil, err
		}
		entries, _ := state.ApplyEntry(entry) // what it does not understand is a fault of its own
		for _, e := range entries {
			given[e.Key] = true
		}
	}
	return a.books.NewestBut(ctx, given)
}

// Audit checks that the books sum to zero, entry by entry, and say what the log says.
func (p *Pool) Audit(ctx context.Context) error {
	a := p.accounts
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if fault := a.reason(); fault != nil {
		return fault
	}
	return a.compare(ctx)
}
