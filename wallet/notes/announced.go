package notes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
)

// AnnouncementError refuses a keyset that the ledger does not announce. Whoever is given keys that nobody else has is
// known by his notes: so it is the ledger that says which keys there are, and not the office.
type AnnouncementError struct {
	Keyset string
	Rule   string
}

func (e *AnnouncementError) Error() string { return fmt.Sprintf("keyset %s: %s", e.Keyset, e.Rule) }

// ErrorCode is the refusal's code.
func (e *AnnouncementError) ErrorCode() string { return "cash-not-announced" }

// Network is the network id of the ledger that announces the keysets, empty until the wallet has met its mint.
func (w *Wallet) Network() string { return w.state.Network }

// believe checks keysets that the wallet does not know yet: each is announced on the ledger whose network id the wallet
// has. A wallet that was begun without one takes the mint's word for it the first time, and holds to it.
func (w *Wallet) believe(ctx context.Context, sets []cash.Keyset) error {
	if w.state.NoLedger {
		return nil
	}
	// Trust on first use: a mint that names another ledger later is found out.
	if w.state.Network == "" {
		network, err := w.mint.Ledger(ctx)
		if err != nil {
			return err
		}
		if network == "" {
			return &AnnouncementError{Keyset: "of " + w.state.Mint,
				Rule: "the mint names no ledger that announces its keysets: --unannounced takes it all the same"}
		}
		w.state.Network = network
	}
	for i := range sets {
		id := sets[i].ID.String()
		if slices.ContainsFunc(w.state.Sets, func(s Set) bool { return s.ID == id }) {
			continue
		}
		shown, err := w.mint.Announcement(ctx, id)
		if err != nil {
			return &AnnouncementError{Keyset: id, Rule: "the office does not show that it is announced: " + err.Error()}
		}
		reserve, err := CheckAnnouncement(shown, w.state.Network, &sets[i])
		if err != nil {
			return err
		}
		if w.state.Reserve != "" && w.state.Reserve != reserve {
			return &AnnouncementError{Keyset: id, Rule: "it is backed by wallet " + reserve +
				", the wallet's other notes by " + w.state.Reserve}
		}
		// Kept with the first keyset that is believed: notes of one wallet are backed by one reserve, or their sum
		// would mean nothing.
		w.state.Reserve = reserve
	}
	return nil
}

// CheckAnnouncement holds a keyset against the receipt of its announcement on a network, and returns the wallet that
// backs it.
func CheckAnnouncement(shown []byte, network string, k *cash.Keyset) (reserve string, err error) {
	refuse := func(rule string) (string, error) { return "", &AnnouncementError{Keyset: k.ID.String(), Rule: rule} }
	var id token.NetworkID
	if err := id.UnmarshalText([]byte(network)); err != nil {
		return refuse("the network id is none: " + err.Error())
	}
	result, err := proof.CheckReceipt(shown, id)
	if err != nil {
		return refuse("what the office shows of its announcement is not of this ledger: " + err.Error())
	}
	t, is := result.Body.(*token.AnnounceKeyset)
	switch {
	case !is:
		return refuse("what the office shows is a transaction of kind " + result.Kind + ", no announcement")
	case [33]byte(t.Keyset) != [33]byte(k.ID):
		return refuse("the announcement that the office shows is of keyset " + t.Keyset.String())
	case t.Unit != k.Unit || !slices.Equal(t.Denominations, k.Amounts) || t.Expiry != k.Expiry:
		return refuse("the ledger announces it with another unit, other denominations or another expiry")
	}
	if t.Reserve == (token.WalletID{}) {
		return token.RegisteredID(result.ID).String(), nil
	}
	return t.Reserve.String(), nil
}

// CheckStamp reads the receipt of a ledger payment that says by when notes were signed. It is of the network of the
// cash log that it is held against; its block is dated at latest when the payment ceased to be valid.
func CheckStamp(receipt, network []byte) (*recount.Stamp, error) {
	if len(network) != len(token.NetworkID{}) {
		return nil, errors.New("stamp: the cash log names no ledger")
	}
	result, err := proof.CheckReceipt(receipt, token.NetworkID(network))
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	return &recount.Stamp{Memo: result.Memo, Millis: result.ValidUntil}, nil
}

// LedgerOf is a node's ledger as cash logs are held against it.
func LedgerOf(ctx context.Context, client *api.Client) (*recount.Against, error) {
	authority, err := client.Authority(ctx)
	if err != nil {
		return nil, err
	}
	leaf := func(ctx context.Context, height uint64) (money.Tiyn, bool, error) {
		blocks, err := client.Blocks(ctx, height+1, 1)
		if err != nil || len(blocks) != 1 || blocks[0].Height != height {
			return 0, false, err
		}
		return blocks[0].Reserve, true, nil
	}
	return recount.NewAgainst(leaf, authority.Reserves), nil
}
