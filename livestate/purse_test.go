package livestate_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
)

// withPurses is a state with a bond and a purse that has paid one link; change settles another, opens a second purse.
func withPurses(t *testing.T) (s *livestate.State, at livestate.Position, change func()) {
	t.Helper()
	s = livestate.New([32]byte{1})
	sim.NewWorldUnder(5, 1).NewChain(s)
	fund := token.ID{7}
	s.Authority().Issued = 900
	s.PutWallet(ledger.PurseFund, ledger.Wallet{Registrar: token.Authority, Version: 1, Held: true, Balance: 900, Tokens: 1})
	s.AddToken(fund, ledger.Token{Wallet: ledger.PurseFund, Amount: 900})
	p := &ledger.Purse{ID: token.WalletID{1}, Intermediary: token.WalletID{2}, Owner: token.WalletID{3}, Class: 1, Serial: 1,
		Deposit: 500, Lock: 400, Known: 100, Links: []ledger.PurseLink{{ID: token.Hash{1}, Number: 1, Amount: 100, Paid: true}}}
	s.AddPurse(p)
	*s.PurseBook() = ledger.PurseBook{Token: fund, SetAside: 1000, Paid: 100, Locked: 900,
		Bonds: []ledger.Bond{{Intermediary: token.WalletID{2}, Amount: 500, Purses: 1}}}
	return s, livestate.Position{Leaf: ledger.Leaf{Height: 1, Rules: 5, Issued: 900, Circulating: 900}, LogSize: 2}, func() {
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
	if p == nil || p.Lock != 400 || p.Convicted || len(p.Links) != 1 || back.PurseBook().Locked != 900 || len(back.Purses()) != 1 {
		t.Errorf("it has %+v and %+v", p, back.PurseBook())
	}
}

type nobody struct{}

func (nobody) Lock()   {}
func (nobody) Unlock() {}

// A snapshot whose purses do not hold what their book and the fund say is refused.
func TestASnapshotWhosePursesDoNotFitIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(s *livestate.State){ // any order: each by itself
		"purses hold":  func(s *livestate.State) { s.Purse(token.WalletID{1}).Lock++ },
		"their book":   func(s *livestate.State) { s.PurseBook().Paid++ },
		"the bond of":  func(s *livestate.State) { s.PurseBook().Bonds[0].Purses++ },
		"and no bond":  func(s *livestate.State) { s.PurseBook().Bonds = nil },
		"out of order": func(s *livestate.State) { l := &s.Purse(token.WalletID{1}).Links; *l = append(*l, (*l)[0]) },
	} {
		s, at, _ := withPurses(t)
		spoil(s)
		var stored bytes.Buffer
		if _, err := s.WriteSnapshot(&stored, at); err != nil {
			t.Fatal(err)
		}
		_, _, err := livestate.ReadSnapshot(bytes.NewReader(stored.Bytes()), [32]byte{2})
		if err == nil || !strings.Contains(err.Error(), "purse") && !strings.Contains(err.Error(), "bond") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
