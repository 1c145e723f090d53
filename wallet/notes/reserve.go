package notes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// Reserve is an office's reserve on the ledger: a wallet whose key is in the client's keyring.
type Reserve struct {
	client *wallet.Client
	id     token.WalletID
}

// NewReserve is a wallet as an office's reserve.
func NewReserve(client *wallet.Client, id token.WalletID) *Reserve { return &Reserve{client, id} }

var _ office.Ledger = (*Reserve)(nil)

// Wallet is its id.
func (r *Reserve) Wallet() string { return r.id.String() }

// Head is the ledger's last durable block.
func (r *Reserve) Head(ctx context.Context) (office.Head, error) {
	n, err := r.client.API.Network(ctx)
	return office.Head{Network: n.Network[:], Height: n.Head.Height, Millis: n.Head.TimeMillis}, err
}

// Prepare signs a payment without sending it.
func (r *Reserve) Prepare(ctx context.Context, to string, amount money.Tiyn, memo string) (p cash.Payment, err error) {
	var payee token.WalletID
	if err := payee.UnmarshalText([]byte(to)); err != nil {
		return p, err
	}
	tx, err := r.client.Prepare(ctx, r.id, payee, amount, token.Plain(memo))
	if err != nil {
		return p, err
	}
	return cash.Payment{ID: tx.ID().String(), Signed: tx.Encode(), Until: tx.ValidUntil, To: to, Amount: amount}, nil
}

// Send sends it; the transaction's id is what keeps it from being executed twice.
func (r *Reserve) Send(ctx context.Context, p *cash.Payment) error {
	tx, err := token.Decode(p.Signed)
	if err != nil {
		return err
	}
	_, err = r.client.API.Submit(ctx, tx)
	return err
}

// Find looks for a payment. The head is asked for first: a payment that is not found after a block was dated beyond its
// valid-until can be in no block before that one either.
func (r *Reserve) Find(ctx context.Context, p *cash.Payment) (office.Outcome, error) {
	network, err := r.client.API.Network(ctx)
	if err != nil {
		return office.Undecided, err
	}
	var id token.TransactionID
	if err := id.UnmarshalText([]byte(p.ID)); err != nil {
		return office.Undecided, err
	}
	_, err = r.client.API.Transaction(ctx, id)
	var problem *api.Problem
	switch {
	case err == nil:
		return office.Durable, nil
	case !errors.As(err, &problem) || problem.Status != http.StatusNotFound:
		return office.Undecided, err
	case network.Head.TimeMillis > p.Until:
		return office.Never, nil
	case network.TimeMillis > p.Until:
		return office.Undecided, r.date(ctx) // nobody pays: a block of our own says what time it is
	}
	return office.Undecided, nil
}

// date makes a block: the reserve pays itself.
func (r *Reserve) date(ctx context.Context) error {
	selection, err := r.client.API.Select(ctx, r.id, 1, 0)
	if err != nil {
		return err
	}
	t := &token.Transfer{Parties: []token.WalletID{r.id}, Payers: 1, Outputs: []token.Output{{Amount: selection.Total}}}
	for _, in := range selection.Tokens {
		t.Inputs = append(t.Inputs, in.ID)
	}
	_, err = r.client.Do(ctx, t)
	return err
}

// reserveTries is how often the reserve is read until the ledger has made no block meanwhile.
const reserveTries = 5

