package livestate

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// modelled is a state beside what it must answer, in plain maps that are added up anew for every question.
type modelled struct {
	t        *rapid.T
	state    *State
	made     int
	wallets  map[token.WalletID]ledger.Detail
	tokens   map[token.ID]ledger.Token
	purposes map[uint32]token.Purpose
	last     uint32
}

var momentsOfModel = rapid.Uint64Range(1, 6) // few, so that ends fall together

// start begins a state with some wallets.
func start(t *rapid.T) *modelled {
	m := &modelled{t: t, state: New([32]byte{3}), wallets: map[token.WalletID]ledger.Detail{},
		tokens: map[token.ID]ledger.Token{}, purposes: map[uint32]token.Purpose{}}
	ledger.ApplyGenesis(m.state, sim.NewWorld(1).Genesis)
	return m
}

// one draws one of a map's keys, in an order that does not change from run to run; none from an empty map.
func one[K comparable, V any](m *modelled, from map[K]V, order func(a, b K) int) (k K, some bool) {
	if len(from) == 0 {
		return k, false
	}
	keys := make([]K, 0, len(from))
	for key := range from {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, order)
	return keys[rapid.IntRange(0, len(keys)-1).Draw(m.t, "which")], true
}

func compareTokens(a, b token.ID) int { return bytes.Compare(a[:], b[:]) }

func (m *modelled) addWallet(*rapid.T) {
	m.made++
	id := benchWallet(m.made)
	m.state.PutWallet(id, ledger.Wallet{Version: 1, Attributes: token.Attributes{Role: "person"}})
	m.wallets[id] = ledger.Detail{}
}

func (m *modelled) addPurpose(*rapid.T) {
	p := token.Purpose{Name: fmt.Sprint("purpose ", m.last), Earmark: "true", Permits: []token.Permit{{When: "true"}}, UntilMillis: momentsOfModel.Draw(m.t, "until"),
		OwnLimits: rapid.Bool().Draw(m.t, "own")}
	if old, some := one(m, m.purposes, cmp.Compare[uint32]); some && rapid.Bool().Draw(m.t, "amends") &&
		m.state.Purpose(old).AmendedBy == 0 {
		p.Amends = old
	}
	m.last = m.state.AddPurpose(ledger.Purpose{Purpose: p})
	for old := p.Amends; old != 0; old = m.purposes[old].Amends { // what is amended lasts as long
		was := m.purposes[old]
		was.UntilMillis = max(was.UntilMillis, p.UntilMillis)
		m.purposes[old] = was
	}
	m.purposes[m.last] = p
}

func (m *modelled) addToken(*rapid.T) {
	owner, some := one(m, m.wallets, compareWallets)
	if !some {
		return
	}
	purpose, _ := one(m, m.purposes, cmp.Compare[uint32])
	m.made++
	id := benchToken(m.made)
	id[0] &= 0x03 // some share a bucket
	made := ledger.Token{Wallet: owner, Amount: money.Tiyn(rapid.IntRange(1, 50).Draw(m.t, "amount"))}
	if purpose != 0 && rapid.Bool().Draw(m.t, "marked") {
		made.Asset = token.PurposeAsset(purpose)
		m.state.Purpose(purpose).Entered += made.Amount
	}
	m.state.AddToken(id, made)
	m.book(made, 1)
	m.tokens[id] = made
}

// book keeps a wallet's sums and the authority's as the executor does.
func (m *modelled) book(t ledger.Token, sign int) {
	w, _ := m.state.Wallet(t.Wallet)
	w.Tokens = uint32(int(w.Tokens) + sign)
	w.Balance += money.Tiyn(sign) * t.Amount
	m.state.PutWallet(t.Wallet, w)
	if sign > 0 {
		m.state.authority.Issued += t.Amount
	} else {
		m.state.authority.Redeemed += t.Amount
	}
}

