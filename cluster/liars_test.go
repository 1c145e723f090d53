package cluster_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// proposer proposes what it likes.
type proposer struct {
	abci.Application
	adds  func() []byte
	tried *atomic.Int64
}

func (p proposer) PrepareProposal(ctx context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	out, err := p.Application.PrepareProposal(ctx, r)
	if err == nil {
		out.Txs = append(out.Txs, p.adds())
		p.tried.Add(1)
	}
	return out, err
}

func (p proposer) ProcessProposal(context.Context, *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// One of four proposes blocks with a theft, or with rubbish, and votes for them: none is decided, and the others go on.
func TestRubbishIsNotDecided(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	var tried atomic.Int64
	var theft atomic.Pointer[[]byte]
	rubbish := []byte("rubbish")
	theft.Store(&rubbish)
	g.members[3].lies = func(honest abci.Application) abci.Application {
		return proposer{honest, func() []byte { return *theft.Load() }, &tried}
	}
	g.startAll()
	g.settle(16)
	stolen := g.world.Pay(g.bank, g.world.Key("a thief"), g.bob, 1000*money.Tenge, []token.ID{g.issued[15]}, 1000*money.Tenge, soon())
	encoded := cluster.BatchOf(stolen)
	theft.Store(&encoded)
	before := tried.Load()
	for i := 0; tried.Load() < before+2; i++ {
		if len(g.issued) == 1 {
			t.Fatal("the liar's turn does not come")
		}
		g.submit(i%3, g.payment())
	}
	head := g.agree()
	if head.Circulating != head.Issued-head.Redeemed {
		t.Fatalf("%d circulate of %d issued", head.Circulating, head.Issued)
	}
	for i := range 3 {
		if _, found, err := g.members[i].node.Lookup(t.Context(), stolen.ID()); err != nil || found {
			t.Fatalf("member %d has the theft: %t, %v", i, found, err)
		}
	}
}

// diverging comes to another hash from a height on.
type diverging struct {
	abci.Application
	from *atomic.Int64
}

func (d diverging) FinalizeBlock(ctx context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	out, err := d.Application.FinalizeBlock(ctx, r)
	if err == nil && r.Height >= d.from.Load() {
		out.AppHash[0] ^= 1
	}
	return out, err
}

// A validator whose state is not the others' stops at once, and says so; the others go on.
func TestWhoDivergesStops(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	var from atomic.Int64
	from.Store(1 << 40)
	g.members[3].lies = func(honest abci.Application) abci.Application { return diverging{honest, &from} }
	g.startAll()
	g.settle(8)
	g.agree()
	from.Store(0)
	g.submit(0, g.payment())
	select {
	case <-g.members[3].engine.Failed():
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	if err := g.members[3].engine.Err(); err == nil {
		t.Fatal("it does not say why")
	}
	if s := g.members[3].engine.Status(); s.Stopped == "" || s.Waits() == "" {
		t.Fatalf("%+v", s)
	}
	g.submit(1, g.payment())
	g.stop(3)
	g.agree()
}
