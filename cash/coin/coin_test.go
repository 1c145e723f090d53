package coin

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// NUT-13: secrets and blinding factors of a seed.
func TestSeedsOfTheStandard(t *testing.T) {
	var v struct {
		ID, Mnemonic string
		Secrets, R   []string
	}
	readVectors(t, "nut13.json", &v)
	seed, err := Seed("  " + strings.ToUpper(v.Mnemonic))
	if err != nil {
		t.Fatal(err)
	}
	id, err := cash.ParseKeysetID(v.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Secrets {
		secret, r, err := Derive(seed, id, uint64(i))
		raw := r.Bytes()
		if err != nil || secret != v.Secrets[i] || hex.EncodeToString(raw[:]) != v.R[i] {
			t.Errorf("%d: %s %x %v", i, secret, raw, err)
		}
	}
	if len(v.Secrets) != 5 {
		t.Fatal(len(v.Secrets))
	}
	if _, err := Seed(strings.Replace(v.Mnemonic, "half", "have", 1)); err == nil {
		t.Error("words with a wrong checksum are a seed")
	}
}

// NUT-00: tokens of both versions; those of version 4 are written again as they were.
func TestTokensOfTheStandard(t *testing.T) {
	var v struct{ Good, Bad []string }
	readVectors(t, "nut00.json", &v)
	if len(v.Good) != 6 || len(v.Bad) != 2 {
		t.Fatal(len(v.Good), len(v.Bad))
	}
	for _, text := range v.Good {
		token, err := DecodeToken("cashu:" + text)
		if err != nil {
			t.Fatal(text[:30], err)
		}
		again, err := token.Encode(false)
		if err != nil {
			t.Fatal(err)
		}
		if text[5] == 'B' && again != strings.TrimRight(text, "=") {
			t.Errorf("%s became %s", text, again)
		}
		second, err := DecodeToken(again)
		if err != nil || !reflect.DeepEqual(token, second) {
			t.Errorf("%+v became %+v: %v", token, second, err)
		}
	}
	for _, text := range v.Bad {
		if _, err := DecodeToken(text); err == nil {
			t.Errorf("%s was read", text[:30])
		}
	}
}

// NUT-18 and NUT-26: requests both ways. Those over nostr are only read: we send nothing by it.
func TestRequestsOfTheStandard(t *testing.T) {
	type wire struct {
		I, U, D string
		A       uint64
		S       bool
		M       []string
		T       []struct {
			T, A string
			G    [][]string
		}
		Nut10 *struct {
			K, D string
			T    [][]string
		}
	}
	read := 0
	for _, file := range []string{"nut18.json", "nut26.json"} {
		var vectors []struct {
			Request wire
			Text    string
		}
		readVectors(t, file, &vectors)
		for _, v := range vectors {
			r, err := DecodeRequest(v.Text)
			if err != nil {
				t.Errorf("%s: %v", v.Text, err)
				continue
			}
			read++
			w := v.Request
			if r.ID != w.I || r.Amount != w.A || r.Unit != w.U || r.Single != w.S ||
				!reflect.DeepEqual(r.Mints, w.M) && len(w.M) > 0 || r.Description != w.D {
				t.Errorf("%s: %+v, want %+v", v.Text, r, w)
			}
			if w.Nut10 != nil && (r.Lock == nil || r.Lock.Data != w.Nut10.D || r.Lock.Kind != w.Nut10.K ||
				len(r.Lock.Tags) != len(w.Nut10.T)) {
				t.Errorf("%s: %+v, want %+v", v.Text, r.Lock, w.Nut10)
			}
			nostr := len(r.Transports) != len(w.T)
			for i, tr := range r.Transports {
				nostr = nostr || tr.Type == "nostr"
				if !nostr && (tr.Target != w.T[i].A || tr.Type != w.T[i].T) {
					t.Errorf("%s: %+v", v.Text, tr)
				}
			}
			if !nostr && file == "nut26.json" {
				if again, err := r.EncodeB(); err != nil ||
					w.I != "single_use_false" && again != strings.ToUpper(v.Text) {
					t.Errorf("%s became %s: %v", v.Text, again, err)
				}
			}
			if a, err := r.EncodeA(); err != nil {
				t.Error(err)
			} else if second, err := DecodeRequest(a); err != nil || !reflect.DeepEqual(r, second) {
				t.Errorf("%+v became %+v: %v", r, second, err)
			}
		}
	}
	if read < 20 {
		t.Errorf("%d requests were read", read)
	}
}

// NUT-28: keys that only payer and payee can tell.
func TestBlindedKeysOfTheStandard(t *testing.T) {
	var v struct {
		E          string `json:"e"`
		Once       string `json:"E"`
		Private    string `json:"p"`
		Public     string `json:"P"`
		R, Blinded []string
		Proof      cash.Proof
	}
	raw, err := os.ReadFile("testdata/nut28.json")
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]json.RawMessage // e and E, p and P are four names
	if err := json.Unmarshal(raw, &parts); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]any{"e": &v.E, "E": &v.Once, "p": &v.Private, "P": &v.Public, "r": &v.R,
		"blinded": &v.Blinded, "proof": &v.Proof} {
		if err := json.Unmarshal(parts[name], to); err != nil {
			t.Fatal(name, err)
		}
	}
	e, _ := hex.DecodeString(v.E)
	p, _ := hex.DecodeString(v.Private)
	once, E := btcec.PrivKeyFromBytes(e)
	payee, _ := btcec.PrivKeyFromBytes(p)
	public, _ := hex.DecodeString(v.Public)
	P, err := btcec.ParsePubKey(public) // of the other parity than p's own, as a key of 32 bytes may be
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(E.SerializeCompressed()) != v.Once || len(v.Blinded) != 11 || len(v.R) != 11 {
		t.Fatalf("%x %d %d", E.SerializeCompressed(), len(v.R), len(v.Blinded))
	}
	for slot := range v.Blinded {
		r, err := Tweak(P, once, byte(slot))
		raw := r.Bytes()
		if err != nil || hex.EncodeToString(raw[:]) != v.R[slot] {
			t.Errorf("%d: %x", slot, raw)
		}
		blinded, err := BlindKey(P, once, byte(slot))
		if err != nil || hex.EncodeToString(blinded.SerializeCompressed()) != v.Blinded[slot] {
			t.Errorf("%d: %v", slot, err)
		}
	}
	notes := []cash.Proof{v.Proof}
	if err := SignNotes(payee, notes); err != nil || notes[0].Witness == "" {
		t.Fatal(err, notes)
	}
	stranger, _ := btcec.PrivKeyFromBytes(e)
	others := []cash.Proof{v.Proof}
	if err := SignNotes(stranger, others); err != nil || others[0].Witness != "" {
		t.Error(err, "a stranger found the key")
	}
}

