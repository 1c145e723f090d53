package node

import (
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

// hold is how long tokens are set aside for a payer who says nothing more.
const hold = 30 * time.Second

// patience is longer than any payment takes that a program signs.
const patience = 4 * time.Second

// maxSelect bounds how many of a wallet's tokens are looked at for one selection.
const maxSelect = 4096

// reservations keeps tokens that are being spent out of other payments' way, for all processes that
// pay from a wallet through this node. It is only a courtesy between payers: the ledger's rules
// refuse a double spend whoever chose the tokens.
//
// Nothing of it is stored: after a restart all tokens are free, and the ledger refuses whoever pays twice. held may
// name tokens that are spent; they are forgotten when their time is over.
type reservations struct {
	node *Node

	mu      sync.Mutex          // over what follows
	held    map[token.ID]uint64 // until when, ms
	sweepAt int                 // forget what has run out when so many are held
	queues  map[token.WalletID]*queue
}

// queue is a wallet's turn: a channel of capacity one, taken by the payer who chooses. users is guarded by
// reservations.mu; the slot by itself.
type queue struct {
	slot  chan struct{}
	users int // the chooser and who waits; the last one removes the queue
}

// leastSweep is how many reservations are held before any is looked for that has run out. After a sweep the next is at
// twice what was left, so that sweeping costs each reservation a constant time.
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
		q = &queue{slot: make(chan struct{}, 1)}
		r.queues[wallet] = q
	}
	q.users++
	return q
}

// leave forgets a wallet's queue with its last user.
func (r *reservations) leave(wallet token.WalletID, q *queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(r.queues, wallet)
	}
}

// Want says for what tokens are set aside.
type Want struct {
	Asset  token.Asset
	Amount money.Tiyn
	// HopsBelow leaves out tokens of marked money that have used so many hops, for a payment that keeps the mark; 0 for
	// none.
	HopsBelow uint16
	// Unknown means that anybody may ask, and set aside what he will never spend: once others' tokens have stood
	// still for a while (Config.Patience) they are chosen all the same.
	Unknown bool
}

// busy is why no tokens were free in time. Where the leader waits for its followers, whoever is before waits for them
// too.
func (n *Node) busy(why string) *token.Error {
	if connected, acks, waits := n.AwaitedFollowers(); waits {
		why = fmt.Sprintf("%s: payments wait here for followers, of which %d are here and %d must have them; nothing "+
			"of this one was sent", why, connected, acks)
	}
	return refuse(TokensBusy, "wallet", "%s", why)
}

// Select sets plain tokens aside for a payment of an amount. When enough tokens exist but others are
// paying with them, it waits for their change until ctx ends; it says that funds are insufficient
// only when all of the wallet's live tokens together are less than the amount.
func (n *Node) Select(ctx context.Context, wallet token.WalletID, amount money.Tiyn) (Selection, error) {
	return n.SelectFor(ctx, wallet, Want{Asset: token.PlainTenge, Amount: amount})
}

// SelectFor is Select for tokens of an asset: marked tenge. Codes: amount-zero, not-found, insufficient-funds, dust,
// and tokens-busy when ctx ends while others pay.
func (n *Node) SelectFor(ctx context.Context, wallet token.WalletID, want Want) (Selection, error) {
	if want.Amount <= 0 {
		return Selection{}, refuse(token.AmountZero, "amount", "an amount is positive")
	}
	// One selection at a time of each wallet, in the order in which they came: two at once would choose the same
	// tokens, and one of them be refused after its owner had signed. A wallet's queue lives while somebody is in it.
	q := n.reserved.enter(wallet)
	defer n.reserved.leave(wallet, q)
	still := &standstill{node: n, wallet: wallet}
	if want.Unknown {
		look := time.NewTicker(n.config.Patience)
		defer look.Stop()
		still.look = look.C
	}
	for taken := false; !taken; {
		select {
		case q.slot <- struct{}{}:
			taken = true
		case <-still.look:
			if !still.stands() {
				continue
			}
			// Somebody who may be anybody holds the turn and does nothing: his reservation is no right, and what
			// others wait for is chosen in spite of it.
			if selection, err := n.trySelect(ctx, wallet, want, true); err != nil || len(selection.Tokens) > 0 {
				return selection, err
			}
		case <-ctx.Done():
			return Selection{}, n.busy("others are paying from this wallet")
		case <-n.stop:
			return Selection{}, refuse(Stopped, "", "the node is shutting down")
		}
	}
	defer func() { <-q.slot }()
	return n.selectAtTurn(ctx, wallet, want, still)
}

