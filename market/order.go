package market

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// order is how a program orders the columns of rows that it writes without names.
type order struct {
	source string
	header []string
}

// orders are those of rows that begin with a time. Which of one width it is the
// data say, see fits; the first column stands for two where day and hour are apart.
var orders = []order{
	{"a chart", []string{"unix", "open", "high", "low", "close"}},
	{"ccxt", []string{"unix", "open", "high", "low", "close", "volume"}},
	{"Bitfinex", []string{"unix", "open", "close", "high", "low", "volume"}},
	{"Coinbase", []string{"unix", "low", "high", "open", "close", "volume"}},
	{"Kraken OHLCVT", []string{"unix", "open", "high", "low", "close", "volume", "trades"}},
	{"Bybit", []string{"unix", "open", "high", "low", "close", "volume", "volume quote"}},
	{"KuCoin", []string{"unix", "open", "close", "high", "low", "volume", "volume quote"}},
	{"Kraken REST", []string{"unix", "open", "high", "low", "close", "vwap", "volume", "trades"}},
	{"MEXC", []string{"unix", "open", "high", "low", "close", "volume", "close time", "volume quote"}},
	{"Bitget", []string{"unix", "open", "high", "low", "close", "volume", "usdt", "volume quote"}},
	{"OKX", []string{"unix", "open", "high", "low", "close", "volume", "volume quote", "volccyquote", "confirm"}},
	{"OKX swaps", []string{"unix", "open", "high", "low", "close", "contracts", "volume", "volume quote", "confirm"}},
	{"Binance", []string{"open time", "open", "high", "low", "close", "volume", "close time", "volume usd", "trades",
		"taker base", "taker quote", "ignore"}},
}

// ordered finds the header of rows without one: of the known orders of so many
// columns, the one that alone fits the data. Nil where the first record is no
// such row; refused where it is one, and no order or more than one fits.
func (g *grid) ordered(name string, first int, cells []string) (header []string, source string, err error) {
	times := timesAhead(cells)
	if times == 0 {
		return nil, "", nil
	}
	if len(cells)-times == 1 {
		return append([]string{"date", "time"}[:times:times], "value"),
			"a time and a number in each line: the chart of one series", nil
	}
	var fitting []order
	var sources []string
	known, best := 0, misfit
	for _, o := range orders {
		if len(o.header) != len(cells)-times+1 {
			continue
		}
		known++
		fit := g.fits(first, o.header, times-1)
		if fit > best {
			best, fitting, sources = fit, nil, nil
		}
		if fit == best && fit > misfit {
			fitting, sources = append(fitting, o), append(sources, o.source)
		}
	}
	switch {
	case known == 0:
		return nil, "", nil
	case len(fitting) == 0:
		return nil, "", Refuse("no-header", name, "line %d: %.200q is data, not a header, and no known order of %d "+
			"columns fits every row; give --no-header and name the columns by their number", g.lines[first],
			strings.Join(cells, ", "), len(cells))
	case len(fitting) > 1:
		return nil, "", Refuse("no-header", name, "line %d: %.200q is data, not a header, and the columns fit the "+
			"orders of %s; give --no-header and name the columns by their number", g.lines[first],
			strings.Join(cells, ", "), strings.Join(sources, ", "))
	}
	header = fitting[0].header
	if times == 2 || !allNumbers(cells[:1]) {
		header = append([]string{"date", "time"}[:times:times], header[1:]...)
	}
	return header, fmt.Sprintf("%d columns without names, in the order of %s: of those known it alone fits every row",
		len(cells), sources[0]), nil
}

