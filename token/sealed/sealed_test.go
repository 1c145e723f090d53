package sealed_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

var network = token.NetworkID{7}

func stream(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// openers are those of a key: each one's share of it, as each came to it by itself.
type openers struct {
	key    *sealed.Key
	shares []*sealed.Secret
}

func newOpeners(t failing, seed byte, threshold, members int) openers {
	t.Helper()
	random := stream(seed)
	var own []*sealed.Secret
	var public []sealed.Point
	for range members {
		s, err := sealed.NewSecret(random)
		if err != nil {
			t.Fatal(err)
		}
		own, public = append(own, s), append(public, s.Public())
	}
	var dealings []*sealed.Dealing
	for i := range members {
		l, err := sealed.Deal(random, network, uint8(i+1), threshold, public)
		if err != nil {
			t.Fatal(err)
		}
		back, err := sealed.DecodeDealing(l.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		dealings = append(dealings, back)
	}
	var all openers
	for i := range members {
		key, share, err := sealed.Join(network, public, uint8(i+1), own[i], dealings)
		if err != nil {
			t.Fatal(err)
		}
		if all.key != nil && !bytes.Equal(all.key.Append(nil), key.Append(nil)) {
			t.Fatalf("opener %d came to another key", i+1)
		}
		all.key, all.shares = key, append(all.shares, share)
	}
	return all
}

func somePurse() *sealed.Purse {
	return &sealed.Purse{Network: network, Intermediary: token.WalletID{1}, Owner: token.WalletID{2},
		Device: token.PublicKey{1, 3}, KeyNumber: 1}
}

// ask seals a name and asks for it.
func (o openers) ask(t failing, seed byte, name string) (*sealed.Seal, *sealed.Request, *sealed.Secret) {
	t.Helper()
	random := stream(seed)
	seal, err := sealed.New(random, o.key, somePurse(), name)
	if err != nil {
		t.Fatal(err)
	}
	asker, err := sealed.NewSecret(random)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sealed.NewRequest(random, network, sealed.Request{Purse: token.WalletID{9}, Case: token.Hash{4}}, asker)
	if err != nil {
		t.Fatal(err)
	}
	return seal, r, asker
}

func (o openers) share(t failing, r *sealed.Request, seal *sealed.Seal, opener uint8) sealed.Share {
	t.Helper()
	s, err := sealed.NewShare(stream(opener), network, r, seal, opener, o.shares[opener-1])
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

// So many openers as the threshold, whichever, open a name for who asked; nobody else reads what they published.
func TestAnyThresholdOfOpenersOpensForWhoAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.IntRange(1, 5).Draw(t, "members")
		threshold := rapid.IntRange(1, members).Draw(t, "threshold")
		o := newOpeners(t, rapid.Byte().Draw(t, "seed"), threshold, members)
		name := strings.Repeat("ә", rapid.IntRange(1, sealed.MaxName/2).Draw(t, "length"))
		seal, r, asker := o.ask(t, rapid.Byte().Draw(t, "sealing"), name)
		if err := seal.Verify(somePurse()); err != nil {
			t.Fatal(err)
		}
		chosen := rapid.Permutation(numbers(members)).Draw(t, "openers")[:threshold]
		var shares []sealed.Share
		for i := uint8(1); int(i) <= members; i++ {
			if bytes.Contains(chosen, []byte{i}) {
				shares = append(shares, o.share(t, r, seal, i))
			}
		}
		combined, refusal := sealed.Combine(network, r, seal, o.key, shares)
		if refusal != nil {
			t.Fatal(refusal)
		}
		if got, err := seal.Read(o.key, asker, combined); err != nil || got != name {
			t.Fatalf("read %q, %v; sealed %q", got, err, name)
		}
		stranger, _ := sealed.NewSecret(stream(250))
		if got, err := seal.Read(o.key, stranger, combined); err == nil {
			t.Fatalf("a stranger reads %q", got)
		}
		if threshold > 1 {
			if _, refusal := sealed.Combine(network, r, seal, o.key, shares[1:]); refusal == nil {
				t.Fatal("one opener too few was enough")
			}
		}
	})
}

