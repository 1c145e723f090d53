package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

func TestStoryHasEveryKindAndReplays(t *testing.T) {
	model := ledger.NewModel()
	chain, _ := sim.NewWorld(1).Story(model)
	kinds, systems := map[token.Kind]bool{}, map[ledger.SystemKind]bool{}
	for _, block := range chain.Blocks {
		for _, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case e.Transaction != nil:
				kinds[e.Transaction.Body.Kind()] = true
			case e.System != nil:
				systems[e.System.Kind] = true
			}
		}
	}
	for k := token.KindTransfer; k <= token.LastKind; k++ {
		if !kinds[k] {
			t.Errorf("no %s in the story", k)
		}
	}
	for _, kind := range []ledger.SystemKind{ledger.SystemRekey, ledger.SystemProposal, ledger.SystemEnd, ledger.SystemExpiry, ledger.SystemClose} {
		if !systems[kind] {
			t.Errorf("no system entry of kind %d in the story", kind)
		}
	}
	again := ledger.NewModel()
	if err := chain.Replay(again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(model, again, ledger.InDepth); diff != "" {
		t.Error(diff)
	}
}
