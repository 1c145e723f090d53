package market

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

func parse(t *testing.T, text string) *Table {
	t.Helper()
	table, err := Parse("test.csv", []byte(text), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestFormsAreRecognised(t *testing.T) {
	for _, c := range []struct{ text, form, column, unit string }{
		{"date,PriceUSD,CapMrktCurUSD\n2020-01-01,7000,1e11\n", "coinmetrics", "cap_usd", "USD"},
		{"https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n1526364000,2018-05-15 06:00:00,BTC/USD,1,2,1,2,3,4\n", "ohlc", "volume_quote", "USD"},
		{"1499040000000,0.01,0.8,0.01,0.015,148976.1,1499644799999,2434.1,308,1756.8,28.4,0\n", "ohlc", "trades", "count"},
		{"1381095255,122,122,122,122,0.1,1\n", "ohlc", "close", "quote"},
		{"Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-01,1,2,1,2,2,10\n", "ohlc", "volume_base", "base"},
		{"month,country,share_pct,abs_hashrate_ehs\n2021-08,Kazakhstan,18.1,21.85\n", "cambridge-share", "share_pct", "percent"},
		{"day,pool_slug,blocks\n2021-01-02,f2pool,25\n", "pool-blocks", "blocks", "count"},
		{"date,quant,kzt_per_usd\n2015-03-30,1,185.5\n", "official-rate", "kzt_per_usd", "KZT/USD"},
		{"quarter,real_gdp,cpi,usdkzt,tonia_rate\n2010Q2,2434.8,153.8,147.7,0.1\n", "macro", "cpi", "index"},
		{"date;close\n2020-01-01;5\n", "close", "close", "quote"},
	} {
		table := parse(t, c.text)
		column, err := table.Column(c.column)
		if table.Provenance.Form != c.form || err != nil || column.Unit != c.unit {
			t.Errorf("%q: form %s, column %+v, %v", c.text, table.Provenance.Form, column, err)
		}
		if len(table.Provenance.SHA256) != 64 || table.Provenance.TimeZone != "UTC" {
			t.Errorf("provenance %+v", table.Provenance)
		}
	}
}

func TestStatedOrigin(t *testing.T) {
	stated := parse(t, "# origin: by hand, in 2020\n# another remark\ndate,close\n2020-01-01,4\n")
	if stated.Provenance.Origin != "by hand, in 2020" || stated.Rows() != 1 || stated.Lines[0] != 4 {
		t.Errorf("%+v %v", stated.Provenance, stated.Lines)
	}
	if guessed := parse(t, "date,PriceUSD\n2020-01-01,4\n"); !strings.HasPrefix(guessed.Provenance.Origin, "not stated") {
		t.Errorf("%+v", guessed.Provenance)
	}
}

func TestDeclaredColumnsAndTimeZone(t *testing.T) {
	almaty := time.FixedZone("+05:00", 5*3600)
	table, err := Parse("x.csv", []byte("when,p\n2020-01-01,4\n2020-01-02,5\n"), ReadOptions{TimeColumn: "when", TimeZone: almaty, Columns: []Declared{{"price_usd", "p", "USD"}}, Origin: "by hand"})
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Times[0].Format(time.RFC3339); got != "2019-12-31T19:00:00Z" {
		t.Error(got)
	}
	if table.Provenance.TimeZone != "+05:00" || table.Provenance.Origin != "by hand" || !table.Has("price_usd") {
		t.Errorf("%+v", table.Provenance)
	}
}

func TestRefusals(t *testing.T) {
	for code, text := range map[string]string{
		"market-form-unknown":        "a,b\n1,2\n",
		"market-time-unknown":        "date,close\n01/02/2020,3\n",
		"market-time-bad":            "date,close\n2020-01-01,3\n2020-13-01,4\n",
		"market-not-a-number":        "date,close\n2020-01-01,3\n2020-01-02,four\n",
		"market-ragged":              "date,close\n2020-01-01\n",
		"market-empty":               "date,close\n",
		"market-not-text":            "\xff\xfe\x00",
		"market-parquet":             "PAR1 and nothing else",
		"market-column-twice":        "date,close,close\n2020-01-01,1,2\n",
		"market-time-column-missing": "open,high,low,close\n1,2,3,4\n",
		"market-cell-too-long":       "date,close\n2020-01-01," + strings.Repeat("1", maxCellBytes+1) + "\n",
	} {
		_, err := Parse("bad.csv", []byte(text), ReadOptions{})
		var refused *Error
		if !errors.As(err, &refused) || refused.ErrorCode() != code {
			t.Errorf("want %s, got %v", code, err)
		}
	}
}

// An hour that clocks skip is no time that anything happened at; read, it would become another, beside the row that has that one.
func TestAnHourThatNeverWas(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cuba, err := time.LoadLocation("America/Havana") // forward at midnight
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		zone *time.Location
		code string
	}{
		{"time,close\n2020-03-29 01:30:00,1\n2020-03-29 02:30:00,2\n2020-03-29 03:30:00,3\n", berlin, "market-time-bad"},
		{"time,close\n2020-03-29 01:30:00,1\n2020-03-29 03:30:00,3\n2020-03-29 04:30:00,3\n", berlin, ""},
		{"time,close\n2020-10-25 02:30:00,1\n2020-10-25 02:30:00,2\n2020-10-25 03:30:00,3\n", berlin, ""}, // twice
		{"time,close\n2020-03-29T02:30:00+01:00,1\n2020-03-29T03:30:00+01:00,2\n", berlin, ""},
		{"date,close\n2020-03-07,1\n2020-03-08,2\n2020-03-09,3\n", cuba, ""}, // a day, though its midnight never was
		{"time,close\n2020-03-29 01:30:00,1\n2020-03-29 02:30:00,2\n", time.UTC, ""},
	} {
		table, err := Parse("x.csv", []byte(c.text), ReadOptions{TimeZone: c.zone})
		if c.code != "" {
			if got := code(err); got != c.code || !strings.Contains(err.Error(), "02:30") {
				t.Errorf("%q: %v, want %s", c.text, err, c.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		for i := 1; i < len(table.Times); i++ {
			if !table.Times[i].After(table.Times[i-1]) {
				t.Errorf("%q: %v is not after %v", c.text, table.Times[i], table.Times[i-1])
			}
		}
	}
}

func TestMissingIsNotZero(t *testing.T) {
	table := parse(t, "date,PriceUSD,HashRate\n2020-01-01,,\n2020-01-02,0,\n2020-01-03,NaN,\n")
	p, _ := table.Column("price_usd")
	if !math.IsNaN(p.Values[0]) || p.Values[1] != 0 || !math.IsNaN(p.Values[2]) {
		t.Error(p.Values)
	}
	if table.Has("hash_rate_ths") {
		t.Error("an empty column is available")
	}
	if _, err := table.Series("block_weight_mean"); err == nil || !strings.Contains(err.Error(), "not available") {
		t.Error(err)
	}
	if Number(math.NaN(), 2) != "not available" {
		t.Error(Number(math.NaN(), 2))
	}
}

func TestChecksNameTheRowAndRepairOnlyOnRequest(t *testing.T) {
	for code, c := range map[string]struct {
		text   string
		line   int
		repair bool
	}{
		"duplicate":         {"date,close\n2020-01-01,5\n2020-01-01,5\n", 3, true},
		"duplicate_differs": {"date,close\n2020-01-01,5\n2020-01-01,6\n", 3, true},
		"gap":               {"date,close\n2020-01-01,5\n2020-01-02,5\n2020-01-03,5\n2020-01-04,5\n2020-01-08,5\n", 5, true},
		"price_zero":        {"date,close\n2020-01-01,5\n2020-01-02,0\n", 3, true},
		"price_negative":    {"date,close\n2020-01-01,5\n2020-01-02,-1\n", 3, true},
		"range":             {"date,open,high,low,close\n2020-01-01,5,4,3,5\n", 2, true},
		"volume_swapped":    {"date,open,high,low,close,volume_btc,volume_usd\n2020-01-01,100,110,90,100,50000,500\n", 2, true},
		"volume_price":      {"date,open,high,low,close,volume_btc,volume_usd\n2020-01-01,100,110,90,100,500,500\n", 2, false},
		"capitalisation":    {"date,PriceUSD,CapMrktCurUSD,SplyCur\n2020-01-01,10,150,10\n", 2, true},
		"unit":              {"date,close\n2020-01-01,5\n2020-01-02,500\n2020-01-03,5.1\n", 3, true},
		"shares":            {"month,country,share_pct\n2020-01,A,0.6\n2020-01,B,0.4\n", 2, true},
		"ticker_name":       {"name_as_printed,market_cap_usd,price_usd,supply,ticker_as_printed\nTetcher,2,1,2,XEM\n", 2, true},
	} {
		table := parse(t, c.text)
		found := Check(table)
		if len(found) != 1 || found[0].Code != code || found[0].FirstLine != c.line || (found[0].Repair != "") != c.repair {
			t.Errorf("%s: %+v", code, found)
			continue
		}
		if len(table.Provenance.Repairs) != 0 {
			t.Errorf("%s: repaired without being asked", code)
		}
		if !c.repair {
			continue
		}
		if Repair(table, found, "something else") != 0 {
			t.Errorf("%s: repaired on another's code", code)
		}
		if Repair(table, found, code) != 1 || len(table.Provenance.Repairs) != 1 || graver(Check(table)) != 0 {
			t.Errorf("%s: after repair %+v, %+v", code, table.Provenance.Repairs, Check(table))
		}
	}
}

// A price that doubles in a day is a split only where the pieces doubled too.
func TestARushIsNoSplit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		supplyBefore, supplyAfter string
		cap                       bool // price times supply stands in the file
		code                      string
	}{"a rush": {"1000", "1001", true, "jump"}, "a split": {"2000", "1000", true, "split"},
		"a rush without supply": {"", "", true, "jump"}, "nothing known": {"", "", false, "split"}} {
		var b strings.Builder
		b.WriteString("date,PriceUSD,CapMrktCurUSD,SplyCur\n")
		for day := range 40 {
			price, supply := 10+0.05*math.Mod(float64(day)*7, 5), c.supplyBefore
			if day >= 20 {
				price, supply = 2*price, c.supplyAfter
			}
			pieces, capitalisation := 1000.0, ""
			if v, err := strconv.ParseFloat(supply, 64); err == nil {
				pieces = v
			}
			if c.cap {
				capitalisation = strconv.FormatFloat(price*pieces, 'g', -1, 64)
			}
			fmt.Fprintf(&b, "%s,%g,%s,%s\n", time.Date(2020, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), price,
				capitalisation, supply)
		}
		found := Check(parse(t, b.String()))
		if i := slices.IndexFunc(found, func(f Finding) bool { return f.FirstLine == 22 }); i < 0 || found[i].Code != c.code {
			t.Errorf("%s: %+v, want %s", name, found, c.code)
		}
	}
}

// graver counts findings that are more than notes.
func graver(found []Finding) (n int) {
	for _, f := range found {
		if f.Severity != Note {
			n++
		}
	}
	return n
}

func TestBackwardFilesAreSortedAndKeepTheirLines(t *testing.T) {
	table := parse(t, "date,close\n2020-01-03,3\n2020-01-02,2\n2020-01-01,1\n")
	if table.Lines[0] != 4 || table.Columns[0].Values[0] != 1 || len(Check(table)) != 0 {
		t.Errorf("%+v %+v", table.Lines, Check(table))
	}
}

func TestParquetKeepsEveryValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "rows")
		table := &Table{Columns: []Column{{Name: "close", Unit: "USD"}}, Provenance: Provenance{Form: "close"}}
		for i := range n {
			table.Times = append(table.Times, time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC))
			table.Lines = append(table.Lines, i+1)
			v := rapid.Float64Range(-1e12, 1e12).Draw(t, "v")
			if rapid.Bool().Draw(t, "missing") && i > 0 {
				v = math.NaN()
			}
			table.Columns[0].Values = append(table.Columns[0].Values, v)
		}
		var b bytes.Buffer
		if err := table.WriteParquet(&b, map[string]string{"origin": "test"}); err != nil {
			t.Fatal(err)
		}
		back, err := Parse("t.parquet", b.Bytes(), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range table.Columns[0].Values {
			got := back.Columns[0].Values[i]
			if got != v && !(math.IsNaN(got) && math.IsNaN(v)) || !back.Times[i].Equal(table.Times[i]) {
				t.Fatalf("row %d: %v became %v", i, v, got)
			}
		}
	})
}

