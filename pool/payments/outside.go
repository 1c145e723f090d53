package payments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/reconcile"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// Log and books go back together when a pool's whole directory is put back from a backup, so that holding them against
// each other shows nothing. The chain, the wallet and who has copied the log have not gone back: before each payment,
// and from the start on, they are asked what of the pool's they have that the log has not. Until they have answered,
// nobody is paid, by the wallet or, of older debts, by a coinbase.

// outside is what is known of the log's gaps. Owned by who holds Payments.mu. found is the last round's; the cursor in
// it is what the log names, which the reconciler's follows.
type outside struct {
	started    time.Time
	reconciler *reconcile.Reconciler
	cursor     reconcile.Cursor
	found      []reconcile.Found
	mirror     func(context.Context) (txlog.Checkpoint, error)
	mirrored   bool // the mirror has answered since the start
}

// cursorEvery is after how many blocks the log says anew up to where it was reconciled.
const cursorEvery = 6

// begin sees to it that the log names a cursor before it gets anything else, so that no later start looks from further
// on. Called before anybody is served.
func (p *Payments) begin() {
	if from := p.accounts.ReconciledFrom(len(p.nodes.All()) > 0); from != nil {
		p.outside.begin(p.tagger, reconcile.Cursor{Height: from.Height, Time: time.UnixMilli(from.TimeMillis)})
	}
}

func (o *outside) begin(tagger *reconcile.Tagger, cursor reconcile.Cursor) {
	o.cursor, o.reconciler = cursor, reconcile.New(tagger, cursor, o.started)
}

// logView is what the log knows, for the reconciler.
type logView struct {
	*accounts.Accounts
	users map[string]uint64
}

// IsUser says whether a script is a user's of the pool, as the log knew them when the view was made.
func (l *logView) IsUser(script []byte) bool { return l.users[string(script)] != 0 }

// reconcile asks chain, wallet and mirror what the log has lost; a *FaultError says what. The caller holds p.mu. An
// error of another kind means that somebody could not be asked, and so that nobody is paid either.
func (p *Payments) reconcile(ctx context.Context) error {
	if len(p.nodes.All()) == 0 {
		return nil
	}
	if err := p.writer.Flush(ctx); err != nil { // a job is in the log before a block of it is called unknown
		return err
	}
	if err := p.accounts.CatchUp(ctx); err != nil {
		return err
	}
	missing, err := p.queryMirror(ctx)
	if err != nil {
		return err
	}
	if missing == nil {
		if missing, err = p.queryChainAndWallet(ctx); err != nil {
			return err
		}
	}
	before, fault := p.accounts.SetOutside(missing)
	if missing != nil && (before == nil || before.Error() != missing.Error()) {
		p.logger.Error("ALARM: nobody is paid", "reason", missing)
	} else if missing == nil && before != nil {
		p.logger.Info("the log knows again what the chain and the wallet know")
	}
	if missing == nil {
		return nil
	}
	return fault
}

// queryChainAndWallet is a round of the reconciler.
func (p *Payments) queryChainAndWallet(ctx context.Context) (missing, err error) {
	o := &p.outside
	if o.reconciler == nil { // nothing was in the log at the start, so nothing can be missing
		height, _, err := p.nodes.Tip(ctx)
		if err != nil {
			return nil, err
		}
		o.begin(p.tagger, reconcile.Cursor{Height: height, Time: o.started})
		return nil, p.accounts.RecordDurably(ctx, &sharelog.Reconciled{TimeMillis: o.started.UnixMilli(),
			Height: height})
	}
	open, err := p.spentCoins()
	if err != nil {
		return nil, err
	}
	var payer *wallet.Wallet
	if p.options.Load() != nil { // else the wallet is not the pool's
		payer = p.wallet
	}
	var tip reconcile.Cursor
	view := &logView{p.accounts, p.byScript()}
	if err := p.nodes.Each(func(node *bitcoin.Client) error {
		o.found, tip, err = o.reconciler.Round(ctx, node, payer, view, open)
		return err
	}); err != nil {
		return nil, err
	}
	if len(o.found) > 0 {
		return errors.New(missingText(o.found)), nil
	}
	if tip.Height < o.cursor.Height+cursorEvery {
		return nil, nil
	}
	if payer == nil && p.wallet != nil && p.accounts.NextPaymentNumber() > 1 {
		return nil, nil // a wallet that has paid and was not asked may know more: it is asked from the old cursor on
	}
	o.cursor = tip
	o.reconciler.Advance(tip)
	return nil, p.accounts.RecordDurably(ctx, &sharelog.Reconciled{TimeMillis: tip.Time.UnixMilli(),
		Height: tip.Height})
}

// olderDirectory is what an operator does when others know more than the directory.
const olderDirectory = "the pool's directory is older than that, as after a backup was put back, and would pay again " +
	"what it has paid since: " +
	"stop the pool and put the newest copy of the whole directory back, or make the log whole from a copy of it " +
	"('aqsha pool restore'); " +
	"if there is none, 'aqsha pool admin recover' enters them from the chain"

// maxNamed bounds the transactions that a message names.
const maxNamed = 3

func missingText(found []reconcile.Found) string {
	var b strings.Builder
	for i, f := range found {
		if i == maxNamed {
			fmt.Fprintf(&b, " and %d more", len(found)-maxNamed)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		what, where := "payment", ""
		if f.Coinbase {
			what = "coinbase"
		} else if f.Unmarked {
			what = "the wallet's transaction"
		}
		if f.Block != (bitcoin.Hash{}) {
			where = fmt.Sprintf(" in block %d", f.Height)
		}
		fmt.Fprintf(&b, "%s %s of %s%s", what, f.ID, f.Time.UTC().Format(time.RFC3339), where)
	}
	return fmt.Sprintf("the log does not know %s; %s", b.String(), olderDirectory)
}

// queryMirror holds the log against the newest copy of it. A mirror that does not answer stops payments until it has
// done so once.
func (p *Payments) queryMirror(ctx context.Context) (missing, err error) {
	o := &p.outside
	if o.mirror == nil {
		return nil, nil
	}
	c, err := o.mirror(ctx)
	if err != nil {
		if err = fmt.Errorf("the mirror of the log: %w", err); !o.mirrored {
			return nil, err
		}
		p.logger.Warn("no answer", "error", err)
		return nil, nil
	}
	o.mirrored = true
	if c.Size > p.log.Size() {
		return fmt.Errorf("the mirror has %d entries of the log, which has %d; %s", c.Size, p.log.Size(),
			olderDirectory), nil
	}
	root, err := p.log.Root(c.Size)
	if err != nil {
		return nil, err
	}
	if root != c.Root {
		return fmt.Errorf("the mirror has the root %s of the first %d entries of the log, which is %s here: the log "+
			"was continued twice; %s", c.Root, c.Size, root, olderDirectory), nil
	}
	return nil, nil
}