// Reserve is what the ledger says of it, all at one height.
func (r *Reserve) Reserve(ctx context.Context) (office.Reserve, error) {
	// Three answers are of one moment only where no block came between the first and the last: a balance of one
	// height beside another's stamp would be a mismatch that never was.
	for range reserveTries {
		before, err := r.client.API.Network(ctx)
		if err != nil {
			return office.Reserve{}, err
		}
		authority, err := r.client.API.Authority(ctx)
		if err != nil {
			return office.Reserve{}, err
		}
		w, err := r.client.API.Wallet(ctx, r.id)
		if err != nil {
			return office.Reserve{}, err
		}
		after, err := r.client.API.Network(ctx)
		if err != nil {
			return office.Reserve{}, err
		}
		announced := authority.Reserve(r.id)
		if announced == nil {
			return office.Reserve{}, token.Errorf(ledger.NoReserve, "reserve",
				"wallet %s backs no banknotes: a reserve is opened by 'aqsha cash keys announce NAME' with a NAME "+
					"that no wallet has", r.id)
		}
		if before.Head.Height != after.Head.Height {
			continue
		}
		stands := office.Reserve{Height: after.Head.Height, Millis: after.Head.TimeMillis, Balance: w.Balance,
			Stamped: announced.Stamp.Size, StampedMillis: announced.Stamp.Millis}
		if to := authority.Policy.ExpiredCash; to != (token.WalletID{}) {
			stands.Expired = to.String()
		}
		for _, k := range announced.Keysets {
			stands.Keysets = append(stands.Keysets, k.Keyset.String())
		}
		return stands, nil
	}
	return office.Reserve{}, errors.New("the ledger makes blocks faster than its reserve is read")
}

// Payable is what its key can pay now: of what it holds, within the policy's cap of a day, and nothing while the
// issue set's change of its key waits.
func (r *Reserve) Payable(ctx context.Context) (p office.Payable, err error) {
	authority, err := r.client.API.Authority(ctx)
	if err != nil {
		return p, err
	}
	w, err := r.client.API.Wallet(ctx, r.id)
	if err != nil {
		return p, err
	}
	network, err := r.client.API.Network(ctx)
	if err != nil {
		return p, err
	}
	if w.Rekeying {
		p.Day = authority.Policy.ReserveDay()
		p.Why = "the issue set changes its key or closes it, and nothing is paid from it meanwhile"
		return p, nil
	}
	most, paid := authority.Policy.ReserveDay(), money.Tiyn(0)
	// By the ledger's day and clock: what was paid on an earlier day counts no more (R-LIMITS-DAY).
	if w.Day >= authority.Policy.Day(network.TimeMillis) {
		paid = w.PaidToday
	}
	p.Day, p.Amount, p.Why = most, max(most-paid, 0),
		fmt.Sprintf("its key pays at most %s a day by the ledger's policy and has paid %s today", most.Format(),
			paid.Format())
	if w.Balance < p.Amount {
		p.Amount, p.Why = w.Balance, "it holds no more"
	}
	return p, nil
}

// Stamp enters a state of the cash log.
func (r *Reserve) Stamp(ctx context.Context, size uint64, root [32]byte) error {
	_, err := r.client.Do(ctx, &token.StampCash{Reserve: r.id, Size: size, Root: root})
	return err
}

// Receipt shows that a transaction of the reserve is in the ledger.
func (r *Reserve) Receipt(ctx context.Context, transaction string) ([]byte, error) {
	var id token.TransactionID
	if err := id.UnmarshalText([]byte(transaction)); err != nil {
		return nil, err
	}
	return r.client.API.Receipt(ctx, id)
}

// historyPage is how many lines are asked for at once.
const historyPage = 200

// Credits are payments into the reserve from an entry of the log on, in order. What is below it is not read again.
func (r *Reserve) Credits(ctx context.Context, from uint64) (credits []cash.Credit, err error) {
	for before := uint64(0); ; {
		history, err := r.client.API.History(ctx, r.id, before, historyPage, 0)
		if err != nil {
			return nil, err
		}
		for _, line := range history.Lines {
			if line.Index < from {
				slices.Reverse(credits)
				return credits, nil
			}
			if line.Net > 0 {
				credits = append(credits, creditOf(&line))
			}
		}
		if history.Next == 0 {
			slices.Reverse(credits)
			return credits, nil
		}
		before = history.Next
	}
}

func creditOf(line *api.HistoryLine) cash.Credit {
	c := cash.Credit{ID: line.ID.String(), Index: line.Index, Amount: line.Net}
	if line.Transaction == nil {
		return c
	}
	if t, is := line.Transaction.Body.(*token.Transfer); is {
		c.From, c.Memo = t.Parties[0].String(), t.Memo.Text()
	}
	return c
}
