package bitcoin_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
)

func TestTargetOfBits(t *testing.T) {
	for _, tc := range []struct {
		bits uint32
		want string // empty: refused
	}{
		{0x1d00ffff, "00000000ffff0000000000000000000000000000000000000000000000000000"},
		{0x207fffff, "7fffff0000000000000000000000000000000000000000000000000000000000"},
		{0x1b0404cb, "00000000000404cb000000000000000000000000000000000000000000000000"},
		{0x03123456, "0000000000000000000000000000000000000000000000000000000000123456"},
		{0x02123456, "0000000000000000000000000000000000000000000000000000000000001234"},
		{0x220000ff, "ff00000000000000000000000000000000000000000000000000000000000000"},
		{0x01003456, ""}, // shifts to zero
		{0x00000000, ""},
		{0x04923456, ""}, // negative
		{0x21123456, ""}, // overflows
		{0xff123456, ""},
	} {
		got, err := bitcoin.TargetOfBits(tc.bits)
		if tc.want == "" {
			if !errors.Is(err, bitcoin.ErrBadBits) {
				t.Errorf("bits %08x: got %v, %v", tc.bits, got, err)
			}
			continue
		}
		if err != nil || got.String() != tc.want {
			t.Errorf("bits %08x: got %v, %v; want %s", tc.bits, got, err, tc.want)
		}
	}
}

// Comparing targets and hashes is comparing integers.
func TestTargetOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := bitcoin.Target(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "a"))
		b := bitcoin.Target(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "b"))
		if rapid.Bool().Draw(t, "near") {
			copy(b[3:], a[3:])
		}
		if got, want := a.Compare(b), a.Big().Cmp(b.Big()); got != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		if a.Met(bitcoin.Hash(b)) != (a.Big().Cmp(b.Big()) >= 0) {
			t.Fatalf("Met(%s, %s) is wrong", a, b)
		}
		if back := bitcoin.TargetOfBig(a.Big()); back != a {
			t.Fatalf("%s comes back as %s", a, back)
		}
	})
}

func TestTargetOfDifficulty(t *testing.T) {
	one := new(big.Int).Lsh(big.NewInt(0xffff), 208)
	for _, d := range []float64{1, 2, 1024, 0.5, 1.0 / (1 << 31), 90_666_502_495_565} {
		target, err := bitcoin.TargetOfDifficulty(d)
		if err != nil {
			t.Fatal(err)
		}
		if back := target.Difficulty(); math.Abs(back/d-1) > 1e-12 {
			t.Errorf("difficulty %v comes back as %v", d, back)
		}
	}
	if target, _ := bitcoin.TargetOfDifficulty(1); target.Big().Cmp(one) != 0 {
		t.Errorf("difficulty 1 is %s", target)
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1), 1e80} {
		if target, err := bitcoin.TargetOfDifficulty(bad); err == nil {
			t.Errorf("difficulty %v gives %s", bad, target)
		}
	}
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add(make([]byte, 80))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		header, err := bitcoin.DecodeHeader(raw)
		if err != nil {
			return
		}
		if back := header.Encode(); string(back[:]) != string(raw) {
			t.Fatalf("%x comes back as %x", raw, back)
		}
		_ = header.Check()
	})
}
