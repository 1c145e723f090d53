package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// StepView is an action of a contract, and what stands against it now.
type StepView struct {
	ledger.Step
	Possible bool     `json:"possible" doc:"nothing stands against it: it would be executed now, or depends only on what the caller gives (open) and has (takes)"`
	Problem  *Problem `json:"problem,omitempty" doc:"why it would be refused now"`
}

// NextSteps are the actions of a contract.
type NextSteps struct {
	Contract token.WalletID `json:"contract"`
	Version  uint64         `json:"version" doc:"which the next action names"`
	Ends     uint64         `json:"ends_millis" doc:"when it ends by itself"`
	Steps    []StepView     `json:"steps"`
	Size     uint64         `json:"size" doc:"of the log, at which the answer stands"`
}

// SpendingCheck says that a payment of marked money would be executed.
type SpendingCheck struct {
	Purpose uint32 `json:"purpose"`
	Becomes uint32 `json:"becomes" doc:"the purpose that the money carries then; 0 for plain tenge"`
}

// registerNext serves what may be done with a contract or with marked money.
func (s *Server) registerNext() {
	huma.Register(s.api, operation("next-steps", "/v1/contracts/{id}/next",
		"What may be done with a contract: which action, by whom, from when, or why not now", byWallet,
		http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			ID     token.WalletID `path:"id"`
			As     token.WalletID `query:"as" doc:"for this wallet; absent for the session's own, or else for the first party that may"`
			Bearer string         `header:"Authorization" hidden:"true"`
		}) (*answer[NextSteps], error) {
			if own, err := s.ownSession(ctx, in.Bearer); err == nil && in.As == (token.WalletID{}) {
				in.As = own // also where the node is open to read, and a session opens nothing more
			}
			return retried(s.nextSteps(ctx, in.ID, in.As))
		})
	check := operation("check-purpose", "/v1/purposes/{number}/check",
		"Whether the session's own wallet may pay a purpose's money to a payee", byWallet, http.StatusConflict,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	check.Description =
		"The answer is what the money becomes, or the refusal that such a payment would get now. Nothing is told of the payee to a wallet that has no money of the purpose. It takes a place of the caller's share of the queue, as a payment does."
	huma.Register(s.api, check, func(ctx context.Context, in *struct {
		Number uint32         `path:"number" minimum:"1"`
		Payee  token.WalletID `query:"payee" required:"true"`
		Amount money.Tiyn     `query:"amount" minimum:"0" doc:"tiyn; absent for the least that a token may be"`
		Bearer string         `header:"Authorization" hidden:"true"`
	}) (*answer[SpendingCheck], error) {
		own, err := s.ownSession(ctx, in.Bearer)
		if err != nil {
			return nil, err
		}
		return retried(s.checkPurpose(ctx, own, in.Number, in.Payee, in.Amount))
	})
}

// retried is ok, with a refusal that says when to come back.
func retried[T any](body T, err error) (*answer[T], error) {
	if err != nil {
		return nil, withRetry(problemOf(err))
	}
	return ok(body, nil)
}

// ownSession is the wallet whose key opened the session of a request. On a node that is open to read a session is asked
// for too: it alone says whose wallet is meant.
func (s *Server) ownSession(ctx context.Context, authorization string) (token.WalletID, error) {
	access, _ := ctx.Value(accessKey{}).(*Access)
	if access == everything {
		if secret, bears := strings.CutPrefix(authorization, "Bearer "); bears {
			access = s.session(ctx, secret)
		}
	}
	switch {
	case access == nil:
		return token.WalletID{}, newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	case access.Role != RoleHolder:
		return token.WalletID{}, newProblem(http.StatusForbidden, codeForbidden, "",
			"this is for a session of the payer's key")
	}
	return access.wallet, nil
}

// nextSteps tells who may read a contract what may be done with it.
func (s *Server) nextSteps(ctx context.Context, id, as token.WalletID) (view NextSteps, err error) {
	c, err := s.contract(ctx, id, 0)
	if err != nil {
		return view, err
	}
	access, _ := ctx.Value(accessKey{}).(*Access)
	if as == (token.WalletID{}) && access.ofWallet() {
		as = access.wallet
	} else if as != (token.WalletID{}) {
		if _, err := s.wallet(ctx, as, 0); err != nil { // what stands against another's call may tell of him
			return view, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	steps, head, err := s.node.NextSteps(ctx, senderOf(ctx), id, as)
	if err != nil {
		return view, err
	}
	view = NextSteps{Contract: id, Version: c.Version, Ends: c.EndsMillis, Size: head.Size,
		Steps: make([]StepView, len(steps))}
	for i, step := range steps {
		view.Steps[i] = StepView{Step: step, Possible: step.Refused == nil}
		if step.Refused != nil {
			view.Steps[i].Problem = problemOf(step.Refused)
		}
	}
	return view, nil
}

// checkPurpose tries a payment of marked money of the session's own wallet. Without an amount it tries the least that
// a token may be: whether the payee may be paid at all.
func (s *Server) checkPurpose(ctx context.Context, own token.WalletID, number uint32, payee token.WalletID,
	amount money.Tiyn) (view SpendingCheck, err error) {
	if payee == own {
		return view, token.Errorf(token.OutOfRange, "payee", "a payment to oneself frees no money from its purpose")
	}
	if amount == 0 {
		if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
			amount = max(1, state.Authority().Policy.LeastToken)
		}); err != nil {
			return view, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	becomes, err := s.node.MayPay(ctx, senderOf(ctx), ledger.EarmarkedPayment{Purpose: number, Payer: own, Payee: payee,
		Amount: amount})
	if err != nil {
		return view, err
	}
	return SpendingCheck{number, becomes}, nil
}