// A token in frames, in any order.
func TestFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 3000, 9000).Draw(t, "text")
		frames, err := Frames(text, rapid.IntRange(10, 300).Draw(t, "most"))
		if err != nil {
			t.Fatal(err)
		}
		var j Joiner
		got, whole := "", false
		for _, i := range rapid.Permutation(indices(len(frames))).Draw(t, "order") {
			if got, whole, err = j.Add(frames[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !whole || got != text {
			t.Fatalf("%q became %q", text, got)
		}
		flipped := []byte(strings.ToLower(frames[0]))
		flipped[len(flipped)-1] ^= 1
		if text, whole, err := new(Joiner).Add(string(flipped)); err == nil {
			t.Fatal("a changed frame was taken", text, whole)
		}
	})
}

func indices(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func TestChoosingNotes(t *testing.T) {
	denominations := cash.OneTwoFive()
	rapid.Check(t, func(t *rapid.T) {
		var notes []cash.Proof
		for i, d := range rapid.SliceOfN(rapid.SampledFrom(denominations[:12]), 0, 30).Draw(t, "notes") {
			notes = append(notes, cash.Proof{Amount: cash.Amount(d), Secret: string(rune('a' + i))})
		}
		total := Total(notes)
		amount := money.Tiyn(rapid.Int64Range(0, int64(total)+5).Draw(t, "amount"))
		picked := Choose(notes, amount)
		if amount == 0 || amount > total {
			if picked != nil {
				t.Fatal(picked)
			}
			return
		}
		seen := map[string]bool{}
		for _, p := range picked {
			if seen[p.Secret] {
				t.Fatal("one note twice")
			}
			seen[p.Secret] = true
			if Total(picked)-money.Tiyn(p.Amount) >= amount {
				t.Fatalf("%v for %d: a note too many", picked, amount)
			}
		}
		if Total(picked) < amount {
			t.Fatalf("%v for %d", picked, amount)
		}
		if exact := Exact(notes, amount); exact != nil && Total(exact) != amount {
			t.Fatal(exact)
		}
		if subset := rapid.SliceOfN(rapid.Bool(), len(notes), len(notes)).Draw(t, "subset"); len(notes) > 0 {
			var some []cash.Proof
			for i, in := range subset {
				if in {
					some = append(some, notes[i])
				}
			}
			if exact := Exact(notes, Total(some)); Total(some) > 0 && Total(exact) != Total(some) {
				t.Fatalf("%v make %d, and were not found", some, Total(some))
			}
		}
	})
}

// A note opens only with a proof of the announced key; a proof of another key, or none, is refused, one by one.
func TestSignaturesAreProved(t *testing.T) {
	k := scalar(t, "key")
	amounts := []money.Tiyn{1, 2}
	set, err := cash.NewKeyset(cash.Unit, amounts, []curve.Point{curve.PublicKey(k), curve.PublicKey(scalar(t, "two"))},
		0, 10, 20)
	if err != nil {
		t.Fatal(err)
	}
	blanks, err := Blanks(make([]byte, 64), set.ID, 7, []money.Tiyn{1})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(key curve.Scalar) cash.Signature {
		b, _ := pointOf("B_", blanks[0].Output.B)
		c, proof, err := curve.NewSigner(key).Sign(b, rapidReader{})
		if err != nil {
			t.Fatal(err)
		}
		e, s := proof.E.Bytes(), proof.S.Bytes()
		return cash.Signature{Amount: 1, ID: set.ID.String(), C: cash.HexPoint(c),
			DLEQ: &cash.DLEQ{E: hex.EncodeToString(e[:]), S: hex.EncodeToString(s[:])}}
	}
	note, err := Open(&set, blanks[0], sign(k))
	if err != nil {
		t.Fatal(err)
	}
	if err := Genuine(&set, note); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(s *cash.Signature){
		"no proof":       func(s *cash.Signature) { s.DLEQ = nil },
		"another key":    func(s *cash.Signature) { *s = sign(scalar(t, "by which you are known")) },
		"other amount":   func(s *cash.Signature) { s.Amount = 2 },
		"no such amount": func(s *cash.Signature) { s.Amount = 3 },
		"other keyset":   func(s *cash.Signature) { s.ID = "01" + s.ID[4:] + "00" },
		"empty proof":    func(s *cash.Signature) { s.DLEQ = &cash.DLEQ{} },
	} {
		s := sign(k)
		change(&s)
		if _, err := Open(&set, blanks[0], s); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for name, change := range map[string]func(p *cash.Proof){
		"no proof":     func(p *cash.Proof) { p.DLEQ = nil },
		"no factor":    func(p *cash.Proof) { p.DLEQ = &cash.DLEQ{E: note.DLEQ.E, S: note.DLEQ.S} },
		"other secret": func(p *cash.Proof) { p.Secret += "0" },
		"other amount": func(p *cash.Proof) { p.Amount = 2 },
	} {
		p := note
		change(&p)
		if err := Genuine(&set, p); err == nil {
			t.Errorf("%s is genuine", name)
		}
	}
	if stripped := Strip([]cash.Proof{note}); stripped[0].DLEQ != nil || note.DLEQ == nil {
		t.Error("the office would get r")
	}
}

type rapidReader struct{}

func (rapidReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i + 1)
	}
	return len(p), nil
}