func TestAlignKeepsCommonTimes(t *testing.T) {
	a := parse(t, "date,close\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n")
	b := parse(t, "date,close\n2020-01-02,20\n2020-01-03,30\n2020-01-04,40\n")
	x, _ := a.Series("close")
	y, _ := b.Series("close")
	times, values := Align(x, y)
	if len(times) != 2 || values[0][0] != 2 || values[1][1] != 30 {
		t.Error(times, values)
	}
}

// The shared extracts are read as their README describes them.
func TestRealExtracts(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the folder of real extracts is not here")
	}
	for name, want := range map[string]struct {
		form string
		rows int
	}{
		"cm_btc_daily.csv": {"coinmetrics", 6288}, "cm2019_xmr_daily.csv": {"coinmetrics", 1980}, "bitstamp_btcusd_d.csv": {"ohlc", 2823},
		"bitstamp_btcusd_1h.csv": {"ohlc", 37387}, "kraken_ethusd_d.csv": {"ohlc", 1521}, "cbeci_country_share.csv": {"cambridge-share", 240},
		"cbeci_china_provinces.csv": {"cambridge-province", 207}, "cbeci_consumption_twh.csv": {"cambridge-consumption", 4795}, "cbeci_devices.csv": {"devices", 93},
		"pools_daily.csv": {"pool-blocks", 27418}, "pools_monthly.csv": {"pool-blocks", 1327}, "usd_kzt_daily.csv": {"official-rate", 1828},
		"macro_kz_quarterly.csv": {"macro", 61}, "gold_close.csv": {"close", 3410},
	} {
		table, err := ReadFile(filepath.Join(dir, name), ReadOptions{})
		if err != nil || table.Provenance.Form != want.form || table.Rows() != want.rows {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, f := range Check(table) {
			t.Logf("%s: %s %s lines %d-%d: %s", name, f.Code, f.Column, f.FirstLine, f.LastLine, f.Detail)
		}
	}
}

