package api

import (
	"context"
	"encoding/json"
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

	form json.RawMessage // as it is answered; nil is not made yet
}

// plainDefinition is a DefinitionView that is encoded field by field.
type plainDefinition DefinitionView

// MarshalJSON encodes a definition, once.
func (d DefinitionView) MarshalJSON() ([]byte, error) {
	if d.form != nil {
		return d.form, nil
	}
	return json.Marshal(plainDefinition(d))
}

// keptDefinitions is how many definitions are kept as they are answered: strangers may ask for them again and again.
const keptDefinitions = 1024

// definitionView is a definition as it is answered. It is kept with its JSON, as anybody may ask for long lists of
// them.
func (s *Server) definitionView(id token.Hash, encoded []byte) (DefinitionView, error) {
	s.shown.mu.Lock()
	view, known := s.shown.definitions.Get(id)
	s.shown.mu.Unlock()
	if known {
		return view, nil
	}
	d, refused := contract.Decode(encoded)
	if refused != nil {
		return view, refused
	}
	view = DefinitionView{ID: id, Definition: d}
	form, err := json.Marshal(view)
	if err != nil {
		return view, err
	}
	view.form = form
	s.shown.mu.Lock()
	s.shown.definitions.Put(id, view)
	s.shown.mu.Unlock()
	return view, nil
}

// ContractView is a contract as it stands at the last durable block.
type ContractView struct {
	contract.Instance
	Name string       `json:"name" doc:"of its definition"`
	Held []money.Tiyn `json:"held" doc:"by asset"`
	Size uint64       `json:"size" doc:"of the log, at which the answer stands"`
	// Standing is what its payee may take yet, of a standing debit or a channel.
	Standing *Standing `json:"standing,omitempty" doc:"of a standing debit or a channel that is known"`

	encoded []byte // its definition
}

// contractPage bounds how many contracts one answer lists.
const contractPage = 1000

// registerPrograms: agencies, purposes and definitions are public, as whoever is paid must be able to read the rules of
// what he is paid with; who has a contract with whom is for auditors and its parties.
func (s *Server) registerPrograms() {
	huma.Register(s.api, operation("list-agencies", "/v1/agencies", "Agencies, which register purposes", byAnybody),
		func(ctx context.Context, _ *struct{}) (*answer[[]AgencyView], error) {
			// Not a nil list, which JSON writes as null.
			list := []AgencyView{}
			err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
				for _, id := range state.Agencies() {
					a, _ := state.Agency(id)
					list = append(list, AgencyView{id, a})
				}
			})
			return ok(list, err)
		})
	huma.Register(s.api, operation("list-purposes", "/v1/purposes", "Purposes of marked tenge, by number", byAnybody),
		func(ctx context.Context, in *struct {
			After uint32 `query:"after" doc:"numbers after this one"`
			Limit int    `query:"limit" default:"200" minimum:"1" maximum:"1000" doc:"a full page may have another after it"`
		}) (*answer[[]PurposeView], error) {
			return ok(s.purposes(ctx, in.After, in.Limit))
		})
	huma.Register(s.api, operation("list-definitions", "/v1/definitions", "Registered definitions of contracts, by id",
		byAnybody),
		func(ctx context.Context, in *struct {
			After token.Hash `query:"after" doc:"ids after this one"`
			Limit int        `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"a full page may have another after it"`
		}) (*answer[[]DefinitionView], error) {
			return ok(s.definitions(ctx, in.After, in.Limit))
		})
	huma.Register(s.api, operation("list-contracts", "/v1/contracts", "Live contracts, by id", byAuditors),
		func(ctx context.Context, in *struct {
			After token.WalletID `query:"after" doc:"ids after this one"`
		}) (*answer[[]ContractView], error) {
			return ok(s.contracts(ctx, in.After))
		})
	huma.Register(s.api, operation("get-contract", "/v1/contracts/{id}",
		"A live contract: parties, terms, state, money", byWallet, http.StatusNotFound),
		func(ctx context.Context, in *WalletPath) (*answer[ContractView], error) {
			return ok(s.contract(ctx, in.ID, in.MinSize))
		})
}

// purposes reads a page of purposes. Under the state's lock it copies; that is encoded afterwards.
func (s *Server) purposes(ctx context.Context, after uint32, limit int) ([]PurposeView, error) {
	list := make([]PurposeView, 0, limit)
	err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		for _, number := range state.PurposesAfter(after, limit) {
			list = append(list, purposeView(state, number))
		}
	})
	return list, err
}

