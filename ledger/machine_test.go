package ledger_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// machine runs random transactions, good and bad, on the plain model and on the live set at once.
type machine struct {
	model *ledger.Model
	plain *sim.Chain
	live  *livestate.State
	chain *sim.Chain // on live
	keys  int        // made so far
	done  map[string]int
	// by the key's first commitment
	openers map[token.Hash]*sim.Openers
}

func newMachine() *machine {
	m := &machine{model: ledger.NewModel(), live: livestate.New([32]byte{1}), done: map[string]int{},
		openers: map[token.Hash]*sim.Openers{}}
	world := sim.NewWorld(7)
	m.plain, m.chain = world.NewChain(m.model), world.NewChain(m.live)
	return m
}

func (m *machine) newKey() token.PublicKey {
	m.keys++
	return m.plain.Key(fmt.Sprintf("machine %d", m.keys)).Public()
}

func sorted[V any](of map[token.WalletID]V) []token.WalletID {
	var ids []token.WalletID
	for id := range of {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// pick draws one of a list, and seldom something that is in none.
func pick(t *rapid.T, label string, from []token.WalletID) token.WalletID {
	if len(from) == 0 || rapid.IntRange(0, 30).Draw(t, label+" astray") == 0 {
		return token.WalletID{0xee}
	}
	return rapid.SampledFrom(from).Draw(t, label)
}

func (m *machine) tokensOf(id token.WalletID) []token.ID {
	t := town{model: m.model}
	return t.tokensOf(id)
}

// off returns a number that is mostly right.
func off(t *rapid.T, right uint64) uint64 {
	if rapid.IntRange(0, 15).Draw(t, "stale") == 0 {
		return right + uint64(rapid.IntRange(-1, 1).Draw(t, "by"))
	}
	return right
}

func (m *machine) sequence(t *rapid.T, role token.Role) uint64 {
	return off(t, m.model.Central.Set(role).Sequence)
}

// amountUpTo draws an amount, mostly of what is there, at times more.
func amountUpTo(t *rapid.T, most money.Tiyn) money.Tiyn {
	return money.Tiyn(rapid.Int64Range(1, max(2, int64(most)+int64(most)/20)).Draw(t, "amount"))
}

// transfer draws a payment of one or two owners, balanced as a rule.
func (m *machine) transfer(t *rapid.T) token.Body {
	wallets := sorted(m.model.Wallets)
	rich := slices.DeleteFunc(slices.Clone(wallets), func(id token.WalletID) bool {
		return m.model.Wallets[id].Tokens == 0
	})
	body := &token.Transfer{}
	for range rapid.IntRange(1, 2).Draw(t, "payers") {
		if id := pick(t, "payer", rich); !slices.Contains(body.Parties, id) {
			body.Parties = append(body.Parties, id)
		}
	}
	body.Payers = len(body.Parties)
	var total money.Tiyn
	for _, id := range body.Parties {
		for i, in := range m.tokensOf(id) {
			if i == 0 || rapid.Bool().Draw(t, "more") {
				body.Inputs = append(body.Inputs, in)
				total += m.model.Tokens[in].Amount
			}
		}
	}
	if len(body.Inputs) == 0 {
		body.Inputs = []token.ID{{1}}
	}
	for range rapid.IntRange(0, 3).Draw(t, "payees") {
		if id := pick(t, "payee", wallets); !slices.Contains(body.Parties, id) {
			body.Parties = append(body.Parties, id)
		}
	}
	for party := range body.Parties {
		if party >= body.Payers || rapid.Bool().Draw(t, "change") {
			amount := amountUpTo(t, max(1, total/2))
			total -= amount
			body.Outputs = append(body.Outputs, token.Output{Party: party, Amount: amount})
		}
	}
	if total > 0 && rapid.IntRange(0, 15).Draw(t, "unbalanced") != 0 {
		body.Outputs = append(body.Outputs, token.Output{Party: 0, Amount: total})
	}
	if len(body.Outputs) == 0 {
		body.Outputs = []token.Output{{Party: 0, Amount: 1}}
	}
	if rapid.IntRange(0, 20).Draw(t, "marked") == 0 {
		body.Outputs[0].Asset.Purpose = 1
	}
	return body
}

// taking draws what takes an amount out of tokens of a wallet.
func (m *machine) taking(t *rapid.T, id token.WalletID) (inputs []token.ID, amount, change money.Tiyn) {
	var total money.Tiyn
	of, mixed := token.Asset{}, rapid.IntRange(0, 9).Draw(t, "mixed") == 0
	for i, in := range m.tokensOf(id) {
		asset := m.model.Tokens[in].Asset
		if i == 0 {
			of = asset
		} else if asset != of && !mixed {
			continue
		}
		if i == 0 || rapid.Bool().Draw(t, "more") {
			inputs, total = append(inputs, in), total+m.model.Tokens[in].Amount
		}
	}
	if len(inputs) == 0 {
		inputs = []token.ID{{1}}
	}
	amount = amountUpTo(t, total)
	return inputs, amount, max(0, total-amount)
}

func (m *machine) body(t *rapid.T) token.Body {
	banks, wallets := sorted(m.model.Intermediaries), sorted(m.model.Wallets)
	version := func(id token.WalletID) uint64 { return off(t, uint64(m.model.Wallets[id].Version)) }
	kind := token.Kind(rapid.IntRange(1, int(token.LastKind)).Draw(t, "kind"))
	if rapid.Bool().Draw(t, "everyday") {
		kind = rapid.SampledFrom([]token.Kind{token.KindTransfer, token.KindTransfer, token.KindEarmarkedTransfer,
			token.KindCreate, token.KindAct}).Draw(t, "which")
	}
	if kind >= token.KindSetAgency && kind <= token.KindAct || kind == token.KindVouch {
		return m.program(t, kind)
	}
	wallet, bank := pick(t, "wallet", wallets), pick(t, "bank", banks)
	attributes := token.Attributes{Category: rapid.Uint16Range(0, 9999).Draw(t, "category"),
		Role: rapid.SampledFrom([]string{"", "court", "person"}).Draw(t, "attribute")}
	tier := rapid.Uint8Range(0, 3).Draw(t, "tier")
	recovery := token.NoKey
	if rapid.Bool().Draw(t, "recovery") {
		recovery = m.newKey()
	}
	reference := rapid.SampledFrom([]string{"case 1", "case 1", "case 2"}).Draw(t, "case")
	if kind == token.KindAnnounceKeyset || kind == token.KindStampCash {
		return m.cash(t, kind)
	}
	if kind >= token.KindBondPurses && kind <= token.KindOpenName {
		return m.purse(t, kind, bank)
	}
	if reserves := m.model.Central.Reserves; len(reserves) > 0 && rapid.IntRange(0, 3).Draw(t, "a reserve") == 0 {
		wallet = reserves[0].Wallet
	}
	switch kind {
	case token.KindIssue:
		return &token.Issue{Sequence: m.sequence(t, token.RoleIssue), To: bank,
			Amounts: []money.Tiyn{amountUpTo(t, 400_000_000*kzt), amountUpTo(t, 100*kzt)}}
	case token.KindRedeem:
		inputs, amount, change := m.taking(t, bank)
		return &token.Redeem{From: bank, Inputs: inputs, Amount: amount, Change: change}
	case token.KindRegister:
		sequence := off(t, m.model.Intermediaries[bank].Sequence)
		if rapid.IntRange(0, 3).Draw(t, "direct") == 0 {
			bank, sequence = token.Authority, m.sequence(t, token.RolePolicy)
		}
		return &token.Register{Registrar: bank, Sequence: sequence, Key: m.newKey(), Recovery: recovery, Tier: tier,
			Attributes: attributes}
	case token.KindUpdate:
		return &token.Update{Wallet: wallet, Version: version(wallet), Tier: tier, Attributes: attributes}
	case token.KindRekey:
		by := rapid.SampledFrom([]token.Role{token.RoleIntermediary, token.RoleIntermediary, token.RoleWallet,
			token.RoleRecovery, token.RoleEnforcement, token.RoleIssue}).Draw(t, "by")
		return &token.Rekey{Wallet: wallet, Version: version(wallet), By: by, Key: m.newKey(), Recovery: recovery}
	case token.KindCancelRekey:
		return &token.CancelRekey{Wallet: wallet, Version: version(wallet)}
	case token.KindClose:
		return &token.Close{Wallet: wallet, Version: version(wallet),
			By: rapid.SampledFrom([]token.Role{token.RoleIntermediary, token.RoleWallet, token.RoleIssue}).Draw(t,
				"by")}
	case token.KindCancel:
		return &token.Cancel{Wallet: wallet, Version: version(wallet),
			By: rapid.SampledFrom([]token.Role{token.RoleRecovery, token.RoleWallet, token.RoleIssue}).Draw(t, "by")}
	case token.KindRelease:
		return m.release(t)
	case token.KindFreeze:
		return &token.Freeze{Wallet: wallet, Version: version(wallet),
			Mode: token.FreezeMode(rapid.IntRange(1, 2).Draw(t, "mode")), Case: reference}
	case token.KindUnfreeze:
		return &token.Unfreeze{Wallet: wallet, Version: version(wallet), Case: reference}
	case token.KindSeize:
		inputs, amount, change := m.taking(t, wallet)
		return &token.Seize{Wallet: wallet, Inputs: inputs, Amount: amount, Change: change,
			Court: pick(t, "court", wallets), Case: reference}
	case token.KindAdmit:
		return &token.Admit{Sequence: m.sequence(t, token.RolePolicy), Name: "bank", Keys: m.newSet(t),
			Treasury: m.newKey()}
	case token.KindSetValidators:
		set := &token.SetValidators{Sequence: m.sequence(t, token.RoleRoot)}
		for i := range rapid.IntRange(1, 6).Draw(t, "validators") {
			name := fmt.Sprint("validator-", i, rapid.SampledFrom([]string{"", "", "", "-next"}).Draw(t, "keys"))
			set.Validators = append(set.Validators, m.plain.Validator(name))
		}
		return set
	case token.KindSuspend:
		return &token.Suspend{Sequence: m.sequence(t, token.RolePolicy), Intermediary: bank,
			Suspended: rapid.IntRange(0, 3).Draw(t, "suspended") == 0}
	case token.KindMove:
		to := pick(t, "to", banks)
		if to == bank {
			to[0]++
		}
		return &token.Move{Sequence: m.sequence(t, token.RolePolicy), From: bank, To: to,
			Wallets: []token.WalletID{wallet}}
	case token.KindSetPolicy:
		policy := sim.Policy()
		if rapid.IntRange(0, 3).Draw(t, "another day") == 0 {
			policy.DayOffsetMillis = uint64(rapid.IntRange(0, 24).Draw(t, "offset")) * 3_600_000
		}
		policy.LeastToken = money.Tiyn(rapid.IntRange(1, 3).Draw(t, "least"))
		policy.RekeyDelayMillis = uint64(rapid.IntRange(1, 24).Draw(t, "delay")) * 3_600_000
		return &token.SetPolicy{Sequence: m.sequence(t, token.RolePolicy), Policy: policy}
	case token.KindPropose:
		return m.proposal(t)
	case token.KindVeto:
		proposal := token.TransactionID{1}
		if waiting := m.model.Central.Proposals; len(waiting) > 0 {
			proposal = rapid.SampledFrom(waiting).Draw(t, "proposal").ID
		}
		return &token.Veto{Sequence: m.sequence(t, token.RoleRoot), Proposal: proposal}
	case token.KindNewIntermediary:
		return &token.RenewIntermediary{Sequence: m.sequence(t, token.RolePolicy), Intermediary: bank,
			Keys: m.newSet(t)}
	}
	return m.transfer(t)
}

// release draws who takes what is held for a wallet, mostly where something is.
func (m *machine) release(t *rapid.T) token.Body {
	var held []token.WalletID
	for _, id := range append(sorted(m.model.Wallets), m.model.ClosedWallets()...) {
		if m.model.Wallets[token.HeldFor(id)].Tokens > 0 {
			held = append(held, id)
		}
	}
	by := rapid.SampledFrom([]token.Role{token.RoleWallet, token.RoleWallet, token.RoleRecovery,
		token.RoleEnforcement}).Draw(t, "by")
	of := pick(t, "for", held)
	inputs, amount, change := m.taking(t, token.HeldFor(of))
	to := of
	if rapid.IntRange(0, 2).Draw(t, "elsewhere") == 0 {
		to = pick(t, "to", sorted(m.model.Wallets))
	}
	return &token.Release{Held: token.HeldFor(of), For: of, By: by, Inputs: inputs, Amount: amount, Change: change,
		To: to}
}

func (m *machine) newSet(t *rapid.T) token.KeySet {
	s := token.KeySet{Threshold: 1}
	for range rapid.IntRange(1, 3).Draw(t, "keys") {
		s.Keys = append(s.Keys, m.newKey())
	}
	s.Threshold = uint8(rapid.IntRange(1, len(s.Keys)).Draw(t, "threshold"))
	return s
}

func (m *machine) proposal(t *rapid.T) token.Body {
	change, by := token.Change{DailyCap: amountUpTo(t, 1_000_000_000*kzt)}, token.RolePolicy
	switch rapid.IntRange(0, 3).Draw(t, "change") {
	case 3:
		policy := sim.Policy()
		policy.DayOffsetMillis = uint64(rapid.IntRange(0, 24).Draw(t, "offset")) * 3_600_000
		policy.RekeyDelayMillis = uint64(rapid.IntRange(1, 24).Draw(t, "re-key delay")) * 3_600_000
		change = token.Change{Policy: &policy}
	case 0:
		keys := m.newSet(t)
		change = token.Change{Set: token.Role(rapid.IntRange(1, 4).Draw(t, "set")), Keys: &keys}
		by = rapid.SampledFrom([]token.Role{token.RoleRoot, change.Set}).Draw(t, "by")
	case 1:
		change = token.Change{DelayMillis: uint64(rapid.IntRange(1, 48).Draw(t, "delay")) * 3_600_000}
	}
	return &token.Propose{By: by, Sequence: m.sequence(t, by), Change: change}
}

// transaction signs a body as the state demands, and spoils it at times.
func (m *machine) transaction(t *rapid.T) *token.Transaction {
	body := m.body(t)
	if _, err := token.New(body, 1); err != nil {
		return nil // of bad form: package token's concern
	}
	until := m.plain.Now + uint64(rapid.IntRange(0, 3_600_000).Draw(t, "until"))
	if rapid.IntRange(0, 30).Draw(t, "expired") == 0 {
		until = m.plain.Now - 1
	}
	tx := m.plain.SignFor(m.model, body, until)
	if n := len(tx.Witnesses); n > 0 && rapid.IntRange(0, 15).Draw(t, "spoil") == 0 {
		w := tx.Witnesses[rapid.IntRange(0, n-1).Draw(t, "witness")]
		if rapid.Bool().Draw(t, "signature") {
			w.Signature[5] ^= 1
		} else {
			w.Index++
		}
		tx.Add(w)
	}
	return tx
}

// both executes a body on both states.
func (m *machine) both(body token.Body) {
	tx := m.plain.Make(body)
	m.plain.Block(tx)
	m.chain.Block(tx)
}

// block executes up to three transactions on both states and compares.
func (m *machine) block(t *rapid.T) {
	m.plain.Now += uint64(rapid.SampledFrom([]int{0, 1, 1000, 3_600_000, 40_000_000}).Draw(t, "later"))
	m.chain.Now = m.plain.Now
	var txs []*token.Transaction
	for range rapid.IntRange(0, 3).Draw(t, "transactions") {
		if tx := m.transaction(t); tx != nil {
			txs = append(txs, tx)
		}
	}
	a, b := m.plain.Block(txs...), m.chain.Block(txs...)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Fatalf("the model and the live set judge differently: %s", diff)
	}
	for i, tx := range txs {
		verdict := "ok"
		if a[i] != nil {
			verdict = string(a[i].Code)
		} else if !provesItself(tx) && !slices.ContainsFunc(tx.Witnesses, func(w token.Witness) bool {
			return w.Role != token.RolePossession
		}) {
			t.Fatalf("%s was executed without a key that stood before", tx.Body.Kind())
		}
		m.done[tx.Body.Kind().String()+" "+verdict]++
	}
	if m.plain.Root() != m.chain.Root() {
		t.Fatal("the two logs differ")
	}
}

// refusal executes one transaction alone and, if it is refused, holds the state against what it was.
func (m *machine) refusal(t *rapid.T) {
	m.plain.Block()
	m.chain.Block()
	tx := m.transaction(t)
	if tx == nil {
		return
	}
	before := copyOf(m.model)
	if err := m.plain.Try(tx); err != nil {
		if diff := difference(before, m.model); diff != "" {
			t.Fatalf("the refusal %v changed the state: %s", err, diff)
		}
	}
	_ = m.chain.Try(tx)
	m.done[tx.Body.Kind().String()]++
}

// check holds what must hold of every state.
func (m *machine) check(t *rapid.T) {
	sums, counts := map[token.WalletID]money.Tiyn{}, map[token.WalletID]uint32{}
	var total money.Tiyn
	for _, tok := range m.model.Tokens {
		sums[tok.Wallet] += tok.Amount
		counts[tok.Wallet]++
		total += tok.Amount
	}
	if a := m.model.Central; total != a.Issued-a.Redeemed || total < 0 {
		t.Fatalf("live %s, issued %s, redeemed %s", total, a.Issued, a.Redeemed)
	}
	for id, w := range m.model.Wallets {
		if w.Balance != sums[id] || w.Tokens != counts[id] || w.Balance < 0 {
			t.Fatalf("wallet %s states %s in %d tokens, holds %s in %d", id, w.Balance, w.Tokens, sums[id], counts[id])
		}
		if d := m.model.Details[id]; w.Rekeying != (d.Rekey.DueMillis != 0) ||
			(w.Frozen != token.NotFrozen) != (d.Case != "") {
			t.Fatalf("wallet %s and its detail disagree: %+v %+v", id, w, d)
		}
	}
	if len(sums) > len(m.model.Wallets) {
		t.Fatal("tokens of wallets that do not exist")
	}
	m.checkPrograms(t)
}

func snapshotRoot(t *rapid.T, s *livestate.State, at livestate.Position) txlog.Hash {
	root, err := s.WriteSnapshot(&bytes.Buffer{}, at)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestRandomTransactions(t *testing.T) {
	done := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		m.done = done
		// Something to play with.
		for range 2 {
			m.both(&token.Admit{Sequence: m.model.Central.Set(token.RolePolicy).Sequence, Name: "bank",
				Keys: m.newSet(t), Treasury: m.newKey()})
		}
		m.both(&token.SetAgency{Sequence: m.model.Central.Set(token.RolePolicy).Sequence, Name: "agency",
			Keys: m.newSet(t)})
		first := rapid.IntRange(0, len(machineTemplates)-1).Draw(t, "template") // compiling all takes long
		for _, encoded := range machineTemplates[first:min(first+2, len(machineTemplates))] {
			m.both(&token.Define{Sequence: m.model.Central.Set(token.RolePolicy).Sequence, Definition: encoded})
		}
		t.Repeat(map[string]func(*rapid.T){
			"block": m.standingBlock, "another block": m.block, "refusal": m.refusal, "": m.check,
		})
		m.emptied(t)
		at := livestate.Position{Network: m.plain.Network, Leaf: m.plain.Leaf, LogSize: m.plain.Size,
			LogRoot: m.plain.Root()}
		want := snapshotRoot(t, m.live, at)
		copied := livestate.New([32]byte{9})
		sim.Copy(copied, m.model)
		if snapshotRoot(t, copied, at) != want {
			t.Fatal("the model and the live set have other snapshots")
		}
		replayed := ledger.NewModel()
		if err := m.plain.Replay(replayed); err != nil {
			t.Fatal(err)
		}
		if diff := difference(m.model, replayed); diff != "" {
			t.Fatalf("the log gives another state: %s", diff)
		}
	})
	executed := 0
	for _, n := range done {
		executed += n
	}
	for kind := token.KindTransfer; kind <= token.LastKind; kind++ {
		if done[kind.String()+" ok"] == 0 {
			t.Logf("no %s was executed in this run", kind)
		}
	}
	t.Logf("%d transactions, %d distinct outcomes: %v", executed, len(done), done)
}

// provesItself says whether a transaction needs nobody's signature: links of purses are signed, a window is over.
func provesItself(tx *token.Transaction) bool {
	switch tx.Body.(type) {
	case *token.SettlePurses, *token.ConvictPurse, *token.ClosePurse, *token.OpenName:
		return len(tx.Witnesses) == 0
	}
	return false
}
