package params_test

import (
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
)

func TestLevyOverTime(t *testing.T) {
	for _, tc := range []struct {
		day    params.Date
		source params.PowerSource
		price  money.Tiyn
		want   money.Tiyn
		ok     bool
	}{
		{"2022-06-01", params.PowerBought, 1800, 100, true},
		{"2023-06-01", params.PowerBought, 2400, 100, true},
		{"2023-06-01", params.PowerBought, 2399, 0, false}, // the steps are not in the tables
		{"2023-06-01", params.PowerOwn, 0, 1000, true},
		{"2023-06-01", params.PowerOwnRenewable, 0, 100, true},
		{"2023-06-01", params.PowerUnmetered, 2600, 2500, true},
		{"2025-12-31", params.PowerBought, 0, 200, true},
		{"2026-11-24", params.PowerRenewable, 2000, 100, true},
		{"2026-11-24", "wind", 2000, 0, false},
	} {
		fact, err := params.MiningLevies.At(tc.day)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fact.Value.PerKWh(tc.source, tc.price)
		if got != tc.want || (err == nil) != tc.ok {
			t.Errorf("%s, %s at %s: %s, %v", tc.day, tc.source, tc.price, got, err)
		}
	}
}

// Every fact of mining has a day, a source, and comes after the one before.
func TestMiningFactsAreDated(t *testing.T) {
	dated(t, params.MiningLevies)
	dated(t, params.LevyFiling)
	dated(t, params.MiningSaleQuota)
	dated(t, params.CorporateIncomeTax)
	dated(t, params.ValueAddedTax)
	dated(t, params.MiningLicenceOwn)
	dated(t, params.MiningLicenceHosted)
	dated(t, params.MiningPowerAuction)
	dated(t, params.SubsidyEras)
}

func dated[T any](t *testing.T, series params.Series[T]) {
	t.Helper()
	var last params.Date
	for _, fact := range series.Facts {
		if _, err := params.ParseDate(string(fact.From)); err != nil || fact.From <= last || fact.Source == "" {
			t.Errorf("%s: %s after %s, %v, source %q", series.Name, fact.From, last, err, fact.Source)
		}
		last = fact.From
	}
}

func TestSubsidyHalves(t *testing.T) {
	eras := params.SubsidyEras.Facts
	for i := 1; i < len(eras); i++ {
		if eras[i].Value.Subsidy*2 != eras[i-1].Value.Subsidy || eras[i].Value.Height-eras[i-1].Value.Height != 210_000 {
			t.Errorf("%+v after %+v", eras[i], eras[i-1])
		}
	}
}
