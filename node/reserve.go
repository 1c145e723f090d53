package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Selection is tokens set aside for one payment.
type Selection struct {
	Tokens []livestate.LiveToken `json:"tokens"`
	Total  money.Tiyn            `json:"total"`
	// Merge means that the amount needs more tokens than one transaction may spend: spend these
	// to the wallet itself first, and ask again.
	Merge bool `json:"merge"`
	// UntilMillis is when the tokens are free again if they are not spent.
	UntilMillis uint64 `json:"until_millis"`
}

// holdMillis is how long tokens are set aside for a payer who says nothing more.
const holdMillis = 30_000

// A wallet with more free tokens than this is consolidated: each payment gathers a few extra.
const (
	fragmentedOver = 16
	gatherExtra    = 8
)

// selectMost bounds how many of a wallet's tokens are looked at for one selection.
const selectMost = 4096

// reservations keeps tokens that are being spent out of other payments' way, for all processes that
// pay from a wallet through this node. It is only a courtesy between payers: the ledger's rules
// refuse a double spend whoever chose the tokens.
type reservations struct {
	node *Node

	mu      sync.Mutex
	held    map[token.ID]uint64 // until when, ms
	sweepAt int                 // forget what has run out when so many are held
	queues  map[token.WalletID]*queue
}

// queue is a wallet's turn: a channel of capacity one, taken by the payer who chooses.
type queue struct {
	turn  chan struct{}
	users int // the chooser and who waits; the last one removes the queue
}

const leastSweep = 10_000

func newReservations(n *Node) *reservations {
	return &reservations{node: n, held: map[token.ID]uint64{}, sweepAt: leastSweep, queues: map[token.WalletID]*queue{}}
}

// enter joins a wallet's queue; leave with leave.
func (r *reservations) enter(wallet token.WalletID) *queue {
	r.mu.Lock()
	defer r.mu.Unlock()
	q, ok := r.queues[wallet]
	if !ok {
		q = &queue{turn: make(chan struct{}, 1)}
		r.queues[wallet] = q
	}
	q.users++
	return q
}

func (r *reservations) leave(wallet token.WalletID, q *queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(r.queues, wallet)
	}
}

// Select sets plain tokens aside for a payment of an amount. When enough tokens exist but others are
// paying with them, it waits for their change until ctx ends; it says that funds are insufficient
// only when all of the wallet's live tokens together are less than the amount.
func (n *Node) Select(ctx context.Context, wallet token.WalletID, amount money.Tiyn) (Selection, error) {
	return n.SelectOf(ctx, wallet, token.PlainTenge, amount)
}

// SelectOf is Select for tokens of an asset: marked tenge.
func (n *Node) SelectOf(ctx context.Context, wallet token.WalletID, asset token.Asset, amount money.Tiyn) (Selection, error) {
	if amount <= 0 {
		return Selection{}, refuse(token.AmountZero, "amount", "an amount is positive")
	}
	q := n.reserved.enter(wallet)
	defer n.reserved.leave(wallet, q)
	select {
	case q.turn <- struct{}{}:
	case <-ctx.Done():
		return Selection{}, refuse(TokensBusy, "wallet", "others are paying from this wallet")
	}
	defer func() { <-q.turn }()
	retry := time.NewTicker(100 * time.Millisecond) // for tokens whose payer went away
	defer retry.Stop()
	for {
		grown := n.grown.wait()
		selection, err := n.trySelect(ctx, wallet, asset, amount)
		if err != nil || len(selection.Tokens) > 0 {
			return selection, err
		}
		select {
		case <-grown:
		case <-retry.C:
		case <-ctx.Done():
			return Selection{}, refuse(TokensBusy, "wallet", "others are paying with this wallet's tokens")
		case <-n.stop:
			return Selection{}, refuse(Stopped, "", "the node is shutting down")
		}
	}
}

