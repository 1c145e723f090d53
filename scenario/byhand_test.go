package scenario

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

// balanceOf is what somebody has of plain tenge.
func (w *Stage) balanceOf(t *testing.T, name string) money.Tiyn {
	t.Helper()
	view, err := w.Client.API.Wallet(t.Context(), w.id(name))
	if err != nil {
		t.Fatal(err)
	}
	return view.Balance
}

// after plays the steps up to a name and returns what everybody has.
func after(t *testing.T, w *Stage, record *Record, last string) map[string]money.Tiyn {
	t.Helper()
	steps := onLedger()
	at := slices.IndexFunc(steps, func(s Step) bool { return s.Name == last })
	if _, err := Play(t.Context(), w, steps[:at+1], record); err != nil {
		t.Fatalf("to %s: %v", last, err)
	}
	all := map[string]money.Tiyn{}
	for _, name := range slices.Concat([]string{bankOne, bankTwo, farm, power, canteen, shop, budget, court, school, "grid",
		charger, prime, bridges, quarry}, people) {
		if w.Client.Keyring.Has(name) {
			all[name] = w.balanceOf(t, name)
		}
	}
	return all
}

// byHand is a sheet of paper beside the story: who has what.
type byHand map[string]money.Tiyn

func (b byHand) move(from, to string, tenge, tiyn money.Tiyn) {
	b[from] -= tenge*money.Tenge + tiyn
	b[to] += tenge*money.Tenge + tiyn
}

// want holds what the ledger has of some against the sheet.
func (b byHand) want(t *testing.T, step string, got map[string]money.Tiyn, names ...string) {
	t.Helper()
	for _, name := range names {
		if got[name] != b[name] {
			t.Errorf("after %s %s has %s, by hand %s", step, name, got[name], b[name])
		}
	}
}

