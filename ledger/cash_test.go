package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const hour = 3_600_000

func keysetNamed(name string) (id token.KeysetID) {
	sum := sha256.Sum256([]byte(name))
	copy(id[:], append([]byte{1}, sum[:]...))
	return id
}

func (w *town) issueSequence() uint64 { return w.model.Central.Set(token.RoleIssue).Sequence }

// announcing is the announcement of a keyset, which opens a reserve unless it names one.
func (w *town) announcing(reserve token.WalletID, name string) *token.AnnounceKeyset {
	now := w.Now / 1000
	t := &token.AnnounceKeyset{Sequence: w.issueSequence(), Reserve: reserve, Keyset: keysetNamed(name), Unit: "kzt", Denominations: []money.Tiyn{1, 2, 5},
		From: now, Until: now + 1_000_000, Expiry: now + 2_000_000, Origin: "cash.example/log", LogKey: "cash.example/log+1f3a+key"}
	if reserve == (token.WalletID{}) {
		t.Key = w.Key("office").Public()
	}
	return t
}

// withCash opens a reserve with money in it.
func (w *town) withCash() token.WalletID {
	reserve := token.RegisteredID(w.Must(w.announcing(token.WalletID{}, "first")).ID())
	w.Must(w.payment(w.rich, reserve, 15_000_000*kzt))
	return reserve
}

const reference = "00112233445566778899aabbccddeeff"

// redeeming is a reserve's payment under a memo.
func (w *town) redeeming(reserve, to token.WalletID, amount money.Tiyn, memo string) *token.Transfer {
	t := w.payment(reserve, to, amount)
	t.Memo = token.Plain(memo)
	return t
}

var cashProvocations = map[token.Code]func(w *town, code token.Code){
	ledger.OfReserve: func(w *town, code token.Code) {
		w.expect(code, &token.Freeze{Wallet: w.withCash(), Version: 1, Mode: token.FreezeDebits, Case: "case 1"})
	},
	ledger.NoReserve: func(w *town, code token.Code) {
		w.expect(code, w.announcing(w.alice, "another"))
		w.expect(code, &token.Rekey{Wallet: w.alice, Version: 1, By: token.RoleIssue, Key: w.Key("new").Public()})
		w.expect(code, &token.Close{Wallet: w.alice, Version: 1, By: token.RoleIssue})
		w.expect(code, &token.Cancel{Wallet: w.alice, Version: 1, By: token.RoleIssue})
		w.expect(code, &token.StampCash{Reserve: w.alice, Size: 1})
	},
	ledger.UnnamedPayment: func(w *town, code token.Code) {
		reserve := w.withCash()
		for _, memo := range []string{"", "for bread", "cash", "cash redeemed", "cash spent " + reference, "cash redeemed " + reference[1:], "cash redeemed " + strings.ToUpper(reference), "cash  redeemed " + reference} {
			w.expect(code, w.redeeming(reserve, w.alice, kzt, memo))
		}
		for _, memo := range []string{"cash redeemed " + reference, "cash returned " + reference, "cash expired " + reference + " to the treasury"} {
			w.expect("", w.redeeming(reserve, w.alice, kzt, memo))
		}
		w.expect("", &token.Transfer{Parties: []token.WalletID{reserve}, Payers: 1, Inputs: w.tokensOf(reserve), Outputs: []token.Output{{Amount: w.model.Wallets[reserve].Balance}}})
	},
	ledger.OtherLog: func(w *town, code token.Code) {
		reserve := w.withCash()
		second := w.announcing(reserve, "second")
		second.LogKey = "cash.example/log+1f3a+other"
		w.expect(code, second)
	},
	ledger.EarlyStamp: func(w *town, code token.Code) {
		reserve := w.withCash()
		w.Must(&token.StampCash{Reserve: reserve, Size: 5})
		w.Now += 58_000
		w.expect(code, &token.StampCash{Reserve: reserve, Size: 6})
		w.Now += 3_000
		w.expect(ledger.StaleVersion, &token.StampCash{Reserve: reserve, Size: 5, Root: token.Hash{1}}) // no second view of one size
		w.expect("", &token.StampCash{Reserve: reserve, Size: 6})
	},
}

