package marketcmd

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch/family"
)

// refusedAs holds that an error is the market's refusal of a code and a field.
func refusedAs(t *testing.T, what string, err error, code, field string) {
	t.Helper()
	var refused *market.Error
	if !errors.As(err, &refused) || refused.Code != "market-"+code || refused.Field != field {
		t.Errorf("%s: %v, want market-%s (%s)", what, err, code, field)
	}
}

// The wider family is asked for by a model, a law, a mean, an order or a regressor, and says by which.
func TestWhichFamilyWasAsked(t *testing.T) {
	for _, c := range []struct {
		flags            familyFlags
		model, law, mean string
		by               string
	}{
		{familyFlags{}, "garch", "normal", "constant", ""},
		{familyFlags{}, "gjr", "skewt", "ar1", ""},
		{familyFlags{}, "aparch", "normal", "constant", "--model aparch"},
		{familyFlags{}, "garch", "nig", "constant", "--law nig"},
		{familyFlags{}, "garch", "normal", "har", "--mean har"},
		{familyFlags{order: []int{2, 1}}, "garch", "normal", "constant", "--order"},
		{familyFlags{regressors: []string{"vix"}}, "garch", "normal", "constant", "--regressor"},
	} {
		if asked, by := c.flags.asked(c.model, c.law, c.mean); asked != (c.by != "") || by != c.by {
			t.Errorf("%s %s %s %v: %t by %q, want %q", c.model, c.law, c.mean, c.flags, asked, by, c.by)
		}
	}
}

// A model's name, its order and its power make a specification, or are refused by the flag that is wrong.
func TestSpecifications(t *testing.T) {
	for _, c := range []struct {
		model string
		flags familyFlags
		want  family.Spec
	}{
		{"garch", familyFlags{}, family.Spec{Model: family.Power, Law: "t", P: 1, Q: 1, Exp: 2}},
		{"gjr", familyFlags{}, family.Spec{Model: family.Power, Law: "t", P: 1, O: 1, Q: 1, Exp: 2}},
		{"igarch", familyFlags{}, family.Spec{Model: family.Power, Law: "t", P: 1, Q: 1, Exp: 2, Integrated: true}},
		{"tgarch", familyFlags{}, family.Spec{Model: family.Power, Law: "t", P: 1, O: 1, Q: 1, Exp: 1}},
		{"avgarch", familyFlags{}, family.Spec{Model: family.Power, Law: "t", P: 1, Q: 1, Exp: 1}},
		{"aparch", familyFlags{power: 1.5}, family.Spec{Model: "aparch", Law: "t", P: 1, O: 1, Q: 1, Exp: 1.5}},
		{"garch", familyFlags{order: []int{2, 3}}, family.Spec{Model: family.Power, Law: "t", P: 2, Q: 3, Exp: 2}},
		{"gjr", familyFlags{order: []int{0, 3}}, family.Spec{Model: family.Power, Law: "t", P: 0, O: 0, Q: 3, Exp: 2}},
		{"gjr", familyFlags{order: []int{2, 1, 2}}, family.Spec{Model: family.Power, Law: "t", P: 2, O: 1, Q: 2, Exp: 2}},
	} {
		if got, err := c.flags.spec(c.model, "t"); err != nil || got != c.want {
			t.Errorf("%s %v: %+v, %v; want %+v", c.model, c.flags, got, err, c.want)
		}
	}
	for _, c := range []struct {
		model       string
		flags       familyFlags
		code, field string
	}{
		{"garch", familyFlags{order: []int{1}}, "order", "order"},
		{"garch", familyFlags{order: []int{1, 1, 1}}, "order", "order"}, // it has no asymmetry
		{"garch", familyFlags{order: []int{1, 1, 1, 1}}, "order", "order"},
		{"egarch", familyFlags{}, "choice", "model"},
		{"arch", familyFlags{}, "choice", "model"},
		{"garch", familyFlags{power: 2}, "power", "power"},
	} {
		_, err := c.flags.spec(c.model, "t")
		refusedAs(t, c.model, err, c.code, c.field)
	}
}

// A file is read by what its flags declare; a zone that is none is refused before it is opened.
func TestHowAFileIsRead(t *testing.T) {
	flags := importFlags{timeZone: "Asia/Almaty", decimal: ",", columns: []string{"price=Close:USD"}}
	o, err := flags.options()
	if err != nil || o.TimeZone.String() != "Asia/Almaty" || o.Decimal != "," || len(o.Columns) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	_, err = (&importFlags{timeZone: "Asia/Nowhere"}).read("none.csv")
	refusedAs(t, "zone", err, "time-zone", "time-zone")
	if _, err := (&importFlags{timeZone: "UTC", columns: []string{"price"}}).options(); err == nil {
		t.Error("a column without a header and a unit is declared")
	}
	for _, annual := range []float64{-1, math.NaN(), 2e9} {
		_, err := (&studyFlags{annual: annual}).input("none.csv")
		refusedAs(t, "periods", err, "periods-per-year", "periods-per-year")
	}
}

