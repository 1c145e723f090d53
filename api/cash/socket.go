package cash

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"

	notes "github.com/aqsha/aqsha/cash"
)

// Kinds of subscriptions (NUT-17): quotes are named in the pattern of the standard's methods.
const (
	mintKind  = Method + "_mint_quote"
	meltKind  = Method + "_melt_quote"
	stateKind = "proof_state"
)

// Bounds of WebSockets.
const (
	maxWatchers      = 1000
	maxSubscriptions = 100  // of one connection
	maxFilters       = 1000 // of one connection
	maxMessage       = 128 << 10
	sendPatience     = 10 * time.Second
)

// rpcRequest is a JSON-RPC request of NUT-17.
type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	Method  string          `json:"method"`
	ID      json.RawMessage `json:"id"`
	Params  struct {
		Kind    string   `json:"kind"`
		SubID   string   `json:"subId"`
		Filters []string `json:"filters"`
	} `json:"params"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// subscription is what a connection watches, and what it was told last. By filter, what was said of it; only what
// differs is said again.
type subscription struct {
	id, kind string
	filters  []string
	reported map[string]string
}

// socket serves one WebSocket: each subscription is answered with the present states and then with whatever changes.
// One goroutine reads and another writes; whichever ends ends the other.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	select {
	case s.watch <- struct{}{}:
		defer func() { <-s.watch }()
	default:
		write(w, http.StatusServiceUnavailable, refusalBody{"too many watch at once", 0})
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // wallets are of any origin
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(maxMessage)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	requests := make(chan rpcRequest)
	go func() {
		defer cancel()
		for {
			_, raw, err := c.Read(ctx)
			if err != nil {
				return
			}
			var request rpcRequest
			if json.Unmarshal(raw, &request) != nil {
				request.Method = ""
			}
			select {
			case requests <- request:
			case <-ctx.Done():
				return
			}
		}
	}()
	s.converse(ctx, c, requests)
}

// converse serves one connection on one goroutine: requests and news are written by it alone, so that they do not mix.
// Changed is asked for before the subscriptions are looked at; what becomes durable in between closes the channel that
// it waits on.
func (s *Server) converse(ctx context.Context, c *websocket.Conn, requests <-chan rpcRequest) {
	var subs []*subscription
	for {
		changed := s.office.Changed()
		for _, sub := range subs {
			// A watcher that does not read ends here, at its write's deadline: it holds up nobody but itself.
			if s.notify(ctx, c, sub) != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case r := <-requests:
			answer := map[string]any{"jsonrpc": "2.0", "id": r.ID}
			if len(r.ID) == 0 {
				answer["id"] = nil
			}
			var wrong *rpcError
			if subs, wrong = s.change(subs, &r); wrong != nil {
				answer["error"] = wrong
			} else {
				answer["result"] = map[string]string{"status": "OK", "subId": r.Params.SubID}
			}
			if send(ctx, c, answer) != nil {
				return
			}
		}
	}
}

// change subscribes or unsubscribes. Errors have the codes of JSON-RPC 2.0: -32601 for a method, -32602 for
// parameters. Filters and subscriptions of a connection are bounded, as each is looked at again and again.
func (s *Server) change(subs []*subscription, r *rpcRequest) ([]*subscription, *rpcError) {
	at := slices.IndexFunc(subs, func(sub *subscription) bool { return sub.id == r.Params.SubID })
	switch {
	case r.Method == "unsubscribe" && at >= 0:
		return slices.Delete(subs, at, at+1), nil
	case r.Method == "unsubscribe":
		return subs, &rpcError{-32602, "subId is no subscription"}
	case r.Method != "subscribe":
		return subs, &rpcError{-32601, "method must be subscribe or unsubscribe"}
	case !known(r.Params.Kind):
		return subs, &rpcError{-32602, "kind must be " + mintKind + ", " + meltKind + " or " + stateKind}
	case r.Params.SubID == "" || len(r.Params.SubID) > 100 || at >= 0:
		return subs, &rpcError{-32602, "subId must be a text that is not used yet"}
	}
	filters := len(r.Params.Filters)
	for _, sub := range subs {
		filters += len(sub.filters)
	}
	if filters > maxFilters || len(subs) >= maxSubscriptions {
		return subs, &rpcError{-32602, "filters are too many"}
	}
	if r.Params.Kind == stateKind {
		if _, refused := notes.StatePoints(r.Params.Filters); refused != nil {
			return subs, &rpcError{-32602, refused.Detail()}
		}
	}
	return append(subs, &subscription{r.Params.SubID, r.Params.Kind, r.Params.Filters, map[string]string{}}), nil
}

// notify sends what a subscription has not been told: what differs, byte for byte, from what it was sent last. It is
// noted as told before it is sent: a message that fails ends the connection, and with it the subscription.
func (s *Server) notify(ctx context.Context, c *websocket.Conn, sub *subscription) error {
	now, err := s.states17(ctx, sub)
	if err != nil {
		return err
	}
	for i, filter := range sub.filters {
		if now[i] == nil {
			continue
		}
		raw, err := json.Marshal(now[i])
		if err != nil {
			return err
		}
		if sub.reported[filter] == string(raw) {
			continue
		}
		sub.reported[filter] = string(raw)
		message := map[string]any{"jsonrpc": "2.0", "method": "subscribe",
			"params": map[string]any{"subId": sub.id, "payload": json.RawMessage(raw)}}
		if err := send(ctx, c, message); err != nil {
			return err
		}
	}
	return nil
}

// states17 are the present states of what a subscription watches; nil for quotes that are not there.
func (s *Server) states17(ctx context.Context, sub *subscription) ([]any, error) {
	// In the filters' order, with holes: who subscribed compares place by place what has changed.
	list := make([]any, len(sub.filters))
	if sub.kind == stateKind {
		states, err := s.office.States(ctx, sub.filters)
		if err != nil {
			return nil, err
		}
		for i := range states {
			list[i] = states[i]
		}
		return list, nil
	}
	for i, id := range sub.filters {
		if sub.kind == mintKind {
			if m, found := s.office.MintQuote(id); found {
				v, err := s.mintAnswer(&m)
				if err != nil {
					return nil, err
				}
				list[i] = v
			}
			continue
		}
		if m, found := s.office.MeltQuote(id); found {
			change, err := s.office.Change(ctx, &m)
			if err != nil {
				return nil, err
			}
			list[i] = meltAnswer(&m, change, s.office.Reason(m.ID))
		}
	}
	return list, nil
}

// send writes one message.
func send(ctx context.Context, c *websocket.Conn, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendPatience) // who does not read is let go
	defer cancel()
	return c.Write(ctx, websocket.MessageText, raw)
}