// What only the issue set may do, and what nobody: each way to a reserve's money is listed.
func TestTheReserveIsTheOffices(t *testing.T) { newTown(t).reserveIsTheOffices() }

func (w *town) reserveIsTheOffices() {
	reserve := w.withCash()
	version := func() uint64 { return w.version(reserve) }
	for _, by := range []token.Role{token.RoleWallet, token.RoleEnforcement, token.RoleIntermediary} {
		w.expect(ledger.OfReserve, &token.Rekey{Wallet: reserve, Version: version(), By: by, Key: w.Key("thief").Public()})
	}
	w.expect(ledger.NotAuthorised, &token.Rekey{Wallet: reserve, Version: version(), By: token.RoleRecovery, Key: w.Key("thief").Public()})
	w.expect(ledger.OfReserve, &token.Rekey{Wallet: reserve, Version: version(), By: token.RoleIssue, Key: w.Key("next").Public(), Recovery: w.Key("again").Public()})
	w.expect(ledger.OfReserve, &token.Update{Wallet: reserve, Version: version(), Tier: 2})
	w.expect(ledger.OfReserve, &token.Close{Wallet: reserve, Version: version(), By: token.RoleWallet})
	w.expect(ledger.OfReserve, &token.Close{Wallet: reserve, Version: version(), By: token.RoleIntermediary})
	w.expect(ledger.OfReserve, &token.Freeze{Wallet: reserve, Version: version(), Mode: token.FreezeAll, Case: "case 1"})
	w.expect(ledger.OfReserve, &token.Seize{Wallet: reserve, Inputs: w.tokensOf(reserve), Amount: 15_000_000 * kzt, Court: w.court, Case: "case 1"})
	w.expect(ledger.OfReserve, &token.EarmarkedTransfer{Parties: []token.WalletID{reserve, w.alice}, Inputs: w.tokensOf(reserve), Outputs: []token.EarmarkedOutput{{Party: 1, Amount: 15_000_000 * kzt}}})
	both := w.redeeming(reserve, w.alice, kzt, "cash redeemed "+reference)
	both.Parties, both.Payers = []token.WalletID{reserve, w.bank, w.alice}, 2
	both.Inputs = append(both.Inputs, w.tokensOf(w.bank)...)
	both.Outputs = []token.Output{{Party: 2, Amount: 15_000_000*kzt + w.model.Wallets[w.bank].Balance}}
	w.expect(ledger.OfReserve, both)

	w.expectTx(ledger.BadSignature, w.Sign(w.redeeming(reserve, w.alice, kzt, "cash redeemed "+reference), w.Now+1000, sim.One(token.RoleWallet, 0, w.Key("thief"))))
	w.Must(&token.Rekey{Wallet: reserve, Version: version(), By: token.RoleIssue, Key: w.Key("next").Public()})
	w.expect(ledger.RekeyPending, w.redeeming(reserve, w.alice, kzt, "cash redeemed "+reference)) // a stolen key is stopped at once
	w.expect(ledger.RekeyPending, &token.StampCash{Reserve: reserve, Size: 9})
	w.expect(ledger.OfReserve, &token.CancelRekey{Wallet: reserve, Version: version()}) // nor can it hold its place
	w.expect(ledger.OfReserve, &token.Cancel{Wallet: reserve, Version: version(), By: token.RoleWallet})
	w.Must(&token.Cancel{Wallet: reserve, Version: version(), By: token.RoleIssue})
	w.Must(&token.Rekey{Wallet: reserve, Version: version(), By: token.RoleIssue, Key: w.Key("next").Public()})
	w.Now += rekeyDelay
	w.Block()
	if w.model.Wallets[reserve].Key != w.Key("next").Public() {
		w.t.Error("the issue set's key is not in force after the delay")
	}
	w.expect("", w.redeeming(reserve, w.alice, kzt, "cash redeemed "+reference))
}

