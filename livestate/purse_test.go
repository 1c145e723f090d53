package livestate_test

import (
	"bytes"
	"crypto/rand"
	"math"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// withPurses is a state with a bond and a purse that has paid one link; change settles another, opens a second purse.
func withPurses(t *testing.T) (s *livestate.State, at livestate.Position, change func()) {
	t.Helper()
	s = livestate.New([32]byte{1})
	sim.NewWorldUnder(5, 1).NewChain(s)
	fund := token.ID{7}
	s.Authority().Issued = 900
	s.PutWallet(ledger.PurseFund, ledger.Wallet{Registrar: token.Authority, Version: 1, Held: true, Balance: 900,
		Tokens: 1})
	s.AddToken(fund, ledger.Token{Wallet: ledger.PurseFund, Amount: 900})
	p := &ledger.Purse{ID: token.WalletID{1}, Intermediary: token.WalletID{2}, Owner: token.WalletID{3}, Class: 1,
		Serial:  1,
		Deposit: 500, Lock: 400, Known: 100,
		Links: []ledger.PurseLink{{ID: token.Hash{1}, Number: 1, Amount: 100, Paid: true}}}
	s.AddPurse(p)
	*s.PurseBook() = ledger.PurseBook{Token: fund, SetAside: 1000, Paid: 100, Locked: 900,
		Bonds: []ledger.Bond{{Intermediary: token.WalletID{2}, Amount: 500, Purses: 1}}}
	return s, livestate.Position{Leaf: ledger.Leaf{Height: 1, Rules: 5, Issued: 900, Circulating: 900}, LogSize: 2},
		func() {
			s.ChangePurse(p)
			p.Lock, p.Known, p.Convicted = 300, 200, true
			p.Links = append(p.Links, ledger.PurseLink{ID: token.Hash{2}, Number: 2, Amount: 100, Paid: true})
			s.AddPurse(&ledger.Purse{ID: token.WalletID{0, 9}, Intermediary: token.WalletID{2}})
			s.PurseBook().Locked = 800
		}
}

// A capture holds the purses of its moment, whatever becomes of them while it is written; and comes back as they were.
func TestACaptureHasThePursesOfItsMoment(t *testing.T) {
	s, at, change := withPurses(t)
	var want, got bytes.Buffer
	root, err := s.WriteSnapshot(&want, at)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Capture(at)
	change()
	late, _, err := c.Write(&got, nobody{}, func() {})
	c.End()
	if err != nil || late != root || !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Fatalf("%v; roots %x and %x", err, root, late)
	}
	back, _, err := livestate.ReadSnapshot(bytes.NewReader(got.Bytes()), [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	p := back.Purse(token.WalletID{1})
	if p == nil || p.Lock != 400 || p.Convicted || len(p.Links) != 1 || back.PurseBook().Locked != 900 ||
		len(back.Purses()) != 1 {
		t.Errorf("it has %+v and %+v", p, back.PurseBook())
	}
}

// openersOf is the key of two openers, and a name sealed under it for the purse of withPurses.
func openersOf(t *testing.T) (key *sealed.Key, seal token.Octets) {
	t.Helper()
	network := token.NetworkID{1}
	var own []*sealed.Secret
	var members []sealed.Point
	for range 2 {
		secret, err := sealed.NewSecret(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		own, members = append(own, secret), append(members, secret.Public())
	}
	var dealings []*sealed.Dealing
	for i := range own {
		dealing, err := sealed.Deal(rand.Reader, network, uint8(i+1), 2, members)
		if err != nil {
			t.Fatal(err)
		}
		dealings = append(dealings, dealing)
	}
	key, _, err := sealed.Join(network, members, 1, own[0], dealings)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sealed.New(rand.Reader, key, &sealed.Purse{Network: network, KeyNumber: 1}, "Aigerim")
	if err != nil {
		t.Fatal(err)
	}
	return key, s.Append(nil)
}

// withOpeners is withPurses where a name was sealed and opened; change opens it once more, under another key of
// openers.
func withOpeners(t *testing.T) (s *livestate.State, at livestate.Position, change func()) {
	t.Helper()
	s, at, _ = withPurses(t)
	key, seal := openersOf(t)
	p, book := s.Purse(token.WalletID{1}), s.PurseBook()
	p.Sealed, p.Openings = seal, []ledger.Opening{{TimeMillis: 5, Case: token.Hash{1}, Asker: sealed.Point{2}}}
	book.Openers, book.Openings = []sealed.Key{*key}, 1
	return s, at, func() {
		s.ChangePurse(p)
		p.Openings = append(p.Openings, ledger.Opening{TimeMillis: 6})
		book.Openers, book.Openings = append(book.Openers, *key), 2
	}
}

// A capture holds the openers' keys, seals and openings of its moment, and they come back as they were.
func TestACaptureHasTheOpeningsOfItsMoment(t *testing.T) {
	s, at, change := withOpeners(t)
	want, seal := *s.PurseBook(), s.Purse(token.WalletID{1}).Sealed
	var got bytes.Buffer
	c := s.Capture(at)
	change()
	_, _, err := c.Write(&got, nobody{}, func() {})
	c.End()
	if err != nil {
		t.Fatal(err)
	}
	back, _, err := livestate.ReadSnapshot(bytes.NewReader(got.Bytes()), [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	p, book := back.Purse(token.WalletID{1}), back.PurseBook()
	if len(p.Openings) != 1 || p.Openings[0].Asker != (sealed.Point{2}) || p.Openings[0].TimeMillis != 5 ||
		!bytes.Equal(p.Sealed, seal) || book.Openings != 1 || len(book.Openers) != 1 ||
		!bytes.Equal(book.Openers[0].Append(nil), want.Openers[0].Append(nil)) {
		t.Errorf("it has %+v and %+v", p, book)
	}
}

type nobody struct{}

func (nobody) Lock()   {}
func (nobody) Unlock() {}

// A snapshot whose purses do not hold what their book and the fund say is refused.
func TestASnapshotWhosePursesDoNotFitIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(s *livestate.State){ // any order: each by itself
		"bonds hold": func(s *livestate.State) { s.Purse(token.WalletID{1}).Lock-- },
		"their book": func(s *livestate.State) { s.PurseBook().Paid++ },
		"is left of the book": func(s *livestate.State) { // together they wrap round to what the fund has
			s.Purse(token.WalletID{1}).Lock, s.PurseBook().Bonds[0].Amount = math.MaxInt64, math.MaxInt64
			s.PurseBook().Bonds = append(s.PurseBook().Bonds, ledger.Bond{Intermediary: token.WalletID{9}, Amount: 902})
		},
		"tenge, more than is left": func(s *livestate.State) { // the same, where the bonds alone do
			s.PurseBook().Bonds[0].Amount = math.MaxInt64
			s.PurseBook().Bonds = append(s.PurseBook().Bonds,
				ledger.Bond{Intermediary: token.WalletID{8}, Amount: math.MaxInt64},
				ledger.Bond{Intermediary: token.WalletID{9}, Amount: 502})
		},
		"purses and bonds hold": func(s *livestate.State) { // what was paid and returned wraps round
			s.PurseBook().SetAside, s.PurseBook().Paid, s.PurseBook().Returned = 0, math.MaxInt64, math.MaxInt64-898
		},
		"the bond of":  func(s *livestate.State) { s.PurseBook().Bonds[0].Purses++ },
		"and no bond":  func(s *livestate.State) { s.PurseBook().Bonds = nil },
		"out of order": func(s *livestate.State) { l := &s.Purse(token.WalletID{1}).Links; *l = append(*l, (*l)[0]) },
		"were opened":  func(s *livestate.State) { s.PurseBook().Openings++ },
		"under no key": func(s *livestate.State) { s.PurseBook().Openers = nil },
		"never sealed": func(s *livestate.State) { s.Purse(token.WalletID{1}).Sealed = nil },
		"no key of":    func(s *livestate.State) { s.Purse(token.WalletID{1}).Sealed = token.Octets{1, 2, 3} },
	} {
		s, at, _ := withOpeners(t)
		spoil(s)
		var stored bytes.Buffer
		if _, err := s.WriteSnapshot(&stored, at); err != nil {
			t.Fatal(err)
		}
		_, _, err := livestate.ReadSnapshot(bytes.NewReader(stored.Bytes()), [32]byte{2})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
