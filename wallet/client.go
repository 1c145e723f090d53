package wallet

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Client is where somebody with keys works on a ledger. One that is lazy is for one goroutine until it has met its
// node.
type Client struct {
	API     *api.Client
	Keyring *Keyring
	Network token.NetworkID
	Now     func() uint64 // Unix milliseconds
	// Out, if set, takes drafts instead of submitting them.
	Out func(*Draft) error
}

// NewClient asks the node which network it serves.
func NewClient(ctx context.Context, remote *api.Client, keyring *Keyring) (*Client, error) {
	network, err := remote.Network(ctx)
	if err != nil {
		return nil, err
	}
	remote.UseKeys(network.Network, sessionKeys{keyring})
	return &Client{API: remote, Keyring: keyring, Network: network.Network,
		Now: nodeTime(ctx, remote, network.TimeMillis)}, nil
}

// LazyClient is a client that asks the node nothing before it has to: a payment's selection says the network, its time
// and who signs. The node may be one that is not there; who uses the client finds out.
func LazyClient(ctx context.Context, remote *api.Client, keyring *Keyring) *Client {
	remote.UseKeys(token.NetworkID{}, sessionKeys{keyring})
	d := &Client{API: remote, Keyring: keyring}
	d.Now = func() uint64 { // replaced when the client meets its node
		if d.meet(ctx) != nil {
			return SystemNow()
		}
		return d.Now()
	}
	return d
}

// meet asks the node what a client must know, where nothing has said it yet.
func (d *Client) meet(ctx context.Context) error {
	if d.Network != (token.NetworkID{}) {
		return nil
	}
	network, err := d.API.Network(ctx)
	if err == nil {
		d.learn(ctx, network.Network, network.TimeMillis)
	}
	return err
}

// learn takes over what an answer says of the network, the first time.
func (d *Client) learn(ctx context.Context, network token.NetworkID, timeMillis uint64) {
	if d.Network == (token.NetworkID{}) && network != (token.NetworkID{}) {
		d.Network, d.Now = network, nodeTime(ctx, d.API, timeMillis)
	}
}

// queryTimeAfter is how long the node's time is reckoned from what it said last.
const queryTimeAfter = time.Minute

// nodeTime reckons the time that the node's next block has, which decides until when what is signed here is valid: this
// machine's clock may be another, and the time on the ledger may stand still. Where the node does not answer it is
// reckoned on from what it said last.
func nodeTime(ctx context.Context, remote *api.Client, said uint64) func() uint64 {
	var mu sync.Mutex
	at := time.Now()
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(at) > queryTimeAfter {
			if network, err := remote.Network(ctx); err == nil && network.TimeMillis != 0 {
				said, at = network.TimeMillis, time.Now()
			}
		}
		if said == 0 { // of a node of an earlier version
			return SystemNow()
		}
		return said + uint64(time.Since(at).Milliseconds())
	}
}

// Validity of what is signed here: payments at once, the rest with time to pass a draft around.
const (
	paymentMillis = 10 * 60_000
	draftMillis   = 7 * 86_400_000
)

// ErrDrafted means that a draft was written and nothing submitted yet.
var ErrDrafted = errors.New("a draft was written; it is not submitted")

// draft makes the unsigned transaction and says who signs. The ledger's own rules say who signs, of what the node says
// of the ledger; a node that lies has it signed by too few or by others, and the ledger refuses it.
func (d *Client) draft(ctx context.Context, body token.Body) (*Draft, error) {
	valid := uint64(draftMillis)
	switch body.Kind() {
	case token.KindTransfer, token.KindEarmarkedTransfer, token.KindCreate, token.KindAct:
		valid = paymentMillis
	}
	if err := d.meet(ctx); err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, client: d.API}
	if d.Out != nil && valid == paymentMillis { // as long as the ledger lets a payment be valid, for it to go round
		if ahead := r.Authority().Policy.ValidAheadMillis; ahead > 2*paymentMillis {
			valid = ahead - paymentMillis
		}
	}
	tx, err := token.New(body, d.Now()+valid)
	if err != nil {
		return nil, err
	}
	signatories, refused := ledger.Signatories(r, body)
	if r.err != nil {
		return nil, r.err
	}
	if refused != nil {
		return nil, refused
	}
	return &Draft{d.Network, tx, signatories}, nil
}

