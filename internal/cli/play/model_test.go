package play

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
)

// What a play shows is what happens: the same script is performed by "contract simulate" and on a node, by the wallet's own
// code over its API, with a clock of the test, and after every step everything is compared: the code of a refusal, state,
// end and money of the contract, everybody's balances of every mark, and what entered and left each purpose.

// troupe plays a script on a node.
type troupe struct {
	*wallet.Client
	t        *testing.T
	stage    *Stage // for the words of the script: its people are those of the node
	node     *node.Node
	clock    atomic.Uint64
	bank     token.WalletID
	agencies map[string]token.WalletID
	contract token.WalletID
}

// newTroupe founds a node with the people of a stage before its first step.
func newTroupe(t *testing.T, of *Stage) *troupe {
	own := *of
	own.people = map[string]token.WalletID{}
	w := &troupe{t: t, stage: &own, agencies: map[string]token.WalletID{}}
	files, begins := disk.New(1), of.chain.Now
	w.clock.Store(begins)
	book, err := wallet.OpenKeyringOn(files.FS(), "town", "", nil)
	w.must(err)
	f, err := book.Genesis(wallet.NewNetwork{Name: "play.town", TimeMillis: begins, Day: params.DateOf(time.UnixMilli(int64(begins))), SharedKeys: true,
		DailyCap: 1_000_000_000 * money.Tenge, DelayMillis: 86_400_000, RekeyDelayMillis: 86_400_000})
	w.must(err)
	f.Genesis.Policy = sim.Policy()
	signer, err := book.LogSigner()
	w.must(err)
	config := node.Config{Dir: "town", Now: w.clock.Load, NoIndex: true, Options: txlog.Options{Origin: "play.town", Signers: []note.Signer{signer}, FS: files.FS(), SegmentBytes: 1 << 20}}
	w.must(node.Init(config, f.Genesis))
	w.node, err = node.Open(config)
	w.must(err)
	w.Client, err = wallet.NewClient(w.context(), api.Local(api.New(w.node, api.Options{Open: true})), book)
	w.must(err)
	w.Now = w.clock.Load
	w.people()
	return w
}

func (w *troupe) context() context.Context { return w.t.Context() }

func (w *troupe) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// registered is the id that a registration made.
func (w *troupe) registered(receipt node.Receipt, err error) token.WalletID {
	w.t.Helper()
	w.must(err)
	return token.RegisteredID(receipt.ID)
}

func (w *troupe) agency(name string) token.WalletID {
	if _, known := w.agencies[name]; !known {
		w.agencies[name] = w.registered(w.GrantAgency(w.context(), name))
	}
	return w.agencies[name]
}

// people opens everybody's wallet and gives them what the play says, marked by a treasury that may.
func (w *troupe) people() {
	s := w.stage
	w.bank = w.registered(w.Admit(w.context(), "bank"))
	treasury := w.registered(w.Register(w.context(), wallet.NewWallet{Name: "marker", Tier: 2, Attributes: token.Attributes{Role: "treasury"}}))
	w.agency("agency")
	for _, name := range s.names {
		who := s.People[name]
		tier := slices.IndexFunc(sim.Policy().Tiers, func(t token.Tier) bool { return t.Name == who.Tier })
		s.people[name] = w.registered(w.Register(w.context(), wallet.NewWallet{Name: name, Tier: uint8(tier), Attributes: token.Attributes{Role: who.Role, Region: who.Region, Category: who.Category}}))
		for _, word := range who.Vouched {
			agency, what, _ := strings.Cut(word, "/")
			_, err := w.Vouch(w.context(), w.agency(agency), s.people[name], what, false)
			w.must(err)
		}
	}
	_, err := w.Define(w.context(), token.Authority, s.program.Definition)
	w.must(err)
	for _, p := range s.words {
		w.must(w.purpose(s.Purposes[p.word], s.agencyOf(p.word)))
	}
	_, err = w.Issue(w.context(), w.bank, 1_000_000_000*money.Tenge)
	w.must(err)
	_, err = w.Pay(w.context(), w.bank, treasury, 100_000_000*money.Tenge, token.Memo{})
	w.must(err)
	for _, name := range s.names {
		if text := s.People[name].Money; text != "" {
			_, err = w.Pay(w.context(), w.bank, s.people[name], tenge(w.t, text), token.Memo{})
			w.must(err)
		}
		for _, p := range s.words {
			if text := s.People[name].Earmarked[p.word]; text != "" {
				_, _, err := w.PayEarmarked(w.context(), wallet.EarmarkedPayment{From: treasury, To: s.people[name], Amount: tenge(w.t, text), Purpose: w.view(p.number), Earmark: true})
				w.must(err)
			}
		}
	}
}

