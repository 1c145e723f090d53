package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// AgencyView is an agency with its id.
type AgencyView struct {
	ID token.WalletID `json:"id"`
	ledger.Agency
}

// PurposeView is a purpose with its number and how much carries it now.
type PurposeView struct {
	Number uint32 `json:"number"`
	ledger.Purpose
	Live   money.Tiyn `json:"live" doc:"entered less left: the sum of live tokens that carry it"`
	Tokens int        `json:"tokens" doc:"how many those are"`
}

// DefinitionView is a registered definition.
type DefinitionView struct {
	ID token.Hash `json:"id"`
	*contract.Definition
}

// ContractView is a contract as it stands at the last durable block.
type ContractView struct {
	contract.Instance
	Name string       `json:"name" doc:"of its definition"`
	Held []money.Tiyn `json:"held" doc:"by asset"`
	Size uint64       `json:"size" doc:"of the log, at which the answer stands"`
}

// contractPage bounds how many contracts one answer lists.
const contractPage = 1000

func (s *Server) registerPrograms() {
	huma.Register(s.api, operation("list-agencies", "/v1/agencies", "Agencies, which register purposes", byAnybody),
		func(ctx context.Context, _ *struct{}) (*answer[[]AgencyView], error) {
			list := []AgencyView{}
			err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
				for _, id := range state.Agencies() {
					a, _ := state.Agency(id)
					list = append(list, AgencyView{id, a})
				}
			})
			return ok(list, err)
		})
	huma.Register(s.api, operation("list-purposes", "/v1/purposes", "Purposes of marked tenge", byAnybody),
		func(ctx context.Context, _ *struct{}) (*answer[[]PurposeView], error) {
			list := []PurposeView{}
			err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
				for number := uint32(1); int(number) <= state.Purposes(); number++ {
					list = append(list, purposeView(state, number))
				}
			})
			return ok(list, err)
		})
	huma.Register(s.api, operation("list-definitions", "/v1/definitions", "Registered definitions of contracts", byAnybody),
		func(ctx context.Context, _ *struct{}) (*answer[[]DefinitionView], error) {
			list := []DefinitionView{}
			var refused error
			err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
				for _, id := range state.Definitions() {
					encoded, _ := state.Definition(id)
					d, err := contract.Decode(encoded)
					if err != nil {
						refused = err
						return
					}
					list = append(list, DefinitionView{id, d})
				}
			})
			if err == nil {
				err = refused
			}
			return ok(list, err)
		})
	huma.Register(s.api, operation("list-contracts", "/v1/contracts", "Live contracts, by id", byAuditors),
		func(ctx context.Context, in *struct {
			After token.WalletID `query:"after" doc:"ids after this one"`
		}) (*answer[[]ContractView], error) {
			return ok(s.contracts(ctx, in.After))
		})
	huma.Register(s.api, operation("get-contract", "/v1/contracts/{id}", "A live contract: parties, terms, state, money", byWallet, http.StatusNotFound),
		func(ctx context.Context, in *WalletPath) (*answer[ContractView], error) {
			return ok(s.contract(ctx, in.ID, in.MinSize))
		})
}

func purposeView(state *livestate.State, number uint32) PurposeView {
	p := state.Purpose(number)
	return PurposeView{number, *p, p.Live(), state.Marked(number)}
}

func contractView(state *livestate.State, c *ledger.Contract, head node.Head) ContractView {
	view := ContractView{Instance: c.Instance, Size: head.Size}
	view.State, view.Registers = append([]int64{}, c.State...), append([]token.Hash(nil), c.Registers...)
	for _, id := range c.Tokens {
		t, _ := state.Token(id)
		view.Held = append(view.Held, t.Amount)
	}
	if encoded, ok := state.Definition(c.Definition); ok {
		if d, err := contract.Decode(encoded); err == nil {
			view.Name = d.Name
		}
	}
	return view
}

// contract reads a contract. Who may read one of its parties, or its creator's wallets, may read it.
func (s *Server) contract(ctx context.Context, id token.WalletID, minSize uint64) (view ContractView, err error) {
	if err := s.waitSize(ctx, minSize); err != nil {
		return view, err
	}
	found := false
	parties := map[token.WalletID]ledger.Wallet{}
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		c := state.Contract(id)
		if c == nil {
			return
		}
		found, view = true, contractView(state, c, head)
		for _, party := range append([]token.WalletID{id}, c.Parties...) {
			if w, ok := state.Wallet(party); ok {
				parties[party] = w
			}
		}
	})
	if err != nil {
		return view, err
	}
	access := mayReadAll(ctx)
	for party, w := range parties {
		if access != nil && mayReadWallet(ctx, party, w) == nil {
			access = nil
		}
	}
	if access != nil {
		return ContractView{}, access
	}
	if !found {
		return ContractView{}, token.Errorf(node.NotFound, "id", "no live contract %s: it has ended, or never was", id)
	}
	return view, nil
}

func (s *Server) contracts(ctx context.Context, after token.WalletID) ([]ContractView, error) {
	if err := mayReadAll(ctx); err != nil {
		return nil, err
	}
	list := []ContractView{}
	err := s.node.View(ctx, func(state *livestate.State, head node.Head) {
		for _, id := range state.Contracts() {
			if id.String() > after.String() && len(list) < contractPage {
				list = append(list, contractView(state, state.Contract(id), head))
			}
		}
	})
	return list, err
}

// Agencies lists agencies.
func (c *Client) Agencies(ctx context.Context) ([]AgencyView, error) {
	return get[[]AgencyView](ctx, c, "/v1/agencies")
}

// Purposes lists purposes, number 1 first.
func (c *Client) Purposes(ctx context.Context) ([]PurposeView, error) {
	return get[[]PurposeView](ctx, c, "/v1/purposes")
}

// Definitions lists definitions of contracts.
func (c *Client) Definitions(ctx context.Context) ([]DefinitionView, error) {
	return get[[]DefinitionView](ctx, c, "/v1/definitions")
}

// Contract reads a live contract, at least at a size of the log.
func (c *Client) Contract(ctx context.Context, id token.WalletID, minSize uint64) (ContractView, error) {
	return get[ContractView](ctx, c, fmt.Sprintf("/v1/contracts/%s?min_size=%d", id, minSize))
}

// Contracts lists live contracts with ids after one.
func (c *Client) Contracts(ctx context.Context, after token.WalletID) ([]ContractView, error) {
	return get[[]ContractView](ctx, c, "/v1/contracts?after="+after.String())
}