// A stolen office key takes a day's cap and no more; the day that the policy set's offset brings gives none anew.
func TestAReservePaysWithinItsDay(t *testing.T) {
	w := newTown(t)
	reserve := w.withCash()
	pay := func(amount money.Tiyn) *token.Transfer {
		return w.redeeming(reserve, w.rich, amount, "cash redeemed "+reference)
	}
	w.expect(ledger.LimitDay, pay(10_000_001*kzt))
	w.expect("", pay(6_000_000*kzt))
	w.expect(ledger.LimitDay, pay(4_000_000*kzt+1))
	w.expect("", pay(4_000_000*kzt))
	w.expect(ledger.LimitDay, pay(kzt))
	more := w.model.Central.Policy
	more.MaxReserveDay = 20_000_000 * kzt
	w.expect(ledger.NeedsProposal, &token.SetPolicy{Sequence: w.policySequence(), Policy: more})
	w.Now += dayMillis
	w.expect("", pay(kzt))
	less := w.model.Central.Policy
	less.MaxReserveDay = 2 * kzt
	w.expect("", &token.SetPolicy{Sequence: w.policySequence(), Policy: less})
	w.expect(ledger.LimitDay, pay(2*kzt))
	w.expect("", pay(kzt))
}

// What may circulate is what the reserve may hold. No tier counts.
func TestWhatMayCirculateIsBounded(t *testing.T) {
	w := newTown(t)
	reserve := w.withCash() // 15 million, though tier 0 holds 12,975 tenge
	policy := w.model.Central.Policy
	policy.MaxReserve = 15_000_100 * kzt
	w.Must(&token.SetPolicy{Sequence: w.policySequence(), Policy: policy})
	w.expect(ledger.LimitBalance, w.payment(w.rich, reserve, 101*kzt))
	w.expect("", w.payment(w.rich, reserve, 100*kzt))
	if w.Block(); w.Leaf.Reserve != 15_000_100*kzt {
		t.Errorf("the leaf says %s", w.Leaf.Reserve)
	}
}

func TestKeysetsAreAnnouncedOnce(t *testing.T) {
	w := newTown(t)
	reserve := w.withCash()
	w.expect(ledger.Duplicate, w.announcing(reserve, "first"))
	w.expect(ledger.Duplicate, w.announcing(token.WalletID{}, "first"))
	stale := w.announcing(reserve, "second")
	stale.Sequence++
	w.expect(ledger.StaleVersion, stale)
	past := w.announcing(reserve, "second")
	past.From, past.Until = 1, w.Now/1000
	w.expect(ledger.Expired, past)
	alone := w.announcing(reserve, "second")
	w.expectTx(ledger.MissingSignature, w.Sign(alone, w.Now+1000, w.By(token.RoleIssue, 1)))
	for i := 1; i < ledger.MaxKeysets; i++ {
		w.Must(w.announcing(reserve, fmt.Sprint("more ", i)))
	}
	w.expect(token.TooMany, w.announcing(reserve, "too many"))
	w.Now += 2_000_000_000 + hour // they expire
	w.expect("", w.announcing(reserve, "room"))
	if kept := len(w.model.Central.Reserve(reserve).Keysets); kept != 1 {
		t.Errorf("%d keysets are kept", kept)
	}
	for i := 1; i < ledger.MaxReserves; i++ {
		w.Must(w.announcing(token.WalletID{}, fmt.Sprint("office ", i)))
	}
	w.expect(token.TooMany, w.announcing(token.WalletID{}, "one office more"))
}