func (m *modelled) removeToken(*rapid.T) {
	id, some := one(m, m.tokens, compareTokens)
	if some {
		m.end(id)
	}
}

func (m *modelled) end(id token.ID) {
	t := m.tokens[id]
	if t.Asset.Purpose != 0 {
		m.state.Purpose(t.Asset.Purpose).Left += t.Amount
	}
	m.state.RemoveToken(id)
	m.book(t, -1)
	delete(m.tokens, id)
}

// expire ends what is due, in the one order that every node must follow.
func (m *modelled) expire(*rapid.T) {
	now := momentsOfModel.Draw(m.t, "now")
	for {
		var want token.ID
		var due uint64
		for id, t := range m.tokens {
			until := m.purposes[t.Asset.Purpose].UntilMillis
			if t.Asset.Purpose == 0 || until > now {
				continue
			}
			if due == 0 || until < due || until == due && compareTokens(id, want) < 0 {
				want, due = id, until
			}
		}
		got, found := m.state.NextExpired(now)
		if found != (due != 0) || found && got != want || m.state.AnyExpired(now) != found {
			m.t.Fatalf("at %d the next is %s (%v), want %s of %d", now, got, found, want, due)
		}
		if !found || rapid.Bool().Draw(m.t, "enough") {
			return
		}
		m.end(got)
	}
}

// removePurpose drops what has no money and amends nothing, as the executor does when it makes room.
func (m *modelled) removePurpose(*rapid.T) {
	number, some := one(m, m.purposes, cmp.Compare[uint32])
	if !some || number == m.last || m.state.Earmarked(number) > 0 || m.state.Purpose(number).AmendedBy != 0 {
		return
	}
	m.state.RemovePurpose(number)
	delete(m.purposes, number)
}

func (m *modelled) rekey(*rapid.T) {
	id, some := one(m, m.wallets, compareWallets)
	if !some {
		return
	}
	d := ledger.Detail{Case: rapid.SampledFrom([]string{"", "case 7"}).Draw(m.t, "case")}
	d.Rekey.DueMillis = rapid.Uint64Range(0, 4).Draw(m.t, "due")
	w, _ := m.state.Wallet(id)
	w.Rekeying = d.Rekey.DueMillis != 0
	m.state.PutWallet(id, w)
	m.state.PutDetail(id, d)
	m.wallets[id] = d
}

func (m *modelled) removeWallet(*rapid.T) {
	id, some := one(m, m.wallets, compareWallets)
	if w, _ := m.state.Wallet(id); some && w.Tokens == 0 {
		m.state.RemoveWallet(id)
		delete(m.wallets, id)
	}
}

// restart goes on with what is read from a snapshot.
func (m *modelled) restart(*rapid.T) {
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	var out bytes.Buffer
	if _, err := m.state.WriteSnapshot(&out, at); err != nil {
		m.t.Fatal(err)
	}
	state, _, err := ReadSnapshot(&out, [32]byte{byte(m.made)})
	if err != nil {
		m.t.Fatal(err)
	}
	m.state = state
}

