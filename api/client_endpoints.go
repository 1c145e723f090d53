package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A client that knows several nodes speaks to the one that leads. It asks for /readyz, sends what was not answered to
// the next that is ready, and goes on trying so long. Sending again is safe: a transaction has its id, and the same one
// sent twice is executed once and gets the same answer.
const (
	leaderPatience  = 30 * time.Second
	leastNodeRetry  = 50 * time.Millisecond
	maxNodeRetry    = time.Second
	readyWait       = 2 * time.Second // for an answer to /readyz
	unansweredCheck = 2 * time.Second // after which it is asked whether the node is there at all
)

// maxNodes bounds how many nodes a client is told of.
const maxNodes = 16

// splitNodes reads the URLs of nodes, separated by commas.
func splitNodes(list string) (bases []string) {
	for base := range strings.SplitSeq(list, ",") {
		if base = strings.TrimSuffix(strings.TrimSpace(base), "/"); base != "" && len(bases) < maxNodes {
			bases = append(bases, base)
		}
	}
	if bases == nil {
		bases = []string{""}
	}
	return bases
}

// send sends a request to the node, or of several to the one that leads. It waits for a leader up to leaderPatience,
// in steps that double from leastNodeRetry to maxNodeRetry: a promotion takes seconds, in which no node takes
// payments.
func (c *Client) send(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	if len(c.bases) == 1 {
		return c.sendTo(ctx, c.bases[0], method, path, contentType, body)
	}
	c.once.Do(func() { c.findReady(ctx) })
	until := time.Now().Add(leaderPatience)
	for wait := leastNodeRetry; ; wait = min(2*wait, maxNodeRetry) {
		response, err := c.sendWatched(ctx, c.bases[c.at.Load()], method, path, contentType, body)
		if err == nil && !elsewhere(response.StatusCode) || ctx.Err() != nil {
			return response, err
		}
		if err == nil {
			_, err = readAnswer(response, method+" "+path)
			_ = response.Body.Close()
		}
		if time.Now().After(until) {
			return nil, c.nobodyLeads(ctx, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c.findReady(ctx)
	}
}

// NobodyLeadsError says of several nodes why each takes no payments: what the last of them said is seldom the cause.
type NobodyLeadsError struct {
	Nodes []string // what each said
	Cause error    // of the one that was asked last
}

func (e *NobodyLeadsError) Error() string {
	return "none of the nodes takes payments: " + strings.Join(e.Nodes, "; ")
}
func (e *NobodyLeadsError) Unwrap() error { return e.Cause }

// nobodyLeads asks every node why it is not ready.
func (c *Client) nobodyLeads(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	e := &NobodyLeadsError{Nodes: make([]string, len(c.bases)), Cause: cause}
	var asking sync.WaitGroup
	for i, base := range c.bases {
		asking.Go(func() { e.Nodes[i] = c.unready(ctx, base) })
	}
	asking.Wait()
	return e
}

// unready says why a node is not ready, as /readyz does in one line. What the node says is bounded and made valid
// text: it is printed.
func (c *Client) unready(ctx context.Context, base string) string {
	response, err := c.sendTo(ctx, base, http.MethodGet, "/readyz", "", nil)
	var unreached *UnreachedError
	switch {
	case errors.As(err, &unreached):
		return unreached.Error()
	case err != nil:
		return base + ": " + err.Error()
	}
	defer response.Body.Close()
	word, _ := io.ReadAll(io.LimitReader(response.Body, maxReason))
	line, _, _ := strings.Cut(string(word), "\n")
	if response.StatusCode == http.StatusOK {
		line = "is ready by now"
	}
	return base + ": " + strings.ToValidUTF8(line, "?")
}

// maxReason bounds what is told of a node's reason.
const maxReason = 400

// elsewhere says whether a status means that another node may answer, or this one later.
func elsewhere(status int) bool {
	switch status {
	case http.StatusMisdirectedRequest, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// findReady looks for a node that takes payments, beginning with the one that did, and remembers it. It returns false
// when none does.
func (c *Client) findReady(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	ready := make([]chan bool, len(c.bases))
	for i, base := range c.bases {
		ready[i] = make(chan bool, 1)
		go func() { ready[i] <- c.ready(ctx, base) }()
	}
	// Whichever is ready: there is one leader, and a stopped node answers nothing for so long.
	for waiting := len(c.bases); waiting > 0; {
		for i := range ready {
			select {
			case is := <-ready[i]:
				ready[i], waiting = nil, waiting-1
				if is {
					c.at.Store(int32(i))
					return true
				}
			default:
			}
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// ready says whether a node takes payments and answers them.
func (c *Client) ready(ctx context.Context, base string) bool {
	response, err := c.sendTo(ctx, base, http.MethodGet, "/readyz", "", nil)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// sendWatched gives a request up when its node is not ready any more and another is: a payment may rightly wait for
// followers, but not for a machine that stands still.
func (c *Client) sendWatched(ctx context.Context, base, method, path, contentType string,
	body []byte) (*http.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	// Closed when the head of the answer is here, which ends the watch. The context lives on with the body and is
	// ended by whoever closes that.
	answered := make(chan struct{})
	go func() {
		tick := time.NewTicker(unansweredCheck)
		defer tick.Stop()
		for {
			select {
			case <-answered:
				return
			case <-tick.C:
			}
			asking, done := context.WithTimeout(ctx, readyWait)
			there := c.ready(asking, base)
			done()
			// Given up only for another node that is ready: what was sent may have been done, and is sent again there
			// under the same id.
			if !there && c.findReady(ctx) && c.bases[c.at.Load()] != base {
				cancel()
				return
			}
		}
	}()
	response, err := c.sendTo(ctx, base, method, path, contentType, body)
	close(answered)
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &cancelled{response.Body, cancel}
	return response, nil
}

// cancelled ends a request's context with its body.
type cancelled struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the body first: cancelling before would make an error of an answer that was read to its end.
func (c *cancelled) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
