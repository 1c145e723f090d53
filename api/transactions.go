package api

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Answer is what became of one transaction of a request.
type Answer struct {
	Receipt *node.Receipt `json:"receipt,omitempty"`
	Problem *Problem      `json:"problem,omitempty"`
}

// transactionsPath is where transactions are submitted.
const transactionsPath = "/v1/transactions"

// maxPerRequest bounds the transactions of one request.
const maxPerRequest = 8192

// registerTransactions: a body is decoded by the one decoder that the node has, not by the framework's
// (SkipValidateBody): what it would accept beyond that could not be on the ledger.
func (s *Server) registerTransactions() {
	receipts := s.api.OpenAPI().Components.Schemas
	huma.Register(s.api, describe(huma.Operation{
		OperationID: "submit-transactions", Method: http.MethodPost, Path: transactionsPath,
		Summary: "Submit signed transactions and wait until they are durable",
		Description: "The body is one transaction as JSON (answered with a receipt or a problem), or with " +
			"Content-Type application/cbor-seq " +
			"a CBOR sequence (RFC 8742) of transactions, answered with an array: a receipt or a problem each, in order. " +
			"A transaction's id is its idempotency key: sent again, it gets the same receipt.",
		MaxBodyBytes: maxBody, SkipValidateBody: true,
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json":     {Schema: receipts.Schema(typeOf[token.Transaction](), true, "Transaction")},
			"application/cbor-seq": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}},
		Responses: map[string]*huma.Response{"200": {Description: "A receipt of one transaction as JSON, or an " +
			"answer for each of a sequence", Content: map[string]*huma.MediaType{"application/json": {
			Schema: &huma.Schema{OneOf: []*huma.Schema{receipts.Schema(typeOf[node.Receipt](), true, "Receipt"),
				receipts.Schema(typeOf[[]Answer](), true, "Answers")}},
		}}}},
	}, bySignature, http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests,
		http.StatusServiceUnavailable), func(ctx context.Context, in *struct {
		ContentType string `header:"Content-Type"`
		RawBody     []byte
	}) (*rawAnswer, error) {
		// The body is huma's again once the handler has returned, while the node may hold the transactions for longer:
		// they are read from a copy of one's own.
		return owned(in.RawBody, func(body []byte) (*rawAnswer, error) { return s.submit(ctx, in.ContentType, body) })
	})
	huma.Register(s.api, operation("get-transaction", "/v1/transactions/{id}", "An executed transaction", byWallet,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID token.TransactionID `path:"id"`
		}) (*answer[TransactionView], error) {
			return ok(s.transaction(ctx, in.ID))
		})
	s.registerChecks()
}

// submit takes one transaction as JSON, or several in the ledger's own form, and answers when each is durable or
// refused.
func (s *Server) submit(ctx context.Context, contentType string, body []byte) (*rawAnswer, error) {
	kind, _, _ := mime.ParseMediaType(contentType)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	switch kind {
	case "application/json", "":
		var tx token.Transaction
		if err := checkDoubled(body); err != nil {
			return nil, problemOf(err)
		}
		if err := json.Unmarshal(body, &tx); err != nil {
			var rule *token.Error
			if errors.As(err, &rule) {
				return nil, problemOf(rule)
			}
			return nil, newProblem(http.StatusBadRequest, codeInvalid, "body", err.Error())
		}
		receipts, errs := s.submitAll(ctx, []*token.Transaction{&tx})
		if errs[0] != nil {
			return nil, withRetry(problemOf(errs[0]))
		}
		return asJSON(receipts[0])
	case "application/cbor-seq", "application/cbor":
		txs, err := decodeSequence(body)
		if err != nil {
			return nil, problemOf(err)
		}
		receipts, errs := s.submitAll(ctx, txs)
		if errs[0] != nil && problemOf(errs[0]).Status == http.StatusTooManyRequests {
			return nil, withRetry(problemOf(errs[0])) // later ones were not taken in either
		}
		return asJSON(answersOf(receipts, errs))
	}
	return nil, newProblem(http.StatusUnsupportedMediaType, codeInvalid, "Content-Type",
		"want application/json or application/cbor-seq")
}