// trySelect chooses among the tokens that are free now; an empty selection means to wait.
func (n *Node) trySelect(ctx context.Context, wallet token.WalletID, asset token.Asset, amount money.Tiyn) (Selection, error) {
	var tokens []livestate.LiveToken
	var balance money.Tiyn
	var mostInputs int
	known := false
	err := n.View(ctx, func(state *livestate.State, _ Head) {
		w, ok := state.Wallet(wallet)
		balance, known = w.Balance, ok
		tokens = state.TokensOf(wallet, selectMost)
		mostInputs = state.Authority().Policy.MostInputs
	})
	all := len(tokens) < selectMost
	tokens = slices.DeleteFunc(tokens, func(t livestate.LiveToken) bool { return t.Asset != asset })
	if all { // otherwise the balance bounds what there can be of it
		balance = 0
		for _, t := range tokens {
			balance += t.Amount
		}
	}
	switch {
	case err != nil:
		return Selection{}, err
	case !known:
		return Selection{}, refuse(NotFound, "wallet", "no wallet %s", wallet)
	case balance < amount:
		return Selection{}, refuse(Insufficient, "amount", "the wallet holds %s tenge%s", balance, ofPurpose(asset))
	}
	now := n.config.Now()
	n.reserved.mu.Lock()
	defer n.reserved.mu.Unlock()
	n.reserved.forget(now)
	free := slices.DeleteFunc(tokens, func(t livestate.LiveToken) bool { return n.reserved.held[t.ID] > now })
	chosen, merge := choose(free, amount, mostInputs)
	selection := Selection{Tokens: chosen, Merge: merge, UntilMillis: now + holdMillis}
	for _, t := range chosen {
		selection.Total += t.Amount
		n.reserved.held[t.ID] = selection.UntilMillis
	}
	return selection, nil
}

func ofPurpose(asset token.Asset) string {
	if asset == token.PlainTenge {
		return ""
	}
	return fmt.Sprintf(" of purpose %d", asset.Purpose)
}

// choose picks the smallest token that suffices, else the largest until they suffice; of a
// fragmented wallet it takes some small change along. Nil means that what is free does not suffice.
func choose(free []livestate.LiveToken, amount money.Tiyn, most int) (chosen []livestate.LiveToken, merge bool) {
	slices.SortFunc(free, func(a, b livestate.LiveToken) int {
		return cmp.Or(cmp.Compare(a.Amount, b.Amount), slices.Compare(a.ID[:], b.ID[:]))
	})
	var total money.Tiyn
	enough := slices.IndexFunc(free, func(t livestate.LiveToken) bool { return t.Amount >= amount })
	if enough >= 0 {
		chosen = append(chosen, free[enough])
		free = slices.Delete(free, enough, enough+1)
	} else {
		for total < amount && len(chosen) < most && len(free) > 0 {
			last := free[len(free)-1]
			free = free[:len(free)-1]
			chosen = append(chosen, last)
			total += last.Amount
		}
		if total < amount {
			if len(chosen) == most {
				return chosen, true
			}
			return nil, false
		}
	}
	if len(free) > fragmentedOver {
		chosen = append(chosen, free[:min(gatherExtra, most-len(chosen))]...)
	}
	return chosen, false
}

// forget drops holds that have run out, seldom enough to cost each of them little. The lock is held.
func (r *reservations) forget(now uint64) {
	if len(r.held) < r.sweepAt {
		return
	}
	for id, until := range r.held {
		if until <= now {
			delete(r.held, id)
		}
	}
	r.sweepAt = max(leastSweep, 2*len(r.held))
}

// Release frees tokens of a wallet that a payer will not spend after all.
func (n *Node) Release(wallet token.WalletID, ids []token.ID) {
	var own []token.ID
	n.mu.RLock()
	for _, id := range ids {
		if t, live := n.state.Token(id); live && t.Wallet == wallet {
			own = append(own, id)
		}
	}
	n.mu.RUnlock()
	n.reserved.mu.Lock()
	for _, id := range own {
		delete(n.reserved.held, id)
	}
	n.reserved.mu.Unlock()
	n.grown.wake()
}
