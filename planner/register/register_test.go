package register_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/register"
)

func sample() *planner.Plan {
	p, err := planner.Parse("plan.toml", planner.ExampleFile, func(string) (string, error) { return planner.ExampleModel, nil })
	if err != nil {
		panic(err)
	}
	return p
}

const (
	metered  = "day,kwh\n2027-01-31,2_000_000\n2027-02-28,1900000.5\n2027-03-31,2100000\n2027-04-01,70000\n"
	received = "day,btc,price_kzt,sold_btc\n2027-01-31,1.00000001,50000000.00,0.5\n2027-02-28,1,51000000,1.2\n"
)

func Example() {
	m, _ := register.ReadMetered(strings.NewReader(metered))
	r, err := register.Build(sample(), m, nil)
	fmt.Println(r.Levy[0].Quarter, r.Levy[0].Levy, r.Levy[0].DeclareBy, r.Levy[0].PayBy, err)
	// Output: 2027-Q1 12000001.00 2027-05-15 2027-05-25 <nil>
}

func TestRegistersOfAQuarter(t *testing.T) {
	m, err1 := register.ReadMetered(strings.NewReader(metered))
	x, err2 := register.ReadReceived(strings.NewReader(received))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	r, err := register.Build(sample(), m, x)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Levy) != 2 || r.Levy[0].Basis != "metered" || r.Levy[0].WattHours != 6_000_000_500 || r.Levy[1].PayBy != "2027-08-25" {
		t.Errorf("levy %+v", r.Levy)
	}
	// 1,200 machines of 3,221 W for 90 days of 24 hours at 97 %
	if want := int64(1200 * 3221 * 24 * 90 * 97 / 100); r.Levy[0].Planned != want {
		t.Errorf("planned %d, want %d", r.Levy[0].Planned, want)
	}
	q := r.Quota
	if q[0].Due != 75_000_001 || q[0].Behind != 25_000_001 || q[1].Due != 75_000_000 || q[1].Behind != 0 {
		t.Errorf("quota %+v", q)
	}
	tax := r.Tax[0]
	if tax.Income != 50_000_000_50 || tax.Invoice != 37_120_000_00 || tax.Levy != 4_000_000_00 || tax.Written != 17_500_000_00 || tax.Base != -14_619_999_50 || tax.Tax != 0 {
		t.Errorf("tax %+v", tax)
	}
	if r.Tax[1].YearTo != tax.Base+r.Tax[1].Base {
		t.Errorf("the year's base is %s", r.Tax[1].YearTo)
	}
	if l := r.Licence[0]; l.Until != "2028-02-29" || l.Fee != 7_864_000*money.Tenge {
		t.Errorf("licence %+v", l)
	}
}

