package node_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// withPatience opens the town's node with another configuration.
func (w *town) withPatience(patience time.Duration) {
	w.t.Helper()
	if err := w.node.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.patience = patience
	w.open()
}

// spendAll pays all of a selection to bob.
func (w *town) spendAll(s node.Selection) error {
	var inputs []token.ID
	for _, in := range s.Tokens {
		inputs = append(inputs, in.ID)
	}
	_, err := w.node.Submit(context.Background(), w.world.Pay(w.alice, w.world.Key("alice"), w.bob, s.Total, inputs, s.Total, soon()))
	return err
}

// On a node where anybody may ask, somebody who sets all of a wallet's tokens aside, and waits in line to do it
// again, keeps its owner from paying no longer than tokens stand still; where it is known who asks, who set them
// aside keeps them.
func TestReservationsOfAStrangerDoNotStopAnOwner(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(4)
	w.withPatience(20 * time.Millisecond)
	var all livestate.LiveToken
	w.view(func(s *livestate.State) {
		for _, l := range s.TokensOf(w.alice, 100) {
			all.Amount += l.Amount
		}
	})
	everything := node.Want{Amount: all.Amount, Unknown: true}
	if _, err := w.node.SelectFor(t.Context(), w.alice, everything); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var strangers sync.WaitGroup
	defer strangers.Wait()
	defer stop()
	for range 4 {
		strangers.Go(func() {
			for ctx.Err() == nil {
				_, _ = w.node.SelectFor(ctx, w.alice, everything)
			}
		})
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := w.node.SelectFor(short, w.alice, node.Want{Amount: 100}); codeOf(err) != node.TokensBusy {
		t.Errorf("where it is known who asks: %v", err)
	}
	soonEnough, ended := context.WithTimeout(t.Context(), 20*time.Second) // before what is set aside is free by itself
	defer ended()
	for i := range 3 {
		selection, err := w.node.SelectFor(soonEnough, w.alice, node.Want{Amount: 100, Unknown: true})
		if err != nil {
			t.Fatalf("payment %d: %v", i, err)
		}
		if err := w.spendAll(selection); err != nil {
			t.Errorf("payment %d: %v", i, err)
		}
	}
}

// Payers at work are not overruled: what was set aside is being spent. Nor is one who has just begun.
func TestPayersAtWorkDoNotStandStill(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(4)
	look := w.node.Standstill(w.alice)
	for range 2 {
		if look() {
			t.Error("nothing is set aside, and it stands still")
		}
	}
	first, err := w.node.SelectFor(t.Context(), w.alice, node.Want{Amount: 100})
	if err != nil {
		t.Fatal(err)
	}
	if look() {
		t.Error("what was set aside since the last look stands still")
	}
	second, err := w.node.SelectFor(t.Context(), w.alice, node.Want{Amount: 100})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.spendAll(first); err != nil {
		t.Fatal(err)
	}
	if look() {
		t.Error("a payer pays, and it stands still")
	}
	if !look() {
		t.Error("nobody pays with what is set aside, and it does not stand still")
	}
	if err := w.spendAll(second); err != nil {
		t.Fatal(err)
	}
	if look() {
		t.Error("the last was spent, and it stands still")
	}
}
