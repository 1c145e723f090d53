package bitcoin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits on what a node may answer.
const (
	maxAnswerBytes = 96 << 20 // a template of a full block in hex, with its JSON, stays below 24 MB
	maxErrorBytes  = 4 << 10
)

// Error codes of Bitcoin Core's RPC that callers tell apart; btcd uses the same numbers.
const (
	codeNotFound       = -5
	codeBeyondTip      = -8 // Core's for a height above its tip; btcd's is -1, as for a method it knows by name only
	codeInWarmup       = -28
	codeMethodNotFound = -32601
	codeUnimplemented  = -1 // btcd's answer for a method it knows by name only
	codeOutOfRange     = -1 // and for a height above its tip
)

// RPCError is an answer of the node that says no.
type RPCError struct {
	Method  string
	Code    int
	Message string
}

func (e *RPCError) Error() string {
	return fmt.Sprintf("node refuses %s: %s (code %d)", e.Method, e.Message, e.Code)
}

// ErrUnauthorized means that the node does not accept the user and password or the cookie.
var ErrUnauthorized = errors.New("node refuses the credentials")

// Client calls one node. Its methods may be used by many goroutines at once: all fields but lastID and longPoll are set
// by Dial and only read afterwards, and those two look after themselves.
type Client struct {
	endpoint string
	auth     credentials
	http     *http.Client // plain questions
	polls    *http.Client // the long poll's own connection
	blocks   *http.Client // blocks on their way: never behind anything else
	// timeout is of a call with its second try, reading included. A long poll has its own.
	timeout time.Duration
	// lastID makes each call's id its own, also among those under way: a batch's answers are told apart by it.
	lastID   atomic.Uint64
	longPoll longPoll
}

type request struct {
	Version string `json:"jsonrpc"` // btcd answers nothing without it
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type response struct {
	ID     *uint64         `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Call asks the node and decodes its result, which may be nil when nobody wants it.
// A connection that breaks before an answer is tried once more, except for calls that spend. The error is an RPCError
// when the node has said no, ErrUnauthorized for its credentials, and otherwise says nothing of what the node did.
func (c *Client) Call(ctx context.Context, result any, method string, params ...any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.callOver(ctx, c.http, result, method, params...)
}

// callOver calls over one of the client's sets of connections, as long as ctx lasts.
func (c *Client) callOver(ctx context.Context, over *http.Client, result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	asked := request{"1.0", c.lastID.Add(1), method, params}
	raw, err := c.post(ctx, over, asked, !spends(method) && over != c.polls)
	if err != nil {
		return fmt.Errorf("calling %s: %w", method, err)
	}
	var answer response
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("answer to %s is not JSON-RPC: %w", method, err)
	}
	return answer.into(result, method)
}

// spends tells the calls that must not be sent twice.
func spends(method string) bool {
	return method == "sendtoaddress" || method == "sendmany" || method == "send"
}

// into decodes the answer or makes an error of it. A result that is null is left to the decoder: for submitblock it is
// the good answer.
func (r response) into(result any, method string) error {
	if r.Error != nil {
		return &RPCError{method, r.Error.Code, r.Error.Message}
	}
	if result == nil {
		return nil
	}
	if len(r.Result) == 0 {
		return fmt.Errorf("answer to %s has neither result nor error", method)
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		return fmt.Errorf("result of %s: %w", method, err)
	}
	return nil
}

// post sends one JSON body and returns the answer's body, whatever status a JSON-RPC node gave it.
func (c *Client) post(ctx context.Context, over *http.Client, body any, again bool) ([]byte, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	raw, err := c.postOnce(ctx, over, encoded)
	if err == nil || !again || ctx.Err() != nil || errors.Is(err, ErrUnauthorized) {
		return raw, err
	}
	var status statusError
	if errors.As(err, &status) {
		return nil, err
	}
	return c.postOnce(ctx, over, encoded)
}

// statusError is an answer that is no JSON: somebody answered, so that the call is not repeated.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return fmt.Sprintf("node answers HTTP %d: %s", e.code, e.text) }

func (c *Client) postOnce(ctx context.Context, over *http.Client, body []byte) ([]byte, error) {
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	call.Header.Set("Content-Type", "application/json")
	user, password, err := c.auth.get()
	if err != nil {
		return nil, err
	}
	if user != "" || password != "" {
		call.SetBasicAuth(user, password)
	}
	answer, err := over.Do(call)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	switch {
	case answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden:
		return nil, ErrUnauthorized
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case len(raw) > maxAnswerBytes:
		return nil, fmt.Errorf("answer is longer than %d bytes", maxAnswerBytes)
	case len(bytes.TrimSpace(raw)) == 0 || bytes.TrimSpace(raw)[0] != '{' && bytes.TrimSpace(raw)[0] != '[':
		// Core sends JSON with status 500 or 404; prose comes from a proxy or a full work queue.
		return nil, statusError{answer.StatusCode, string(raw[:min(len(raw), maxErrorBytes)])}
	}
	return raw, nil
}