func tenge(t *testing.T, text string) money.Tiyn {
	amount, err := money.ParseTenge(text)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

func (w *troupe) view(number uint32) api.PurposeView {
	list, err := w.API.Purposes(w.context())
	w.must(err)
	return list[number-1]
}

// purpose registers a file's purpose as the command does.
func (w *troupe) purpose(file, agency string) error {
	source, err := ReadPurpose(file)
	w.must(err)
	p := source.Purpose
	p.Returns = w.stage.people[source.Returns]
	if p.Contracts, err = w.stage.admitted(source.Contracts); err != nil {
		return err
	}
	if source.Amends != "" {
		w.must(w.Amends(w.context(), w.agency(agency), source.Amends, &p))
	}
	_, err = w.RegisterPurpose(w.context(), w.agency(agency), p)
	return err
}

// pass lets the clock run and blocks come where something falls due, which a running node sees within a second.
func (w *troupe) pass(until uint64) {
	for {
		next := until + 1
		if c, err := w.API.Contract(w.context(), w.contract, 0); err == nil {
			next = min(next, c.EndsMillis)
		}
		list, err := w.API.Purposes(w.context())
		w.must(err)
		for _, p := range list {
			if p.Tokens > 0 {
				next = min(next, p.UntilMillis)
			}
		}
		if next > until {
			break
		}
		w.clock.Store(max(w.clock.Load(), next))
		_, err = w.Issue(w.context(), w.bank, 1)
		w.must(err)
	}
	w.clock.Store(until)
}

// Perform plays a step at a time and says by which code it was refused.
func (w *troupe) perform(i int, m Move, at uint64) string {
	w.pass(at)
	var err error
	switch {
	case i == 0:
		err = w.create(m)
	case m.Act != "":
		err = w.act(m)
	case m.Send != "":
		err = w.pay(m)
	case m.Register != "":
		err = w.purpose(m.Register, w.stage.agencyOf(w.stage.words[0].word))
	}
	if err == nil {
		return ""
	}
	var refusal fault.Coded
	if !errors.As(err, &refusal) {
		w.t.Fatal(err)
	}
	return refusal.ErrorCode()
}

// paid reads what a move pays in, by asset.
func (w *troupe) paid(m Move) (all []money.Tiyn) {
	for _, asset := range w.stage.program.Definition.Assets {
		amount := money.Tiyn(0)
		if text := m.Pay[asset]; text != "" {
			amount = tenge(w.t, text)
		}
		all = append(all, amount)
	}
	return all
}

func (w *troupe) document(m Move) *token.Hash {
	if m.Document == "" {
		return nil
	}
	h := token.Hash(sha256.Sum256([]byte(m.Document)))
	return &h
}

func (w *troupe) create(m Move) error {
	d := w.stage.program.Definition
	t := &token.Create{Creator: w.stage.people[m.By], Definition: w.stage.program.ID(), Assets: w.stage.purposes, Paid: w.paid(m), Document: w.document(m)}
	for _, party := range d.Parties {
		name := party
		if m.Parties[party] != "" {
			name = m.Parties[party]
		}
		t.Parties = append(t.Parties, w.stage.people[name])
	}
	var err error
	if t.Terms, err = w.stage.valuesIn(d.Terms, m.Terms); err != nil {
		return err
	}
	receipt, err := w.CreateContract(w.context(), t)
	if err == nil {
		w.contract = token.RegisteredID(receipt.ID)
	}
	return err
}

func (w *troupe) act(m Move) error {
	d := w.stage.program.Definition
	t := &token.Act{Contract: w.contract, Version: 1, Action: m.Act, Caller: w.stage.people[m.By], Args: []token.Value{}, Paid: w.paid(m), Document: w.document(m)}
	if c, err := w.API.Contract(w.context(), w.contract, 0); err == nil {
		t.Version = c.Version
	}
	if at, known := d.Action(m.Act); known {
		var err error
		if t.Args, err = w.stage.valuesIn(d.Actions[at].Args, m.Args); err != nil {
			return err
		}
	}
	_, err := w.Act(w.context(), t, w.stage.purposes)
	return err
}

func (w *troupe) pay(m Move) error {
	from, to := w.stage.people[m.By], w.stage.people[m.To]
	word := m.Of + m.Mark
	if word == "" {
		_, err := w.Pay(w.context(), from, to, tenge(w.t, m.Send), token.Memo{})
		return err
	}
	number, err := w.stage.numbered(word)
	w.must(err)
	name, err := w.PurposeName(w.context(), w.view(number))
	w.must(err)
	p, err := w.Purpose(w.context(), name)
	if err != nil {
		return err
	}
	_, _, err = w.PayEarmarked(w.context(), wallet.EarmarkedPayment{From: from, To: to, Amount: tenge(w.t, m.Send), Purpose: p, Earmark: m.Mark != ""})
	return err
}

// compare holds what the simulator shows after a step against the node.
func (w *troupe) compare(sc *Scene, model *Stage) {
	d := w.stage.program.Definition
	c, err := w.API.Contract(w.context(), w.contract, 0)
	if live := err == nil; live == (sc.Ended || sc.Until == 0) {
		w.t.Fatalf("step %d: the contract lives at the node: %v; simulated: ended %v, until %d", sc.Step, live, sc.Ended, sc.Until)
	}
	if err == nil {
		state, held := map[string]int64{}, map[string]money.Tiyn{}
		for j, v := range d.State {
			if w.stage.program.Register(j) < 0 { // a register's word holds wallets' ids, which differ
				state[v.Name] = c.State[j]
			}
		}
		for j, asset := range d.Assets {
			held[asset] = c.Held[j]
		}
		for name, at := range state { // times that a contract noted are those of its blocks
			if state[name] != sc.State[name] {
				w.t.Fatalf("step %d: state.%s is %d at the node, simulated %d", sc.Step, name, at, sc.State[name])
			}
		}
		if !maps.Equal(held, sc.Held) || c.EndsMillis != sc.Until {
			w.t.Fatalf("step %d: at the node it holds %v until %d; simulated %v until %d", sc.Step, held, c.EndsMillis, sc.Held, sc.Until)
		}
	}
	for _, name := range w.stage.names {
		tokens, err := w.API.Tokens(w.context(), w.stage.people[name], 4096)
		w.must(err)
		has := map[uint32]money.Tiyn{}
		for _, t := range tokens.Tokens {
			has[t.Asset.Purpose] += t.Amount
		}
		for _, p := range append([]named{{PlainMoney, 0}}, model.words...) {
			if has[p.number] != sc.Balances[name][p.word] {
				w.t.Fatalf("step %d: %s has %s of %s at the node, simulated %s", sc.Step, name, has[p.number], p.word, sc.Balances[name][p.word])
			}
		}
	}
	list, err := w.API.Purposes(w.context())
	w.must(err)
	if len(list) != model.model.Purposes() {
		w.t.Fatalf("step %d: %d purposes at the node, simulated %d", sc.Step, len(list), model.model.Purposes())
	}
	for i, p := range list {
		if m := model.model.Purpose(uint32(i + 1)); p.Entered != m.Entered || p.Left != m.Left || p.UntilMillis != m.UntilMillis {
			w.t.Fatalf("step %d: of purpose %d %s entered and %s left at the node, simulated %s and %s", sc.Step, i+1, p.Entered, p.Left, m.Entered, m.Left)
		}
	}
}

// Random plays of the shipped templates and of drawn definitions go on a node as they go in "contract simulate".
func TestASimulationIsTheLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	went, refused := map[string]int{}, map[string]int{}
	seeds := []uint64{}
	if seed, err := strconv.ParseUint(os.Getenv("AQSHA_PLAY"), 10, 64); err == nil {
		seeds = append(seeds, seed)
	}
	plays, err := strconv.Atoi(os.Getenv("AQSHA_PLAYS"))
	if err != nil {
		plays = 110
	}
	for seed := uint64(1); len(seeds) < plays && os.Getenv("AQSHA_PLAY") == ""; seed++ {
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playBoth(t, seed, dir, went, refused) })
	}
	t.Logf("went: %v\nrefused: %v", went, refused)
	if len(seeds) > 1 && (len(went) < 15 || len(refused) < 10) {
		t.Errorf("only %d actions went, and %d codes refused", len(went), len(refused))
	}
}

