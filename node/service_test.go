package node_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// split gives alice n tokens of an equal amount instead of what she has.
func (w *town) split(n int) {
	w.t.Helper()
	var inputs []token.ID
	var total money.Tiyn
	w.view(func(s *livestate.State) {
		for _, live := range s.TokensOf(w.alice, 64) {
			inputs, total = append(inputs, live.ID), total+live.Amount
		}
	})
	body := &token.Transfer{Parties: []token.WalletID{w.alice}, Payers: 1, Inputs: inputs}
	for i := range n {
		amount := total / money.Tiyn(n)
		if i == n-1 {
			amount = total - money.Tiyn(n-1)*amount
		}
		body.Outputs = append(body.Outputs, token.Output{Amount: amount})
	}
	w.submit(w.world.SignFor(w.model(), body, soon()))
}

func (w *town) view(read func(s *livestate.State)) {
	w.t.Helper()
	if err := w.node.View(context.Background(), func(s *livestate.State, _ node.Head) { read(s) }); err != nil {
		w.t.Fatal(err)
	}
}

// model is what SignFor needs to know of alice and bob.
func (w *town) model() ledger.Reader {
	m := ledger.NewModel()
	w.view(func(s *livestate.State) {
		for _, id := range []token.WalletID{w.alice, w.bob, w.bank} {
			m.Wallets[id], _ = s.Wallet(id)
		}
		m.Intermediaries[w.bank], _ = s.Intermediary(w.bank)
	})
	return m
}

// raise puts alice and bob into the tier without limits.
func (w *town) raise() {
	for _, id := range []token.WalletID{w.alice, w.bob} {
		w.submit(w.world.SignFor(w.model(), &token.Update{Wallet: id, Version: 1, Tier: 2}, soon()))
	}
}