func scalar(t *testing.T, text string) curve.Scalar {
	raw := make([]byte, 32)
	copy(raw, text)
	raw[0] = 1
	s, err := curve.ParseScalar(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func FuzzDecoders(f *testing.F) {
	f.Add("cashuBo2F0gqJhaUgA_9SLj17PgGFwgaNhYQFhc3hA")
	f.Add("CREQB1QYQQWER9D4HNZV3NQGQQSQQQQQQQQQQRAQPSQQGQQSQQZQG9QQVXSAR5WPEN5TE0D45KUAPWV4UXZMTSD3JJUCM0D5RQQRJRDANXVET9YPCXZ7TDV4H8GXHR3TQ")
	f.Add("creqApGFhCmF1Y3NhdA")
	f.Add("ur:bytes/1-2/lpadaocfadcyaaaaaaaahdaaaa")
	f.Fuzz(func(t *testing.T, text string) {
		if token, err := DecodeToken(text); err == nil {
			again, err := token.Encode(false)
			if err != nil {
				return // V3 holds texts that no token writes
			}
			if second, err := DecodeToken(again); err != nil || len(second.Proofs) != len(token.Proofs) {
				t.Fatal(again, err)
			}
		}
		_, _ = DecodeRequest(text)
		_, _, _ = new(Joiner).Add(text)
	})
}
