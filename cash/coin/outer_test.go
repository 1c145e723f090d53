package coin

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// printedNote is a note of an office with one denomination, and the keyset.
func printedNote(t testing.TB) (*cash.Keyset, cash.Proof) {
	t.Helper()
	key, err := curve.ParseScalar(append(make([]byte, 31), 7))
	if err != nil {
		t.Fatal(err)
	}
	set, err := cash.NewKeyset(cash.Unit, []money.Tiyn{500}, []curve.Point{curve.PublicKey(key)}, 0, 10, 20)
	if err != nil {
		t.Fatal(err)
	}
	blanks, err := Blanks(make([]byte, 64), set.ID, 0, []money.Tiyn{500})
	if err != nil {
		t.Fatal(err)
	}
	ring := cash.Keyring{{Keyset: set, Signers: []cash.Signer{curve.NewSigner(key)}}}
	b, err := pointOf("B_", blanks[0].Output.B)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ring.Sign([]cash.Blinded{{Amount: 500, B: b}}, zeros{})
	if err != nil {
		t.Fatal(err)
	}
	e, s := signed[0].Proof.E.Bytes(), signed[0].Proof.S.Bytes()
	note, err := Open(&set, blanks[0], cash.Signature{Amount: 500, ID: set.ID.String(), C: cash.HexPoint(signed[0].C),
		DLEQ: &cash.DLEQ{E: hexOf(e[:]), S: hexOf(s[:])}})
	if err != nil {
		t.Fatal(err)
	}
	return &set, note
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i + 1)
	}
	return len(p), nil
}

func hexOf(raw []byte) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range raw {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// An outer code shows that a note was issued, to whoever has the announced keys; it does not have the secret, and
// shows nothing of another amount, key, point or proof.
func TestAnOuterCode(t *testing.T) {
	set, note := printedNote(t)
	outer, err := OuterOf(set, note)
	if err != nil {
		t.Fatal(err)
	}
	text, err := outer.Encode()
	if err != nil || strings.Contains(text, note.Secret) || !IsOuter(" "+text) {
		t.Fatal(text, err)
	}
	read, err := DecodeOuter(text)
	if err != nil || read != outer || read.Check(set) != nil || len(read.Serial()) != 12 {
		t.Fatal(err, read.Check(set))
	}
	other, _ := printedNote(t)
	for name, lie := range map[string]func(o *Outer){
		"amount":    func(o *Outer) { o.Amount = 1000 },
		"keyset":    func(o *Outer) { o.Keyset = strings.Repeat("0", 66) },
		"point":     func(o *Outer) { o.Y = curve.HashToCurve([]byte("another")) },
		"signature": func(o *Outer) { o.C = o.Y },
		"blinding":  func(o *Outer) { o.R = o.DLEQ.E },
		"proof":     func(o *Outer) { o.DLEQ.S = o.DLEQ.E },
	} {
		lied := outer
		lie(&lied)
		if lied.Check(set) == nil {
			t.Errorf("another %s is believed", name)
		}
	}
	if other.ID != set.ID {
		t.Fatal("the office of the test is not the same twice")
	}
	for _, bad := range []string{"", outerPrefix, outerPrefix + "!", outerPrefix + "oA", text + "A", text[:len(text)-4], strings.Repeat(text, 9)} {
		if _, err := DecodeOuter(bad); err == nil {
			t.Errorf("%.40s was read", bad)
		}
	}
}

func FuzzOuter(f *testing.F) {
	set, note := printedNote(f)
	outer, err := OuterOf(set, note)
	if err != nil {
		f.Fatal(err)
	}
	text, err := outer.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := DecodeOuter(text)
		if err != nil {
			return
		}
		again, err := o.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if second, err := DecodeOuter(again); err != nil || second != o {
			t.Fatal(again, err)
		}
	})
}
