package reconcile

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
)

// What has left the chain is forgotten, whether another block is there or none; what a node does not answer is not.
func TestRewind(t *testing.T) {
	a, b, c := bitcoin.Hash{1}, bitcoin.Hash{2}, bitcoin.Hash{3}
	for _, tc := range []struct {
		name  string
		chain []bitcoin.Hash
		code  int // beyond the chain
		next  uint64
		fails bool
	}{
		{"the same", []bitcoin.Hash{a, b, c}, -8, 3, false},
		{"another block", []bitcoin.Hash{a, b, {9}}, -8, 2, false},
		{"a shorter chain (Core)", []bitcoin.Hash{a}, -8, 1, false},
		{"a shorter chain (btcd)", []bitcoin.Hash{a, b}, -1, 2, false},
		{"warming up", nil, -28, 3, true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var call struct {
				ID     uint64
				Params []int
			}
			_ = json.NewDecoder(r.Body).Decode(&call)
			answer := map[string]any{"id": call.ID}
			if call.Params[0] < len(tc.chain) {
				answer["result"] = tc.chain[call.Params[0]].String()
			} else {
				answer["error"] = map[string]any{"code": tc.code, "message": "no"}
			}
			_ = json.NewEncoder(w).Encode(answer)
		}))
		node, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := &Reconciler{hashes: []bitcoin.Hash{a, b, c}, next: 3, chain: []Found{{Height: 0}, {Height: 1}, {Height: 2}}}
		err = r.rewind(t.Context(), node)
		if (err != nil) != tc.fails || r.next != tc.next || len(r.hashes) != int(tc.next) ||
			err == nil && len(r.chain) != int(tc.next) {
			t.Errorf("%s: read up to %d, %d found, %v", tc.name, r.next, len(r.chain), err)
		}
		node.Close()
		server.Close()
	}
}
