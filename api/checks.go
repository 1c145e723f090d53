package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
)

// Checked says that a payment would be executed.
type Checked struct {
	ID token.TransactionID `json:"id" doc:"of the payment, if it is signed as it is"`
}

// registerChecks serves what is asked before a payment and shown after it.
func (s *Server) registerChecks() {
	schemas := s.api.OpenAPI().Components.Schemas
	huma.Register(s.api, describe(huma.Operation{OperationID: "check-transaction", Method: http.MethodPost,
		Path:    "/v1/transactions/check",
		Summary: "What would become of a payment of the session's own wallet, without signatures and without effect",
		Description: "The body is a payment (kind transfer) in CBOR with Content-Type application/cbor; witnesses " +
			"are not looked at. Its one payer is the session's wallet. " +
			"The answer is its id, or the refusal that it would get now: another payment may come before it. It " +
			"takes a place of the caller's share of the queue, as a payment does.",
		MaxBodyBytes: 1 << 17, SkipValidateBody: true,
		RequestBody: &huma.RequestBody{Required: true,
			Content: map[string]*huma.MediaType{"application/cbor": {Schema: &huma.Schema{Type: huma.TypeString,
				Format: "binary"}}}},
		Responses: map[string]*huma.Response{"200": {Description: "It would be executed",
			Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(typeOf[Checked](), true,
				"Checked")}}}},
	}, byWallet, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusConflict, http.StatusTooManyRequests,
		http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct{ RawBody []byte }) (*rawAnswer, error) {
			return owned(in.RawBody, func(body []byte) (*rawAnswer, error) { return s.check(ctx, body) })
		})
	prove := operation("prove-transaction", "/v1/transactions/{id}/proof",
		"A receipt file: that a transaction is in the log, for who may read it", byWallet, http.StatusNotFound)
	prove.Responses = answerOf("application/cbor", "Receipt file")
	huma.Register(s.api, prove, func(ctx context.Context, in *struct {
		ID token.TransactionID `path:"id"`
	}) (*rawAnswer, error) {
		receipt, err := s.receiptOf(ctx, in.ID)
		if err != nil {
			return nil, problemOf(err)
		}
		// After receiptOf, which asks whether the caller may read the transaction: the file has its whole text.
		r, err := proof.MakeReceipt(s.node, in.ID, receipt.Index)
		if err != nil {
			return nil, problemOf(err)
		}
		return &rawAnswer{"application/cbor", r.Encode()}, nil
	})
}

// check tries a payment of the session's own wallet. Of another's wallet it would say what that one has: a refusal for
// too little money, tried with different amounts, is a balance.
func (s *Server) check(ctx context.Context, body []byte) (*rawAnswer, error) {
	access, _ := ctx.Value(accessKey{}).(*Access)
	if access == nil {
		return nil, newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	}
	if access.Role != RoleHolder {
		return nil, newProblem(http.StatusForbidden, codeForbidden, "",
			"a payment is checked for a session of its payer's key")
	}
	txs, err := decodeSequence(body)
	if err != nil {
		return nil, problemOf(err)
	}
	t, pays := txs[0].Body.(*token.Transfer)
	if !pays || len(txs) != 1 || t.Payers != 1 || t.Parties[0] != access.wallet {
		return nil, newProblem(http.StatusForbidden, codeForbidden, "",
			"only one payment, of which the session's wallet is the one payer, is checked")
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := s.node.Check(ctx, senderOf(ctx), txs[0]); err != nil {
		return nil, withRetry(problemOf(err))
	}
	return asJSON(Checked{txs[0].ID()})
}
