package paper

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func check(t *testing.T, dir string) map[string]Result {
	t.Helper()
	report, err := Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]Result{}
	for _, r := range report.Results {
		byID[r.ID] = r
	}
	return byID
}

// What the paper's own numbers say of each other.
func TestVerdictsWithoutData(t *testing.T) {
	byID := check(t, "")
	for id, want := range map[string]string{
		"t1_btc_cap": "confirmed", "t1_xem_rank": "name wrong", "t1_usdt_rank": "name wrong", "t1_year": "wrong", "t1_height_btc": "dates the table", "t1_height_ltc": "dates the table",
		"t1_twenty": "wrong", "t1_hundred": "wrong", "russia_fourth": "wrong", "coinshares_63": "does not add up", "cards_2020": "confirmed", "cards_volume_2020": "confirmed",
		"ticket_2020": "currency wrong", "t3_text_27bn": "implausible", "t3_text_int_198": "contradicts itself", "t3_text_double": "wrong", "btc_share": "not refuted",
		"bis_date": "wrong as cited", "t3_loc_n_2020": "confirmed", "t3_int_v_2021": "consistent", "conc_50": "possible", "coins_count": notCheckable, "hash_us": needsData,
	} {
		if byID[id].Verdict != want {
			t.Errorf("%s: %q, want %q (%+v)", id, byID[id].Verdict, want, byID[id])
		}
	}
}

func TestTables(t *testing.T) {
	r, err := Check("")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Table1.MissingRanks, []int{3, 7, 10, 11, 12, 19, 20}) || len(r.Table1.Rows) != 13 || len(r.Table1.Findings) != 2 {
		t.Errorf("%+v", r.Table1)
	}
	if math.Abs(r.Table1.HHI-3880.7280277660543) > 1e-9 {
		t.Errorf("HHI %v", r.Table1.HHI)
	}
	worst := 0.0
	for _, row := range r.Table1.Rows {
		worst = max(worst, math.Abs(row.Deviation))
	}
	if worst > 0.00031 || worst < 0.00029 {
		t.Errorf("worst deviation %v", worst)
	}
	if r.Table1.DateByRule < "2018-04-01" || r.Table1.DateByRule > "2018-05-01" {
		t.Errorf("dated %s", r.Table1.DateByRule)
	}
	if c := r.Table3[4]; c.Channel != "local" || c.Year != 2020 || math.Abs(c.MeanTicketKZT-12929.29) > 0.01 || math.Abs(*c.GrowthPayments-4.657) > 0.001 {
		t.Errorf("%+v", c)
	}
}

// A changed number changes its verdict: the check is alive.
func TestVerdictFollowsTheNumber(t *testing.T) {
	env := environment{map[string]float64{"a": 2, "b": 3}, issuanceFunctions()}
	for value, want := range map[float64]bool{6: true, 6.01: false} {
		r, err := env.check(Claim{ID: "x", Value: value, Expect: "a*b", Tolerance: 1e-4})
		if err != nil || r.Holds != want {
			t.Errorf("%v: %+v, %v", value, r, err)
		}
	}
	for _, bad := range []string{"a+", "a%b", "nobody", "a/(b-b)", "f(a)", `"text"`} {
		if _, err := env.evaluate(bad); err == nil {
			t.Errorf("%q evaluated", bad)
		}
	}
}

func TestIssuanceRule(t *testing.T) {
	for supply, want := range map[float64]float64{50: 1, 10_500_000: 210_000, 10_500_025: 210_001, 16_974_787: 517_982, 20_999_999: 5_250_000} {
		got, err := heightOf(supply, 210_000)
		if err != nil || math.Abs(got-want) > 420_000 || (want < 600_000 && math.Abs(got-want) > 1) {
			t.Errorf("%v: %v, want %v, %v", supply, got, want, err)
		}
	}
	if _, err := heightOf(22e6, 210_000); err == nil {
		t.Error("more than 21 million accepted")
	}
}

func TestVerdictsWithData(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the folder of real extracts is not here")
	}
	byID := check(t, dir)
	for id, want := range map[string]string{
		"hash_us": "confirmed", "hash_kz": "confirmed", "hash_ru": "confirmed", "china_53": "outdated", "china_zero": "confirmed", "btc_date_day": "confirmed",
		"market_2020": "implausible", "market_2019": "plausible", "zenith": "approximate", "t1_btc_supply": "column misnamed", "t1_ltc_supply": "column misnamed", "t1_eth_supply": "column misnamed", "t1_bch_supply": "column misnamed",
	} {
		if byID[id].Verdict != want {
			t.Errorf("%s: %q, want %q (%+v)", id, byID[id].Verdict, want, byID[id])
		}
	}
	for id, r := range byID {
		if r.Verdict == needsData {
			t.Errorf("%s still needs %s", id, r.Missing)
		}
	}
}

// Every number in the paper's text and tables is a claim, or a citation or a
// list's number. Ranks, tickers and table cells are matched by their digits.
func TestEveryNumberIsAClaim(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "paper", "paper.md"))
	if err != nil {
		t.Skip("the paper is not here")
	}
	text := string(data)
	text = text[strings.Index(text, "# Introduction"):strings.Index(text, "#### References")]
	file, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var quotes strings.Builder
	for _, c := range file.Claims {
		quotes.WriteString(c.Place + " | " + c.Quote + " | ")
	}
	digits := strings.NewReplacer(",", "", " ", "", "\u00a0", "")
	known := digits.Replace(quotes.String())
	citation := regexp.MustCompile(`\([A-Z][^()]*, (19|20)\d\d\)|Calvao \((19|20)\d\d\)|A\. Sabyrzhan|<sup>.*?</sup>`)
	enumeration := regexp.MustCompile(`(?m)^\s*\d+[).]\s|Table \d|in Table \d`)
	text = enumeration.ReplaceAllString(citation.ReplaceAllString(text, ""), "")
	seen := 0
	for _, number := range regexp.MustCompile(`\d[\d ,]*(?:[.,]\d+)*`).FindAllString(text, -1) {
		seen++
		plain := strings.Trim(digits.Replace(number), ".")
		// The paper prints a decimal comma in places, and a rank apart from its cell.
		if alternatives := []string{plain, strings.Replace(number, ",", ".", 1)}; !slices.ContainsFunc(alternatives, func(a string) bool { return strings.Contains(known, strings.TrimSpace(a)) }) {
			if decimal := strings.TrimRight(strings.TrimSpace(number), "0"); !strings.Contains(known, strings.Replace(decimal, ",", ".", 1)) {
				t.Errorf("%q is in the paper and in no claim", number)
			}
		}
	}
	if seen < 120 {
		t.Errorf("only %d numbers were found in the paper", seen)
	}
}
