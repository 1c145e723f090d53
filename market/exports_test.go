package market

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have none
)

// exported is what a file of a real export form must import to. The values
// were read by Python's csv module with each file's form declared by hand:
// first and last row with a price, in time's order.
type exported struct {
	file, form, column, unit string
	from                     string
	first                    float64
	to                       string
	last                     float64
	frequency                string
	periods                  float64
	findings                 string // code:rows, in order
	refused                  string // the code, where the file must be refused
}

// Where a value is a choice: Yahoo's studies take the adjusted close (splits
// and dividends are no returns). CBECI's two time columns differ by 14:40 h;
// the written date is taken. amb.csv has no day above 12; eu.csv puts decimal
// commas between separating ones; 1.5M and (5) are no prices; sci_ts.csv was
// rounded by a spreadsheet. The lists of events and of a site's machines are
// no series; other commands read them. dst_local.csv without a zone has an
// hour twice; 30 per cent of sparse.csv's weekdays are missing.
var exports = []exported{
	{file: "amb.csv", refused: "market-time-unknown"},
	{"amb2.csv", "close", "close", "quote", "2024-04-13", 10.0, "2024-05-05", 12.0, "irregular", 0, "", ""},
	{"b.csv", "close", "close", "quote", "2024-01-01", 1.0, "2024-01-02", 2.0, "1 day", 365, "", ""},
	{"b.zip", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"binance_hdr.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"binance_mixed.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"binance_ms.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"binance_us.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"blockchaincom.csv", "blockchain.com", "price_usd", "USD", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"bom.csv", "close", "close", "quote", "2024-01-01", 450.0, "2024-02-29", 451.5, "1 day", 365, "", ""},
	{"bomcm.csv", "coinmetrics", "price_usd", "USD", "2024-01-01", 450.0, "2024-02-29", 451.5, "1 day", 365, "", ""},
	{"bomorigin.csv", "close", "close", "quote", "2024-01-01", 450.0, "2024-02-29", 451.5, "1 day", 365, "", ""},
	{"btch.csv", "holders", "amount", "coin", "", 1234567.12345678, "", 12.5, "none", 0, "", ""},
	{"c1.csv", "holders", "amount", "coin", "", 10.0, "", -5.0, "none", 0, "amount_negative:1", ""},
	{"c2.csv", "holders", "amount", "coin", "", 10.0, "", 7.0, "none", 0, "holder_twice:1", ""},
	{"c3.csv", "holders", "amount", "coin", "", 1e+18, "", 7.123456789, "none", 0, "", ""},
	{"c4.csv", "holders", "amount", "coin", "", 0.333, "", 0.334, "none", 0, "", ""},
	{"c5.csv", "holders", "amount", "coin", "", 1e-09, "", 2e-09, "none", 0, "", ""},
	{"c6.csv", "holders", "amount", "coin", "", 21000000.123456787, "", 5.0, "none", 0, "", ""},
	{"cbeci_cons.csv", "cambridge-consumption", "twh_best", "TWh/year", "2023-07-10", 130.9, "2023-07-11", 131.9, "1 day", 365, "", ""},
	{"cbeci_frac.csv", "cambridge-share", "share_pct", "percent", "2021-12-01", 0.3784, "2021-12-01", 0.2135, "unknown", 0, "shares:5", ""},
	{"cbeci_new.csv", "cambridge-share", "share_pct", "percent", "2021-12-01", 37.84, "2021-12-01", 21.35, "unknown", 0, "", ""},
	{"ccxt_index.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"cdd.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"cdd_mixed.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"clean.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"clean.csv.gz", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"clean.parquet", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"cm.csv", "coinmetrics", "price_usd", "USD", "2020-10-11", 65.6, "2020-10-12", 66.0, "1 day", 365, "", ""},
	{"cm_blank.csv", "coinmetrics", "price_usd", "USD", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "missing:10", ""},
	{"cm_real.csv", "coinmetrics", "price_usd", "USD", "2020-10-10", 88.4166154089331, "2020-10-12", 65.59028294471503, "1 day", 365, "missing:1", ""},
	{"cm_real2.csv", "coinmetrics", "price_usd", "USD", "2020-10-10", 88.4166154089331, "2020-10-12", 65.59028294471503, "1 day", 365, "missing:1", ""},
	{"cm_tail_blank.csv", "coinmetrics", "price_usd", "USD", "2024-06-01", 59693.73, "2025-03-27", 78894.72, "1 day", 365, "ends_early:120", ""},
	{"cmc.csv", "coinmarketcap", "close", "USD", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"coingecko.csv", "coingecko", "price_usd", "USD", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"const.csv", "close", "close", "quote", "2024-06-01", 1.0, "2025-07-25", 1.0, "1 day", 365, "constant:419", ""},
	{"cr.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"deccomma.csv", "close", "close", "quote", "2024-01-01", 450.0, "2024-02-29", 451.5, "1 day", 365, "", ""},
	{"decdot.csv", "close", "close", "quote", "2024-01-01", 450.0, "2024-02-29", 451.5, "1 day", 365, "", ""},
	{"dst_local.csv", "ohlc", "close", "quote", "2024-10-19T20:00:00Z", 60114.25, "2024-11-18T18:00:00Z", 57453.5, "1 hour", 8760, "clock_change:1", ""},
	{"dst_offset.csv", "ohlc", "close", "quote", "2024-10-20", 60294.98, "2024-11-18T23:00:00Z", 58340.57, "1 hour", 8760, "", ""},
	{"dup.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "duplicate:1", ""},
	{"dup_diff.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "duplicate_differs:1", ""},
	{file: "empty.csv", refused: "market-empty"},
	{"eth.csv", "holders", "amount", "coin", "", 61.123456789012344, "", 12.5, "none", 0, "", ""},
	{file: "eu.csv", refused: "market-ragged"},
	{"eu2.csv", "close", "close", "quote", "2024-01-01", 1234567.89, "2024-01-02", 1234568.89, "1 day", 365, "", ""},
	{file: "events_placebo.csv", refused: "market-form-unknown"},
	{"excel_cp1251.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"excel_en_commas.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"excel_utf8bom.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"float_ts.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"fred.csv", "fred", "value", "undeclared", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "missing:2", ""},
	{"future.csv", "close", "close", "quote", "2024-06-01", 59693.73, "2125-07-26", 65000.0, "1 day", 365, "time_far:1", ""},
	{"gap.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "gap:10", ""},
	{"hold_ru.csv", "holders", "amount", "coin", "", 35.4, "", 25.72, "none", 0, "", ""},
	{file: "inf.csv", refused: "market-not-a-number"},
	{"investing.csv", "investing", "close", "quote", "2024-06-01", 59693.7, "2025-07-25", 59424.2, "1 day", 365, "", ""},
	{file: "km.csv", refused: "market-not-a-number"},
	{"kraken7.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"monthly.csv", "close", "close", "quote", "2010-01-01", 100.0, "2019-12-01", 101.11124, "month", 12, "", ""},
	{"nan.csv", "close", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "missing:3", ""},
	{"nbk.csv", "official-rate", "kzt_per_usd", "KZT/USD", "2024-06-01", 450.0, "2025-07-25", 470.95, "1 day", 365, "", ""},
	{"nbk2.csv", "official-rate", "kzt_per_usd", "KZT/USD", "2024-06-01", 446.78, "2024-06-04", 448.0, "1 day", 365, "", ""},
	{"neg.csv", "close", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "price_negative:1", ""},
	{"ohlcq.csv", "ohlc", "close", "quote", "2024-01-01", 10.0, "2024-01-04", 10.5, "1 day", 365, "price_zero:1,range:2", ""},
	{"one.csv", "close", "close", "quote", "2024-01-01", 100.0, "2024-01-01", 100.0, "unknown", 0, "", ""},
	{file: "onlyh.csv", refused: "market-empty"},
	{file: "par.csv", refused: "market-not-a-number"},
	{"peg.csv", "close", "close", "quote", "2024-06-01", 1.00000007, "2025-07-25", 0.99999997, "1 day", 365, "", ""},
	{"quant.csv", "official-rate", "kzt_per_usd", "KZT/USD", "2024-01-01", 450.0, "2024-01-04", 453.0, "1 day", 365, "", ""},
	{"redenom.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59.42421, "1 day", 365, "redenomination:1", ""},
	{file: "sci_ts.csv", refused: "market-time-unknown"},
	{"short12.csv", "close", "close", "quote", "2024-01-01", 97.2126, "2024-01-12", 99.0852, "1 day", 365, "", ""},
	{"short3.csv", "close", "close", "quote", "2024-01-01", 101.6639, "2024-01-03", 99.4966, "1 day", 365, "", ""},
	{"short30.csv", "close", "close", "quote", "2024-01-01", 100.0603, "2024-01-30", 101.3556, "1 day", 365, "", ""},
	{"short60.csv", "close", "close", "quote", "2024-01-01", 101.1477, "2024-02-29", 101.0203, "1 day", 365, "", ""},
	{file: "site.csv", refused: "market-form-unknown"},
	{file: "site_en.csv", refused: "market-form-unknown"},
	{file: "site_ru.csv", refused: "market-form-unknown"},
	{"sparse.csv", "close", "close", "quote", "2018-01-05", 100.0, "2022-02-03", 93.38201, "irregular", 0, "gap*15", ""},
	{"split2.csv", "close", "close", "quote", "2024-01-01", 450.0, "2024-02-29", 225.75, "1 day", 365, "split:1", ""},
	{"stooq.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"tab.tsv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"tgt.csv", "ohlc", "adjusted_close", "quote", "2024-07-01", 137.5, "2024-07-17", 137.5, "1 day (5-day week)", 252, "duplicate_differs:1,range:14,missing:1", ""},
	{"tiny.csv", "close", "close", "quote", "2018-01-01", 1e-07, "2019-08-23", 6.7129465e-08, "1 day", 365, "", ""},
	{"tinyret.csv", "close", "close", "quote", "2018-01-01", 1.0, "2022-02-08", 0.999997039871071, "1 day", 365, "", ""},
	{"tradingview.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"trailing.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "trailer:2", ""},
	{"weekly.csv", "close", "close", "quote", "2018-01-01", 100.0, "2023-09-25", 40.658469, "week", 52, "", ""},
	{"yahoo_null.csv", "ohlc", "adjusted_close", "quote", "2024-06-03", 53829.342, "2025-07-25", 53481.789, "1 day (5-day week)", 252, "missing:1,missing:1", ""},
	{"yahoo_split.csv", "ohlc", "adjusted_close", "quote", "2024-06-03", 59810.38, "2025-07-25", 59424.21, "1 day (5-day week)", 252, "split:1", ""},
	{"yahoo_web.csv", "ohlc", "adjusted_close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "", ""},
	{"yeargap.csv", "close", "close", "quote", "2020-01-01", 100.0189, "2022-01-30", 199.7171, "1 day", 365, "gap:364", ""},
	{"zerovol.csv", "ohlc", "close", "quote", "2024-06-01", 59693.73, "2025-07-25", 59424.21, "1 day", 365, "volume_zero:10", ""},
}

// realFiles is where the files lie; they are not part of the repository.
func realFiles(t testing.TB) string {
	dir := os.Getenv("AQSHA_MARKET_CASES")
	if dir == "" {
		dir = "../../shared/data/market-cases" // beside the working copy
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no folder of exports; name one with AQSHA_MARKET_CASES")
	}
	return dir
}

func TestEveryExportFormImportsToItsValuesOrIsRefused(t *testing.T) {
	dir := realFiles(t)
	listed := map[string]bool{}
	for _, c := range exports {
		listed[c.file] = true
		t.Run(c.file, func(t *testing.T) {
			table, err := ReadFile(filepath.Join(dir, c.file), ReadOptions{})
			var refused *Error
			if c.refused != "" {
				if !errors.As(err, &refused) || refused.ErrorCode() != c.refused {
					t.Fatalf("%v, want %s", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s := Summarise(table, Check(table))
			var codes []string
			for _, f := range s.Findings {
				codes = append(codes, fmt.Sprintf("%s:%d", f.Code, f.Rows))
			}
			findings := strings.Join(codes, ",")
			if len(codes) > 5 {
				findings = fmt.Sprintf("%s*%d", s.Findings[0].Code, len(codes))
			}
			got := exported{c.file, s.Form, s.Price, s.Unit, s.FirstRow.Time, *s.FirstRow.Value, s.LastRow.Time, *s.LastRow.Value, s.Frequency.Name, s.Frequency.PeriodsPerYear, findings, ""}
			if got != c {
				t.Errorf("\n got %+v\nwant %+v", got, c)
			}
		})
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !listed[e.Name()] {
			t.Errorf("%s has no value written down", e.Name())
		}
	}
}

func TestLocalTimesWithTheirZoneHaveNoHourTwice(t *testing.T) {
	dir := realFiles(t)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	table, err := ReadFile(filepath.Join(dir, "dst_local.csv"), ReadOptions{TimeZone: zone})
	if err != nil {
		t.Fatal(err)
	}
	if found := Check(table); len(found) != 0 || table.Rows() != 720 || table.Times[719].Sub(table.Times[0]) != 719*time.Hour {
		t.Errorf("%v, %v … %v", found, table.Times[0], table.Times[719])
	}
}

// The same numbers written with decimal points and with decimal commas are the same series.
func TestDecimalCommasAreDecimalCommas(t *testing.T) {
	dir := realFiles(t)
	read := func(name string) []float64 {
		table, err := ReadFile(filepath.Join(dir, name), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return table.numbers("close")
	}
	for _, pair := range [][2]string{{"deccomma.csv", "decdot.csv"}, {"excel_cp1251.csv", "clean.csv"}, {"excel_utf8bom.csv", "clean.csv"}, {"yahoo_web.csv", "clean.csv"}, {"cr.csv", "clean.csv"}, {"b.zip", "clean.csv"}} {
		a, b := read(pair[0]), read(pair[1])
		for i := range b {
			if math.Abs(a[i]-b[i]) > 1e-9 {
				t.Fatalf("%v: row %d: %v, %v", pair, i, a[i], b[i])
			}
		}
	}
}
