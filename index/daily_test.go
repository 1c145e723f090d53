package index_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/aqsha/aqsha/index"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const everyDay = 1 << 31

// days waits until the whole log is counted.
func days(t *testing.T, x *index.Index) []index.Day {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; {
		list, size, err := x.Days(0, everyDay)
		if err != nil {
			t.Fatal(err)
		}
		if size == x.Size() {
			return list
		}
		if time.Now().After(until) {
			t.Fatalf("%d of %d entries are counted", size, x.Size())
		}
		time.Sleep(time.Millisecond)
	}
}

// busy is a network with two banks and wallets in two regions that pay each other at random for some days, one of them
// silent.
func busy(t *testing.T) (*sim.Chain, *ledger.Model) {
	t.Helper()
	w := sim.NewWorld(5)
	model := ledger.NewModel()
	c := w.NewChain(model)
	r := rand.New(rand.NewPCG(9, 9))
	var wallets []token.WalletID
	var banks []token.WalletID
	for i, name := range []string{"bank A", "bank B"} {
		admit, bank := w.Admit(name, uint64(i+1), c.Now+1000)
		if err := c.Try(admit); err != nil {
			t.Fatal(err)
		}
		banks = append(banks, bank)
		c.Must(&token.Issue{Sequence: uint64(i + 1), To: bank, Amounts: []money.Tiyn{1_000_000 * money.Tenge}})
		for k := range 14 {
			region := []string{"KZ-75", "KZ-71"}[k%2]
			tx := c.Must(&token.Register{Registrar: bank, Sequence: uint64(k + 1),
				Key: w.Key(name + string(rune('a'+k))).Public(), Tier: uint8(1 + k%2),
				Attributes: token.Attributes{Region: region}})
			wallets = append(wallets, token.RegisteredID(tx.ID()))
		}
	}
	pay := func(from, to token.WalletID, most money.Tiyn) {
		for id, live := range model.Tokens { // any of his
			if live.Wallet != from {
				continue
			}
			amount := 1 + money.Tiyn(r.Int64N(int64(min(live.Amount, most))))
			outputs := []token.Output{{Party: 1, Amount: amount}}
			if rest := live.Amount - amount; rest > 0 {
				outputs = append(outputs, token.Output{Party: 0, Amount: rest})
			}
			// a refusal is no payment
			c.Block(c.Make(&token.Transfer{Parties: []token.WalletID{from, to}, Payers: 1, Inputs: []token.ID{id},
				Outputs: outputs}))
			return
		}
	}
	for day := range 5 {
		if day == 3 { // some who hold money are of another tier and region from now on
			for _, id := range wallets[:6] {
				w := model.Wallets[id]
				c.Must(&token.Update{Wallet: id, Version: uint64(w.Version), Tier: 2,
					Attributes: token.Attributes{Region: "KZ-19"}})
			}
		}
		for range 60 {
			from, to := wallets[r.IntN(len(wallets))], wallets[r.IntN(len(wallets))]
			if r.IntN(3) == 0 {
				from = banks[r.IntN(2)]
			}
			if from != to {
				pay(from, to, 500*money.Tenge)
			}
			c.Now += 1000
		}
		c.Now += uint64(1+day%2) * 86_400_000
	}
	return c, model
}

// The cells of each division sum to the total; the total is what the ledger holds; payments and their value are those
// of a recount of the log; a day on which nothing happened holds what the day before did.
func TestDailyCellsSumToTheTotal(t *testing.T) {
	for name, chain := range map[string]*sim.Chain{"busy": first(busy(t)), "story": first3(story(t))} {
		x := open(t, t.TempDir(), chain)
		feed(t, x, chain, len(chain.Blocks))
		list := days(t, x)
		var payments, value, quiet int64
		active := activeOn(t, chain)
		for i, day := range list {
			total := day.Cells[index.All][""]
			payments, value = payments+total.Payments, value+int64(total.Value)
			if total.Active != int64(len(active[day.Day])) {
				t.Errorf("%s, day %d: %d wallets were active, recounted %d", name, day.Day, total.Active,
					len(active[day.Day]))
			}
			for _, by := range []index.By{index.ByBank, index.ByTier, index.ByRegion} {
				var sum index.Cell
				for _, c := range day.Cells[by] { // any order: sums
					sum = index.Cell{Payments: sum.Payments + c.Payments, Value: sum.Value + c.Value,
						Active: sum.Active + c.Active, Wallets: sum.Wallets + c.Wallets, Held: sum.Held + c.Held}
				}
				if sum != total {
					t.Errorf("%s, day %d by %d: %+v, in all %+v", name, day.Day, by, sum, total)
				}
			}
			var purposes index.Cell
			for _, c := range day.Cells[index.ByPurpose] { // any order: sums
				purposes.Payments, purposes.Value = purposes.Payments+c.Payments, purposes.Value+c.Value
			}
			if purposes.Payments != total.Payments || purposes.Value != total.Value {
				t.Errorf("%s, day %d by purpose: %+v, in all %+v", name, day.Day, purposes, total)
			}
			if i > 0 && total.Payments == 0 && total.Held == list[i-1].Cells[index.All][""].Held {
				quiet++
			}
		}
		if held := list[len(list)-1].Cells[index.All][""].Held; held != chain.Leaf.Circulating {
			t.Errorf("%s: held %s, circulating %s", name, held, chain.Leaf.Circulating)
		}
		wantPayments, wantValue := recount(t, chain)
		if payments != wantPayments || value != wantValue || payments == 0 {
			t.Errorf("%s: %d payments of %d, recounted %d of %d", name, payments, value, wantPayments, wantValue)
		}
		if name == "busy" && quiet == 0 {
			t.Error("no day was silent")
		}
	}
}

