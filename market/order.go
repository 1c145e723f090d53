package market

import (
	"fmt"
	"math"
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
	// All of them are tried, and those that fit best kept: a second one that fits is why it is refused.
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
	// The zero value is the worst, so that the best of several orders is found by comparing.
	misfit      fit = iota
	unconfirmed     // it fits, but no row says that its money is the volume times the price
	confirmed
)

// fits: in every row low ≤ open, close ≤ high; trades are whole numbers; an
// average price lies between low and high; the money traded is the volume times
// such a price; a bar ends after it begins. shift is by how many columns the
// header's stand further right.
func (g *grid) fits(first int, header []string, shift int) fit {
	columns := columnsOf(header, shift)
	rows, traded, money := 0, 0, 0
	for r := first; r < g.records(); r++ {
		cells := g.record(r)
		if len(cells) != len(header)+shift {
			if r < first+100 {
				return misfit
			}
			continue // a note below the rows
		}
		bar := columns.read(cells)
		if math.IsNaN(bar.open + bar.high + bar.low + bar.close) {
			continue // a bar without trades, or a sum below the rows
		}
		rows++
		if !bar.possible() {
			return misfit
		}
		if !(bar.volume > 0) || bar.volume < 100*unitOfLast(cells[columns["volume"]]) {
			continue // nothing traded, or a volume that is rounded too much to say
		}
		traded++
		for _, paid := range []float64{bar.quote, bar.again} {
			if !math.IsNaN(paid) && !bar.cost(paid) {
				return misfit
			}
		}
		if bar.trades > 0 && bar.cost(bar.trades) {
			money++
		}
	}
	_, quoted := columns["volume quote"]
	switch {
	// Whole numbers that are the volume times the price in all of several rows count no trades.
	case rows == 0 || !quoted && traded >= 3 && money == traded:
		return misfit
	case quoted && traded == 0:
		return unconfirmed
	}
	return confirmed
}

// columns are where in a row the quantities of an order stand.
type columns map[string]int

// columnsOf finds the quantities by their names in the order's header.
func columnsOf(header []string, shift int) columns {
	at := columns{}
	for i, name := range header {
		switch name {
		case "volume usd":
			name = "volume quote"
		case "usdt":
			name = "volccyquote"
		}
		if at[name] = i + shift; i == 0 {
			at["begin"] = 0
		}
	}
	return at
}

// bar is a row as an order reads it; what is not there, or no number, is NaN.
type bar struct {
	begin, end, open, high, low, close, volume float64
	quote, again, vwap, trades, confirm        float64
}

// read takes a row's quantities; numbers may have decimal points or commas.
func (c columns) read(cells []string) bar {
	of := func(name string) float64 {
		at, ok := c[name]
		if !ok {
			return math.NaN()
		}
		v, ok := plain(cells[at])
		if !ok {
			v, ok = style{decimal: ','}.parse(cells[at])
		}
		if !ok {
			return math.NaN()
		}
		return v
	}
	return bar{of("begin"), of("close time"), of("open"), of("high"), of("low"), of("close"), of("volume"),
		of("volume quote"), of("volccyquote"), of("vwap"), of("trades"), of("confirm")}
}

// possible: nothing in the bar says that it is read in a wrong order. What is NaN says nothing.
func (b bar) possible() bool {
	switch {
	case b.low > min(b.open, b.close) || b.high < max(b.open, b.close), b.volume < 0, b.end <= b.begin:
		return false
	case b.trades < 0 || b.trades != math.Trunc(b.trades) && !math.IsNaN(b.trades):
		return false
	case !math.IsNaN(b.confirm) && b.confirm != 0 && b.confirm != 1:
		return false
	case b.volume > 0 && !math.IsNaN(b.vwap):
		return b.cost(b.vwap * b.volume)
	}
	return true
}

// cost: money is what the volume cost at a price between low and high, but for
// one in a hundred of rounding.
func (b bar) cost(money float64) bool {
	return money >= 0.99*b.volume*b.low && money <= 1.01*b.volume*b.high
}

// unitOfLast is the unit of a number's last decimal, 0 where it has none.
func unitOfLast(cell string) float64 {
	at := strings.LastIndexAny(cell, ".,")
	if at < 0 || strings.ContainsAny(cell, "eE") {
		return 0
	}
	return math.Pow10(-(len(cell) - at - 1))
}
