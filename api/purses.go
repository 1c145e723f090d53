package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// PursesView is what a payee has to know of offline purses before it is without a network, and what all of them hold.
type PursesView struct {
	ledger.PurseBook
	Convicted []token.WalletID `json:"convicted" doc:"purses that have paid twice, by id: the revocation list"`
	Opened    []NameOpening    `json:"opened" doc:"openings of owners' names, in order: everybody may count them"`
	Figures   PurseFigures     `json:"figures" doc:"of all purses together"`
	Size      uint64           `json:"size" doc:"of the log, at which the answer stands"`
	// Where the lists go on.
	NextConvicted token.WalletID `json:"next_convicted,omitzero" doc:"pass as convicted_after; absent at the end"`
	NextOpened    int            `json:"next_opened,omitempty" doc:"pass as opened_from; absent at the end"`
}

// purseLines is how many convicted purses, and how many openings, one answer lists at most.
const purseLines = 1_000

// part leaves of the lists what follows a purse and a number of openings. What is convicted or opened while somebody
// reads part by part moves nothing that was not read yet: purses stand by id, openings by time.
func (v *PursesView) part(after token.WalletID, from, limit int) {
	v.Figures.Convicted, v.Figures.Opened = len(v.Convicted), len(v.Opened)
	at, found := slices.BinarySearchFunc(v.Convicted, after, func(a, b token.WalletID) int {
		return bytes.Compare(a[:], b[:])
	})
	if found {
		at++
	}
	v.Convicted = v.Convicted[at:]
	if len(v.Convicted) > limit {
		v.Convicted = v.Convicted[:limit]
		v.NextConvicted = v.Convicted[limit-1]
	}
	v.Opened = v.Opened[min(from, len(v.Opened)):]
	if len(v.Opened) > limit {
		v.Opened, v.NextOpened = v.Opened[:limit], from+limit
	}
}

// PurseFigures is what all purses come to; of one purse nobody sees it.
type PurseFigures struct {
	Open     int        `json:"open" doc:"purses that have not ended"`
	Ended    int        `json:"ended"`
	Payments int        `json:"payments" doc:"links known of purses that have not ended"`
	Settled  money.Tiyn `json:"settled_tiyn" doc:"the sum of all links ever known"`
	Fraud    money.Tiyn `json:"fraud_tiyn" doc:"claimed of purses beyond what they had"`
	Bonded   money.Tiyn `json:"bonded_tiyn" doc:"of it, what bonds have paid and not got back"`

	Convicted int `json:"convicted"`
	Opened    int `json:"opened" doc:"openings of owners' names"`
}

// add counts a purse.
func (f *PurseFigures) add(p *ledger.Purse) {
	if p.State == ledger.PurseEnded {
		f.Ended++
	} else {
		f.Open++
	}
	f.Payments += len(p.Links)
	f.Settled += p.Known
	f.Fraud += p.Fraud()
	f.Bonded += p.Bonded
}

// NameOpening is an opening of a purse's sealed name: that it happened, and why, never the name.
type NameOpening struct {
	Purse token.WalletID `json:"purse"`
	ledger.Opening
}

// PurseView is a purse as its payees see it: what its certificate may say, and whether it is convicted. Whose it is,
// and what came to it, they do not.
type PurseView struct {
	ID           token.WalletID    `json:"purse"`
	Intermediary token.WalletID    `json:"intermediary"`
	Key          token.PublicKey   `json:"key"`
	Class        uint8             `json:"class"`
	Limits       token.PurseLimits `json:"limits"`
	Expiry       uint64            `json:"expiry_millis"`
	Serial       uint32            `json:"serial"`
	Deposit      money.Tiyn        `json:"deposit_tiyn"`
	Convicted    bool              `json:"convicted"`
	State        ledger.PurseState `json:"state"`
	Sealed       token.Octets      `json:"sealed,omitempty" doc:"the owner's name, sealed for the openers"`
	Openings     []ledger.Opening  `json:"openings,omitempty" doc:"of the name"`
	Link         string            `json:"link,omitempty" enum:"unknown,waits,paid" doc:"of the payment asked for"`
}

// States of a payment of a purse, as whoever has the payment asks for them.
const (
	LinkUnknown = "unknown" // it has not come to the ledger, or its purse has ended
	LinkWaits   = "waits"   // it is known, and neither its purse nor the bond has paid it
	LinkPaid    = "paid"
)

// linkState says of a payment by its id, which only payer and payee have, whether it is paid.
func linkState(p *ledger.Purse, id token.Hash) string {
	at := slices.IndexFunc(p.Links, func(l ledger.PurseLink) bool { return l.ID == id })
	switch {
	case id == token.Hash{}:
		return ""
	case at < 0:
		return LinkUnknown
	case p.Links[at].Paid:
		return LinkPaid
	}
	return LinkWaits
}