func first(c *sim.Chain, _ *ledger.Model) *sim.Chain                    { return c }
func first3(c *sim.Chain, _ *ledger.Model, _ []ledger.Entry) *sim.Chain { return c }

// recount reads all payments to others from a log, in another way.
func recount(t *testing.T, chain *sim.Chain) (payments, value int64) {
	t.Helper()
	for _, block := range chain.Blocks {
		for _, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			if e.Transaction == nil {
				continue
			}
			sum := money.Tiyn(0)
			switch b := e.Transaction.Body.(type) {
			case *token.Transfer:
				for _, o := range b.Outputs {
					if o.Party >= b.Payers {
						sum += o.Amount
					}
				}
			case *token.EarmarkedTransfer:
				for _, o := range b.Outputs {
					if o.Party > 0 {
						sum += o.Amount
					}
				}
			}
			if sum > 0 {
				payments, value = payments+1, value+int64(sum)
			}
		}
	}
	return payments, value
}

// What was counted as the log grew is what is counted from the log anew, and what a restart in the midst goes on with;
// a file that is damaged, lost or of another network is made again.
func TestTheDailySeriesIsRebuilt(t *testing.T) {
	chain, _ := busy(t)
	dir := t.TempDir()
	x := begin(t, dir, chain)
	feed(t, x, chain, len(chain.Blocks)/2)
	days(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = begin(t, dir, chain)
	feed(t, x, chain, len(chain.Blocks))
	want := days(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "daily")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for about, content := range map[string][]byte{"as it was": whole,
		"cut": whole[:len(whole)/2], "empty": {}, "another file": []byte("aqsha daily 9\nxxxx")} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		x := begin(t, dir, chain)
		if got := days(t, x); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d days, want %d", about, len(got), len(want))
		}
		_ = x.Close()
	}
	for at := range 64 { // one byte of the file
		flipped := append([]byte(nil), whole...)
		flipped[len(flipped)*at/64] ^= 1
		if err := os.WriteFile(file, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		x := begin(t, dir, chain)
		if got := days(t, x); !reflect.DeepEqual(got, want) {
			t.Errorf("byte %d flipped: another series", len(flipped)*at/64)
		}
		_ = x.Close()
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	x = begin(t, dir, chain)
	if got := days(t, x); !reflect.DeepEqual(got, want) {
		t.Error("made anew from the log it is another")
	}
	_ = x.Close()
	other, err := index.Open(vfs.OS, t.TempDir(), chain.Network, chain)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if list, size, err := other.Days(0, everyDay); err != nil || len(list) != 0 || size != 0 {
		t.Errorf("of an empty log: %v, %d, %v", list, size, err)
	}
}

// begin is open for a test that closes it.
func begin(t *testing.T, dir string, chain *sim.Chain) *index.Index {
	t.Helper()
	x, err := index.Open(vfs.OS, dir, chain.Network, chain)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// activeOn recounts which wallets paid or were paid on each day.
func activeOn(t *testing.T, chain *sim.Chain) map[uint32]map[token.WalletID]bool {
	t.Helper()
	on, offset := map[uint32]map[token.WalletID]bool{}, chain.Genesis.Policy.DayOffsetMillis
	for _, block := range chain.Blocks {
		var day uint32
		for _, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			if e.Leaf != nil {
				if day = uint32((e.Leaf.TimeMillis + offset) / 86_400_000); on[day] == nil {
					on[day] = map[token.WalletID]bool{}
				}
			}
			if e.Transaction == nil {
				continue
			}
			var paid []token.WalletID
			var payers []token.WalletID
			switch b := e.Transaction.Body.(type) {
			case *token.Transfer:
				payers = b.Parties[:b.Payers]
				for _, o := range b.Outputs {
					if o.Party >= b.Payers {
						paid = append(paid, b.Parties[o.Party])
					}
				}
			case *token.EarmarkedTransfer:
				payers = b.Parties[:1]
				for _, o := range b.Outputs {
					if o.Party > 0 {
						paid = append(paid, b.Parties[o.Party])
					}
				}
			}
			if len(paid) == 0 {
				continue
			}
			for _, id := range append(paid, payers...) {
				on[day][id] = true
			}
		}
	}
	return on
}

// What each tier and bank holds at the end is what their wallets hold by the ledger, also after some were moved to another tier.
func TestCellsHoldWhatTheirWalletsDo(t *testing.T) {
	chain, model := busy(t)
	x := open(t, t.TempDir(), chain)
	feed(t, x, chain, len(chain.Blocks))
	list := days(t, x)
	tiers, banks := map[string]money.Tiyn{}, map[string]money.Tiyn{}
	for id, w := range model.Wallets { // any order: sums
		tier, bank := strconv.Itoa(int(w.Tier)), w.Registrar
		if _, is := model.Intermediaries[id]; is {
			tier, bank = "treasury", id
		}
		tiers[tier] += w.Balance
		banks[bank.String()] += w.Balance
	}
	last := list[len(list)-1]
	for by, want := range map[index.By]map[string]money.Tiyn{index.ByTier: tiers, index.ByBank: banks} {
		for name, held := range want {
			if got := last.Cells[by][name].Held; got != held {
				t.Errorf("%s holds %s, by the ledger %s", name, got, held)
			}
		}
	}
	if last.Cells[index.ByRegion]["KZ-19"].Wallets == 0 {
		t.Error("nobody holds money in the new region")
	}
}
