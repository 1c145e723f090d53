package ledger_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// A believed entry decodes to the same; only a registered key that nobody should have is not noticed.
func TestBelievedEntriesAreTheSame(t *testing.T) {
	chain, _ := sim.NewWorld(1).Story(ledger.NewModel())
	weakened := 0
	for _, block := range chain.Blocks {
		for _, data := range block {
			checked, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			believed, err := ledger.DecodeBelieved(data)
			if err != nil || !reflect.DeepEqual(checked, believed) {
				t.Fatalf("%v: believed is %+v, checked %+v", err, believed, checked)
			}
			if checked.Transaction == nil {
				continue
			}
			register, ok := checked.Transaction.Body.(*token.Register)
			if !ok {
				continue
			}
			weak := bytes.Replace(data, register.Key[1:], append([]byte{1}, make([]byte, 31)...), 1) // the identity
			if _, err := ledger.DecodeEntry(weak); err == nil {
				t.Error("a key of small order was decoded")
			}
			if _, err := ledger.DecodeBelieved(weak); err != nil {
				t.Error(err)
			}
			weakened++
		}
	}
	if weakened == 0 {
		t.Error("nobody registers in the story")
	}
}
