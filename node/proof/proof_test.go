package proof_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

func soon() uint64 { return uint64(time.Now().Add(time.Minute).UnixMilli()) }

// relay is a running network in which one coin has wandered.
type relay struct {
	t     testing.TB
	world *sim.World
	node  *node.Node
	bank  token.WalletID
	issue *token.Transaction
	coin  token.ID // plain payments on, from 100 tenge
	rest  money.Tiyn
}

func newRelay(t testing.TB, payments int) *relay {
	w := &relay{t: t, world: sim.NewWorld(5), rest: 100 * money.Tenge}
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: w.world.Genesis.Name, Signers: []note.Signer{w.world.LogSigner}, SegmentBytes: 1 << 20}}
	if err := node.Init(config, w.world.Genesis); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.node, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.node.Close() })
	admit, bank := w.world.Admit("bank", 1, soon())
	w.bank = bank
	w.submit(admit)
	register, payee := w.world.Register("bank", bank, 1, "payee", 2, soon())
	w.submit(register)
	w.issue = w.world.Issue(1, bank, soon(), w.rest, 55)
	w.submit(w.issue)
	w.coin = token.OutputID(w.issue.ID(), 0)
	var chain []*token.Transaction
	for range payments { // the change goes on, and is spent again in the same block
		tx := w.world.Pay(bank, w.world.Key("bank treasury"), payee, 1, []token.ID{w.coin}, w.rest, soon())
		chain = append(chain, tx)
		w.coin, w.rest = token.OutputID(tx.ID(), 1), w.rest-1
	}
	_, errs := w.node.SubmitAll(context.Background(), chain)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *relay) submit(tx *token.Transaction) {
	w.t.Helper()
	if _, err := w.node.Submit(context.Background(), tx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *relay) prove(id token.ID) []byte {
	w.t.Helper()
	f, err := proof.Make(context.Background(), w.node, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return f.Encode()
}

func TestProofOfALongHistory(t *testing.T) {
	const payments = 300
	w := newRelay(t, payments)
	data := w.prove(w.coin)
	result, err := proof.Check(data, w.world.Network)
	if err != nil {
		t.Fatal(err)
	}
	if result.Token != w.coin || result.Amount != w.rest || result.Wallet != w.bank || result.Transactions != payments+1 || result.TotalIssued != 100*money.Tenge+55 {
		t.Errorf("%+v", result)
	}
	if first, last := result.Steps[0], result.Steps[payments]; first.Kind != "issue" || last.Kind != "transfer" || len(last.Outputs) != 2 {
		t.Errorf("from %+v to %+v", first, last)
	}
	// A spent token's proof is as good: it shows how the token was made, not that it lives.
	if _, err := proof.Check(w.prove(token.OutputID(w.issue.ID(), 0)), w.world.Network); err != nil {
		t.Error(err)
	}
	if _, err := proof.Make(context.Background(), w.node, token.ID{1}); err == nil {
		t.Error("a token that never was has a proof")
	}
	if _, err := proof.Check(data, sim.NewWorld(6).Network); err == nil {
		t.Error("the proof holds on another network")
	}
	t.Logf("%d bytes for %d transactions", len(data), payments+1)
}

func TestProofAlteredInAnyByte(t *testing.T) {
	w := newRelay(t, 3)
	data := w.prove(w.coin)
	if _, err := proof.Check(data, w.world.Network); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			altered := bytes.Clone(data)
			altered[i] ^= bit
			if _, err := proof.Check(altered, w.world.Network); err == nil {
				t.Errorf("byte %d of %d: accepted with bit %#x flipped", i, len(data), bit)
			}
		}
		if _, err := proof.Check(data[:i], w.world.Network); err == nil {
			t.Errorf("cut to %d bytes: accepted", i)
		}
	}
	if _, err := proof.Check(append(bytes.Clone(data), 0), w.world.Network); err == nil {
		t.Error("a byte after it: accepted")
	}
}

func TestProofsThatDoNotDeriveAreRefused(t *testing.T) {
	w := newRelay(t, 4)
	decode := func() *proof.File {
		f, err := proof.Decode(w.prove(w.coin))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	refused := func(name string, f *proof.File) {
		t.Helper()
		var violation *token.Error
		_, err := proof.Check(f.Encode(), w.world.Network)
		if !errors.As(err, &violation) || violation.Field == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := decode()
	f.Token = token.OutputID(w.issue.ID(), 1)
	refused("another token, with entries that have nothing to do with it", f)
	f = decode()
	f.Token[0] ^= 1
	refused("a token that no entry makes", f)
	for i := 1; i < len(decode().Entries); i++ {
		f = decode()
		f.Entries = append(f.Entries[:i:i], f.Entries[i+1:]...)
		refused("a step left out", f)
	}
	f = decode()
	f.Entries[1].Proof = f.Entries[2].Proof
	refused("another entry's inclusion proof", f)
	f = decode()
	f.Checkpoint = bytes.Replace(f.Checkpoint, []byte("\n\n"), []byte("\n\n"+strings.SplitAfter(string(f.Checkpoint), "\n\n")[1]), 1)
	refused("a signature twice", f)
}

func TestForkEvidence(t *testing.T) {
	// One key signs two histories of one size: whoever holds both checkpoints can show it to anybody.
	w := sim.NewWorld(8)
	verifier, err := note.NewVerifier(w.Genesis.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	history := func(amount money.Tiyn) (signed []byte) {
		config := node.Config{Dir: t.TempDir(), NoIndex: true, Now: func() uint64 { return sim.StartMillis + 1 },
			Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, SegmentBytes: 1 << 20}}
		if err := node.Init(config, w.Genesis); err != nil {
			t.Fatal(err)
		}
		n, err := node.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		admit, bank := w.Admit("bank", 1, sim.StartMillis+1000)
		for _, tx := range []*token.Transaction{admit, w.Issue(1, bank, sim.StartMillis+1000, amount)} {
			if _, err := n.Submit(context.Background(), tx); err != nil {
				t.Fatal(err)
			}
		}
		signed, _ = n.Log().Checkpoint()
		return signed
	}
	a, b, again := history(5), history(6), history(5)
	open := func(signed []byte) txlog.Checkpoint {
		c, _, err := txlog.OpenCheckpoint(signed, w.Genesis.Name, note.VerifierList(verifier))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if ca, cb := open(a), open(b); ca.Size != cb.Size || ca.Root == cb.Root {
		t.Fatalf("%d entries with %s, %d with %s", ca.Size, ca.Root, cb.Size, cb.Root)
	}
	if err := proof.Fork(a, b, w.Genesis); err != nil {
		t.Errorf("two histories are no fork: %v", err)
	}
	for name, other := range map[string][]byte{"itself": a, "the same history": again, "an unsigned note": bytes.Replace(b, []byte("—"), []byte("-"), 1)} {
		if proof.Fork(a, other, w.Genesis) == nil {
			t.Errorf("a fork of a checkpoint and %s", name)
		}
	}
}

func FuzzCheck(f *testing.F) {
	w := newRelay(f, 3)
	data := w.prove(w.coin)
	f.Add(data)
	f.Fuzz(func(t *testing.T, altered []byte) {
		file, err := proof.Decode(altered)
		if err != nil {
			return
		}
		if !bytes.Equal(file.Encode(), altered) {
			t.Fatal("a second encoding of one file")
		}
		if result, err := proof.Check(altered, w.world.Network); err == nil && (result.Amount <= 0 || result.Amount > result.TotalIssued) {
			t.Fatalf("a proof of %s out of %s", result.Amount, result.TotalIssued)
		}
	})
}