// Whoever adds the story up on paper comes to what the ledger has, person by person, part by part.
func TestTheStoryByHand(t *testing.T) {
	t.Parallel()
	w, _, _ := newStage(t)
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	sheet := byHand{}
	sheet.move("mint", bankOne, 500_000_000, 0)
	sheet.move("mint", bankTwo, 300_000_000, 0)
	for _, p := range []struct {
		from, to    string
		tenge, tiyn money.Tiyn
	}{{bankOne, farm, 60_000_000, 0}, {bankTwo, power, 5_000_000, 0}, {bankOne, "aigerim", 150_000, 0},
		{bankTwo, "marat", 80_000, 0}, {farm, "aigerim", 420_000, 0}, {farm, "marat", 385_000, 0},
		{farm, "dana", 310_000, 0}, {farm, "timur", 12_000, 0}, {"aigerim", shop, 1_450, 0}, {"marat", shop, 12_300, 0},
		{"dana", shop, 890, 50}, {"timur", shop, 2_000, 0}, {"marat", shop, 700, 0}, {bankTwo, "mint", 100_000_000, 0}} {
		sheet.move(p.from, p.to, p.tenge, p.tiyn)
	}
	got := after(t, w, record, "audit")
	sheet.want(t, "audit", got, slices.Collect(maps.Keys(got))...)
	supply, err := w.Client.API.Supply(t.Context())
	if err != nil || supply.Live != -sheet["mint"] || supply.Issued-supply.Redeemed != supply.Live {
		t.Errorf("%+v, by hand %s (%v)", supply, -sheet["mint"], err)
	}
	total := money.Tiyn(0)
	for _, b := range got {
		total += b
	}
	if total != supply.Live {
		t.Errorf("everybody has %s, %s are live", total, supply.Live)
	}
	w.provenWealth(t, shop)
	w.provenWealth(t, "dana")

	// 16 % VAT go apart and on to the budget; the school is given marked money, of which a pupil eats.
	sheet.move(farm, "grid", 2_000_000, 0)
	sheet.move(farm, budget, 320_000, 0)
	sheet.move(budget, "marked", 300_000, 0)
	sheet.move("marked", canteen, 740, 0)
	sheet.want(t, "misuse", after(t, w, record, "misuse"), farm, "grid", budget, canteen, shop, power, bankOne, bankTwo)
	got = after(t, w, record, "beyond-limit")
	sheet.move(farm, "timur", 15_000, 0)
	sheet.move("timur", shop, 4_000, 0)
	sheet.want(t, "beyond-limit", got, farm, shop)
	held, err := w.Client.API.Held(t.Context(), w.id("timur"))
	if err != nil || got["timur"]+held.Balance != sheet["timur"] || held.Balance <= 0 {
		t.Errorf("timur has %s and %s are held for him, by hand %s (%v)", got["timur"], held.Balance, sheet["timur"], err)
	}

	// The month's power: the farm's deposit is the contract's, and what it does not hold any more the power company has.
	got = after(t, w, record, "power")
	bill := got[power] - sheet[power]
	sheet.move(farm, "contract", 2_000_000, 0)
	sheet.move("contract", power, 0, bill)
	if m, err := w.Client.Meter(t.Context(), w.id("power-contract")); err != nil || m.Held != sheet["contract"] {
		t.Errorf("the contract holds %s, by hand %s (%v)", m.Held, sheet["contract"], err)
	}
	sheet.want(t, "power", got, farm, power)
	if least := 30 * 24 * 48 * 17 * money.Tenge; bill < least { // 80 kW at 60 % of it, at less than the lowest price
		t.Errorf("a month of power is billed at %s", bill)
	}
	sheet.move(farm, charger, 2_500, 0) // 10,000 ticks of a quarter of a tenge
	sheet.want(t, "charger", after(t, w, record, "charger"), farm, charger)
	got = after(t, w, record, railway)
	sheet.move(bankOne, budget, 10_000_000, 0)
	sheet.move(budget, prime, 10_000_000, 0)
	sheet.move(prime, bridges, 4_000_000, 0)
	sheet.move(bridges, quarry, 1_500_000, 0) // which leaves the purpose; the rest is marked still
	sheet.want(t, railway, got, bankOne, budget, quarry, prime, bridges)
	view, err := w.Client.Purpose(t.Context(), railway)
	if err != nil || view.Entered != 10_000_000*money.Tenge || view.Left != 1_500_000*money.Tenge ||
		view.Live != view.Entered-view.Left {
		t.Errorf("%+v, %v", view, err)
	}
	w.refusalsAgain(t)
	w.auditedAgain(t)
}

// provenWealth: the tokens of somebody are proved one by one, offline, and make what he has.
func (w *Stage) provenWealth(t *testing.T, name string) {
	t.Helper()
	tokens, err := w.Client.API.Tokens(t.Context(), w.id(name), 100)
	if err != nil {
		t.Fatal(err)
	}
	total := money.Tiyn(0)
	for _, held := range tokens.Tokens {
		result, err := w.checkToken(t.Context(), held.ID)
		if err != nil || result.Transactions < 2 { // an issue, and a payment at least
			t.Fatalf("%+v, %v", result, err)
		}
		total += result.Amount
	}
	if has := w.balanceOf(t, name); total != has || len(tokens.Tokens) == 0 {
		t.Errorf("%s has %s, of which %s are proved", name, has, total)
	}
	if _, err := w.checkToken(t.Context(), token.ID{}); err == nil {
		t.Error("a token that never was is proved")
	}
}