// playBoth performs the play of a seed on both; AQSHA_PLAY=SEED replays one.
func playBoth(t *testing.T, seed uint64, dir string, went, refused map[string]int) {
	p := drawPlay(t, rand.New(rand.NewPCG(seed, 18)), dir)
	s, err := p.Stage()
	if err != nil {
		refused["nothing to play: "+err.Error()]++ // such as more than a tier may hold at the beginning
		return
	}
	w := newTroupe(t, s)
	defer func() { w.must(w.node.Close()) }()
	after := 0 // steps after the end, of which a few suffice
	for i, m := range append([]Move{p.Create}, p.Steps...) {
		if i > 0 && s.model.Contract(s.contract) == nil && m.Act != "" {
			if after++; after > 1 {
				continue
			}
		}
		what, refusal, err := s.step(i, m)
		if err != nil {
			t.Fatal(err)
		}
		code, simulated := w.perform(i, m, s.chain.Now), ""
		if refusal != nil {
			simulated = string(refusal.Code)
		}
		if code != simulated {
			t.Fatalf("step %d, %s %+v: refused by %q at the node, simulated %q (%v)", i, what, m, code, simulated, refusal)
		}
		if code != "" {
			refused[code]++
		}
		if i == 0 && code != "" {
			return
		}
		sc := s.scene(i, what, refusal)
		w.compare(&sc, s)
		if code == "" && m.Act != "" {
			went[filepath.Base(p.Definition)+" "+m.Act]++
		}
	}
}

func writePlayFile(t *testing.T, path, text string) string {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// file is where a play's file of a name lies; each play overwrites those of the one before.
func playFile(dir, name string) string { return filepath.Join(dir, name+".yaml") }