// failing is a test, a benchmark or a property.
type failing interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func numbers(n int) (all []byte) {
	for i := range n {
		all = append(all, byte(i+1))
	}
	return all
}

// What proves anything is bound to everything it is about: changed in any part, it does not hold.
func TestNothingElseIsProved(t *testing.T) {
	o := newOpeners(t, 1, 2, 3)
	seal, r, _ := o.ask(t, 2, "Айгүл Серік 900101450012")
	for what, change := range map[string]func(p *sealed.Purse, s *sealed.Seal){
		"network":      func(p *sealed.Purse, _ *sealed.Seal) { p.Network[0]++ },
		"intermediary": func(p *sealed.Purse, _ *sealed.Seal) { p.Intermediary[0]++ },
		"owner":        func(p *sealed.Purse, _ *sealed.Seal) { p.Owner[0]++ },
		"device":       func(p *sealed.Purse, _ *sealed.Seal) { p.Device[1]++ },
		"key number":   func(p *sealed.Purse, s *sealed.Seal) { p.KeyNumber++; s.KeyNumber++ },
		"other key":    func(_ *sealed.Purse, s *sealed.Seal) { s.KeyNumber++ },
		"box":          func(_ *sealed.Purse, s *sealed.Seal) { s.Box[3]++ },
		"challenge":    func(_ *sealed.Purse, s *sealed.Seal) { s.Proof[0]++ },
		"answer":       func(_ *sealed.Purse, s *sealed.Seal) { s.Proof[32]++ },
		"above L":      func(_ *sealed.Purse, s *sealed.Seal) { s.Proof[63] = 0xff },
		"no point":     func(_ *sealed.Purse, s *sealed.Seal) { s.Point = sealed.Point{1} },
		"neutral":      func(_ *sealed.Purse, s *sealed.Seal) { s.Point = sealed.Point{} },
	} {
		purse := somePurse()
		copied, err := sealed.Decode(seal.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		change(purse, copied)
		if copied.Verify(purse) == nil {
			t.Errorf("%s: a seal with another holds", what)
		}
	}
	share := o.share(t, r, seal, 2)
	for what, change := range map[string]func(r *sealed.Request, s *sealed.Share){
		"purse":  func(r *sealed.Request, _ *sealed.Share) { r.Purse[0]++ },
		"number": func(r *sealed.Request, _ *sealed.Share) { r.Number++ },
		"case":   func(r *sealed.Request, _ *sealed.Share) { r.Case[0]++ },
		"opener": func(_ *sealed.Request, s *sealed.Share) { s.Opener = 3 },
		"none":   func(_ *sealed.Request, s *sealed.Share) { s.Opener = 0 },
		"fourth": func(_ *sealed.Request, s *sealed.Share) { s.Opener = 4 },
		"point":  func(_ *sealed.Request, s *sealed.Share) { s.Point = seal.Point },
		"proof":  func(_ *sealed.Request, s *sealed.Share) { s.Proof[9]++ },
	} {
		asked, copied := *r, share
		change(&asked, &copied)
		if copied.Verify(network, &asked, seal, o.key) == nil {
			t.Errorf("%s: a share with another holds", what)
		}
		if asked != *r && asked.Verify(network) == nil {
			t.Errorf("%s: a request with another holds", what)
		}
	}
	if share.Verify(network, r, seal, o.key) != nil || r.Verify(network) != nil {
		t.Error("what was not changed does not hold")
	}
}

// A crook cannot have a name opened by making a seal of another's: not by its point, nor by the asker's.
func TestAnotherSealIsNoWayToAName(t *testing.T) {
	o := newOpeners(t, 1, 2, 3)
	victim, r, _ := o.ask(t, 2, "victim")
	crook := somePurse()
	crook.Owner = token.WalletID{66}
	copied := *victim
	if copied.Verify(crook) == nil {
		t.Error("a copied seal holds for another purse")
	}
	shifted := *r // A' = C' - C: a request that would make another seal's base of the victim's
	var p, q curve.RistrettoPoint
	for encoded, point := range map[sealed.Point]*curve.RistrettoPoint{victim.Point: &p, r.Asker: &q} {
		if _, err := point.SetCompressed((*curve.CompressedRistretto)(&encoded)); err != nil {
			t.Fatal(err)
		}
	}
	(*curve.CompressedRistretto)(&shifted.Asker).SetRistrettoPoint(curve.NewRistrettoPoint().Sub(&q, &p))
	if shifted.Verify(network) == nil {
		t.Error("a request with a point whose secret nobody knows holds")
	}
	if _, err := sealed.NewShare(stream(3), network, &shifted, victim, 1, o.shares[0]); err == nil {
		t.Error("an opener makes a share for it")
	}
}

// A dealer that deals a share that does not fit, or undoes the others' points, is found out by name.
func TestADealingThatDoesNotFitIsRefused(t *testing.T) {
	random := stream(4)
	own := make([]*sealed.Secret, 3)
	public := make([]sealed.Point, 3)
	for i := range own {
		own[i], _ = sealed.NewSecret(random)
		public[i] = own[i].Public()
	}
	deal := func() (all []*sealed.Dealing) {
		for i := range public {
			l, err := sealed.Deal(random, network, uint8(i+1), 2, public)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
		return all
	}
	for what, change := range map[string]func(all []*sealed.Dealing){
		"another share":       func(all []*sealed.Dealing) { all[1].Masked[0][5]++ },
		"other commitments":   func(all []*sealed.Dealing) { all[1].Commitments[1] = all[0].Commitments[1] },
		"another's":           func(all []*sealed.Dealing) { all[1] = all[0] },
		"a point of no known": func(all []*sealed.Dealing) { all[1].Commitments[0] = all[0].Commitments[0] },
		"a lower threshold":   func(all []*sealed.Dealing) { all[1].Commitments = all[1].Commitments[:1] },
		"no ephemeral":        func(all []*sealed.Dealing) { all[1].Ephemeral = sealed.Point{} },
		"too few":             func(all []*sealed.Dealing) { all[1].Masked = all[1].Masked[:2] },
	} {
		all := deal()
		change(all)
		if _, _, err := sealed.Join(network, public, 1, own[0], all); err == nil {
			t.Errorf("%s: it was taken", what)
		}
	}
	if _, _, err := sealed.Join(network, public, 1, own[1], deal()); err == nil {
		t.Error("an opener joined in another's place")
	}
}

func FuzzDecode(f *testing.F) {
	o := newOpeners(f, 1, 2, 3)
	seal, r, _ := o.ask(f, 2, "name")
	share := o.share(f, r, seal, 1)
	for _, seed := range [][]byte{o.key.Append(nil), seal.Append(nil), r.Append(nil), share.Append(nil), {0x85}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same := func(back []byte) {
			if !bytes.Equal(back, data) {
				t.Errorf("%x comes back as %x", data, back)
			}
		}
		if k, err := sealed.DecodeKey(data); err == nil {
			same(k.Append(nil))
		}
		if s, err := sealed.Decode(data); err == nil {
			same(s.Append(nil))
			if s.Verify(somePurse()) == nil && !bytes.Equal(data, seal.Append(nil)) {
				t.Error("a seal that nobody made holds")
			}
		}
		if q, err := sealed.DecodeRequest(data); err == nil {
			same(q.Append(nil))
		}
		if s, err := sealed.DecodeShare(data); err == nil {
			same(s.Append(nil))
		}
		if l, err := sealed.DecodeDealing(data); err == nil {
			same(l.Append(nil))
		}
	})
}

func BenchmarkSealed(b *testing.B) {
	o := newOpeners(b, 1, 3, 5)
	random := stream(9)
	seal, r, _ := o.ask(b, 2, "name")
	share := o.share(b, r, seal, 1)
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			if _, err := sealed.New(random, o.key, somePurse(), "name"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("share", func(b *testing.B) {
		for b.Loop() {
			if _, err := sealed.NewShare(random, network, r, seal, 1, o.shares[0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("check share", func(b *testing.B) {
		for b.Loop() {
			if err := share.Verify(network, r, seal, o.key); err != nil {
				b.Fatal(err)
			}
		}
	})
}
