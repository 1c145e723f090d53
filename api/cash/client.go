package cash

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/aqsha/aqsha/api"
	notes "github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/money"
)

// Client speaks the protocol to an office, ours or any other mint.
type Client struct {
	base string
	http *http.Client

	// waiting is asked before each request, and what it returns after its answer. See WhileWaiting.
	waiting func(base string) (answered func())
}

// maxAnswer bounds what an office may answer.
const maxAnswer = 8 << 20

// NewClient is a client of a mint's URL.
func NewClient(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("mint: %q is no URL of a cash office", base)
	}
	return &Client{base: strings.TrimRight(base, "/"), http: &http.Client{CheckRedirect: httplimit.NoRedirect}}, nil
}

// WhileWaiting has f called with each request that is sent, and what it returns when its answer has come: whoever waits
// with a person before him says so. To be set before the first request.
func (c *Client) WhileWaiting(f func(base string) (answered func())) { c.waiting = f }

// URL is the mint's.
func (c *Client) URL() string { return c.base }

// call asks. A refusal is a *notes.Refusal; a request that moves money, went out and was not answered is an
// *api.UnansweredError.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	err := c.exchange(ctx, method, path, body, out)
	var refused *notes.Refusal
	if err != nil && sent.Load() && moves(path) && !errors.As(err, &refused) {
		return &api.UnansweredError{Cause: err}
	}
	return err
}

// moves says whether notes or money may have changed hands when a request was sent. A quote is only asked for, and
// states and signatures of before are only read: whoever got no answer asks again.
func moves(path string) bool {
	return path == "/v1/swap" || path == "/v1/mint/"+Method || path == "/v1/melt/"+Method
}

// exchange sends one request and reads its answer, of which no more is read than is ever sent. A refusal comes back as
// the office's own, with field and rule; anything else that is no 200 leaves open whether something was done there.
func (c *Client) exchange(ctx context.Context, method, path string, body io.Reader, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.waiting != nil {
		defer c.waiting(c.base)()
	}
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	// One byte more than allowed was asked for, so that what is cut off is an error and not a shorter answer.
	case len(raw) > maxAnswer:
		return fmt.Errorf("%s: the answer has more than %d bytes", path, maxAnswer)
	case response.StatusCode == http.StatusOK:
		return json.Unmarshal(raw, out)
	}
	var refused refusalBody
	// A refusal says that nothing was done, and the wallet gives notes back for it: it is believed only in the
	// office's own form and never from a gateway's page.
	if response.StatusCode < 500 && json.Unmarshal(raw, &refused) == nil && refused.Code != 0 {
		field, rule, _ := strings.Cut(refused.Detail, ": ")
		if rule == "" {
			field, rule = "request", refused.Detail
		}
		return &notes.Refusal{Code: refused.Code, Field: field, Rule: rule}
	}
	return &api.StatusError{Asked: c.base + path, Status: response.Status, Code: response.StatusCode}
}

// Keysets are all keysets of the unit, with their keys. Those whose id does not follow from their keys are left out:
// keys by which a holder would be known have another id.
func (c *Client) Keysets(ctx context.Context) ([]notes.Keyset, []KeysetView, error) {
	var list KeysetList
	if err := c.call(ctx, http.MethodGet, "/v1/keysets", nil, &list); err != nil {
		return nil, nil, err
	}
	var sets []notes.Keyset
	var views []KeysetView
	for _, v := range list.Keysets {
		if v.Unit != notes.Unit || !strings.HasPrefix(v.ID, "01") {
			continue
		}
		var one KeysetList
		if err := c.call(ctx, http.MethodGet, "/v1/keys/"+v.ID, nil, &one); err != nil {
			return nil, nil, err
		}
		for _, full := range one.Keysets {
			if full.ID != v.ID {
				continue
			}
			k, err := keysetOf(&full)
			if err != nil {
				return nil, nil, fmt.Errorf("keyset %s: %w", v.ID, err)
			}
			sets, views = append(sets, k), append(views, v)
		}
	}
	return sets, views, nil
}

// keysetOf reads a keyset and holds its id against its keys.
func keysetOf(v *KeysetView) (k notes.Keyset, err error) {
	type pair struct {
		amount money.Tiyn
		key    curve.Point
	}
	pairs := make([]pair, 0, len(v.Keys))
	for text, key := range v.Keys {
		amount, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return k, fmt.Errorf("%q is no amount", text)
		}
		p, err := pointOf(key)
		if err != nil {
			return k, err
		}
		pairs = append(pairs, pair{money.Tiyn(amount), p})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.amount, b.amount) })
	var amounts []money.Tiyn
	var keys []curve.Point
	for _, p := range pairs {
		amounts, keys = append(amounts, p.amount), append(keys, p.key)
	}
	expiry := v.Expiry
	until := v.Until
	if until == 0 || expiry != 0 && until > expiry {
		until = expiry
	}
	// The id is made of the keys here and compared (NUT-02): an office that showed other keys under a known id could
	// mark people by the notes that they hold.
	k = notes.Keyset{ID: notes.DeriveID(v.Unit, amounts, keys, v.Fee, expiry), Unit: v.Unit, Amounts: amounts,
		Keys: keys, From: v.From, Until: until, Expiry: expiry}
	if k.ID.String() != v.ID {
		return k, fmt.Errorf("its keys make the id %s", k.ID)
	}
	return k, nil
}