// selectAtTurn waits, at its turn, until enough is free.
func (n *Node) selectAtTurn(ctx context.Context, wallet token.WalletID, want Want, still *standstill) (
	Selection, error) {
	retry := time.NewTicker(100 * time.Millisecond) // for tokens whose payer went away
	defer retry.Stop()
	for overrule := false; ; {
		grown := n.grown.wait()
		selection, err := n.trySelect(ctx, wallet, want, overrule)
		if err != nil || len(selection.Tokens) > 0 {
			return selection, err
		}
		select {
		case <-grown:
		case <-retry.C:
		case <-still.look:
			overrule = still.stands()
		case <-ctx.Done():
			return Selection{}, n.busy("others are paying with this wallet's tokens")
		case <-n.stop:
			return Selection{}, refuse(Stopped, "", "the node is shutting down")
		}
	}
}

// standstill tells payers who are at work from somebody who sets tokens aside and pays nothing: of what was set aside
// at one look nothing is spent at the next.
type standstill struct {
	node   *Node
	wallet token.WalletID
	look   <-chan time.Time // when to look; nil for never
	held   []token.ID       // at the last look
}

// stands says whether nothing was spent of what was set aside when it looked last, and looks. The state is read under
// mu and what is set aside under reserved.mu, one after the other and never both: between them a token may be spent,
// which the next look sees.
func (s *standstill) stands() bool {
	var live []livestate.LiveToken
	gone := 0
	s.node.mu.RLock()
	for _, id := range s.held {
		if _, there := s.node.state.Token(id); !there {
			gone++
		}
	}
	live = s.node.state.TokensOf(s.wallet, maxSelect)
	s.node.mu.RUnlock()
	stands := len(s.held) > 0 && gone == 0
	now := s.node.config.Now()
	s.held = s.held[:0]
	s.node.reserved.mu.Lock()
	defer s.node.reserved.mu.Unlock()
	for _, t := range live {
		if s.node.reserved.held[t.ID] > now {
			s.held = append(s.held, t.ID)
		}
	}
	return stands
}

// trySelect chooses among the tokens that are free now, or else, to overrule who has set them aside, among all; an
// empty selection means to wait.
func (n *Node) trySelect(ctx context.Context, wallet token.WalletID, want Want, overrule bool) (Selection, error) {
	var tokens []livestate.LiveToken
	var balance money.Tiyn
	bounds := Bounds{}
	known := false
	err := n.view(ctx, n.waitToPay, func(state *livestate.State, _ Head) {
		w, ok := state.Wallet(wallet)
		balance, known = w.Balance, ok
		tokens = state.TokensOf(wallet, maxSelect)
		bounds = Bounds{Max: state.Authority().Policy.MaxInputs, Least: state.Authority().Policy.LeastToken}
	})
	all := len(tokens) < maxSelect
	usable, stuck := want.Usable(tokens)
	if all { // otherwise the balance bounds what there can be of it
		balance = AmountOf(usable)
	}
	switch {
	case err != nil:
		return Selection{}, err
	case !known:
		return Selection{}, refuse(NotFound, "wallet", "no wallet %s", wallet)
	case balance < want.Amount:
		return Selection{}, lacks(balance, stuck, want.Asset)
	}
	if chosen, _ := ChooseFor(usable, want, bounds); all && len(chosen) == 0 {
		return Selection{}, onlyDust(bounds)
	}
	now := n.config.Now()
	n.reserved.mu.Lock()
	defer n.reserved.mu.Unlock()
	n.reserved.forget(now)
	free := slices.DeleteFunc(slices.Clone(usable), func(t livestate.LiveToken) bool {
		return n.reserved.held[t.ID] > now
	})
	chosen, merge := ChooseFor(free, want, bounds)
	if len(chosen) == 0 && overrule {
		chosen, merge = ChooseFor(usable, want, bounds)
	}
	selection := Selection{Tokens: chosen, Merge: merge, UntilMillis: now + uint64(n.config.Hold.Milliseconds())}
	for _, t := range chosen {
		selection.Total += t.Amount
		n.reserved.held[t.ID] = selection.UntilMillis
	}
	return selection, nil
}

// ofPurpose names an asset for a refusal; plain tenge needs no name.
func ofPurpose(asset token.Asset) string {
	if asset == token.PlainTenge {
		return ""
	}
	return fmt.Sprintf(" of purpose %d", asset.Purpose)
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

// Release frees tokens of a wallet that a payer will not spend after all. Tokens that are not the wallet's are passed
// over: who may pay from one wallet frees nothing of another's.
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
