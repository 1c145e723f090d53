package market

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// numbers returns a column's values, or nil.
func (t *Table) numbers(name string) []float64 {
	if i := t.index(name); i >= 0 {
		return t.Columns[i].Values
	}
	return nil
}

// where are the rows for which wrong says so, in order.
func where(values []float64, wrong func(i int) bool) []int {
	var rows []int
	for i := range values {
		if wrong(i) {
			rows = append(rows, i)
		}
	}
	return rows
}

// priceColumns may hold no zero and nothing negative.
var priceColumns = []string{"price_usd", "open", "high", "low", "close", "kzt_per_usd"}

// checkPrices looks for prices that are none. A cell that is not available is no finding here.
func checkPrices(t *Table) []Finding {
	var found []Finding
	for _, name := range priceColumns {
		p := t.numbers(name)
		if !slices.ContainsFunc(p, func(v float64) bool { return v <= 0 }) {
			continue
		}
		found = append(found, runs(t, where(p, func(i int) bool { return p[i] == 0 }), "price_zero", name,
			"mark as not available", blank(name),
			func(int) string { return "a price of zero" })...)
		found = append(found, runs(t, where(p, func(i int) bool { return p[i] < 0 }), "price_negative", name,
			"mark as not available", blank(name),
			func(row int) string { return fmt.Sprintf("a negative price, %g", p[row]) })...)
	}
	return found
}

// checkRanges looks for bars whose open or close lies outside of low and high.
func checkRanges(t *Table) []Finding {
	o, h, l, c := t.numbers("open"), t.numbers("high"), t.numbers("low"), t.numbers("close")
	if o == nil || h == nil || l == nil || c == nil {
		return nil
	}
	wrong := where(o, func(i int) bool { return h[i] < max(o[i], c[i]) || l[i] > min(o[i], c[i]) })
	return runs(t, wrong, "range", "high", "widen high and low to hold open and close", widenRange, func(i int) string {
		return fmt.Sprintf("open %g, high %g, low %g, close %g: open or close lies outside the range", o[i], h[i], l[i],
			c[i])
	})
}

// checkVolumes compares the two volume columns: quote/base should be near the price; where it is near the price's
// inverse, the source swapped them. Near is within a factor of e^½, as volume is traded at other prices than the
// close.
func checkVolumes(t *Table) []Finding {
	base, quote, c := t.numbers("volume_base"), t.numbers("volume_quote"), t.numbers("close")
	if base == nil || quote == nil || c == nil {
		return nil
	}
	off := func(i int) float64 { return math.Log(quote[i] / base[i] / c[i]) }
	inverse := func(i int) bool {
		// Near a price of one the two directions cannot be told apart.
		return base[i] > 0 && quote[i] > 0 && c[i] > 0 && math.Abs(math.Log(c[i])) > 1 &&
			math.Abs(math.Log(base[i]/quote[i]/c[i])) < 0.5
	}
	found := runs(t, where(c, inverse), "volume_swapped", "volume_base", "swap volume_base and volume_quote",
		swap("volume_base", "volume_quote"), func(i int) string {
			return fmt.Sprintf("base %g × price %g is far from quote %g, the other way round it fits", base[i], c[i],
				quote[i])
		})
	wrong := where(c, func(i int) bool {
		return base[i] > 0 && quote[i] > 0 && c[i] > 0 && math.Abs(off(i)) > 0.5 && !inverse(i)
	})
	return append(found, runs(t, wrong, "volume_price", "volume_quote", "", nil, func(i int) string {
		return fmt.Sprintf("base %g × price %g against quote %g", base[i], c[i], quote[i])
	})...)
}

// CapitalisationTolerance is how far price × supply may lie from the printed
// capitalisation before it is reported.
const CapitalisationTolerance = 0.005

// checkCapitalisation multiplies price and supply, where the file has both beside the capitalisation.
func checkCapitalisation(t *Table) []Finding {
	p, supply, cap := t.numbers("price_usd"), t.numbers("supply"), t.numbers("cap_usd")
	if p == nil || supply == nil || cap == nil {
		return nil
	}
	off := func(i int) float64 { return p[i]*supply[i]/cap[i] - 1 }
	wrong := where(p, func(i int) bool { return math.Abs(off(i)) > CapitalisationTolerance })
	return runs(t, wrong, "capitalisation", "cap_usd", "replace by price × supply", capFromSupply, func(i int) string {
		return fmt.Sprintf("price %g × supply %g is %+.2f %% off the capitalisation %g", p[i], supply[i], 100*off(i),
			cap[i])
	})
}