// timesAhead is how many cells of a row are its time, where the others are
// numbers; 0 where it is no such row.
func timesAhead(cells []string) int {
	if len(cells) < 2 {
		return 0
	}
	if allNumbers(cells) && len(cells) > 5 {
		return 1
	}
	if _, ok := plain(cells[0]); ok && (!digitsOnly(cells[0]) || len(cells[0]) < 8) || !isTime(cells[0]) {
		return 0
	}
	times := 1
	if _, err := time.Parse("15:04:05", (cells[1] + ":00")[:min(8, len(cells[1])+3)]); err == nil &&
		strings.Contains(cells[1], ":") {
		times = 2
	}
	for _, cell := range cells[times:] {
		if missing(cell) || evidenceOf(cell).bad {
			return 0
		}
	}
	return times
}

// fit is how an order fits the rows.
type fit int

const (
	misfit      fit = iota
	unconfirmed     // it fits, but no row says that its money is the volume times the price
	confirmed
)

// fits: in every row low ≤ open, close ≤ high; trades are whole numbers; an
// average price lies between low and high; the money traded is the volume times
// such a price; a bar ends after it begins. shift is by how many columns the
// header's stand further right.
func (g *grid) fits(first int, header []string, shift int) fit {
	at := func(name string) int {
		if i := slices.Index(header, name); i >= 0 {
			return i + shift
		}
		return -1
	}
	o, h, l, c := at("open"), at("high"), at("low"), at("close")
	volume, trades, vwap, confirm := at("volume"), at("trades"), at("vwap"), at("confirm")
	quote, again, end := max(at("volume quote"), at("volume usd")), max(at("volccyquote"), at("usdt")), at("close time")
	rows, traded, money := 0, 0, 0
	for r := first; r < g.records(); r++ {
		cells := g.record(r)
		if len(cells) != len(header)+shift {
			if r < first+100 {
				return misfit
			}
			continue // a note below the rows
		}
		bar := barOf(cells)
		open, high, low, close := bar(o), bar(h), bar(l), bar(c)
		if math.IsNaN(open + high + low + close) {
			continue // a bar without trades, or a sum below the rows
		}
		rows++
		n, v := bar(trades), bar(volume)
		if !(low <= min(open, close) && max(open, close) <= high) || n != math.Trunc(n) && !math.IsNaN(n) || n < 0 ||
			v < 0 || confirm >= 0 && bar(confirm) != 0 && bar(confirm) != 1 || end >= 0 && bar(end) <= bar(0) {
			return misfit
		}
		if w := bar(vwap); v > 0 && !math.IsNaN(w) && !moneyOf(v, w*v, low, high) {
			return misfit
		}
		if !(v > 0) || v < 100*unitOfLast(cells[volume]) {
			continue // nothing traded, or a volume that is rounded too much to say
		}
		traded++
		if quote >= 0 && !moneyOf(v, bar(quote), low, high) || again >= 0 && !moneyOf(v, bar(again), low, high) {
			return misfit
		}
		if n > 0 && moneyOf(v, n, low, high) {
			money++
		}
	}
	// Whole numbers that are the volume times the price in all of several rows count no trades.
	switch {
	case rows == 0 || quote < 0 && traded >= 3 && money == traded:
		return misfit
	case quote >= 0 && traded == 0:
		return unconfirmed
	}
	return confirmed
}

// barOf reads cells by their column; what is not there, or no number, is NaN.
func barOf(cells []string) func(column int) float64 {
	return func(column int) float64 {
		if column < 0 {
			return math.NaN()
		}
		v, ok := plain(cells[column])
		if !ok {
			v, ok = style{decimal: ','}.parse(cells[column])
		}
		if !ok {
			return math.NaN()
		}
		return v
	}
}

// moneyOf: money is what the volume cost at a price between low and high, but
// for one in a hundred of rounding.
func moneyOf(volume, money, low, high float64) bool {
	return money >= 0.99*volume*low && money <= 1.01*volume*high
}

// unitOfLast is the unit of a number's last decimal, 0 where it has none.
func unitOfLast(cell string) float64 {
	at := strings.LastIndexAny(cell, ".,")
	if at < 0 || strings.ContainsAny(cell, "eE") {
		return 0
	}
	return math.Pow10(-(len(cell) - at - 1))
}
