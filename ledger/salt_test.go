package ledger_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// replayed derives a log's state after change has altered the system entries of its blocks; the leaves follow the log that
// comes of it.
func replayed(t *testing.T, chain *sim.Chain, change func(s *ledger.System)) (root string, systems int, _ error) {
	t.Helper()
	state := livestate.New([32]byte{1})
	replay := ledger.NewReplay(state, false)
	var tree txlog.Tree
	for _, block := range chain.Blocks {
		before := tree.Root()
		entries := make([][]byte, len(block))
		for i, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case e.System != nil:
				systems++
				change(e.System)
				data = e.System.Encode()
			case e.Leaf != nil && e.Leaf.Height > 0:
				e.Leaf.Previous = token.Hash(before)
				data = e.Leaf.Encode()
			}
			entries[i] = data
			tree.Add(txlog.LeafHash(data))
		}
		if _, err := replay.Block(entries, token.Hash(before)); err != nil {
			return "", systems, err
		}
	}
	// The state says nothing of the log that led to it.
	stateRoot, err := state.WriteSnapshot(&bytes.Buffer{}, livestate.Position{Network: chain.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()})
	return stateRoot.String(), systems, err
}

// From version 4 on each entry that nobody signs bears a salt, taken as it stands; before, none does.
func TestSystemEntriesBearASaltFromVersion4On(t *testing.T) {
	for rules := uint32(ledger.FirstRules); rules <= ledger.LatestRules; rules++ {
		chain, _ := sim.NewWorldUnder(rules, 1).Story(ledger.NewModel())
		root, systems, err := replayed(t, chain, func(*ledger.System) {})
		if err != nil || systems == 0 {
			t.Fatalf("version %d: %d system entries, error %v", rules, systems, err)
		}
		drawn := byte(0)
		other, _, err := replayed(t, chain, func(s *ledger.System) {
			if drawn++; s.Salt != nil {
				s.Salt = &ledger.Salt{drawn}
			}
		})
		if err != nil || other != root {
			t.Errorf("version %d: with other salts state %s, want %s: %v", rules, other, root, err)
		}
		_, _, err = replayed(t, chain, func(s *ledger.System) {
			if s.Salt == nil {
				s.Salt = &ledger.Salt{}
			} else {
				s.Salt = nil
			}
		})
		if codeOf(err) != ledger.NotDerived {
			t.Errorf("version %d: salts where there are none, and none where there are: %v", rules, err)
		}
	}
}

// Whoever guesses what a system entry says does not see in the hashes that he is right.
func TestHashesTellNothingOfSystemEntries(t *testing.T) {
	chain, _ := sim.NewWorld(1).Story(ledger.NewModel())
	seen := map[ledger.Salt]bool{}
	for _, block := range chain.Blocks {
		for _, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			if e.System == nil {
				continue
			}
			if e.System.Salt == nil || seen[*e.System.Salt] {
				t.Fatalf("%s: salt %v, missing or drawn before", e.System.Kind, e.System.Salt)
			}
			seen[*e.System.Salt] = true
			guess := *e.System
			guess.Salt = nil
			if txlog.LeafHash(guess.Encode()) == txlog.LeafHash(data) {
				t.Errorf("%s: its hash follows from what it says", e.System.Kind)
			}
		}
	}
	if len(seen) == 0 {
		t.Fatal("the story has no system entry")
	}
}

// A salt has sixteen bytes, and what is read is written again as it was.
func TestSaltsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := ledger.System{Kind: ledger.SystemKind(rapid.SampledFrom([]int{1, 2, 3, 6}).Draw(t, "kind")), Salt: new(ledger.Salt)}
		copy(s.Salt[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "salt"))
		encoded := s.Encode()
		e, err := ledger.DecodeEntry(encoded)
		if err != nil || e.System == nil || e.System.Salt == nil || *e.System.Salt != *s.Salt || !bytes.Equal(e.System.Encode(), encoded) {
			t.Fatalf("%x: %+v, %v", encoded, e.System, err)
		}
		n := rapid.SampledFrom([]int{0, 15, 17, 32}).Draw(t, "length")
		other := token.AppendBytes(encoded[:len(encoded)-17:len(encoded)-17], make([]byte, n))
		if _, err := ledger.DecodeEntry(other); err == nil {
			t.Fatalf("a salt of %d bytes is read", n)
		}
	})
}

// codeOf is an error's stable code.
func codeOf(err error) token.Code {
	if coded := (interface{ ErrorCode() string })(nil); errors.As(err, &coded) {
		return token.Code(coded.ErrorCode())
	}
	return ""
}
