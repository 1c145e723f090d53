package api

import (
	"bytes"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// WalletContracts are live contracts of which a wallet is a party.
type WalletContracts struct {
	Contracts []ContractView  `json:"contracts"`
	Next      *token.WalletID `json:"next,omitempty" doc:"pass as after to go on; absent at the end"`
}

// contractsAnswered is how many contracts one answer lists.
const contractsAnswered = 100

// registerWalletContracts serves a wallet's contracts.
func (s *Server) registerWalletContracts() {
	huma.Register(s.api, operation("list-wallet-contracts", "/v1/wallets/{id}/contracts",
		"Live contracts of which a wallet is a party, by id", byWallet, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID    token.WalletID `path:"id"`
			After token.WalletID `query:"after" doc:"ids after this one"`
		}) (*answer[WalletContracts], error) {
			return ok(s.contractsOf(ctx, in.ID, in.After))
		})
}

// contractsOf looks for a wallet's contracts: at each of the network's, once, for a wallet that is a party of any; most
// are of none, and cost one look.
func (s *Server) contractsOf(ctx context.Context, id, after token.WalletID) (list WalletContracts, err error) {
	if _, err := s.wallet(ctx, id, 0); err != nil {
		return list, err
	}
	list.Contracts = []ContractView{}
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		if !state.Named(id) {
			return
		}
		var own []token.WalletID
		for at := range state.EachContract() { // any order: sorted below
			if bytes.Compare(at[:], after[:]) > 0 && slices.Contains(state.Contract(at).Parties, id) {
				own = append(own, at)
			}
		}
		slices.SortFunc(own, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
		if len(own) > contractsAnswered {
			own = own[:contractsAnswered]
			list.Next = &own[contractsAnswered-1]
		}
		for _, at := range own {
			list.Contracts = append(list.Contracts, contractView(state, state.Contract(at), head))
		}
	})
	named(list.Contracts)
	return list, err
}
