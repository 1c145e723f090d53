package audit

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// refusing is a node that answers every question with a refusal of a code; with 0 it does not answer.
func refusing(t *testing.T, code int) *bitcoin.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code == 0 {
			panic(http.ErrAbortHandler)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "error": map[string]any{"code": code, "message": "no"}})
	}))
	t.Cleanup(server.Close)
	client, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Only a node's word that its chain is not so high convicts: a lost connection, or a node that warms up, is the auditor's
// trouble and not the operator's.
func TestNoAnswerConvictsNobody(t *testing.T) {
	settled := &accounting.Payment{Payment: &sharelog.Payment{Number: 1}, Settled: &sharelog.Settled{Number: 1,
		Outcome: sharelog.OutcomeConfirmed, Height: 9}}
	regtest, err := bitcoin.FindNetwork("regtest")
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range []struct {
		name    string
		auditor func() *Auditor
		convict bool // when the chain is not so high
	}{
		{"a block", func() *Auditor {
			return &Auditor{state: &accounting.State{Blocks: []*accounting.Block{{Height: 9}}}}
		}, true},
		{"a settled payment", func() *Auditor {
			return &Auditor{state: &accounting.State{Payments: []*accounting.Payment{settled}}}
		}, true},
		{"a block that the log does not name", func() *Auditor {
			return &Auditor{state: &accounting.State{}, unclaimed: []unclaimed{{height: 9, hash: bitcoin.Hash{1}}}}
		}, false},
		{"mean fees", func() *Auditor {
			return &Auditor{state: &accounting.State{}, means: []meanClaim{{height: 9, previous: bitcoin.Hash{1}}}}
		}, false},
	} {
		for name, c := range map[string]struct {
			code  int
			knows bool // that the chain is not so high
		}{"no answer": {0, false}, "warming up": {-28, false}, "Core's tip is lower": {-8, true}, "btcd's": {-1, true}} {
			a := claim.auditor()
			err := a.CheckChain(t.Context(), regtest, refusing(t, c.code))
			convicted := len(a.Contradictions()) > 0
			if (err == nil) != c.knows || convicted != (c.knows && claim.convict) {
				t.Errorf("%s, %s: convicted %v, error %v", claim.name, name, convicted, err)
			}
			if convicted && !strings.Contains(a.Contradictions()[0].String(), "not so high") {
				t.Errorf("%s, %s: %v", claim.name, name, a.Contradictions())
			}
		}
	}
}