// refusalsAgain: what is refused is refused as often as it is tried, and moves nothing.
func (w *Stage) refusalsAgain(t *testing.T) {
	t.Helper()
	before, w2 := sums(t, w), *w
	w2.Out = &bytes.Buffer{}
	for _, name := range []string{"limit", "misuse"} {
		for range 2 {
			if err := named(t, name).Play(t.Context(), &w2); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if got := sums(t, w); got != before {
		t.Errorf("a refusal moved money:\n%s\n%s", before, got)
	}
}

// auditedAgain: an auditor's copy that was broken off while it was begun, or holds what is none, is begun anew, and has
// the ledger's root in the end.
func (w *Stage) auditedAgain(t *testing.T) {
	t.Helper()
	dir := filepath.Join(w.DataDir, auditor)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := durable.Folder(vfs.OS, dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "network.toml"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := *w
	again.Out, again.step = &bytes.Buffer{}, "audit"
	again.record = &Record{path: filepath.Join(t.TempDir(), "story.json"), Done: map[string]bool{}}
	if err := audit(t.Context(), &again); err != nil {
		t.Fatal(err)
	}
	info, err := w.Client.API.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(node.Config{Dir: dir, NoIndex: true, Leader: "the story's node",
		Options: txlog.Options{Origin: info.Name}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if _, c := n.Log().Checkpoint(); c.Size != info.Head.Size || c.Root != info.Head.Root {
		t.Errorf("the copy ends at %d, %s; the ledger at %d, %s", c.Size, c.Root, info.Head.Size, info.Head.Root)
	}
}

// A ride costs its ticks: whatever their number, over as many chains as they take, and not one beyond the owner's
// mandate of a day or the deposit.
func TestARideCostsItsTicks(t *testing.T) {
	t.Parallel()
	keys, err := wallet.OpenKeyring(t.TempDir(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.NewKey("car")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		tick := money.Tiyn(rapid.IntRange(1, 50).Draw(t, "tick"))
		deposit := money.Tiyn(rapid.IntRange(1, 60_000).Draw(t, "deposit"))
		day := money.Tiyn(rapid.IntRange(0, 60_000).Draw(t, "most of a day"))
		ticks := rapid.IntRange(1, 3_000).Draw(t, "ticks")
		terms := channel.Terms{Key: key.Public(), Tick: tick, Deposit: deposit, MaxDay: day, Created: 1_800_000_000_000}
		now := terms.Created + uint64(rapid.IntRange(0, 3*86_400_000).Draw(t, "later"))
		most := deposit
		if day > 0 {
			most = min(most, day*money.Tiyn((now-terms.Created)/86_400_000+1))
		}
		claim, err := ride(terms, key, ticks, now)
		if fits := tick*money.Tiyn(ticks) <= most; fits != (err == nil) {
			t.Fatalf("%d ticks of %s, at most %s: %v", ticks, tick, most, err)
		}
		if err != nil {
			return
		}
		if worth, ok := claim.Worth(tick); !ok || worth != tick*money.Tiyn(ticks) {
			t.Fatalf("%d ticks of %s are worth %s (%v)", ticks, tick, worth, ok)
		}
	})
}

// The terms of a metered contract stand where the template reads them: prices, steps, registers, then the rest.
func TestMeteredTermsInTheirOrder(t *testing.T) {
	t.Parallel()
	tariff := params.PowerTariff{Prices: [3]money.Tiyn{1, 2, 3}, Steps: [2]params.PowerStep{{AboveWh: 10, Adds: 4},
		{AboveWh: 20, Adds: 5}}}
	at := time.UnixMilli(1_800_000_000_123)
	got := MeteredTerms(tariff, meter.Registers{7, 8, 9}, at, 100, 50, time.Hour, 48*time.Hour, at.Add(time.Minute))
	want := []token.Value{token.Ints([]int64{1, 2, 3}), token.Ints([]int64{10, 4, 20, 5}), token.Ints([]int64{7, 8, 9}),
		token.Int(1_800_000_000_123), token.Int(100), token.Int(50), token.Int(3_600_000), token.Int(172_800_000),
		token.Int(1_800_000_060_123)}
	if len(got) != len(want) {
		t.Fatalf("%d terms", len(got))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("term %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// A meter's load keeps to its mean: over a month it is within what its walk allows, and the same seed draws the same.
func TestReadingsOfASeed(t *testing.T) {
	t.Parallel()
	m := wallet.Meter{Watts: 100_000, At: 1_800_000_000_000}
	draw := func(seed uint64) []meter.Reading {
		readings, _, err := Readings(m, tariff(t), 30*24*4, 15*time.Minute, 80_000, rand.New(rand.NewPCG(1, seed)))
		if err != nil {
			t.Fatal(err)
		}
		return readings
	}
	one := draw(7)
	if !slices.Equal(one, draw(7)) || slices.Equal(one, draw(8)) {
		t.Error("a seed is not what decides the readings")
	}
	last := one[len(one)-1].Registers
	if wh := last.Total(); wh < 30*24*48_000 || wh > 30*24*96_000 {
		t.Errorf("%d Wh in a month of 80 kW", wh)
	}
	for zone, wh := range last {
		if wh == 0 {
			t.Errorf("nothing was drawn in zone %d of a month", zone)
		}
	}
}

// What is called off is not called done; nor is a part whose mark could not be written.
func TestWhatIsCalledOffIsNotDone(t *testing.T) {
	t.Parallel()
	w, _, record := offLedger(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if played, err := Play(ctx, w, []Step{named(t, "plan")}, record); !errors.Is(err, context.Canceled) || played != 0 {
		t.Errorf("%d steps, %v", played, err)
	}
	if err := w.Once("part", func() error { return os.RemoveAll(w.DataDir) }); err == nil {
		t.Error("a mark was written into a folder that is gone")
	}
	if again, err := OpenRecord(w.DataDir); err != nil || len(again.Done) != 0 {
		t.Errorf("%v is done, %v", again.Done, err)
	}
	if err := os.MkdirAll(filepath.Join(w.DataDir, "story.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRecord(w.DataDir); err == nil {
		t.Error("a folder was read as a record")
	}
}

// Two of three openers are enough to read a name, one alone cannot, and a share that was damaged is said to be none.
func TestOpenersSharesAreInFiles(t *testing.T) {
	t.Parallel()
	w, _, _ := newStage(t)
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Play(t.Context(), w, slices.Concat(ledgerSteps()[:4], purseSteps()[:1]), record); err != nil {
		t.Fatal(err)
	}
	shares := map[string]bool{}
	for opener := 1; opener <= purseOpeners; opener++ {
		content, err := os.ReadFile(w.sharePath(opener))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(w.sharePath(opener))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("opener %d's share is readable to others: %v, %v", opener, info.Mode(), err)
		}
		var b token.Hash
		if err := b.UnmarshalText(bytes.TrimSpace(content)); err != nil {
			t.Fatal(err)
		}
		if _, err := sealed.SecretOf(b); err != nil {
			t.Errorf("opener %d: %v", opener, err)
		}
		shares[string(content)] = true
	}
	if len(shares) != purseOpeners {
		t.Errorf("%d shares are different", len(shares))
	}
	view, err := w.Client.API.Purses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := w.phonesPurse(t)
	for what, content := range map[string]string{"empty": "", "half": "00ff\n", "no number": strings.Repeat("z", 64) + "\n"} {
		if err := os.WriteFile(w.sharePath(1), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if name, err := w.openName(t.Context(), id); err == nil || name != "" {
			t.Errorf("a share that is %s opens %q", what, name)
		}
	}
	if again, err := w.Client.API.Purses(t.Context()); err != nil || again.Openings != view.Openings {
		t.Errorf("%d openings, before them %d (%v)", again.Openings, view.Openings, err)
	}
}

// phonesPurse is the purse that the crook's phone opened.
func (w *Stage) phonesPurse(t *testing.T) token.WalletID {
	t.Helper()
	standing, err := w.phone(crookPhone).Standing()
	if err != nil {
		t.Fatal(err)
	}
	return standing.Purse
}