// PurseAccount is a purse as its owner and his bank see it: what is in it on the ledger, and the payments of it that
// came there.
type PurseAccount struct {
	ID        token.WalletID     `json:"purse"`
	Owner     token.WalletID     `json:"owner"`
	State     ledger.PurseState  `json:"state"`
	Convicted bool               `json:"convicted"`
	Deposit   money.Tiyn         `json:"deposit_tiyn"`
	Lock      money.Tiyn         `json:"lock_tiyn" doc:"what is in it now"`
	KnownIn   money.Tiyn         `json:"known_in_tiyn" doc:"payments to it that came to the ledger"`
	Known     money.Tiyn         `json:"known_tiyn" doc:"payments of it that came to the ledger"`
	Bonded    money.Tiyn         `json:"bonded_tiyn" doc:"what the bank's bond paid in its place and did not get back"`
	Ends      uint64             `json:"ends_millis" doc:"from when on somebody may close it, and the rest returns"`
	Count     int                `json:"links_count" doc:"payments of it that came here; none once it has ended"`
	Links     []ledger.PurseLink `json:"links" doc:"of them the last, by number: whether each is paid"`
	Size      uint64             `json:"size" doc:"of the log, at which the answer stands"`
}

// purseAccount reads a wallet's purse. Of another's purse it is the same as of none.
func (s *Server) purseAccount(ctx context.Context, in *WalletPath, id token.WalletID,
	limit int) (view PurseAccount, err error) {
	if _, err := s.wallet(ctx, in.ID, in.MinSize); err != nil {
		return view, err
	}
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		if p := state.Purse(id); p != nil && p.Owner == in.ID {
			view = PurseAccount{p.ID, p.Owner, p.State, p.Convicted, p.Deposit, p.Lock, p.KnownIn, p.Known, p.Bonded,
				p.EndsMillis(), len(p.Links), slices.Clone(p.Links[max(0, len(p.Links)-limit):]), head.Size}
		}
	})
	if err == nil && view.Size == 0 {
		err = token.Errorf(node.NotFound, "purse", "wallet %s has no purse %s", in.ID, id)
	}
	return view, err
}

// registerPurseAccount serves a purse to its owner.
func (s *Server) registerPurseAccount() {
	huma.Register(s.api, operation("get-purse-account", "/v1/wallets/{id}/purses/{purse}",
		"A wallet's offline purse: what is in it, and which of its payments are paid", byWallet, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			WalletPath
			Purse token.WalletID `path:"purse"`
			Limit int            `query:"limit" default:"100" minimum:"1" maximum:"4096"`
		}) (*answer[PurseAccount], error) {
			return ok(s.purseAccount(ctx, &in.WalletPath, in.Purse, in.Limit))
		})
}

// Certificate is what the intermediary may certify of the purse now; unsigned.
func (v *PurseView) Certificate() purse.Certificate {
	p := ledger.Purse{ID: v.ID, Intermediary: v.Intermediary, Key: v.Key, Class: v.Class, Limits: v.Limits,
		ExpiryMillis: v.Expiry, Serial: v.Serial, Deposit: v.Deposit}
	return p.Certificate()
}

// RevocationsView is the revocation list, signed by the log's key, or its filter.
type RevocationsView struct {
	Sequence uint64       `json:"sequence" doc:"rises with each list: how many entries the log has"`
	Time     uint64       `json:"time_millis"`
	Count    int          `json:"purses" doc:"how many are revoked"`
	Message  token.Octets `json:"revocations" doc:"the list, 16 bytes an entry, or the filter, less than 2"`
}

// revocations makes the list of what this node shows, and signs it. Its sequence is the log's size, so that of two
// lists the newer is known.
func (s *Server) revocations(ctx context.Context, filter bool) (view RevocationsView, err error) {
	signer, err := s.node.ListSigner()
	if err != nil {
		return view, err
	}
	list := purse.List{TimeMillis: s.node.Clock().TimeMillis}
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		list.Sequence, list.Purses = head.Size, state.ConvictedPurses()
	})
	if err != nil {
		return view, err
	}
	if len(list.Purses) > purse.MaxRevoked {
		return view, token.Errorf(token.TooMany, "revocations", "%d purses, at most %d in a list", len(list.Purses),
			purse.MaxRevoked)
	}
	view = RevocationsView{Sequence: list.Sequence, Time: list.TimeMillis, Count: len(list.Purses)}
	if filter {
		f := purse.NewFilter(&list)
		err = f.Sign(s.node.Network(), signer)
		view.Message = f.Append(nil)
		return view, err
	}
	err = list.Sign(s.node.Network(), signer)
	view.Message = list.Append(nil)
	return view, err
}

func (s *Server) registerRevocations() {
	huma.Register(s.api, operation("get-purse-revocations", "/v1/purses/revocations",
		"The revocation list of offline purses, signed by the log's key", byAnybody,
		http.StatusServiceUnavailable), func(ctx context.Context, in *struct {
		Filter bool `query:"filter" doc:"the filter for small devices: one false alarm in 2,048"`
	}) (*answer[RevocationsView], error) {
		return ok(s.revocations(ctx, in.Filter))
	})
}