func TestAReserveClosesByTheIssueSetWhenItIsEmpty(t *testing.T) {
	w := newTown(t)
	reserve := token.RegisteredID(w.Must(w.announcing(token.WalletID{}, "first")).ID())
	w.Must(w.payment(w.rich, reserve, kzt))
	w.expect(ledger.NotEmpty, &token.Close{Wallet: reserve, Version: 1, By: token.RoleIssue})
	w.Must(w.redeeming(reserve, w.rich, kzt, "cash redeemed "+reference))
	w.Must(&token.Close{Wallet: reserve, Version: 1, By: token.RoleIssue})
	w.Now += rekeyDelay
	w.Block()
	if len(w.model.Central.Reserves) != 0 || w.Leaf.Reserve != 0 {
		t.Errorf("%d reserves, %s", len(w.model.Central.Reserves), w.Leaf.Reserve)
	}
	if _, open := w.model.Wallets[reserve]; open {
		t.Error("the wallet is open")
	}
	if err := w.Replay(ledger.NewModel()); err != nil {
		t.Error(err)
	}
}

func TestCashExistsFromVersionFive(t *testing.T) { cashTooEarly(t) }

func cashTooEarly(t *testing.T) {
	w := townUnder(t, 4)
	w.expect(ledger.LaterRules, w.announcing(token.WalletID{}, "first"))
	w.expect(ledger.LaterRules, &token.StampCash{Reserve: w.alice, Size: 1})
	policy := w.model.Central.Policy
	policy.MaxReserve = kzt
	w.expect(ledger.LaterRules, &token.SetPolicy{Sequence: w.policySequence(), Policy: policy})
	w.expect(ledger.LaterRules, &token.Propose{By: token.RolePolicy, Sequence: w.policySequence(), Change: token.Change{Policy: &policy}})
}

// A snapshot brings back what is known of banknotes, and the log gives it again.
func TestASnapshotHasTheReserves(t *testing.T) {
	w := newTown(t)
	reserve := w.withCash()
	w.Must(w.announcing(reserve, "second"))
	w.Must(&token.StampCash{Reserve: reserve, Size: 7, Root: token.Hash{3}})
	live := livestate.New([32]byte{1})
	if err := w.Replay(live); err != nil {
		t.Fatal(err)
	}
	at := livestate.Position{Network: w.Network, Leaf: w.Leaf, LogSize: w.Size, LogRoot: w.Root()}
	var stored strings.Builder
	root, err := live.WriteSnapshot(&stored, at)
	if err != nil {
		t.Fatal(err)
	}
	back, from, err := livestate.ReadSnapshot(strings.NewReader(stored.String()), [32]byte{2})
	if err != nil || from.Leaf != w.Leaf {
		t.Fatalf("%v; root %x", err, root)
	}
	if got := back.Authority().Reserve(reserve); got == nil || len(got.Keysets) != 2 || got.Stamp.Size != 7 || got.Origin != "cash.example/log" {
		t.Errorf("it has %+v", got)
	}
}

// cash draws announcements and states of cash logs.
func (m *machine) cash(t *rapid.T, kind token.Kind) token.Body {
	reserve := token.WalletID{}
	if reserves := m.model.Central.Reserves; len(reserves) > 0 {
		reserve = rapid.SampledFrom(reserves).Draw(t, "of").Wallet
	}
	if kind == token.KindStampCash {
		return &token.StampCash{Reserve: reserve, Size: rapid.Uint64Range(1, 1000).Draw(t, "size"), Root: token.Hash{byte(kind)}}
	}
	now := m.plain.Now / 1000
	b := &token.AnnounceKeyset{Sequence: m.sequence(t, token.RoleIssue), Unit: "kzt", Denominations: []money.Tiyn{1, 2, 5}, From: now, Until: now + rapid.Uint64Range(1, 1_000_000).Draw(t, "signs"),
		Keyset: keysetNamed(rapid.StringMatching("[a-e]{1,3}").Draw(t, "keyset")), Origin: "cash.example/log", LogKey: "key"}
	b.Expiry = b.Until + rapid.Uint64Range(1, 1_000_000).Draw(t, "is redeemed")
	if b.Reserve = reserve; reserve == (token.WalletID{}) || rapid.IntRange(0, 3).Draw(t, "opens") == 0 {
		b.Reserve, b.Key = token.WalletID{}, m.newKey()
	}
	return b
}
