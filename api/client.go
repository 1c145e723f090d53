package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Client speaks to a node's API: over the network, or within the process (see Local).
// Errors of the node come back as *Problem.
//
// It may be used by many goroutines once it is set up. What is said to be set before the first request has no lock.
type Client struct {
	bases  []string     // of nodes of one ledger; more than one: see send
	at     atomic.Int32 // which of them is spoken to
	once   sync.Once
	http   *http.Client
	access string
	door   *door                  // opens sessions with wallets' keys; nil opens none
	keeps  atomic.Pointer[string] // id of the list of followers that who speaks keeps, likewise
	own    atomic.Pointer[string] // where who speaks serves himself, which is told with what he sends
	// waiting is told of each request that is sent; nil tells nobody. See WhileWaiting.
	waiting func(base string) (answered func())
	// readsWithin is how long the answer to what changes nothing may take to begin; 0 is for ever. See ReadsWithin.
	readsWithin time.Duration
	// submitsNot is why no transaction may be sent; nil lets them be. Set before the client is used.
	submitsNot error
	// changed: something that changes the ledger went out
	changed atomic.Bool
	// the instance that the first answer must be of; nil once it was, or if any will do
	expect atomic.Pointer[string]
}

// NewClient makes a client of the node at a URL, or at several, separated by commas: then it finds out which of them
// leads, and follows the leader. access is an access token, or empty.
func NewClient(base, access string) *Client {
	return &Client{bases: splitNodes(base), http: &http.Client{Transport: newTransport(),
		CheckRedirect: httplimit.NoRedirect}, access: access}
}

// Local makes a client of a server in this process, without a network between.
func Local(s *Server) *Client {
	return &Client{bases: []string{"http://local"}, http: &http.Client{Transport: inProcess{s.Handler()}}}
}

// inProcess carries requests to a handler directly.
type inProcess struct{ handler http.Handler }

// RoundTrip answers from the handler, at once and from memory, but for the feed, which does not end.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.URL.Path == "/v1/feed" {
		return t.stream(r), nil
	}
	w := &memoryWriter{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1,
		Body:       io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// stream carries an answer that goes on until its reader has enough.
func (t inProcess) stream(r *http.Request) *http.Response {
	body, to := io.Pipe()
	w := &pipeWriter{header: http.Header{}, to: to, begun: make(chan int, 1)}
	go func() {
		t.handler.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		_ = to.Close()
	}()
	return &http.Response{StatusCode: <-w.begun, Header: w.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: body, ContentLength: -1, Request: r}
}

// pipeWriter is the http.ResponseWriter of a stream within the process: begun gets the status with the first byte or
// the header, whichever comes first, once.
type pipeWriter struct {
	header http.Header
	to     *io.PipeWriter
	once   sync.Once
	begun  chan int
}

func (w *pipeWriter) Header() http.Header    { return w.header }
func (w *pipeWriter) WriteHeader(status int) { w.once.Do(func() { w.begun <- status }) }
func (w *pipeWriter) Flush()                 {}
func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.to.Write(b)
}

