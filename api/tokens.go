package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
)

// TokenView is a token, live or spent.
type TokenView struct {
	ID     token.ID       `json:"id"`
	Wallet token.WalletID `json:"wallet"`
	Amount money.Tiyn     `json:"amount"`
	Live   bool           `json:"live"`
	Entry  uint64         `json:"entry" doc:"of the log, that made it"`
	Size   uint64         `json:"size" doc:"of the log, at which the answer stands"`
}

// registerTokens: a token's proof file shows its way back to issue, and so payments between others. Their amounts are
// on the way; memos that can be read are not given to a holder, who is refused instead: a proof with parts left out
// would not verify.
func (s *Server) registerTokens() {
	huma.Register(s.api, operation("get-token", "/v1/tokens/{id}", "A token, live or spent", byWallet,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID token.ID `path:"id"`
		}) (*answer[TokenView], error) {
			return ok(s.token(ctx, in.ID))
		})
	prove := operation("prove-token", "/v1/tokens/{id}/proof", "A proof file: the token's provenance back to issue",
		byWallet, http.StatusNotFound)
	prove.Responses = answerOf("application/cbor", "Proof file")
	huma.Register(s.api, prove, func(ctx context.Context, in *struct {
		ID token.ID `path:"id"`
	}) (*rawAnswer, error) {
		view, err := s.token(ctx, in.ID)
		if err != nil {
			return nil, problemOf(err)
		}
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		f, err := proof.Make(ctx, s.node, in.ID)
		if err != nil {
			return nil, problemOf(err)
		}
		// After the file is made, for only then is it known whose payments stand on the way.
		if access, _ := ctx.Value(accessKey{}).(*Access); access.ofWallet() {
			if n := f.MemosOfOthers(view.Wallet); n > 0 {
				return nil, newProblem(http.StatusForbidden, codeMemosOfOthers, "id",
					fmt.Sprintf("%d payments between others on the way have a memo that can be read: the wallet's "+
						"bank makes the proof", n))
			}
		}
		return &rawAnswer{"application/cbor", f.Encode()}, nil
	})
}

type rawAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// token is a token, live or spent. Who may not read its wallet is denied it in the same way whether or not there is
// such a token.
func (s *Server) token(ctx context.Context, id token.ID) (view TokenView, err error) {
	view.ID = id
	var live ledger.Token
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		live, view.Live = state.Token(id)
		view.Size = head.Size
	})
	if err != nil {
		return view, err
	}
	origin, err := s.node.Origin(ctx, id)
	if err != nil {
		// Whether there is such a token is told to those alone who may read any.
		return TokenView{}, errors.Join(mayReadAll(ctx), err)
	}
	view.Wallet, view.Amount, view.Entry = origin.Wallet, origin.Amount, origin.Entry
	if view.Live {
		view.Wallet, view.Amount = live.Wallet, live.Amount
	}
	_, err = s.wallet(ctx, view.Wallet, 0)
	if denied := mayReadAll(ctx); err != nil && denied != nil {
		return TokenView{}, denied // whoever's it is, and whether its wallet is closed by now
	}
	return view, nil
}
