package node_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// A head's root is hexadecimal, and the list of numbers that older nodes send is still read.
func TestAHeadsRootIsHexadecimal(t *testing.T) {
	h := node.Head{Leaf: ledger.Leaf{Height: 7, Issued: 1<<63 - 1}, Size: 9, Root: txlog.LeafHash([]byte("a"))}
	text, err := json.Marshal(h)
	if err != nil || !strings.Contains(string(text), `"root":"`+h.Root.String()+`"`) {
		t.Fatalf("%s, %v", text, err)
	}
	numbers, err := json.Marshal([32]byte(h.Root))
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Replace(string(text), fmt.Sprintf("%q", h.Root.String()), string(numbers), 1)
	for _, form := range []string{string(text), old} {
		var again node.Head
		if err := json.Unmarshal([]byte(form), &again); err != nil || again != h {
			t.Errorf("%s: %+v, %v", form, again, err)
		}
	}
	for _, bad := range []string{`{"root":"00"}`, `{"root":5}`, `{"root":[1,2,"x"]}`} {
		if err := json.Unmarshal([]byte(bad), &h); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}
