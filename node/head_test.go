package node_test

import (
	"encoding/json"
	"fmt"
	"reflect"
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

// Files of evidence that programs wrote with hashes as lists of numbers are read for ever, and written as everything else is.
func TestEvidenceOfEarlierProgramsIsRead(t *testing.T) {
	e := node.TwoHistories{Origin: "o", Root: txlog.LeafHash([]byte("a")), Proof: []txlog.Hash{txlog.LeafHash([]byte("b"))}, Fences: []node.FenceProof{{Shorter: []txlog.Hash{txlog.LeafHash([]byte("c"))}}}}
	text, err := json.Marshal(e)
	if err != nil || strings.Contains(string(text), "[1") || !strings.Contains(string(text), `"proof":["`+e.Proof[0].String()+`"]`) {
		t.Fatalf("%s, %v", text, err)
	}
	old := string(text)
	for _, h := range []txlog.Hash{e.Root, e.Proof[0], e.Fences[0].Shorter[0]} {
		numbers, err := json.Marshal([32]byte(h))
		if err != nil {
			t.Fatal(err)
		}
		old = strings.Replace(old, fmt.Sprintf("%q", h.String()), string(numbers), 1)
	}
	var again node.TwoHistories
	if err := json.Unmarshal([]byte(old), &again); err != nil || !reflect.DeepEqual(again, e) || old == string(text) {
		t.Errorf("%s: %+v, %v", old, again, err)
	}
	for _, bad := range []string{`"00"`, `"` + strings.Repeat("0g", 32) + `"`, `"` + strings.Repeat("0", 65) + `"`, `[1]`, `[` + strings.Repeat("256,", 31) + `1]`, `5`, `{}`} {
		if err := json.Unmarshal([]byte(`{"root":`+bad+`}`), &again); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}
