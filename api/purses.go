package api

import (
	"cmp"
	"context"
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
	Size      uint64           `json:"size" doc:"of the log, at which the answer stands"`
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
}

// Certificate is what the intermediary may certify of the purse now; unsigned.
func (v *PurseView) Certificate() purse.Certificate {
	p := ledger.Purse{ID: v.ID, Intermediary: v.Intermediary, Key: v.Key, Class: v.Class, Limits: v.Limits,
		ExpiryMillis: v.Expiry, Serial: v.Serial, Deposit: v.Deposit}
	return p.Certificate()
}

func (s *Server) registerPurses() {
	huma.Register(s.api, operation("list-purses", "/v1/purses",
		"Offline purses: bonds, certifying keys, convicted purses",
		byAnybody), func(ctx context.Context, _ *struct{}) (*answer[PursesView], error) {
		view := PursesView{Convicted: []token.WalletID{}, Opened: []NameOpening{}}
		err := s.node.View(ctx, func(state *livestate.State, head node.Head) {
			view.PurseBook, view.Size = *state.PurseBook(), head.Size
			view.Convicted = append(view.Convicted, state.ConvictedPurses()...)
			for _, id := range state.Purses() {
				for _, o := range state.Purse(id).Openings {
					view.Opened = append(view.Opened, NameOpening{id, o})
				}
			}
			slices.SortStableFunc(view.Opened, func(a, b NameOpening) int {
				return cmp.Compare(a.TimeMillis, b.TimeMillis)
			})
		})
		return ok(view, err)
	})
	huma.Register(s.api, operation("get-purse", "/v1/purses/{id}", "An offline purse, as its payees see it", byAnybody,
		http.StatusNotFound), func(ctx context.Context, in *WalletPath) (*answer[PurseView], error) {
		if err := s.waitSize(ctx, in.MinSize); err != nil {
			return nil, err
		}
		var view PurseView
		err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
			if p := state.Purse(in.ID); p != nil {
				view = PurseView{p.ID, p.Intermediary, p.Key, p.Class, p.Limits, p.ExpiryMillis, p.Serial, p.Deposit,
					p.Convicted, p.State, p.Sealed, p.Openings}
			}
		})
		if err == nil && view.ID == (token.WalletID{}) {
			err = token.Errorf(node.NotFound, "id", "no purse %s", in.ID)
		}
		return ok(view, err)
	})
}

// Purses reads bonds, certifying keys and convicted purses.
func (c *Client) Purses(ctx context.Context) (PursesView, error) {
	return get[PursesView](ctx, c, "/v1/purses")
}

// Purse reads a purse as its payees see it.
func (c *Client) Purse(ctx context.Context, id token.WalletID) (PurseView, error) {
	return get[PurseView](ctx, c, "/v1/purses/"+id.String())
}