// checkUnits looks for a value that stands a whole power of ten (100 and up) off both neighbours, which agree with each
// other: cents for dollars, GH/s for TH/s. The first and the last row have one neighbour only and are not judged.
func checkUnits(t *Table) []Finding {
	if t.Times == nil || len(t.Texts) > 0 {
		return nil
	}
	var found []Finding
	for _, c := range t.Columns {
		level := slices.Contains([]string{"price_usd", "close", "kzt_per_usd", "supply", "cap_usd", "hash_rate_ths"},
			c.Name)
		if !level {
			continue
		}
		v := c.Values
		slip := func(i int) (int, bool) {
			if i == 0 || i == len(v)-1 || !(v[i-1] > 0 && v[i] > 0 && v[i+1] > 0) {
				return 0, false
			}
			if ratio := v[i] / v[i-1]; ratio > 0.05 && ratio < 20 {
				return 0, false // most rows, without a logarithm
			}
			if math.Abs(math.Log10(v[i+1]/v[i-1])) > 0.3 {
				return 0, false
			}
			exponent := math.Log10(v[i] / math.Sqrt(v[i-1]*v[i+1]))
			whole := math.Round(exponent)
			return int(whole), math.Abs(whole) >= 2 && math.Abs(exponent-whole) < 0.15
		}
		wrong := where(v, func(i int) bool { _, ok := slip(i); return ok })
		for _, i := range wrong {
			exponent, _ := slip(i)
			found = append(found, runs(t, []int{i}, "unit", c.Name, fmt.Sprintf("divide by 10^%d", exponent),
				scale(c.Name, math.Pow10(-exponent)), func(i int) string {
					return fmt.Sprintf("%g between %g and %g: a factor of 10^%d, another unit", v[i], v[i-1], v[i+1],
						exponent)
				})...)
		}
	}
	return found
}

// checkShares adds up the shares of a month: they are per cent and should make 100. A month of which all shares are
// zero is left alone. Rows of one month must follow each other.
func checkShares(t *Table) []Finding {
	shares := t.numbers("share_pct")
	if shares == nil || t.Times == nil {
		return nil
	}
	var found []Finding
	for first := 0; first < len(shares); {
		last, sum := first, 0.0
		for ; last < len(shares) && t.Times[last].Equal(t.Times[first]); last++ {
			sum += shares[last]
		}
		if math.Abs(sum-100) > 0.5 && sum != 0 {
			detail, repairText, fix := fmt.Sprintf("the shares of %s add up to %.2f per cent",
				t.Times[first].Format("2006-01"), sum), "", repair(nil)
			if math.Abs(sum-1) < 0.005 {
				detail, repairText, fix = detail+": they are fractions", "multiply by 100", scale("share_pct", 100)
			}
			rows := make([]int, 0, last-first)
			for i := first; i < last; i++ {
				rows = append(rows, i)
			}
			found = append(found, runs(t, rows, "shares", "share_pct", repairText, fix,
				func(int) string { return detail })...)
		}
		first = last
	}
	return found
}

// Tickers of well-known coins, to tell a name from another's.
var Tickers = map[string]string{
	"BTC": "Bitcoin", "ETH": "Ethereum", "XRP": "Ripple", "BCH": "Bitcoin Cash", "LTC": "Litecoin", "EOS": "EOS",
	"ADA": "Cardano", "XLM": "Stellar", "NEO": "NEO",
	"MIOTA": "IOTA", "XMR": "Monero", "DASH": "Dash", "TRX": "TRON", "XEM": "NEM", "USDT": "Tether", "VEN": "VeChain",
	"ETC": "Ethereum Classic", "BNB": "Binance Coin", "QTUM": "Qtum", "OMG": "OmiseGO", "DOGE": "Dogecoin",
}

// checkTickers compares the name beside a well-known ticker. Unknown tickers say nothing.
func checkTickers(t *Table) []Finding {
	names, err := t.Text("name")
	tickers, err2 := t.Text("ticker")
	if err != nil || err2 != nil {
		return nil
	}
	wrong := where(make([]float64, len(names)), func(i int) bool {
		known, ok := Tickers[tickers[i]]
		return ok && !strings.EqualFold(known, names[i])
	})
	var found []Finding
	for _, i := range wrong { // one finding a row, so that the line is named
		found = append(found, runs(t, []int{i}, "ticker_name", "name", "name the row after its ticker", nameByTicker,
			func(i int) string {
				return fmt.Sprintf("ticker %s is %s, the row says %q", tickers[i], Tickers[tickers[i]], names[i])
			})...)
	}
	return found
}

// Days is the span of a table in days, for messages.
func (t *Table) Days() int {
	if len(t.Times) == 0 {
		return 0
	}
	return int(t.Times[len(t.Times)-1].Sub(t.Times[0])/(24*time.Hour)) + 1
}
