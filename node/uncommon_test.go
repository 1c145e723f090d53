package node_test

import (
	"context"
	stdlib "crypto/ed25519"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// oddly signs a payment of alice's so that ZIP-215 takes it and common libraries do not.
func (w *town) oddly(amount money.Tiyn) *token.Transaction {
	w.t.Helper()
	selection, err := w.node.Select(context.Background(), w.alice, amount)
	if err != nil {
		w.t.Fatal(err)
	}
	var inputs []token.ID
	for _, in := range selection.Tokens {
		inputs = append(inputs, in.ID)
	}
	w.node.Release(w.alice, inputs)
	tx := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, amount, inputs, selection.Total, soon())
	bare, err := token.New(tx.Body, tx.ValidUntil)
	if err != nil {
		w.t.Fatal(err)
	}
	key := w.world.Key("alice")
	digest := token.Digest(w.world.Network, bare.ID(), token.RoleWallet)
	signature := sim.OddSignature(key, digest)
	public := key.Public()
	if !token.Verify(public, digest, &signature) || stdlib.Verify(public[1:], digest[:], signature[1:]) {
		w.t.Fatal("the signature is not one about which verifiers differ")
	}
	bare.Add(token.Witness{Role: token.RoleWallet, Signature: signature})
	return bare
}

// No payer puts a signature into the log at which verifiers with common libraries stop; the log's own rule takes it, so that
// followers and old logs go on.
func TestSignaturesThatCommonLibrariesRefuseStayOut(t *testing.T) {
	w := newTown(t)
	tx := w.oddly(money.Tenge)
	size := w.node.Head().Size
	_, err := w.node.Submit(context.Background(), tx)
	if refusal := new(token.Error); !errors.As(err, &refusal) || refusal.Code != node.UncommonSignature {
		t.Fatalf("error %v, want %s", err, node.UncommonSignature)
	}
	if w.node.Head().Size != size {
		t.Fatal("a refused payment changed the log")
	}
	var keys []token.PublicKey
	w.view(func(s *livestate.State) {
		var refusal *token.Error
		if keys, refusal = ledger.Keys(nil, s, tx); refusal != nil {
			t.Error(refusal)
		}
	})
	if refusal := ledger.Verify(w.world.Network, tx, keys); refusal != nil {
		t.Fatalf("the log's rule refuses it: %v", refusal)
	}
	if _, err := w.pay(money.Tenge); err != nil {
		t.Fatalf("the same payer's ordinary payment: %v", err)
	}
}