// memoryWriter keeps a whole answer. It is used by the handler's goroutine alone, and read when that has returned.
type memoryWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *memoryWriter) Header() http.Header         { return w.header }
func (w *memoryWriter) WriteHeader(status int)      { w.status = status }
func (w *memoryWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

// maxAnswer bounds what a client reads of one answer.
const maxAnswer = 128 << 20

// do sends a request and returns the answer's body. An error is a *Problem of the node, a *StatusError of what is no
// node, or says that none was reached; at most maxAnswer bytes are read.
func (c *Client) do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	response, err := c.send(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := readAnswer(response, method+" "+path)
	if broken := new(brokenError); errors.As(err, broken) {
		err = c.unreached(c.bases[c.at.Load()], method, path, broken.error)
	}
	return content, err
}

// sendTo sends a request to a node, and once more when it is refused and a wallet's key opens a session for it.
func (c *Client) sendTo(ctx context.Context, base, method, path, contentType string,
	body []byte) (*http.Response, error) {
	access := c.bearer(base, path)
	response, err := c.sendAs(ctx, access, base, method, path, contentType, body)
	if err != nil || !refusedAccess(response) || !c.knock(ctx, base, path, access) {
		return response, err
	}
	_ = response.Body.Close()
	return c.sendAs(ctx, c.bearer(base, path), base, method, path, contentType, body)
}

// WhileWaiting has f told of each request that is sent, and what it returns called when its answer begins: whoever
// waits with a person before him says so. To be set before the first request.
func (c *Client) WhileWaiting(f func(base string) (answered func())) { c.waiting = f }

// ReadsWithin gives up what changes no ledger when its answer has not begun after so long: a machine that stands still
// keeps connections and says nothing. What changes one is waited for, as giving it up would leave open whether it was
// done. To be set before the first request.
func (c *Client) ReadsWithin(d time.Duration) { c.readsWithin = d }

// begunWithin is a context that ends when there is no answer in time, and what is to be called when one begins.
func (c *Client) begunWithin(ctx context.Context, method, path string) (within context.Context, begun func() bool) {
	if c.readsWithin == 0 || !asks(method, path) {
		return ctx, func() bool { return true }
	}
	within, giveUp := context.WithCancelCause(ctx)
	return within, time.AfterFunc(c.readsWithin, func() { giveUp(context.DeadlineExceeded) }).Stop
}

// sendAs sends a request to a node with an access, or without one if it is empty. Where this node serves, and which
// list of followers it keeps, goes with a POST alone: a cosignature is one.
func (c *Client) sendAs(ctx context.Context, access, base, method, path, contentType string,
	body []byte) (*http.Response, error) {
	ctx, begun := c.begunWithin(ctx, method, path)
	defer begun()
	r, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return nil, c.unreached(base, method, path, err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	if own := c.own.Load(); own != nil && method == http.MethodPost {
		r.Header.Set("Aqsha-Node", *own)
	}
	if keeps := c.keeps.Load(); keeps != nil && method == http.MethodPost {
		r.Header.Set("Aqsha-Members", *keeps)
	}
	if c.waiting != nil {
		defer c.waiting(base)()
	}
	response, err := c.http.Do(r)
	return c.met(response, c.unreached(base, method, path, err))
}

// brokenError is why an answer that had begun did not come to its end.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// readAnswer reads the body of an answer, or the problem that it states. A status of 300 and more without a problem is
// a StatusError: it comes from something else than a node, and its text is made fit for a terminal. A body that breaks
// off is a brokenError, after which nobody knows what was done.
func readAnswer(response *http.Response, what string) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, brokenError{err}
	}
	if response.StatusCode < 300 {
		return content, nil
	}
	if problem := ProblemIn(content); problem != nil {
		return nil, problem
	}
	return nil, &StatusError{what, printable(response.Status), response.StatusCode,
		printable(response.Header.Get("Location"))}
}

// printable is what a server says with nothing in it that a terminal obeys: it may be anybody's server. Lines stay
// lines.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// StatusError is an answer that is no success and states no problem, as of a server that is no node.
type StatusError struct {
	Asked, Status string
	Code          int
	Location      string // of a redirection, which is not followed
}

func (e *StatusError) Error() string {
	if e.Redirects() {
		return fmt.Sprintf("%s: %s to %q, which is not followed: name the node itself", e.Asked, e.Status, e.Location)
	}
	return e.Asked + ": " + e.Status
}
func (e *StatusError) GetStatus() int { return e.Code }

// Redirects says that another address was named instead of an answer.
func (e *StatusError) Redirects() bool { return e.Code >= 300 && e.Code < 400 && e.Location != "" }

// NoNode says that a node would have answered otherwise: what was asked is there at every node.
func (e *StatusError) NoNode() bool {
	return e.Code < 400 || e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed
}

// get reads what is at a path. It may be sent again to another node, since it changes nothing.
func get[T any](ctx context.Context, c *Client, path string) (value T, err error) {
	body, err := c.do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return value, err
	}
	return value, decode("GET "+path, body, &value)
}

// post sends JSON and reads JSON; an empty answer is the zero value.
func post[T any](ctx context.Context, c *Client, path string, input any) (value T, err error) {
	body, err := json.Marshal(input)
	if err != nil {
		return value, err
	}
	if body, err = c.do(ctx, http.MethodPost, path, "application/json", body); err != nil || len(body) == 0 {
		return value, err
	}
	return value, decode("POST "+path, body, &value)
}

// change is post for what changes something there: without an answer, or with one that cannot be read, it is not known
// whether it was done.
func change[T any](ctx context.Context, c *Client, path string, input any) (value T, err error) {
	ctx, answered := c.noticed(ctx)
	value, err = post[T](ctx, c, path, input)
	return value, answered(err)
}

// Network asks which network the node serves, and how it stands (GET /v1/network).
func (c *Client) Network(ctx context.Context) (Network, error) {
	return get[Network](ctx, c, "/v1/network")
}

// Supply asks what was issued and redeemed and what circulates, in tiyn (GET /v1/supply).
func (c *Client) Supply(ctx context.Context) (Supply, error) {
	return get[Supply](ctx, c, "/v1/supply")
}

