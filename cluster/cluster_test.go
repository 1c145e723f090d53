package cluster_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/node"
)

// Four validators order together: whoever pays at any of them is paid for at all of them, once, whichever he asked, and their
// logs are the same, under a checkpoint that enough of them have signed.
func TestFourOrderTogether(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	g.startAll()
	g.settle(64)
	receipts := make([]node.Receipt, 4)
	var all sync.WaitGroup
	for i := range 4 {
		tx := g.payment()
		all.Go(func() { receipts[i] = g.submit(i, tx) })
	}
	twice := g.payment()
	var first, second node.Receipt
	all.Go(func() { first = g.submit(0, twice) })
	all.Go(func() { second = g.submit(3, twice) })
	all.Wait()
	if first != second {
		t.Fatalf("one payment at two nodes: %+v at one, %+v at the other", first, second)
	}
	head := g.agree()
	for i, m := range g.members {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		signed, c, err := m.node.WaitPublished(ctx, head.Size-1)
		cancel()
		if err != nil || c.Root != head.Root {
			t.Fatalf("member %d: no checkpoint over %d entries: %+v, %v", i, head.Size, c, err)
		}
		if err := node.CheckSignature(g.world.Genesis, signed); err != nil {
			t.Fatal(err)
		}
	}
}

// One that was away catches up; what was paid meanwhile is there, and the supply is what was issued.
func TestOneComesBack(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	g.startAll()
	g.settle(16)
	g.stop(2)
	for i := range 6 {
		g.submit([]int{0, 1, 3}[i%3], g.payment())
	}
	g.members[2].opened = func(e *cluster.Engine) {
		if !e.Behind() {
			t.Error("it is not behind before it has heard anybody")
		}
	}
	g.start(2)
	g.submit(2, g.payment())
	head := g.agree()
	for i := 0; g.members[2].engine.Behind(); i++ {
		if i == 3_000 {
			t.Fatal("it has all blocks, and says that it is behind")
		}
		time.Sleep(20 * time.Millisecond) // a poll, with a bound: the others go on
	}
	if head.Circulating != head.Issued-head.Redeemed {
		t.Fatalf("%d circulate of %d issued", head.Circulating, head.Issued)
	}
}