// A header is whatever a stranger wrote: one that lacks the number before its point is a header as any other.
func TestHeadersWithoutNumbers(t *testing.T) {
	for header, want := range map[string]string{". close": ". close", ".": ".", ". ": ".", "(": "(", "* _": "* _",
		"4. close": "close", "4a. close (USD)": "close", "24h ": "24h", "24h . close": "24h . close"} {
		if got := normal(header); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
	table, err := Parse("a.csv", []byte("date,close,. close\n2020-01-01,1,2\n2020-01-02,2,3\n"), ReadOptions{})
	if err != nil || table.Rows() != 2 {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("date,PriceUSD\n2020-01-01,7000\n"))
	f.Add([]byte("# origin: x\n#\n;\ndate;close\n2020-01-01;5\n"))
	f.Add([]byte("unix,open,high,low,close,Volume BTC,Volume USD\n1526364000,1,2,1,2,3,4\n"))
	f.Add([]byte("month,country,share_pct\n2021-08,Kazakhstan,18.1\n"))
	f.Add([]byte("date,. close\n2020-01-01,7000\n"))
	f.Add([]byte("1499040000000,0.01,0.8,0.01,0.015,148976.1,1499644799999,2434.1,308,1756.8,28.4,0\n"))
	var b bytes.Buffer
	table := &Table{Times: []time.Time{time.Unix(1e9, 0)}, Lines: []int{1}, Columns: []Column{{Name: "close", Values: []float64{1}}}}
	if err := table.WriteParquet(&b, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Parse("fuzz", data, ReadOptions{})
		if err != nil {
			return
		}
		found := Check(table)
		if table.Rows() > 10_000 {
			return
		}
		// Repairs keep a table in its shape.
		Repair(table, found, "all")
		for _, c := range table.Columns {
			if len(c.Values) != table.Rows() || (table.Times != nil && len(table.Times) != table.Rows()) {
				t.Fatalf("column %s has %d values in %d rows", c.Name, len(c.Values), table.Rows())
			}
		}
	})
}

// Damage that would make the Parquet library allocate gigabytes is refused
// before it is asked: a footer longer than the file, a cut file, LZ4 pages.
func TestDamagedParquet(t *testing.T) {
	table := &Table{Times: []time.Time{time.Unix(1e9, 0)}, Lines: []int{1}, Columns: []Column{{Name: "close", Values: []float64{1}}}}
	var b bytes.Buffer
	if err := table.WriteParquet(&b, nil); err != nil {
		t.Fatal(err)
	}
	long := bytes.Clone(b.Bytes())
	copy(long[len(long)-8:], []byte{0xff, 0xff, 0xff, 0x7f})
	var lz4 bytes.Buffer
	writer := parquet.NewGenericWriter[struct {
		Close float64 `parquet:"close"`
	}](&lz4, parquet.Compression(&parquet.Lz4Raw))
	if _, err := writer.Write(make([]struct {
		Close float64 `parquet:"close"`
	}, 3)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for what, data := range map[string][]byte{"the footer claims": long, "cut short": b.Bytes()[:b.Len()-3], "compression": lz4.Bytes()} {
		if _, err := Parse("d.parquet", data, ReadOptions{}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