func TestPlannedWithoutAMeter(t *testing.T) {
	r, err := register.Build(sample(), nil, nil)
	if err != nil || len(r.Levy) != 4 || r.Levy[3].Basis != "planned" {
		t.Fatalf("%+v, %v", r, err)
	}
	if len(r.Tax) != 0 || len(r.Quota) != 0 || len(r.Files()) != 2 {
		t.Errorf("of coins that nobody received: %d months of tax, %d of quota, %d files", len(r.Tax), len(r.Quota), len(r.Files()))
	}
	december := register.Received{Day: planner.Month(12*2027 + 11).Day(15), Coins: 1, Price: 5e9}
	r, err = register.Build(sample(), nil, []register.Received{{Day: planner.Month(12 * 2027).Day(1)}, december})
	if err != nil || len(r.Tax) != 12 || r.Tax[11].Declare != "2028-03-31" || r.Tax[11].PayBy != "2028-04-10" {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, f := range r.Files() {
		var out bytes.Buffer
		if err := f.Write(&out); err != nil || strings.Count(out.String(), "\n") < 2 {
			t.Errorf("%s: %q, %v", f.Name, out.String(), err)
		}
	}
}

// A year's coins to be sold, less those sold, are what is behind or nothing; kWh add up to the days'.
func TestNothingIsLost(t *testing.T) {
	p := sample()
	rapid.Check(t, func(t *rapid.T) {
		var m []register.Metered
		var x []register.Received
		var energy int64
		for month := 1; month <= 12; month++ {
			wattHours := rapid.Int64Range(0, 1e13).Draw(t, "energy")
			energy += wattHours
			day := planner.Month(12*2027 + month - 1).Day(15)
			m = append(m, register.Metered{Day: day, WattHours: wattHours})
			x = append(x, register.Received{Day: day, Coins: money.Satoshi(rapid.Int64Range(0, 1e10).Draw(t, "coins")), Price: 5e9, Sold: money.Satoshi(rapid.Int64Range(0, 1e10).Draw(t, "sold"))})
		}
		r, err := register.Build(p, m, x)
		if err != nil {
			t.Fatal(err)
		}
		var declared int64
		for _, row := range r.Levy {
			declared += row.WattHours
		}
		var due, sold money.Satoshi
		for _, row := range r.Quota {
			due, sold = due+row.Due, sold+row.Sold
		}
		if declared != energy || r.Quota[11].Behind != max(0, due-sold) {
			t.Fatalf("declared %d of %d Wh; behind %s, due %s, sold %s", declared, energy, r.Quota[11].Behind, due, sold)
		}
	})
}

func TestBadRows(t *testing.T) {
	for _, bad := range []string{"", "day,kwh\n2027-01-01,-1\n", "day,kwh\n2027-01-02,1\n2027-01-01,1\n", "day,kwh\n2027-01-01,1.0001\n", "day,kWh\n", "day,kwh\n2027-01-32,1\n"} {
		if got, err := register.ReadMetered(strings.NewReader(bad)); err == nil {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
	for _, bad := range []string{"day,btc,price_kzt,sold_btc\n2027-01-01,-1,1,0\n", "day,btc,price_kzt,sold_btc\n2027-01-01,1,1\n", "day,btc,price_kzt,sold_btc\n2027-01-01,1.000000001,1,0\n"} {
		if got, err := register.ReadReceived(strings.NewReader(bad)); err == nil {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
}

func FuzzReadMetered(f *testing.F) {
	f.Add(metered)
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := register.ReadMetered(strings.NewReader(text))
		if err != nil {
			return
		}
		for i, r := range rows {
			if r.WattHours < 0 || (i > 0 && r.Day <= rows[i-1].Day) {
				t.Fatalf("accepted %+v", rows)
			}
		}
	})
}

func FuzzReadReceived(f *testing.F) {
	f.Add(received)
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := register.ReadReceived(strings.NewReader(text))
		for _, r := range rows {
			if err == nil && (r.Coins < 0 || r.Sold < 0) {
				t.Fatalf("accepted %+v", rows)
			}
		}
	})
}

// In another's data centre the licence is of kind II, and the host's fee is on the invoice.
func TestHosted(t *testing.T) {
	text := strings.NewReplacer(`hosting = "own"`, "hosting = \"hosted\"\nhosting_fee = \"3.00\"").Replace(planner.ExampleFile)
	p, err := planner.Parse("plan.toml", text, func(string) (string, error) { return planner.ExampleModel, nil })
	if err != nil {
		t.Fatal(err)
	}
	m, err := register.ReadMetered(strings.NewReader(metered))
	if err != nil {
		t.Fatal(err)
	}
	r, err := register.Build(p, m, []register.Received{{Day: m[0].Day}})
	if err != nil || r.Licence[0].Kind != "mining licence of kind II" || r.Licence[0].Fee != 19_660*money.Tenge {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Tax[0].Invoice != 44_080_000_00 { // 2,000,000 · (11.50 + 4.50 + 3.00) · 1.16
		t.Errorf("invoice %s", r.Tax[0].Invoice)
	}
}

// A tariff with parts of a tiyn is not lost over a month's energy.
func TestATariffWithPartsOfATiyn(t *testing.T) {
	p := sample()
	fee := p.GridFee + p.HostingFee
	p.Tariffs[0].Price = 1_150_751_234 // 11.50751234 tenge
	m, err1 := register.ReadMetered(strings.NewReader(metered))
	x, err2 := register.ReadReceived(strings.NewReader(received))
	r, err := register.Build(p, m, x)
	if err = errors.Join(err1, err2, err); err != nil {
		t.Fatal(err)
	}
	// 2,000,000 kWh
	net := 2 * (1_150_751_234 + int64(fee)) // millionths of a tiyn for each of a million kWh are tiyn
	if want := money.Tiyn(net + (net*int64(p.Laws[0].VAT)+500_000)/1_000_000); r.Tax[0].Invoice != want {
		t.Errorf("invoice %s, want %s", r.Tax[0].Invoice, want)
	}
}