// An asset's file is the one that is named, or the first of the usual names in the folder.
func TestAnAssetsFile(t *testing.T) {
	dir := t.TempDir()
	f := reportFlags{data: dir}
	_, err := f.find("BTC")
	refusedAs(t, "no file", err, "not-available", "data")
	for _, name := range []string{"btc.csv", "btc.parquet", "cm2019_btc_daily.csv", "cm_btc_daily.csv"} { // each goes before those before it
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := f.find("BTC"); err != nil || got != filepath.Join(dir, name) {
			t.Errorf("%s, %v; want %s", got, err, name)
		}
	}
	f.file = "mine.csv"
	if got, err := f.find("BTC"); err != nil || got != "mine.csv" {
		t.Errorf("%s, %v", got, err)
	}
}

// A rate without risk is a percent, or a file with one, whose name may hold a colon.
func TestRatesWithoutRisk(t *testing.T) {
	if r, err := riskFree(""); r != nil || err != nil {
		t.Errorf("%v, %v", r, err)
	}
	if r, err := riskFree("14.5"); r == nil || err != nil {
		t.Errorf("%v, %v", r, err)
	}
	for _, text := range []string{"NaN", "-200", "1e9"} {
		if _, err := riskFree(text); err == nil {
			t.Errorf("%s is a rate", text)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"rates.csv", "rates:2026.csv"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("quarter,real_gdp,cpi,usdkzt,tonia_rate\n2025Q3,2434.8,153.8,520.1,14.5\n2025Q4,2440.1,154.0,521.3,14.6\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := riskFree(path + ":tonia_pct"); r == nil || err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := riskFree(path + ":nothing"); err == nil {
			t.Errorf("%s: a column that is not there is a rate", name)
		}
	}
}

// What cannot be written is refused before anything is computed.
func TestFormsOfAStudy(t *testing.T) {
	if err := (&studyOutput{languages: []string{"en", "kk"}, formats: []string{"html", "json"}}).check(); err != nil {
		t.Error(err)
	}
	refusedAs(t, "format", (&studyOutput{formats: []string{"docx"}}).check(), "format", "format")
	if err := (&studyOutput{languages: []string{"de"}}).check(); err == nil {
		t.Error("a study in a language that is not here")
	}
	t.Setenv("PATH", "")
	if err := (&studyOutput{formats: []string{"pdf"}}).check(); err == nil {
		t.Error("a PDF without a program that prints it")
	}
}

// A month of no farm is a mistake; no farm at all is none.
func TestAFarmsMonth(t *testing.T) {
	if f, err := (&farmFlags{}).month(&cobra.Command{}); f != nil || err != nil {
		t.Errorf("%v, %v", f, err)
	}
	_, err := (&farmFlags{span: "2026-10"}).month(&cobra.Command{})
	refusedAs(t, "month", err, "choice", "farm-month")
	if _, err := (&farmFlags{dir: filepath.Join(t.TempDir(), "none")}).month(&cobra.Command{}); err == nil || !strings.Contains(err.Error(), "--farm") {
		t.Error(err)
	}
}

// A month's ratios are its exact ones: what is not known is left out, not zero, and the largest loss comes first.
func TestAMonthInADocument(t *testing.T) {
	m := &daily.Month{Farm: "Ekibastuz", Month: "2026-10", Machines: 40}
	m.Whole.Coefficients = usage.Coefficients{Extensive: 912_345, Intensive: usage.Unknown, MilliJTH: usage.Unknown}
	m.Whole.Earned, m.Whole.EarnedTiyn, m.Whole.LostTiyn = 150_000_000, 12_345, 678
	got := farmOf(m)
	if got.Name != "Ekibastuz" || got.Machines != 40 || !got.Whole || got.Ext == nil || *got.Ext != 0.912345 || got.Int != nil || got.JoulesTH != nil ||
		got.EarnedBTC != 1.5 || got.EarnedKZT != 123.45 || got.LostKZT != 6.78 {
		t.Errorf("%+v", got)
	}
	m.Whole.Coefficients.MilliJTH = 21_500
	if got := farmOf(m); got.JoulesTH == nil || *got.JoulesTH != 21.5 {
		t.Errorf("%+v", got.JoulesTH)
	}
}

// The tenge's column comes from a node or a file; without either there is none.
func TestTheTengesColumn(t *testing.T) {
	if s, err := (&tengeFlags{}).system(&cobra.Command{}); s != nil || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	path := filepath.Join(t.TempDir(), "stats.json")
	if _, err := (&tengeFlags{file: path}).system(&cobra.Command{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&tengeFlags{file: path}).system(&cobra.Command{}); err == nil {
		t.Error("half a file is a column")
	}
}
