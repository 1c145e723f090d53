package livestate_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
)

// storied is the state after the story, with a key and a proposal that wait, and its snapshot.
func storied(t testing.TB) (*livestate.State, livestate.Position, []byte) {
	t.Helper()
	state := livestate.New([32]byte{1})
	chain, town := sim.NewWorld(1).Story(state)
	alice, _ := state.Wallet(town.Alice)
	chain.Must(&token.Rekey{Wallet: town.Alice, Version: uint64(alice.Version), By: token.RoleIntermediary, Key: chain.Key("alice 3").Public(), Recovery: chain.Key("r 3").Public()})
	chain.Must(&token.Freeze{Wallet: town.Bob, Version: 6, Mode: token.FreezeDebits, Case: "дело 7"})
	chain.Must(&token.Propose{By: token.RolePolicy, Sequence: state.Authority().Set(token.RolePolicy).Sequence, Change: token.Change{DelayMillis: 3_600_000}})
	at := livestate.Position{Network: chain.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()}
	var out bytes.Buffer
	if _, err := state.WriteSnapshot(&out, at); err != nil {
		t.Fatal(err)
	}
	return state, at, out.Bytes()
}

func TestSnapshotRoundTripIsCanonical(t *testing.T) {
	state, at, data := storied(t)
	again, position, err := livestate.ReadSnapshot(bytes.NewReader(data), [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(at, position); diff != "" {
		t.Error(diff)
	}
	var out bytes.Buffer
	if _, err := again.WriteSnapshot(&out, at); err != nil || !bytes.Equal(out.Bytes(), data) {
		t.Error("it does not give the same bytes again, under another hash")
	}
	if diff := cmp.Diff(*state.Authority(), *again.Authority()); diff != "" {
		t.Error(diff)
	}
	for _, id := range state.Intermediaries() {
		before, _ := state.Intermediary(id)
		if after, _ := again.Intermediary(id); after.SinceMillis < sim.StartMillis || !cmp.Equal(before, after) {
			t.Errorf("intermediary %+v came back as %+v", before, after)
		}
	}
	for _, id := range state.Agencies() {
		before, _ := state.Agency(id)
		if after, _ := again.Agency(id); after.SinceMillis < sim.StartMillis || !cmp.Equal(before, after) {
			t.Errorf("agency %+v came back as %+v", before, after)
		}
	}
	// Both go on alike.
	due, _, _ := state.NextRekey()
	if other, _, found := again.NextRekey(); !found || other != due {
		t.Error("what waits was lost")
	}
}

func TestSnapshotAltered(t *testing.T) {
	_, _, data := storied(t)
	var refusal *livestate.SnapshotError
	for i := range data {
		for _, bit := range []byte{1, 0x80} {
			altered := bytes.Clone(data)
			altered[i] ^= bit
			if _, _, err := livestate.ReadSnapshot(bytes.NewReader(altered), [32]byte{}); !errors.As(err, &refusal) {
				t.Fatalf("byte %d altered: %v", i, err)
			}
		}
		if _, _, err := livestate.ReadSnapshot(bytes.NewReader(data[:i]), [32]byte{}); !errors.As(err, &refusal) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, _, err := livestate.ReadSnapshot(bytes.NewReader(append(bytes.Clone(data), 0)), [32]byte{}); err == nil {
		t.Error("a byte after it was accepted")
	}
}

func FuzzReadSnapshot(f *testing.F) {
	_, _, data := storied(f)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		state, at, err := livestate.ReadSnapshot(bytes.NewReader(data), [32]byte{})
		if err != nil {
			return
		}
		var out bytes.Buffer
		if _, err := state.WriteSnapshot(&out, at); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Fatalf("an accepted snapshot is written otherwise: %v", err)
		}
	})
}

func TestTokensOf(t *testing.T) {
	state := livestate.New([32]byte{})
	a, b := token.WalletID{1}, token.WalletID{2}
	state.PutWallet(a, ledger.Wallet{Tokens: 5})
	state.PutWallet(b, ledger.Wallet{})
	id := func(i int) token.ID { return token.ID{byte(i)} }
	for i := range 5 {
		state.AddToken(id(i), ledger.Token{Wallet: a, Amount: 1})
	}
	expect := func(want ...int) {
		t.Helper()
		var got []int
		for _, live := range state.TokensOf(a, 10) {
			got = append(got, int(live.ID[0]))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("tokens %v, want %v", got, want)
		}
	}
	expect(4, 3, 2, 1, 0) // the newest first
	for _, gone := range []int{2, 4, 0} {
		state.RemoveToken(id(gone))
	}
	expect(3, 1)
	if len(state.TokensOf(a, 1)) != 1 || state.TokensOf(b, 9) == nil || state.TokensOf(token.WalletID{3}, 9) != nil {
		t.Error("bounds")
	}
}