// registerPurses serves what payees have to know of purses.
func (s *Server) registerPurses() {
	s.registerRevocations()
	s.registerPurseAccount()
	huma.Register(s.api, operation("list-purses", "/v1/purses",
		"Offline purses: bonds, certifying keys, convicted purses",
		byAnybody, http.StatusUnprocessableEntity), func(ctx context.Context, in *struct {
		After token.WalletID `query:"convicted_after" doc:"convicted purses alone whose id comes after this one"`
		From  int            `query:"opened_from" minimum:"0" maximum:"2147483647" doc:"openings from this number on"`
		Limit int            `query:"limit" minimum:"1" maximum:"1000" default:"1000" doc:"most of each list"`
	}) (*answer[PursesView], error) {
		view := PursesView{Convicted: []token.WalletID{}, Opened: []NameOpening{}}
		err := s.node.View(ctx, func(state *livestate.State, head node.Head) {
			view.PurseBook, view.Size = *state.PurseBook(), head.Size
			view.Convicted = append(view.Convicted, state.ConvictedPurses()...)
			for _, id := range state.Purses() {
				p := state.Purse(id)
				view.Figures.add(p)
				for _, o := range p.Openings {
					view.Opened = append(view.Opened, NameOpening{id, o})
				}
			}
			// By time over all purses: whoever counts openings day by day sees a new one at the end.
			slices.SortStableFunc(view.Opened, func(a, b NameOpening) int {
				return cmp.Compare(a.TimeMillis, b.TimeMillis)
			})
			slices.SortFunc(view.Convicted, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
			view.part(in.After, in.From, min(in.Limit, purseLines))
		})
		return ok(view, err)
	})
	huma.Register(s.api, operation("get-purse", "/v1/purses/{id}", "An offline purse, as its payees see it", byAnybody,
		http.StatusNotFound), func(ctx context.Context, in *struct {
		WalletPath
		Link token.Hash `query:"link" doc:"id of a payment of it: whether that is paid"`
	}) (*answer[PurseView], error) {
		if err := s.waitSize(ctx, in.MinSize); err != nil {
			return nil, err
		}
		var view PurseView
		err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
			if p := state.Purse(in.ID); p != nil {
				view = PurseView{p.ID, p.Intermediary, p.Key, p.Class, p.Limits, p.ExpiryMillis, p.Serial, p.Deposit,
					p.Convicted, p.State, p.Sealed, p.Openings, linkState(p, in.Link)}
			}
		})
		if err == nil && view.ID == (token.WalletID{}) {
			err = token.Errorf(node.NotFound, "id", "no purse %s", in.ID)
		}
		return ok(view, err)
	})
}

// Purses reads bonds, certifying keys and convicted purses, all of them, however many answers that takes.
func (c *Client) Purses(ctx context.Context) (all PursesView, err error) {
	return c.pursesBy(ctx, purseLines)
}

// pursesBy reads them so many at a time.
func (c *Client) pursesBy(ctx context.Context, limit int) (all PursesView, err error) {
	var after token.WalletID
	all.Convicted, all.Opened = []token.WalletID{}, []NameOpening{} // none is an empty list
	for {
		view, err := get[PursesView](ctx, c, fmt.Sprintf("/v1/purses?limit=%d&opened_from=%d&convicted_after=%s", limit,
			len(all.Opened), after))
		if err != nil {
			return all, err
		}
		view.Convicted, view.Opened = append(all.Convicted, view.Convicted...), append(all.Opened, view.Opened...)
		more := view.NextConvicted != token.WalletID{} || view.NextOpened != 0
		if more && len(view.Convicted)+len(view.Opened) == len(all.Convicted)+len(all.Opened) {
			return all, errors.New("the node says that its lists of purses go on, and shows nothing more of them")
		}
		all = view
		if !more {
			return all, nil
		}
		if n := len(all.Convicted); n > 0 {
			after = all.Convicted[n-1]
		}
	}
}

// Purse reads a purse as its payees see it.
func (c *Client) Purse(ctx context.Context, id token.WalletID) (PurseView, error) {
	return get[PurseView](ctx, c, "/v1/purses/"+id.String())
}

// PurseLink reads a purse, with the state of one payment of it: LinkUnknown, LinkWaits or LinkPaid.
func (c *Client) PurseLink(ctx context.Context, id token.WalletID, link token.Hash) (PurseView, error) {
	return get[PurseView](ctx, c, "/v1/purses/"+id.String()+"?link="+link.String())
}

// Revocations reads the revocation list, signed by the log's key, or its filter.
func (c *Client) Revocations(ctx context.Context, filter bool) (RevocationsView, error) {
	return get[RevocationsView](ctx, c, fmt.Sprintf("/v1/purses/revocations?filter=%t", filter))
}

// PurseAccount reads what is in a wallet's purse, and the last so many payments of it that came to the ledger.
func (c *Client) PurseAccount(ctx context.Context, owner, id token.WalletID, limit int) (PurseAccount, error) {
	return get[PurseAccount](ctx, c, fmt.Sprintf("/v1/wallets/%s/purses/%s?limit=%d", owner, id, limit))
}
