package curve

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBlocksAreProved(t *testing.T) {
	source := entropy(21)
	signer, stranger := NewSigner(draw(source)), NewSigner(draw(source))
	in, out := notes(signer, 200, source)
	context := []byte("network · log · block 7 · keyset · 500 · redeemed")
	other := []byte("network · log · block 8 · keyset · 500 · redeemed")
	for _, n := range []int{1, 2, 3, 16, 63, 200} {
		proof, err := signer.ProveBlock(context, in[:n], out[:n])
		if err != nil || !VerifyBlock(context, signer.Key(), in[:n], out[:n], proof) {
			t.Fatalf("%d notes: %v", n, err)
		}
		if again, err := signer.ProveBlock(context, in[:n], out[:n]); err != nil || again != proof {
			t.Fatalf("%d notes proved again: another proof, %v", n, err)
		}
		if VerifyBlock(context, stranger.Key(), in[:n], out[:n], proof) || VerifyBlock(other, signer.Key(), in[:n], out[:n], proof) ||
			VerifyBlock(context, signer.Key(), out[:n], in[:n], proof) || VerifyBlock(context, signer.Key(), in[:n-1], out[:n-1], proof) ||
			VerifyBlock(context, signer.Key(), in[:n], out[:n], BlockProof{}) || VerifyBlock(context, Point{}, in[:n], out[:n], proof) {
			t.Errorf("%d notes: a proof holds where it should not", n)
		}
	}
}

// Whatever is done to a list, its proof holds for it no more, and the signer proves no list that its key did not make.
func TestBlocksWithOneFalseNoteAreRefused(t *testing.T) {
	source := entropy(22)
	signer, stranger := NewSigner(draw(source)), NewSigner(draw(source))
	in, out := notes(signer, 60, source)
	never, forged := notes(stranger, 1, source)
	context := []byte("context")
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 60).Draw(t, "n")
		ins, outs := slices.Clone(in[:n]), slices.Clone(out[:n])
		proof, err := signer.ProveBlock(context, ins, outs)
		if err != nil {
			t.Fatal(err)
		}
		i, j := rapid.IntRange(0, n-1).Draw(t, "i"), rapid.IntRange(0, n-2).Draw(t, "j")
		if j >= i {
			j++
		}
		provable := false // the list is still one that the key made
		switch rapid.SampledFrom([]string{"never signed", "forged", "swapped", "repeated", "reordered", "added", "infinity", "cancelling"}).Draw(t, "what") {
		case "never signed":
			ins[i] = never[0]
		case "forged":
			ins[i], outs[i] = never[0], forged[0]
		case "swapped":
			outs[i], outs[j] = outs[j], outs[i]
		case "repeated":
			ins[i], outs[i] = ins[j], outs[j]
		case "reordered":
			ins[i], ins[j], outs[i], outs[j] = ins[j], ins[i], outs[j], outs[i]
			provable = true
		case "added":
			ins, outs = append(ins, never[0]), append(outs, forged[0])
		case "infinity":
			ins[i], outs[i] = Point{}, Point{}
		case "cancelling": // two errors that cancel if coefficients are equal
			opposite := generator
			opposite.y.negate(&opposite.y)
			outs[i], outs[j] = plus(outs[i], generator), plus(outs[j], opposite)
		}
		if VerifyBlock(context, signer.Key(), ins, outs, proof) {
			t.Fatal("the proof holds for another list")
		}
		again, err := signer.ProveBlock(context, ins, outs)
		if (err == nil) != provable {
			t.Fatalf("proved anew: %v", err)
		}
		if !provable && VerifyBlock(context, signer.Key(), ins, outs, again) {
			t.Fatal("an empty proof holds")
		}
	})
}

// Every coefficient follows from every pair: a signer cannot settle one while looking for the next, which is what
// would let errors cancel.
func TestEveryCoefficientFollowsFromTheWholeList(t *testing.T) {
	source := entropy(23)
	signer := NewSigner(draw(source))
	in, out := notes(signer, 9, source)
	coefficients := func(context string, in, out []Point) []coefficient {
		seed, err := blockSeed([]byte(context), signer.Key(), in, out)
		if err != nil {
			t.Fatal(err)
		}
		return blockCoefficients(seed, len(in))
	}
	before := coefficients("a", in, out)
	changed := map[string][]coefficient{
		"another context": coefficients("b", in, out), "one pair less": coefficients("a", in[:8], out[:8]),
	}
	for i := range in {
		other := slices.Clone(out)
		other[i] = plus(other[i], generator)
		changed["another signature "+string(rune('0'+i))] = coefficients("a", in, other)
	}
	for what, after := range changed {
		for i := range after {
			if after[i] == before[i] || after[i] == (coefficient{}) {
				t.Errorf("%s: coefficient %d stays", what, i)
			}
			if slices.Contains(after[:i], after[i]) {
				t.Errorf("%s: coefficient %d stands twice", what, i)
			}
		}
	}
}

func TestListsOfBadFormAreNotProved(t *testing.T) {
	source := entropy(24)
	signer := NewSigner(draw(source))
	in, out := notes(signer, 4, source)
	for _, c := range []struct {
		name    string
		in, out []Point
		want    Code
	}{
		{"unequal", in, out[:3], Unequal},
		{"empty", nil, nil, Empty},
		{"too many", make([]Point, MaxBlock+1), make([]Point, MaxBlock+1), TooMany},
		{"infinity", []Point{in[0], {}}, []Point{out[0], {}}, Infinity},
		{"repeated", []Point{in[0], in[1], in[0]}, []Point{out[0], out[1], out[0]}, Repeated},
		{"not signed", []Point{in[0], in[1]}, []Point{out[0], out[2]}, NotSigned},
	} {
		proof, err := signer.ProveBlock(nil, c.in, c.out)
		if !errors.Is(err, &Error{Code: c.want}) || proof != (BlockProof{}) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if VerifyBlock(nil, signer.Key(), c.in, c.out, proof) {
			t.Errorf("%s: verified", c.name)
		}
	}
}