// SignatoriesOf are who must sign a draft by the ledger, and not by the draft's own word, which whoever passed it on
// may have altered. What the ledger refuses to have signed at all is its refusal.
func (d *Client) SignatoriesOf(ctx context.Context, draft *Draft) ([]ledger.Signatory, error) {
	r := &reader{ctx: ctx, client: d.API}
	signatories, refused := ledger.Signatories(r, draft.Transaction.Body)
	if r.err != nil {
		return nil, r.err
	}
	if refused != nil {
		return nil, refused
	}
	return signatories, nil
}

// DraftAltered is the code of a draft that names other signatories than the ledger does.
const DraftAltered token.Code = "wrong-draft"

// Check refuses a draft whose list of who must sign is not the ledger's.
func (d *Client) Check(ctx context.Context, draft *Draft) error {
	signatories, err := d.SignatoriesOf(ctx, draft)
	if err != nil {
		return err
	}
	same := func(a, b ledger.Signatory) bool {
		return a.Role == b.Role && a.Threshold == b.Threshold && slices.Equal(a.Keys, b.Keys)
	}
	if !slices.EqualFunc(signatories, draft.Signatories, same) {
		return token.Errorf(DraftAltered, "signatories", "who must sign by the draft is not who must sign by the "+
			"ledger: it was altered, or keys have changed since; make it anew")
	}
	return nil
}

// Do drafts, signs with the keys that are here, and submits; or hands the draft to Out.
func (d *Client) Do(ctx context.Context, body token.Body) (node.Receipt, error) {
	draft, err := d.draft(ctx, body)
	if err != nil {
		return node.Receipt{}, err
	}
	if err := draft.signFrom(d.Keyring); err != nil {
		return node.Receipt{}, err
	}
	if d.Out != nil {
		if err := d.Out(draft); err != nil {
			return node.Receipt{}, err
		}
		return node.Receipt{ID: draft.Transaction.ID()}, ErrDrafted
	}
	return d.Submit(ctx, draft)
}

// Submit sends a draft that has all its signatures.
func (d *Client) Submit(ctx context.Context, draft *Draft) (node.Receipt, error) {
	if missing := draft.Missing(); len(missing) > 0 {
		return node.Receipt{}, &MissingError{missing}
	}
	return d.API.Submit(ctx, draft.Transaction)
}

// staleTries is how often a change is made anew because somebody else's came first.
const staleTries = 50

// retry repeats an action that names a version which another process has just used up.
func retry(ctx context.Context, act func() (node.Receipt, error)) (node.Receipt, error) {
	for try := 0; ; try++ {
		receipt, err := act()
		var problem *api.Problem
		if !errors.As(err, &problem) || problem.Code != string(ledger.StaleVersion) || try == staleTries {
			return receipt, err
		}
		select {
		case <-time.After(time.Duration(try+1) * 5 * time.Millisecond):
		case <-ctx.Done():
			return receipt, ctx.Err()
		}
	}
}

// sequence is the next number of one of the authority's sets.
func (d *Client) sequence(ctx context.Context, role token.Role) (uint64, error) {
	a, err := d.API.Authority(ctx)
	return a.Set(role).Sequence, err
}

// withSequence acts under the next number of a set, again when another came first. body is called anew for each try,
// and so must not keep what it made.
func (d *Client) withSequence(ctx context.Context, role token.Role,
	body func(sequence uint64) token.Body) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		sequence, err := d.sequence(ctx, role)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, body(sequence))
	})
}

// withVersion acts on a wallet in its present version. So a change is made to what it was read from, and not over
// another's.
func (d *Client) withVersion(ctx context.Context, id token.WalletID,
	body func(view api.WalletView) token.Body) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		view, err := d.API.Wallet(ctx, id)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, body(view))
	})
}