// Banknotes is what circulates as cash, by the offices whose logs the node recounts.
func (c *Client) Banknotes(ctx context.Context) (Banknotes, error) {
	return get[Banknotes](ctx, c, "/v1/banknotes")
}

// Health asks how the node is. It is answered without an access, and also by a node that takes no payments.
func (c *Client) Health(ctx context.Context) (Health, error) { return get[Health](ctx, c, "/health") }

// Instance asks which run of a server answers here (Options.Instance).
func (c *Client) Instance(ctx context.Context) (string, error) {
	response, err := c.send(ctx, http.MethodGet, "/health", "", nil)
	if err != nil {
		return "", err
	}
	return response.Header.Get(InstanceHeader), response.Body.Close()
}

// Blocks lists up to limit blocks below a height, the latest first; 0 is from the last one on.
func (c *Client) Blocks(ctx context.Context, before uint64, limit int) ([]BlockView, error) {
	return get[[]BlockView](ctx, c, fmt.Sprintf("/v1/blocks?before=%d&limit=%d", before, limit))
}

// Genesis fetches what founded the network. Its hash is the network's id, which the caller compares.
func (c *Client) Genesis(ctx context.Context) (ledger.Genesis, error) {
	return get[ledger.Genesis](ctx, c, "/v1/genesis")
}

// Authority fetches the central bank's keys, policy and proposals as they stand (GET /v1/authority).
func (c *Client) Authority(ctx context.Context) (AuthorityView, error) {
	return get[AuthorityView](ctx, c, "/v1/authority")
}

// Intermediaries lists the banks, in order of their ids.
func (c *Client) Intermediaries(ctx context.Context) ([]IntermediaryView, error) {
	return get[[]IntermediaryView](ctx, c, "/v1/intermediaries")
}

// Wallet reads a wallet, for who may read it. Whoever may not is told so whether there is one or not.
func (c *Client) Wallet(ctx context.Context, id token.WalletID) (WalletView, error) {
	return get[WalletView](ctx, c, "/v1/wallets/"+id.String())
}

// Held reads what the rules hold for a wallet, live or closed.
func (c *Client) Held(ctx context.Context, id token.WalletID) (HeldView, error) {
	return get[HeldView](ctx, c, "/v1/wallets/"+id.String()+"/held")
}

// Tokens lists up to limit of a wallet's live tokens.
func (c *Client) Tokens(ctx context.Context, id token.WalletID, limit int) (WalletTokens, error) {
	return get[WalletTokens](ctx, c, fmt.Sprintf("/v1/wallets/%s/tokens?limit=%d", id, limit))
}

// History lists what touched a wallet before an entry (0 for the latest), at least at a size of the log.
func (c *Client) History(ctx context.Context, id token.WalletID, before uint64, limit int,
	minSize uint64) (History, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}, "min_size": {strconv.FormatUint(minSize, 10)}}
	if before != 0 {
		query.Set("before", strconv.FormatUint(before, 10))
	}
	return get[History](ctx, c, fmt.Sprintf("/v1/wallets/%s/history?%s", id, query.Encode()))
}

// Select sets plain tokens of a wallet aside for a payment.
func (c *Client) Select(ctx context.Context, id token.WalletID, amount money.Tiyn,
	waitMillis uint64) (Selection, error) {
	return c.SelectOf(ctx, id, 0, amount, waitMillis)
}

// SelectOf is Select for tokens of a purpose.
func (c *Client) SelectOf(ctx context.Context, id token.WalletID, purpose uint32, amount money.Tiyn,
	waitMillis uint64) (Selection, error) {
	return c.SelectBelow(ctx, id, purpose, amount, 0, waitMillis)
}

// SelectBelow is SelectOf for a payment that keeps the mark, of tokens that have used fewer hops; 0 for any.
func (c *Client) SelectBelow(ctx context.Context, id token.WalletID, purpose uint32, amount money.Tiyn,
	hopsBelow uint16, waitMillis uint64) (Selection, error) {
	body := map[string]any{"amount": amount, "purpose": purpose, "wait_millis": waitMillis}
	if hopsBelow != 0 {
		body["hops_below"] = hopsBelow
	}
	return post[Selection](ctx, c, fmt.Sprintf("/v1/wallets/%s/selections", id), body)
}

// Release frees tokens that were set aside.
func (c *Client) Release(ctx context.Context, id token.WalletID, tokens []token.ID) error {
	_, err := post[struct{}](ctx, c, fmt.Sprintf("/v1/wallets/%s/releases", id), map[string]any{"tokens": tokens})
	return err
}

// Token reads a token, live or spent, for who may read its wallet.
func (c *Client) Token(ctx context.Context, id token.ID) (TokenView, error) {
	return get[TokenView](ctx, c, "/v1/tokens/"+id.String())
}