// Swap changes notes.
func (c *Client) Swap(ctx context.Context, r office.SwapRequest) ([]notes.Signature, error) {
	var out signatures
	err := c.call(ctx, http.MethodPost, "/v1/swap", r, &out)
	return out.Signatures, err
}

// NewMintQuote opens a quote; key may be empty.
func (c *Client) NewMintQuote(ctx context.Context, amount money.Tiyn, key string) (v MintQuoteView, err error) {
	in := map[string]any{"amount": amount, "unit": notes.Unit}
	if key != "" {
		in["pubkey"] = key
	}
	return v, c.call(ctx, http.MethodPost, "/v1/mint/quote/"+Method, in, &v)
}

// MintQuote asks for a quote.
func (c *Client) MintQuote(ctx context.Context, id string) (v MintQuoteView, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/mint/quote/"+Method+"/"+url.PathEscape(id), nil, &v)
}

// Mint takes the notes of a paid quote.
func (c *Client) Mint(ctx context.Context, r office.MintRequest) ([]notes.Signature, error) {
	var out signatures
	err := c.call(ctx, http.MethodPost, "/v1/mint/"+Method, r, &out)
	return out.Signatures, err
}

// NewMeltQuote opens a quote for a payment.
func (c *Client) NewMeltQuote(ctx context.Context, request string) (v MeltQuoteView, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/melt/quote/"+Method,
		map[string]any{"request": request, "unit": notes.Unit}, &v)
}

// MeltQuote asks for a quote.
func (c *Client) MeltQuote(ctx context.Context, id string) (v MeltQuoteView, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/melt/quote/"+Method+"/"+url.PathEscape(id), nil, &v)
}

// Melt pays a quote with notes.
func (c *Client) Melt(ctx context.Context, r office.MeltRequest) (v MeltQuoteView, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/melt/"+Method, r, &v)
}

// Restore asks for signatures of outputs.
func (c *Client) Restore(ctx context.Context, outputs []notes.Output) ([]notes.Output, []notes.Signature, error) {
	var out struct {
		Outputs    []notes.Output
		Signatures []notes.Signature
	}
	err := c.call(ctx, http.MethodPost, "/v1/restore", map[string]any{"outputs": outputs}, &out)
	if err == nil && len(out.Outputs) != len(out.Signatures) {
		err = fmt.Errorf("restore: %d outputs have %d signatures", len(out.Outputs), len(out.Signatures))
	}
	return out.Outputs, out.Signatures, err
}

// States asks for notes' states. They are in the order asked, by the office's word.
func (c *Client) States(ctx context.Context, ys []string) ([]office.NoteState, error) {
	var out struct{ States []office.NoteState }
	err := c.call(ctx, http.MethodPost, "/v1/checkstate", map[string]any{"Ys": ys}, &out)
	if err == nil && len(out.States) != len(ys) {
		err = fmt.Errorf("checkstate: %d states of %d notes", len(out.States), len(ys))
	}
	return out.States, err
}

// Supply asks an office of ours what circulates.
func (c *Client) Supply(ctx context.Context) (v office.Status, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/supply", nil, &v)
}

// Log reads what the public log has at a path, and nil if there is nothing.
func (c *Client) Log(ctx context.Context, path string) ([]byte, error) {
	return c.raw(ctx, "/log/"+path)
}

// PublicLog is an office's log, to be recounted. Without a key the office's own word for it is taken.
func (c *Client) PublicLog(ctx context.Context, key string) (recount.Source, error) {
	if key == "" {
		var err error
		if key, err = c.LogKey(ctx); err != nil {
			return recount.Source{}, err
		}
	}
	return recount.Tiles(ctx, key, c.Log)
}

// raw reads the bytes at a path: at most 32 MB, whatever the office sends.
func (c *Client) raw(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	if c.waiting != nil {
		defer c.waiting(c.base)()
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &api.StatusError{Asked: c.base + path, Status: response.Status, Code: response.StatusCode}
	}
	return io.ReadAll(io.LimitReader(response.Body, 32<<20))
}

// pointOf reads a key.
func pointOf(text string) (p curve.Point, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return p, err
	}
	return curve.ParsePoint(raw)
}

// LogKey is the verifier key that an office of ours says its log has.
func (c *Client) LogKey(ctx context.Context) (string, error) {
	var info struct {
		Log struct{ Key string }
	}
	if err := c.call(ctx, http.MethodGet, "/v1/info", nil, &info); err != nil {
		return "", err
	}
	if info.Log.Key == "" {
		return "", fmt.Errorf("%s names no public log: it is another kind of mint", c.base)
	}
	return info.Log.Key, nil
}

// Ledger is the network id of the ledger on which an office of ours says that it announces its keysets.
func (c *Client) Ledger(ctx context.Context) (string, error) {
	var info struct {
		Ledger struct{ Network string }
	}
	if err := c.call(ctx, http.MethodGet, "/v1/info", nil, &info); err != nil {
		return "", err
	}
	return info.Ledger.Network, nil
}

// Announcement is the receipt of a keyset's announcement.
func (c *Client) Announcement(ctx context.Context, keyset string) ([]byte, error) {
	return c.raw(ctx, "/v1/announcements/"+keyset)
}
