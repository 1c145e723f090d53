package outbox_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/pool/outbox"
)

func draft(t *testing.T, value int64) *wallet.Draft {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: 1}, nil, nil))
	tx.AddTxOut(wire.NewTxOut(value, []byte{0x51}))
	var raw bytes.Buffer
	if err := tx.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	return &wallet.Draft{Raw: raw.Bytes(), ID: bitcoin.Hash(tx.TxHash()), Fee: 3}
}

// What is put is got back, replaced as a whole and readable by the owner alone; payments from a number on are removed with
// what raises their fees; a file that was changed is refused.
func TestPaymentsAreKept(t *testing.T) {
	box := outbox.Outbox{Dir: filepath.Join(t.TempDir(), "payments")}
	if _, err := box.Get(1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing yet: %v", err)
	}
	for number := uint64(1); number <= 3; number++ {
		for n := range 2 {
			var list []*wallet.Draft
			for i := range n + 1 {
				list = append(list, draft(t, int64(number)*10+int64(i)))
			}
			if err := box.Put(number, list); err != nil {
				t.Fatal(err)
			}
			got, err := box.Get(number)
			if err != nil || len(got) != n+1 || got[n].ID != list[n].ID || got[n].Fee != 3 {
				t.Errorf("%d: %v, %v", number, got, err)
			}
		}
		if err := box.PutChildren(number, []*wallet.Draft{draft(t, 5)}); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(box.Dir, "1.draft.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := box.RemoveFrom(2); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(box.Dir); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
	if children, err := box.Children(2); err != nil || children != nil {
		t.Errorf("children of what was removed: %v, %v", children, err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, other := range [][]byte{[]byte("[]"), []byte("[null]"), raw[:len(raw)-1], bytes.Replace(raw, []byte("AgAAAA"), []byte("AwAAAA"), 1)} {
		if err := os.WriteFile(file, other, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := box.Get(1); err == nil {
			t.Errorf("file %d is taken: %v", i, got)
		}
	}
	if err := (outbox.Outbox{}).Put(1, nil); err == nil {
		t.Error("kept nowhere")
	}
}
