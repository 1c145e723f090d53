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
	for k := token.KindTransfer; k <= token.KindNewIntermediary; k++ {
		if !kinds[k] {
			t.Errorf("no %s in the story", k)
		}
	}
	if !systems[ledger.SystemRekey] || !systems[ledger.SystemProposal] {
		t.Error("nothing fell due in the story")
	}
	again := ledger.NewModel()
	if err := chain.Replay(again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(model, again); diff != "" {
		t.Error(diff)
	}
}