// Proof fetches a token's proof file.
func (c *Client) Proof(ctx context.Context, id token.ID) ([]byte, error) {
	return c.do(ctx, http.MethodGet, fmt.Sprintf("/v1/tokens/%s/proof", id), "", nil)
}

// Receipt is the file that shows that a transaction is in the log, for who may read it.
func (c *Client) Receipt(ctx context.Context, id token.TransactionID) ([]byte, error) {
	return c.do(ctx, http.MethodGet, fmt.Sprintf("/v1/transactions/%s/proof", id), "", nil)
}

// Transaction reads an executed transaction, for who may read one of its wallets.
func (c *Client) Transaction(ctx context.Context, id token.TransactionID) (TransactionView, error) {
	return get[TransactionView](ctx, c, "/v1/transactions/"+id.String())
}

// SubmitNothing has every transaction refused before it is sent, for a reason.
func (c *Client) SubmitNothing(reason error) { c.submitsNot = reason }

// Submit sends one transaction and waits until it is durable or refused.
func (c *Client) Submit(ctx context.Context, tx *token.Transaction) (node.Receipt, error) {
	answers, err := c.SubmitAll(ctx, []*token.Transaction{tx})
	if err != nil {
		return node.Receipt{}, err
	}
	if answers[0].Problem != nil {
		return node.Receipt{}, answers[0].Problem
	}
	return *answers[0].Receipt, nil
}

// SubmitAll sends transactions in one request; each gets an answer, in order. The answers are as many as txs. With an
// *UnansweredError it is not known what became of them: the same may be sent again, and is executed once.
func (c *Client) SubmitAll(ctx context.Context, txs []*token.Transaction) ([]Answer, error) {
	var sequence []byte
	for _, tx := range txs {
		sequence = append(sequence, tx.Encode()...)
	}
	return c.SubmitEncoded(ctx, sequence, len(txs))
}

// SubmitEncoded is SubmitAll for a CBOR sequence of count transactions. Of several nodes it looks for the one that is
// ready where an answer says that another leads, up to leaderPatience: to send again does no harm, since a
// transaction's id is its idempotency key.
func (c *Client) SubmitEncoded(ctx context.Context, sequence []byte, count int) ([]Answer, error) {
	if c.submitsNot != nil {
		return nil, c.submitsNot
	}
	until := time.Now().Add(leaderPatience)
	for {
		answers, err := c.submitOnce(ctx, sequence, count)
		if err != nil || len(c.bases) == 1 || time.Now().After(until) || !anyElsewhere(answers) {
			return answers, err
		}
		select {
		case <-time.After(maxNodeRetry / 4):
		case <-ctx.Done():
			return answers, nil
		}
		c.findReady(ctx)
	}
}

// anyElsewhere says whether another node may answer what this one did not.
func anyElsewhere(answers []Answer) bool {
	return slices.ContainsFunc(answers, func(a Answer) bool { return a.Problem != nil && elsewhere(a.Problem.Status) })
}

// submitOnce sends transactions once. What went out and was not answered as it should be may have been executed.
func (c *Client) submitOnce(ctx context.Context, sequence []byte, count int) ([]Answer, error) {
	ctx, answered := c.noticed(ctx)
	body, err := c.do(ctx, http.MethodPost, "/v1/transactions", "application/cbor-seq", sequence)
	if err != nil {
		return nil, answered(err)
	}
	var answers []Answer
	if err := decode("POST /v1/transactions", body, &answers); err != nil {
		return nil, &UnansweredError{err} // they were taken, and what became of them cannot be read
	}
	if len(answers) != count {
		return nil, &UnansweredError{fmt.Errorf("%d answers to %d transactions", len(answers), count)}
	}
	return answers, nil
}

// Checkpoint fetches the newest signed checkpoint.
func (c *Client) Checkpoint(ctx context.Context) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "/checkpoint", "", nil)
}

// Entries fetches a log's entries up to a size, bundle by bundle. They are as the node sent them: whoever reads them
// holds their root against a signed checkpoint.
func (c *Client) Entries(ctx context.Context, size uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for first := uint64(0); first < size; first += txlog.TileWidth {
			width := min(txlog.TileWidth, size-first)
			tile := txlog.Tile{Level: txlog.EntriesLevel, Index: first / txlog.TileWidth, Width: int(width)}
			bundle, err := c.do(ctx, http.MethodGet, "/"+tile.Path(), "", nil)
			if err != nil {
				yield(nil, err)
				return
			}
			for entry, err := range txlog.SplitBundle(bundle) {
				if !yield(entry, err) || err != nil {
					return
				}
			}
		}
	}
}