func TestTwoHundredPayersFromFiveTokens(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(5)
	const payers = 200
	var failed atomic.Int64
	var all sync.WaitGroup
	for range payers {
		all.Go(func() {
			if _, err := w.pay(100 * money.Tenge); err != nil {
				failed.Add(1)
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, want := w.balance(w.bob), payers*100*money.Tenge; got != want {
		t.Errorf("bob has %s, want %s", got, want)
	}
	// Of more than there is, some say so, and they alone.
	_, err := w.pay(100_000 * money.Tenge)
	var refusal *token.Error
	if !errors.As(err, &refusal) || refusal.Code != node.Insufficient {
		t.Errorf("too much: %v", err)
	}
}

func TestTheSameTransactionConcurrently(t *testing.T) {
	w := newTown(t)
	selection, err := w.node.Select(context.Background(), w.alice, 500)
	if err != nil {
		t.Fatal(err)
	}
	tx := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 500, []token.ID{selection.Tokens[0].ID}, selection.Total, soon())
	receipts := make([]node.Receipt, 40)
	var all sync.WaitGroup
	for i := range receipts {
		all.Go(func() {
			var err error
			if receipts[i], err = w.node.Submit(context.Background(), tx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, r := range receipts {
		if r != receipts[0] || r.ID != tx.ID() {
			t.Errorf("receipts differ: %+v and %+v", receipts[0], r)
		}
	}
	if w.balance(w.bob) != 500 {
		t.Errorf("bob has %s", w.balance(w.bob))
	}
	// The same body under a signature that is not valid is no proof of anything, but it was executed.
	if r := w.submit(tx); r != receipts[0] {
		t.Error("a later answer differs")
	}
}

func TestRekeyRacingAFloodOfPayments(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(64)
	var payments []*token.Transaction
	w.view(func(s *livestate.State) {
		for _, live := range s.TokensOf(w.alice, 64) {
			payments = append(payments, w.world.Pay(w.alice, w.world.Key("alice"), w.bob, live.Amount, []token.ID{live.ID}, live.Amount, soon()))
		}
	})
	rekey := w.world.SignFor(w.model(), &token.Rekey{Wallet: w.alice, Version: 2, By: token.RoleWallet, Key: w.world.Key("alice 2").Public()}, soon())
	heights := make([]node.Receipt, len(payments))
	errs := make([]error, len(payments))
	var all sync.WaitGroup
	var changed node.Receipt
	for i, tx := range payments {
		all.Go(func() { heights[i], errs[i] = w.node.Submit(context.Background(), tx) })
		if i == len(payments)/2 {
			all.Go(func() {
				var err error
				if changed, err = w.node.Submit(context.Background(), rekey); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	before := 0
	for i, err := range errs {
		var refusal *token.Error
		switch {
		case err == nil && heights[i].Index > changed.Index:
			t.Errorf("entry %d was signed by the key that entry %d replaced", heights[i].Index, changed.Index)
		case err == nil:
			before++
		case !errors.As(err, &refusal) || refusal.Code != ledger.BadSignature:
			t.Errorf("payment %d: %v", i, err)
		}
	}
	t.Logf("%d of %d payments came before the new key", before, len(payments))
	w.verify()
}

// verify replays the whole log from nothing against its checkpoint.
func (w *town) verify() {
	w.t.Helper()
	checkpoint, _ := w.node.Log().Checkpoint()
	entries := func(size uint64) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for i := range size {
				if entry, err := w.node.Log().Entry(i); !yield(entry, err) {
					return
				}
			}
		}
	}
	report, _, err := node.Verify(context.Background(), node.Evidence{Checkpoint: checkpoint, Entries: entries, Network: w.world.Network}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var live, circulating money.Tiyn
	w.view(func(s *livestate.State) { live, circulating = s.LiveTotal(), s.Authority().Circulating() })
	if report.Circulating != live || live != circulating {
		w.t.Errorf("supply: derived %s, live %s, issued less redeemed %s", report.Circulating, live, circulating)
	}
}

func TestClosingWhileSubmitting(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(60)
	var ids []token.ID
	var amounts []money.Tiyn
	w.view(func(s *livestate.State) {
		for _, live := range s.TokensOf(w.alice, 64) {
			ids, amounts = append(ids, live.ID), append(amounts, live.Amount)
		}
	})
	var answered sync.Map
	var all sync.WaitGroup
	for i := range ids {
		tx := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, amounts[i], ids[i:i+1], amounts[i], soon())
		all.Go(func() {
			receipt, err := w.node.Submit(context.Background(), tx)
			var refusal *token.Error
			switch {
			case err == nil:
				answered.Store(receipt.Index, tx.ID())
			case !errors.As(err, &refusal) || refusal.Code != node.Stopped:
				t.Errorf("while closing: %v", err)
			}
		})
		if i == len(ids)/2 {
			all.Go(func() {
				if err := w.node.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if err := w.node.Close(); err != nil {
		t.Error("closing again:", err)
	}
	w.open()
	n := 0
	answered.Range(func(index, id any) bool {
		n++
		if e, _, err := w.node.Entry(index.(uint64)); err != nil || e.Transaction == nil || e.Transaction.ID() != id {
			t.Errorf("entry %d was answered and is not there: %v", index, err)
		}
		return true
	})
	t.Logf("%d of %d were answered before the node closed", n, len(ids))
	w.verify()
}

func TestOverloadIsSaidAndWhatWasTakenIsAnswered(t *testing.T) {
	w := newTown(t)
	w.raise()
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	w.queue = 4
	w.open()
	const clients = 300
	var executed, refused, overloaded atomic.Int64
	var all sync.WaitGroup
	for i := range clients {
		tx := w.world.SignFor(w.model(), &token.Update{Wallet: w.alice, Version: 2, Tier: 2, Attributes: token.Attributes{Category: uint16(i)}}, soon())
		all.Go(func() {
			_, err := w.node.Submit(context.Background(), tx)
			var refusal *token.Error
			switch {
			case err == nil:
				executed.Add(1)
			case errors.As(err, &refusal) && refusal.Code == ledger.StaleVersion:
				refused.Add(1)
			case errors.As(err, &refusal) && refusal.Code == node.Overloaded:
				overloaded.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if executed.Load() != 1 || executed.Load()+refused.Load()+overloaded.Load() != clients {
		t.Errorf("%d executed, %d refused, %d turned away of %d", executed.Load(), refused.Load(), overloaded.Load(), clients)
	}
	if got := w.node.Counts().Overloaded; got != uint64(overloaded.Load()) {
		t.Errorf("counted %d, turned away %d", got, overloaded.Load())
	}
	t.Logf("%d turned away", overloaded.Load())
}

func TestForgeriesAreRefusedAndNewKeysAreNotTakenForThem(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(2)
	var live []livestate.LiveToken
	w.view(func(s *livestate.State) { live = s.TokensOf(w.alice, 2) })
	until := soon()
	pay := func(key string, i int) *token.Transaction {
		until++ // another body, and id, each time
		return w.world.Pay(w.alice, w.world.Key(key), w.bob, live[i].Amount, []token.ID{live[i].ID}, live[i].Amount, until)
	}
	rekey := w.world.SignFor(w.model(), &token.Rekey{Wallet: w.alice, Version: 2, By: token.RoleWallet, Key: w.world.Key("alice 2").Public()}, soon())
	// In one request: a forgery, a payment by the old key, the new key, payments by the old and by the new key.
	// All are verified before any is executed, when the new key is still nobody's.
	_, errs := w.node.SubmitAll(context.Background(), []*token.Transaction{pay("thief", 0), pay("alice", 0), rekey, pay("alice", 1), pay("alice 2", 1)})
	for i, want := range []token.Code{ledger.BadSignature, "", "", ledger.BadSignature, ""} {
		var refusal *token.Error
		if (errs[i] == nil) != (want == "") || (errs[i] != nil && (!errors.As(errs[i], &refusal) || refusal.Code != want)) {
			t.Errorf("transaction %d: %v, want %q", i, errs[i], want)
		}
	}
	w.verify()
}