// agrees adds everything up anew.
func (m *modelled) agrees(t *rapid.T) {
	type sums struct {
		live  money.Tiyn
		count int
	}
	byPurpose, apart, total := map[uint32]sums{}, map[token.WalletID]money.Tiyn{}, money.Tiyn(0)
	for _, one := range m.tokens {
		total += one.Amount
		p := one.Asset.Purpose
		s := byPurpose[p]
		byPurpose[p] = sums{s.live + one.Amount, s.count + 1}
		if p != 0 && m.purposes[p].OwnLimits {
			apart[one.Wallet] += one.Amount
		}
	}
	if tokens, wallets := m.state.Counts(); tokens != len(m.tokens) || wallets != len(m.wallets) || m.state.LiveTotal() != total {
		t.Fatalf("%d tokens of %d in %d wallets, want %d of %d in %d", tokens, m.state.LiveTotal(), wallets, len(m.tokens), total, len(m.wallets))
	}
	for number := range m.purposes {
		want := byPurpose[number]
		if m.state.LiveOf(number) != want.live || m.state.Earmarked(number) != want.count || m.state.Purpose(number).Live() != want.live {
			t.Fatalf("purpose %d: %d in %d tokens, want %+v", number, m.state.LiveOf(number), m.state.Earmarked(number), want)
		}
		if m.state.Purpose(number).UntilMillis != m.purposes[number].UntilMillis {
			t.Fatalf("purpose %d ends at %d, want %d", number, m.state.Purpose(number).UntilMillis, m.purposes[number].UntilMillis)
		}
	}
	var first token.WalletID
	var due uint64
	for id, d := range m.wallets {
		if m.state.Apart(id) != apart[id] || m.state.Detail(id) != d {
			t.Fatalf("wallet %s: %d apart, %+v, want %d, %+v", id, m.state.Apart(id), m.state.Detail(id), apart[id], d)
		}
		if when := d.Rekey.DueMillis; when != 0 && (due == 0 || when < due || when == due && compareWallets(id, first) < 0) {
			first, due = id, when
		}
	}
	if wallet, when, found := m.state.NextRekey(); found != (due != 0) || wallet != first || when != due {
		t.Fatalf("the next key is of %s at %d (%v), want %s at %d", wallet, when, found, first, due)
	}
}

// Whatever comes and goes, marked or not, through restarts: the sums by purpose and wallet, what expires next and whose
// key changes next are those of plain maps, which every other node would find too.
func TestAStateAgainstPlainMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := start(t)
		for range 3 {
			m.addWallet(t)
		}
		m.addPurpose(t)
		t.Repeat(map[string]func(*rapid.T){
			"wallet": m.addWallet, "purpose": m.addPurpose, "token": m.addToken, "token too": m.addToken, "one more token": m.addToken,
			"spend": m.removeToken, "expire": m.expire, "drop a purpose": m.removePurpose, "rekey": m.rekey,
			"close": m.removeWallet, "restart": m.restart, "": m.agrees,
		})
	})
}

// What the executor never does ends the process rather than make another state of the money.
func TestWhatAStateNeverTakes(t *testing.T) {
	a, b, id := token.WalletID{1}, token.WalletID{2}, token.ID{1}
	fresh := func() *State {
		s := New([32]byte{})
		s.PutWallet(a, ledger.Wallet{Tokens: 1, Balance: 5})
		s.AddToken(id, ledger.Token{Wallet: a, Amount: 5})
		return s
	}
	for name, wrong := range map[string]func(*State){
		"a token twice":               func(s *State) { s.AddToken(id, ledger.Token{Wallet: a, Amount: 1}) },
		"a token of nobody":           func(s *State) { s.AddToken(token.ID{2}, ledger.Token{Wallet: b, Amount: 1}) },
		"a token spent twice":         func(s *State) { s.RemoveToken(id); s.RemoveToken(id) },
		"a wallet closed with tokens": func(s *State) { s.RemoveWallet(a) },
		"two captures at once":        func(s *State) { s.Capture(Position{}); s.Capture(Position{}) },
	} {
		s := fresh()
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			wrong(s)
		}()
		if live, _ := s.Token(id); name == "a token twice" && (live.Amount != 5 || s.LiveTotal() != 5) {
			t.Errorf("%s: %+v of %d", name, live, s.LiveTotal())
		}
	}
	s := fresh()
	s.RemoveWallet(b) // of which nothing is known: nothing
	if _, known := s.Wallet(b); known || s.LiveOf(9) != 0 || s.Earmarked(9) != 0 || s.Apart(b) != 0 {
		t.Error("somebody who is not there has something")
	}
	if _, found := s.NextExpired(1 << 62); found || s.AnyExpired(1<<62) {
		t.Error("plain money expires")
	}
}
