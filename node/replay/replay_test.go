package replay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node/replay"
	"github.com/aqsha/aqsha/node/verifier"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// source yields a chain's blocks, of which spoil may change any.
func source(chain *sim.Chain, spoil func(block int, entries [][]byte) [][]byte) replay.Source {
	return func(context.Context) iter.Seq2[*replay.Block, error] {
		return func(yield func(*replay.Block, error) bool) {
			for i, entries := range chain.Blocks {
				if spoil != nil {
					entries = spoil(i, entries)
				}
				if !yield(&replay.Block{Entries: entries, Root: chain.Roots[i+1], Wait: i%7 == 3}, nil) {
					return
				}
			}
		}
	}
}

func engine(state *livestate.State, verify bool) *replay.Engine {
	e := &replay.Engine{State: state, Replay: ledger.NewReplay(state, !verify), Root: txlog.EmptyRoot, Hash: true}
	if verify {
		e.Cache = verifier.NewCache(1 << 20)
	}
	return e
}

// A story in which everything happens once, some keys changing between verification and execution, gives the
// same state as executing it did.
func TestReplayGivesTheSameState(t *testing.T) {
	model := ledger.NewModel()
	chain, _ := sim.NewWorld(1).Story(model)
	for _, verify := range []bool{true, false} {
		state := livestate.New([32]byte{1})
		e := engine(state, verify)
		var tree txlog.Tree
		blocks := 0
		e.Executed = func(b *replay.Block, leaf ledger.Leaf) (txlog.Hash, error) {
			for _, hash := range b.Hashes {
				tree.Add(hash)
			}
			if leaf.Height != uint64(blocks) || tree.Root() != b.Root || len(b.Decoded()) != len(b.Entries) {
				t.Errorf("block %d: leaf %+v", blocks, leaf)
			}
			blocks++
			return b.Root, nil
		}
		if err := e.Run(context.Background(), source(chain, nil)); err != nil {
			t.Fatal(err)
		}
		if blocks != len(chain.Blocks) || state.LiveTotal() != model.LiveTotal() {
			t.Errorf("%d blocks, %s live", blocks, state.LiveTotal())
		}
		for id, want := range model.Tokens {
			if got, ok := state.Token(id); !ok || got != want {
				t.Errorf("token %s is %+v", id, got)
			}
		}
		for id, want := range model.Wallets {
			if got, ok := state.Wallet(id); !ok || got != want {
				t.Errorf("wallet %s is %+v", id, got)
			}
		}
	}
}

// Every block in turn gets a forged signature, an entry of noise, or loses an entry: none passes.
func TestWhatDoesNotFollowIsFound(t *testing.T) {
	chain, _ := sim.NewWorld(1).Story(ledger.NewModel())
	forge := func(entries [][]byte) [][]byte {
		for i, data := range entries {
			e, err := ledger.DecodeEntry(data)
			if err != nil || e.Transaction == nil || len(e.Transaction.Witnesses) == 0 {
				continue // what settles purses is signed within: there is no signature of a transaction to forge
			}
			forged, err := token.New(e.Transaction.Body, e.Transaction.ValidUntil)
			if err != nil {
				panic(err)
			}
			for _, w := range e.Transaction.Witnesses {
				w.Signature[40] ^= 1
				forged.Add(w)
			}
			entries[i] = ledger.AppendEntry(nil, forged.Encode(), &e.Effects)
			return entries
		}
		return nil
	}
	for name, spoil := range map[string]func(entries [][]byte) [][]byte{
		"forged": forge,
		"noise":  func(entries [][]byte) [][]byte { entries[len(entries)-1] = []byte{0x80}; return entries },
		"short":  func(entries [][]byte) [][]byte { return entries[:len(entries)-1] },
	} {
		spoilt := 0
		for at := range chain.Blocks {
			changed := false
			e := engine(livestate.New([32]byte{1}), true)
			e.Executed = func(b *replay.Block, _ ledger.Leaf) (txlog.Hash, error) { return b.Root, nil }
			err := e.Run(context.Background(), source(chain, func(block int, entries [][]byte) [][]byte {
				if block != at {
					return entries
				}
				if other := spoil(append([][]byte(nil), entries...)); other != nil {
					changed = true
					return other
				}
				return entries
			}))
			if invalid := (*replay.InvalidError)(nil); changed && !errors.As(err, &invalid) {
				t.Errorf("%s in block %d: %v", name, at, err)
			}
			if changed {
				spoilt++
			}
		}
		if spoilt < 5 {
			t.Errorf("%s: only %d blocks could be changed", name, spoilt)
		}
	}
}

// An error of the source, of who is told of blocks, and the end of the context end a replay.
func TestReplayEnds(t *testing.T) {
	chain, _ := sim.NewWorld(1).Story(ledger.NewModel())
	mine := errors.New("mine")
	e := engine(livestate.New([32]byte{1}), true)
	e.Executed = func(b *replay.Block, leaf ledger.Leaf) (txlog.Hash, error) {
		if leaf.Height == 3 {
			return b.Root, mine
		}
		return b.Root, nil
	}
	if err := e.Run(context.Background(), source(chain, nil)); !errors.Is(err, mine) {
		t.Error(err)
	}
	e = engine(livestate.New([32]byte{1}), true)
	e.Executed = func(b *replay.Block, _ ledger.Leaf) (txlog.Hash, error) { return b.Root, nil }
	err := e.Run(context.Background(), func(context.Context) iter.Seq2[*replay.Block, error] {
		return func(yield func(*replay.Block, error) bool) {
			_ = yield(&replay.Block{Entries: chain.Blocks[0], Root: chain.Roots[1]}, nil) && yield(nil, fmt.Errorf("source: %w", mine))
		}
	})
	if !errors.Is(err, mine) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e = engine(livestate.New([32]byte{1}), true)
	e.Executed = func(b *replay.Block, _ ledger.Leaf) (txlog.Hash, error) { cancel(); return b.Root, nil }
	err = e.Run(ctx, func(ctx context.Context) iter.Seq2[*replay.Block, error] {
		return func(yield func(*replay.Block, error) bool) {
			if yield(&replay.Block{Entries: chain.Blocks[0], Root: chain.Roots[1]}, nil) {
				<-ctx.Done() // a source that waits for more
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
