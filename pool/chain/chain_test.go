package chain

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
)

// node answers as a Bitcoin node does that has a best chain, and headers of blocks beside it.
type node struct {
	chain []bitcoin.Header // by height
	known []bitcoin.Header // beside the chain
	down  bool
	asked []string
	*bitcoin.Client
}

// serve starts a node.
func serve(t *testing.T, n *node) *node {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&raw); err != nil || n.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if !strings.HasPrefix(string(raw), "[") {
			_ = json.NewEncoder(w).Encode(n.answer(raw))
			return
		}
		var calls []json.RawMessage
		_ = json.Unmarshal(raw, &calls)
		answers := []any{}
		for _, call := range calls {
			answers = append(answers, n.answer(call))
		}
		slices.Reverse(answers) // in any order
		_ = json.NewEncoder(w).Encode(answers)
	}))
	t.Cleanup(server.Close)
	client, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	n.Client = client
	return n
}

func (n *node) answer(raw json.RawMessage) any {
	var call struct {
		ID     uint64
		Method string
		Params []any
	}
	_ = json.Unmarshal(raw, &call)
	n.asked = append(n.asked, call.Method)
	refuse := func(code int, why string) any {
		return map[string]any{"id": call.ID, "result": nil, "error": map[string]any{"code": code, "message": why}}
	}
	var result any
	switch call.Method {
	case "getblockcount":
		result = len(n.chain) - 1
	case "getblockhash":
		height, _ := call.Params[0].(float64)
		if int(height) >= len(n.chain) {
			return refuse(-8, "Block height out of range")
		}
		result = n.chain[int(height)].Hash().String()
	case "getblockheader":
		for _, h := range slices.Concat(n.chain, n.known) {
			if h.Hash().String() == call.Params[0] {
				encoded := h.Encode()
				return map[string]any{"id": call.ID, "result": hex.EncodeToString(encoded[:])}
			}
		}
		return refuse(-5, "Block not found")
	default:
		return refuse(-32601, "Method not found")
	}
	return map[string]any{"id": call.ID, "result": result}
}

// extend makes more blocks above some, told from others' by a nonce.
func extend(below []bitcoin.Header, count int, nonce uint32) []bitcoin.Header {
	chain := slices.Clone(below)
	for range count {
		var previous bitcoin.Hash
		if len(chain) > 0 {
			previous = chain[len(chain)-1].Hash()
		}
		chain = append(chain, bitcoin.Header{Version: 1, Previous: previous, Nonce: nonce})
	}
	return chain
}

// The fork of a block that has left a chain is found, however the two lie.
func TestForkBelow(t *testing.T) {
	common := extend(nil, 200, 1)
	ours, theirs := extend(common, 5, 2), extend(common, 9, 3)
	for _, c := range []struct {
		name   string
		node   *node
		block  bitcoin.Hash
		height uint64
		want   uint64
	}{
		{"the block is in the chain", &node{chain: ours}, ours[203].Hash(), 203, 203},
		{"three blocks up the other branch", &node{chain: ours, known: theirs}, theirs[202].Hash(), 202, 199},
		{"above the chain's tip", &node{chain: ours, known: theirs}, theirs[208].Hash(), 208, 199},
		{"never seen by this node", &node{chain: ours}, theirs[208].Hash(), 208, 208 - Shallow},
		{"never seen, near the first block", &node{chain: ours}, theirs[208].Hash(), 40, 0},
		{"the first block", &node{chain: ours}, ours[0].Hash(), 0, 0},
	} {
		n := serve(t, c.node)
		got, err := ForkBelow(t.Context(), n.Client, c.block, c.height, uint64(len(c.node.chain)-1))
		if err != nil || got != c.want {
			t.Errorf("%s: the fork is at %d, want %d (%v)", c.name, got, c.want, err)
		}
	}
}

// However long two branches are, a search ends.
func TestForkBelowIsBounded(t *testing.T) {
	ours, theirs := extend(nil, MaxReorganisation+60, 1), extend(nil, MaxReorganisation+60, 2)
	n := serve(t, &node{chain: ours, known: theirs})
	height := uint64(len(theirs) - 1)
	got, err := ForkBelow(t.Context(), n.Client, theirs[height].Hash(), height, height)
	if want := height - MaxReorganisation; err != nil || got != want {
		t.Errorf("the fork is taken to be at %d, want %d (%v)", got, want, err)
	}
}

// A node that lags, or follows another chain, has no say in what is final.
func TestQueryAsksWhoseTipIsTheTemplates(t *testing.T) {
	chain := extend(nil, 12, 1)
	behind, astray := serve(t, &node{chain: chain[:9]}), serve(t, &node{chain: extend(chain[:10], 2, 7)})
	good := serve(t, &node{chain: chain})
	nodes := New([]*bitcoin.Client{behind.Client, astray.Client, good.Client})
	template := &bitcoin.Template{Height: 12, Previous: chain[11].Hash()}
	var count int
	queries := []bitcoin.Query{{Method: "getblockcount", Result: &count}}
	node, err := nodes.Query(t.Context(), template, queries)
	if err != nil || node != good.Client || count != 11 {
		t.Fatalf("%d blocks by %p, want 11 by %p (%v)", count, node, good.Client, err)
	}
	good.down = true
	if node, err = nodes.Query(t.Context(), template, queries); err == nil || node != nil {
		t.Error("a node that is elsewhere was believed")
	} else if text := err.Error(); !strings.Contains(text, "work is on") || !strings.Contains(text, "out of range") {
		t.Errorf("the error leaves out why nodes were passed over: %v", err)
	}
}

// Who is followed is asked first; the others only when that one does not answer, and nobody twice.
func TestTheFollowedNodeIsAskedFirst(t *testing.T) {
	first, second := serve(t, &node{chain: extend(nil, 4, 1)}), serve(t, &node{chain: extend(nil, 8, 2)})
	nodes := New([]*bitcoin.Client{first.Client, second.Client})
	height, err := nodes.Height(t.Context())
	if err != nil || height != 3 || len(second.asked) != 0 {
		t.Errorf("before any is followed the first answers: height %d (%v)", height, err)
	}
	nodes.Follow(second.Client)
	first.asked = nil
	height, hash, err := nodes.Tip(t.Context())
	if err != nil || height != 7 || hash != second.chain[7].Hash() || len(first.asked) != 0 {
		t.Errorf("tip %d %s, first asked %v (%v)", height, hash, first.asked, err)
	}
	second.down = true
	if height, err = nodes.Height(t.Context()); err != nil || height != 3 {
		t.Errorf("height %d of the one that is left (%v)", height, err)
	}
	first.down = true
	tries := map[*bitcoin.Client]int{}
	lost := errors.New("lost")
	err = nodes.Each(func(c *bitcoin.Client) error { tries[c]++; return lost })
	if !errors.Is(err, lost) || tries[first.Client] != 1 || tries[second.Client] != 1 {
		t.Errorf("asked %v (%v)", tries, err)
	}
}

func TestAPoolWithoutNodes(t *testing.T) {
	nodes := New(nil)
	if nodes.Followed() != nil || len(nodes.All()) != 0 {
		t.Error("somebody is followed")
	}
	if _, _, err := nodes.Tip(context.Background()); !errors.Is(err, errNoNode) {
		t.Errorf("tip: %v", err)
	}
}
