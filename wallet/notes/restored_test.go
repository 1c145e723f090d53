package notes_test

import (
	"context"
	"testing"

	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
)

// restoring is a mint that alters what it restores, and loses the answers to swaps that it has made.
type restoring struct {
	*apicash.Client
	loses bool
	alter func(outputs []cash.Output, signatures []cash.Signature) ([]cash.Output, []cash.Signature)
}

func (r restoring) Swap(ctx context.Context, s office.SwapRequest) ([]cash.Signature, error) {
	signatures, err := r.Client.Swap(ctx, s)
	if err == nil && r.loses {
		return nil, &cash.Refusal{Code: cash.Spent, Field: "inputs", Rule: "are spent"}
	}
	return signatures, err
}

func (r restoring) Restore(ctx context.Context, outputs []cash.Output) ([]cash.Output, []cash.Signature, error) {
	found, signatures, err := r.Client.Restore(ctx, outputs)
	if err != nil {
		return nil, nil, err
	}
	found, signatures = r.alter(found, signatures)
	return found, signatures, nil
}

// A mint that restores what was not asked for, or one output twice, is refused: at once, though it would never end.
func TestAMintThatRestoresOthersOutputs(t *testing.T) {
	town := newTown(t)
	_, w := town.newWallet(testWords)
	town.buy(w, 100_000)
	w.Close()
	dir, empty := town.newWallet(testWords)
	empty.Close()
	for name, alter := range map[string]func([]cash.Output, []cash.Signature) ([]cash.Output, []cash.Signature){
		"a stranger before": func(o []cash.Output, s []cash.Signature) ([]cash.Output, []cash.Signature) {
			return append([]cash.Output{{B: "02" + "00"}}, o...), append([]cash.Signature{{}}, s...)
		},
		"a stranger alone": func([]cash.Output, []cash.Signature) ([]cash.Output, []cash.Signature) {
			return []cash.Output{{B: "02"}}, []cash.Signature{{}}
		},
		"one twice": func(o []cash.Output, s []cash.Signature) ([]cash.Output, []cash.Signature) {
			if len(o) == 0 {
				return o, s
			}
			return append(o, o[0]), append(s, s[0])
		},
		"a signature too few": func(o []cash.Output, s []cash.Signature) ([]cash.Output, []cash.Signature) {
			if len(o) == 0 {
				return o, s
			}
			return o, s[1:]
		},
	} {
		phone := town.open(dir, restoring{Client: town.client, alter: alter})
		if back, err := phone.Restore(t.Context()); err == nil || back != 0 || phone.Balance().Settled != 0 {
			t.Errorf("%s: restored %d, holds %d: %v", name, back, phone.Balance().Settled, err)
		}
		phone.Close()
	}
}

// An operation whose outputs a mint restores in part stays begun: the money that is missing is not forgotten.
func TestAMintThatRestoresAPart(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	dir, w := town.newWallet(testWords)
	town.buy(w, 100_000)
	w.Close()
	part := func(o []cash.Output, s []cash.Signature) ([]cash.Output, []cash.Signature) { return o[:1], s[:1] }
	w = town.open(dir, restoring{Client: town.client, loses: true, alter: part})
	if _, err := w.Send(ctx, 4_100, "", false, nil); err == nil || w.Begun() != 1 {
		t.Fatal(err, w.Begun())
	}
	w.Close()
	w = town.open(dir, town.client)
	if r, err := w.Recover(ctx); err != nil || r.Left != 0 || w.Begun() != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if back, err := w.Reclaim(ctx); err != nil || w.Balance().Settled != 100_000 {
		t.Fatal(back, err, w.Balance())
	}
}
