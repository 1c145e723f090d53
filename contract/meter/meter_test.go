package meter_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const (
	start = 1_700_000_000_000
	hour  = 3_600_000
	month = 30 * 24 * hour
)

var (
	key     = token.NewPrivateKey([32]byte{4})
	network = token.NetworkID{7}
)

func metered(t testing.TB) *contract.Program {
	t.Helper()
	p, err := contract.TemplateProgram("metered")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

// terms of a contract under a tariff.
func terms(tariff meter.Tariff, from meter.Registers, watts, cap int64) []token.Value {
	var prices, steps []int64
	for _, p := range tariff.Prices {
		prices = append(prices, int64(p))
	}
	for _, s := range tariff.Steps {
		steps = append(steps, s.AboveWh, int64(s.Adds))
	}
	return []token.Value{token.Ints(prices), token.Ints(steps), token.Ints(from[:]), token.Int(start), token.Int(watts), token.Int(cap), token.Int(hour), token.Int(hour), token.Int(start + 2*month)}
}

func begin(t fataler, p *contract.Program, terms []token.Value) *contract.Instance {
	t.Helper()
	instance := &contract.Instance{ID: token.WalletID{1}, Parties: []token.WalletID{{2}, {3}, {4}, {5}}, Assets: []uint32{0}, Terms: terms, CreatedMillis: start, Version: 1}
	if err := p.Create(instance, call(0, "", start, []money.Tiyn{1 << 50})); err != nil {
		t.Fatal(err)
	}
	return instance
}

func call(party byte, _ string, now uint64, paid []money.Tiyn) *contract.Call {
	people := [4]contract.Party{}
	for i := range people {
		people[i].ID = token.WalletID{byte(i) + 2}
	}
	people[2].Key = key.Public()
	if paid == nil {
		paid = []money.Tiyn{0}
	}
	return &contract.Call{Network: network, Caller: &people[party], Party: func(i int) *contract.Party { return &people[i] }, Now: now, Held: []money.Tiyn{1 << 50}, Paid: paid}
}

// bill presents a reading, as the supplier does.
func bill(t fataler, p *contract.Program, instance *contract.Instance, r meter.Reading, chain token.Hash) (money.Tiyn, *token.Error) {
	t.Helper()
	signature, err := key.Sign(meter.Digest(network, instance.ID, &r, chain))
	if err != nil {
		t.Fatal(err)
	}
	c := call(1, "bill", start+2*month-1, nil)
	c.Action, _ = p.Definition.Action("bill")
	c.Args = []token.Value{token.Int(int64(r.AtMillis)), token.Int(r.Registers[0]), token.Int(r.Registers[1]), token.Int(r.Registers[2]), token.Bytes(signature[:])}
	c.Document = chain[:]
	out, refused := p.Act(instance, c)
	if refused != nil {
		return 0, refused
	}
	return money.Tiyn(out.State[4]), nil
}

// The contract and whoever has the readings compute the same bill to the tiyn, and the contract refuses
// just what the checks of readings refuse.
func TestTheContractBillsAsTheLibrary(t *testing.T) {
	p := metered(t)
	rapid.Check(t, func(t *rapid.T) {
		price := rapid.Custom(func(t *rapid.T) money.Tiyn { return money.Tiyn(rapid.IntRange(0, 5000).Draw(t, "tiyn")) })
		wh := rapid.Int64Range(0, 3_000_000_000)
		tariff := meter.Tariff{Prices: [3]money.Tiyn{price.Draw(t, "day"), price.Draw(t, "peak"), price.Draw(t, "night")},
			Steps: [2]meter.Step{{AboveWh: wh.Draw(t, "step"), Adds: price.Draw(t, "adds")}, {AboveWh: wh.Draw(t, "step"), Adds: price.Draw(t, "adds")}}}
		from := meter.Registers{wh.Draw(t, "z1"), wh.Draw(t, "z2"), wh.Draw(t, "z3")}
		watts := rapid.Int64Range(1, 10_000_000).Draw(t, "watts")
		limit := rapid.Int64Range(1, 1<<40).Draw(t, "cap")
		before := meter.Reading{AtMillis: start, Registers: from}
		to := meter.Reading{AtMillis: start + uint64(rapid.IntRange(0, month).Draw(t, "elapsed"))}
		for zone := range from {
			to.Registers[zone] = from[zone] + rapid.Int64Range(-1, 3_000_000_000).Draw(t, "used")
		}
		instance := begin(t, p, terms(tariff, from, watts, limit))
		got, refused := bill(t, p, instance, to, token.Hash{1})
		if judged := to.Judge(&before, watts); (judged == nil) != (refused == nil) {
			t.Fatalf("the library says %v, the contract %v", judged, refused)
		}
		if refused != nil {
			return
		}
		want, err := tariff.Bill(from, to.Registers, money.Tiyn(limit))
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("the contract bills %d, the library %d", got, want)
		}
	})
}

func TestReadingsThatAreNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		r    meter.Reading
		want token.Code
	}{
		"replayed":           {meter.Reading{AtMillis: start, Registers: meter.Registers{10, 10, 10}}, meter.NotLater},
		"runs backwards":     {meter.Reading{AtMillis: start + hour, Registers: meter.Registers{11, 9, 11}}, meter.Backwards},
		"jumps":              {meter.Reading{AtMillis: start + hour, Registers: meter.Registers{1011, 10, 10}}, meter.Jump},
		"at the line's most": {meter.Reading{AtMillis: start + hour, Registers: meter.Registers{1010, 10, 10}}, ""},
	} {
		tally := meter.Tally{Watts: 1000, Last: meter.Reading{AtMillis: start, Registers: meter.Registers{10, 10, 10}}}
		err := tally.Add(c.r)
		got := token.Code("")
		if err != nil {
			got = err.Code
		}
		if got != c.want || (tally.Count == 1) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestForgedReadingIsRefused(t *testing.T) {
	p := metered(t)
	tariff := meter.Tariff{Prices: [3]money.Tiyn{1900, 2600, 1400}}
	instance := begin(t, p, terms(tariff, meter.Registers{}, 1000, 1<<40))
	r := meter.Reading{AtMillis: start + hour, Registers: meter.Registers{500, 0, 0}}
	instance.ID[0]++ // signed for another contract
	signed := *instance
	instance.ID[0]--
	signature, err := key.Sign(meter.Digest(network, signed.ID, &r, token.Hash{}))
	if err != nil {
		t.Fatal(err)
	}
	c := call(1, "bill", start+2*hour, nil)
	c.Action, _ = p.Definition.Action("bill")
	c.Args = []token.Value{token.Int(int64(r.AtMillis)), token.Int(500), token.Int(0), token.Int(0), token.Bytes(signature[:])}
	c.Document = make([]byte, 32)
	if _, refused := p.Act(instance, c); refused == nil || refused.Code != contract.GuardNotMet {
		t.Errorf("a reading for another contract: %v", refused)
	}
	if got, refused := bill(t, p, instance, r, token.Hash{}); refused != nil || got != 950 {
		t.Errorf("half a kilowatt-hour by day: %d %v, want 950", got, refused)
	}
}