// definitions reads a page of definitions. Encodings are never changed: they are read after the lock.
func (s *Server) definitions(ctx context.Context, after token.Hash, limit int) ([]DefinitionView, error) {
	var ids []token.Hash
	var encoded [][]byte
	err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		ids = state.DefinitionsAfter(after, limit)
		for _, id := range ids {
			e, _ := state.Definition(id)
			encoded = append(encoded, e)
		}
	})
	if err != nil {
		return nil, err
	}
	list := make([]DefinitionView, 0, len(ids))
	for i, id := range ids {
		view, err := s.definitionView(id, encoded[i])
		if err != nil {
			return nil, err
		}
		list = append(list, view)
	}
	return list, nil
}

func purposeView(state *livestate.State, number uint32) PurposeView {
	p := state.Purpose(number)
	return PurposeView{number, *p, p.Live(), state.Earmarked(number)}
}

// contractView copies a contract: the state is another's as soon as the view ends.
func contractView(state *livestate.State, c *ledger.Contract, head node.Head) ContractView {
	view := ContractView{Instance: c.Instance, Size: head.Size}
	view.State, view.Registers = append([]int64{}, c.State...), append([]token.Hash(nil), c.Registers...)
	for _, id := range c.Tokens {
		t, _ := state.Token(id)
		view.Held = append(view.Held, t.Amount)
	}
	view.encoded, _ = state.Definition(c.Definition)
	return view
}

// named gives contracts the names of their definitions, and says what their payees may take, after the state's lock.
func named(views []ContractView) {
	known := map[token.Hash]*contract.Definition{}
	for i := range views {
		v := &views[i]
		d, found := known[v.Definition]
		if !found {
			d, _ = contract.Decode(v.encoded)
			known[v.Definition] = d
		}
		if v.encoded = nil; d != nil {
			v.Name, v.Standing = d.Name, standingOf(d, *v)
		}
	}
}

// contract reads a contract. Who may read one of its parties, or its creator's wallets, may read it.
func (s *Server) contract(ctx context.Context, id token.WalletID, minSize uint64) (view ContractView, err error) {
	if err := s.waitSize(ctx, minSize); err != nil {
		return view, err
	}
	found := false
	parties := map[token.WalletID]ledger.Wallet{}
	// Everything that the right depends on is read in one look, and judged after it: under the lock nothing waits.
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
	// The right before the existence: to whoever may not read it, a contract that is there and one that is not are
	// the same.
	if access != nil {
		return ContractView{}, access
	}
	if !found {
		return ContractView{}, token.Errorf(node.NotFound, "id", "no live contract %s: it has ended, or never was", id)
	}
	one := []ContractView{view}
	named(one)
	return one[0], nil
}

// contracts is a page, in the order of ids.
func (s *Server) contracts(ctx context.Context, after token.WalletID) ([]ContractView, error) {
	if err := mayReadAll(ctx); err != nil {
		return nil, err
	}
	list := []ContractView{}
	err := s.node.View(ctx, func(state *livestate.State, head node.Head) {
		for _, id := range state.ContractsAfter(after, contractPage) {
			list = append(list, contractView(state, state.Contract(id), head))
		}
	})
	named(list)
	return list, err
}

// Agencies lists agencies.
func (c *Client) Agencies(ctx context.Context) ([]AgencyView, error) {
	return get[[]AgencyView](ctx, c, "/v1/agencies")
}

// How many a client asks for at a time.
const (
	purposesAtOnce    = 1000
	definitionsAtOnce = 200
)

// Purposes lists purposes, number 1 first.
func (c *Client) Purposes(ctx context.Context) (all []PurposeView, err error) {
	for after := uint32(0); ; after = all[len(all)-1].Number {
		page, err := get[[]PurposeView](ctx, c, fmt.Sprintf("/v1/purposes?limit=%d&after=%d", purposesAtOnce, after))
		if all = append(all, page...); err != nil || len(page) < purposesAtOnce {
			return all, err
		}
	}
}

// Definitions lists definitions of contracts, by id.
func (c *Client) Definitions(ctx context.Context) (all []DefinitionView, err error) {
	for after := (token.Hash{}); ; after = all[len(all)-1].ID {
		page, err := get[[]DefinitionView](ctx, c, fmt.Sprintf("/v1/definitions?limit=%d&after=%s", definitionsAtOnce,
			after))
		if all = append(all, page...); err != nil || len(page) < definitionsAtOnce {
			return all, err
		}
	}
}

// Contract reads a live contract, at least at a size of the log.
func (c *Client) Contract(ctx context.Context, id token.WalletID, minSize uint64) (ContractView, error) {
	return get[ContractView](ctx, c, fmt.Sprintf("/v1/contracts/%s?min_size=%d", id, minSize))
}

// Contracts lists live contracts with ids after one.
func (c *Client) Contracts(ctx context.Context, after token.WalletID) ([]ContractView, error) {
	return get[[]ContractView](ctx, c, "/v1/contracts?after="+after.String())
}