// submitAll hands transactions in, and counts what is refused by the code that its sender is told.
func (s *Server) submitAll(ctx context.Context, txs []*token.Transaction) ([]node.Receipt, []error) {
	receipts, errs := s.node.SubmitAllOf(ctx, senderOf(ctx), txs)
	// the network's day, as the other series count, asked of no index that may not be there yet
	day := uint32((s.node.Clock().TimeMillis + s.node.Genesis().Policy.DayOffsetMillis) / (24 * 3_600_000))
	for i, err := range errs {
		if errors.Is(err, context.DeadlineExceeded) && s.options.Cluster != nil {
			errs[i] = undecided(s.options.Cluster().Waits())
		}
		s.refusals.count(day, txs[i], errs[i])
	}
	return receipts, errs
}

// undecided is the answer to what a cluster has not decided in time, with why payments wait there, if that is known.
func undecided(why string) *token.Error {
	if why == "" {
		why = "no block has it yet"
	}
	return token.Errorf(node.Undecided, "", "the cluster has not decided in %d s: %s; it may be executed: ask for its "+
		"id, or send the same again, also to another validator", requestTimeout/time.Second, why)
}

// answersOf states what became of transactions. Most refusals of a sequence are one and the same, which is put into
// words once.
func answersOf(receipts []node.Receipt, errs []error) []Answer {
	answers := make([]Answer, len(errs))
	for i, err := range errs {
		switch {
		case err == nil:
			answers[i].Receipt = &receipts[i]
		case i > 0 && err == errs[i-1]: //nolint:errorlint // the very same refusal
			answers[i].Problem = answers[i-1].Problem
		default:
			answers[i].Problem = problemOf(err)
		}
	}
	return answers
}

// decodeSequence reads transactions one after the other. One that violates a rule of form refuses the whole
// request, because where the next one begins is not known.
func decodeSequence(body []byte) ([]*token.Transaction, error) {
	var txs []*token.Transaction
	for len(body) > 0 {
		if len(txs) == maxPerRequest {
			return nil, token.Errorf(token.TooMany, "body", "at most %d transactions a request", maxPerRequest)
		}
		d := token.NewDecoder(body)
		tx := d.Transaction()
		if err := d.Err(); err != nil {
			return nil, err
		}
		txs = append(txs, tx)
		body = body[d.Pos():]
	}
	if len(txs) == 0 {
		return nil, newProblem(http.StatusBadRequest, codeInvalid, "body", "no transaction")
	}
	return txs, nil
}

func asJSON(value any) (*rawAnswer, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, problemOf(err)
	}
	return &rawAnswer{"application/json", body}, nil
}

// withRetry tells an overloaded node's caller when to come back.
func withRetry(p *Problem) error {
	if p.Status == http.StatusTooManyRequests {
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {"1"}})
	}
	return p
}

// TransactionView is an executed transaction and where it stands.
type TransactionView struct {
	node.Receipt
	Transaction *token.Transaction `json:"transaction"`
}

func (s *Server) transaction(ctx context.Context, id token.TransactionID) (view TransactionView, err error) {
	receipt, err := s.receiptOf(ctx, id)
	if err != nil {
		return view, err
	}
	e, _, err := s.node.Entry(receipt.Index)
	return TransactionView{receipt, e.Transaction}, err
}

// receiptOf says where an executed transaction stands, to who may read all, and to the session of a wallet that it
// touched.
func (s *Server) receiptOf(ctx context.Context, id token.TransactionID) (receipt node.Receipt, err error) {
	denied := mayReadAll(ctx)
	holder, _ := ctx.Value(accessKey{}).(*Access)
	if denied != nil && (holder == nil || !holder.ofWallet()) {
		return receipt, denied
	}
	receipt, found, err := s.node.LookupRead(ctx, id)
	if err == nil && denied != nil { // whether it is there is the same secret as what it says
		touched := false
		if found {
			touched, err = s.touches(ctx, receipt, holder.wallet)
		}
		if err == nil && !touched {
			return node.Receipt{}, denied
		}
	}
	if err == nil && !found {
		err = token.Errorf(node.NotFound, "id", "no transaction %s was executed", id)
	}
	return receipt, err
}

// touches says whether an entry touched a wallet that the caller may read.
func (s *Server) touches(ctx context.Context, receipt node.Receipt, wallet token.WalletID) (bool, error) {
	if _, err := s.wallet(ctx, wallet, 0); err != nil {
		return false, err
	}
	items, _, err := s.node.History(ctx, wallet, receipt.Index+1, 1)
	return err == nil && len(items) == 1 && items[0].Index == receipt.Index, err
}
