package market

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// rowsWithoutNames are three bars in every order that programs write, with
// figures that tell the columns apart.
var rowsWithoutNames = []struct {
	name, rows string
	columns    string // of name=the first row's value
}{
	{"kucoin", `["1704153600","42000","42500","43000","41800","10.25","435000.5"],["1704240000","42500","42100","42900","42000","11.5","488750.25"]`,
		"open=42000 close=42500 high=43000 low=41800 volume_base=10.25 volume_quote=435000.5"},
	{"kucoin-whole", `["1704153600","42000","42500","43000","41800","10","425000"],["1704240000","42500","42100","42900","42000","11","467000"],["1704326400","42100","42300","42900","42000","12","508000"]`,
		"close=42500 volume_base=10 volume_quote=425000"},
	{"bybit", `["1704153600000","42000","43000","41800","42500","10.25","435000.5"],["1704240000000","42500","42900","42000","42100","11.5","488750.25"]`,
		"open=42000 close=42500 high=43000 low=41800 volume_base=10.25 volume_quote=435000.5"},
	{"kraken-7", `[1704153600,42000,43000,41800,42500,10.25,812],[1704240000,42500,42900,42000,42100,11.5,900]`,
		"close=42500 volume_base=10.25 trades=812"},
	{"kraken-8", `[1704153600,"42000","43000","41800","42500","42400","10.25",812],[1704240000,"42500","42900","42000","42100","42300","11.5",900]`,
		"close=42500 vwap=42400 volume_base=10.25 trades=812"},
	{"mexc", `[1704153600000,"42000","43000","41800","42500","10.25",1704239999999,"435000.5"],[1704240000000,"42500","42900","42000","42100","11.5",1704326399999,"488750.25"]`,
		"close=42500 volume_base=10.25 volume_quote=435000.5"},
	{"bitget", `["1704153600000","42000","43000","41800","42500","10.25","435000.5","435000.5"],["1704240000000","42500","42900","42000","42100","11.5","488750.25","488750.25"]`,
		"close=42500 volume_base=10.25 volume_quote=435000.5"},
	{"okx", `["1704240000000","42500","42900","42000","42100","11.5","488750.25","488750.25","0"],["1704153600000","42000","43000","41800","42500","10.25","435000.5","435000.5","1"]`,
		"close=42500 volume_base=10.25 volume_quote=435000.5"},
	{"okx-swaps", `["1704153600000","42000","43000","41800","42500","1025","10.25","435000.5","1"],["1704240000000","42500","42900","42000","42100","1150","11.5","488750.25","1"]`,
		"close=42500 contracts=1025 volume_base=10.25 volume_quote=435000.5"},
	{"binance", `[1704153600000,"42000","43000","41800","42500","10.25",1704239999999,"435000.5",812,"5","212000","0"],[1704240000000,"42500","42900","42000","42100","11.5",1704326399999,"488750.25",900,"5","212000","0"]`,
		"close=42500 volume_base=10.25 volume_quote=435000.5 trades=812"},
	{"bitfinex", `[1704153600000,42000,42500,43000,41800,10.25],[1704240000000,42500,42100,42900,42000,11.5]`,
		"open=42000 close=42500 high=43000 low=41800 volume_base=10.25"},
	{"coingecko-bars", `[1704153600000,42000,43000,41800,42500],[1704240000000,42500,42900,42000,42100]`,
		"open=42000 close=42500 high=43000 low=41800"},
}

func asCSV(rows string) string {
	return strings.NewReplacer("],[", "\n", "[", "", "]", "", `"`, "").Replace(rows) + "\n"
}

func TestRowsWithoutNamesAreReadInTheOrderThatFits(t *testing.T) {
	for _, test := range rowsWithoutNames {
		for form, text := range map[string]string{"json": `{"data":[` + test.rows + `]}`, "csv": asCSV(test.rows)} {
			table, err := Parse(test.name, []byte(text), ReadOptions{})
			if err != nil {
				t.Errorf("%s as %s: %v", test.name, form, err)
				continue
			}
			first := slices.IndexFunc(table.Times, func(at time.Time) bool { return at.Day() == 2 })
			for want := range strings.FieldsSeq(test.columns) {
				name, value, _ := strings.Cut(want, "=")
				c, err := table.Column(name)
				if err != nil || fmt.Sprint(c.Values[first]) != value {
					t.Errorf("%s as %s: %s: %v, %v", test.name, form, want, c.Values, err)
				}
			}
		}
	}
}

// What no order fits, and what several fit, is refused and never read as one of them.
func TestRowsWithoutNamesThatNoOrderOrSeveralFit(t *testing.T) {
	for text, said := range map[string]string{
		// the low stands above the open, in the last of the rows only
		"1704153600,42000,43000,41800,42500,10.25,812\n1704240000,42500,42900,42600,42800,11.5,900\n": "no known order of 7",
		// neither counts nor the volume times the price
		"1704153600,42000,43000,41800,42500,10.25,812.5\n1704240000,42500,42900,42000,42100,11.5,900\n": "no known order of 7",
		// one price all day: close may be any of them
		"1704153600,42000,42000,42000,42000,10.25\n1704240000,42500,42500,42500,42500,11\n": "ccxt, Bitfinex, Coinbase",
		// a bar ends before it begins
		"1704153600000,42000,43000,41800,42500,10.25,1704153599999,435000.5\n": "no known order of 8",
	} {
		_, err := Parse("rows", []byte(text), ReadOptions{})
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != "market-no-header" || !strings.Contains(err.Error(), said) {
			t.Errorf("%q: %v; want no-header with %q", text, err, said)
		}
		if _, err := Parse("rows", []byte(text), ReadOptions{NoHeader: true, TimeColumn: "1",
			Columns: []Declared{{"close", "5", "quote"}}}); err != nil {
			t.Errorf("%q: named by number: %v", text, err)
		}
	}
}

func TestOneOfSeveralListsOfRows(t *testing.T) {
	text := []byte(`{"error":[],"result":{"XETHZUSD":[[1704153600,"2300","2400","2250","2350","2340","39.5",100],
		[1704240000,"2350","2360","2200","2210","2300","46.25",100]],
		"XXBTZUSD":[[1704153600,"42000","43000","41800","42500","42400","10.25",812]],"last":1704153600}}`)
	_, err := Parse("two", text, ReadOptions{})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "market-series-several" ||
		!strings.Contains(err.Error(), "XETHZUSD, XXBTZUSD") {
		t.Fatal(err)
	}
	table, err := Parse("two", text, ReadOptions{Only: []string{"symbol=XXBTZUSD"}})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := table.Column("close"); err != nil || !slices.Equal(c.Values, []float64{42500}) {
		t.Fatal(c.Values, err)
	}
	if _, err := Parse("two", text, ReadOptions{Only: []string{"symbol=DOGE"}}); !errors.As(err, &refused) ||
		refused.Code != "market-not-available" {
		t.Fatal(err)
	}
}

// CoinGecko's volumes are in the currency of its prices.
func TestVolumesOfMoneyAreNotCoins(t *testing.T) {
	table := parse(t, `{"prices":[[1704153600000,42500],[1704240000000,42100]],
		"total_volumes":[[1704153600000,435000.5],[1704240000000,488750.25]]}`)
	if _, err := table.Column("volume_base"); err == nil {
		t.Error("money is called coins")
	}
	if c, err := table.Column("volume_quote"); err != nil || c.Unit != "quote" || c.Values[0] != 435000.5 {
		t.Error(c, err)
	}
}
