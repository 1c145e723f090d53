package usage

import (
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Indicator is one row of the table of systems.
type Indicator struct {
	Key     string `json:"key"`
	Unit    string `json:"unit"`
	Formula string `json:"formula"`
}

// indicators in the order of the table.
var indicators = []Indicator{
	{"network K_ext", "ratio", "blocks / 144 a day"},
	{"network K_int", "ratio", "mean block weight / 4,000,000 WU"},
	{"network K", "ratio", "K_ext·K_int"},
	{"network K_int at least", "ratio", "mean block size / 4,000,000: a byte weighs one at least"},
	{"network K_int at most", "ratio", "mean block size / 1,000,000: a byte weighs four at most"},
	{"capacity", "transactions a day", "transactions / K_int"},
	{"time to finality", "minutes", "six blocks at their pace (tenge: one block, which is final)"},
	{"currency K_ext", "ratio", "active / funded addresses (tenge: active / open wallets)"},
	{"value per active address", "USD/day", "transfer value / active addresses"},
	{"currency K_int", "ratio", "value per active address / the benchmark given"},
	{"currency K", "ratio", "K_ext·K_int"},
	{"transactions", "a day", "mean"},
	{"transactions per active address", "a day", "mean of ratios"},
	{"velocity", "a year", "Σ₃₆₅ transfer value / mean capitalisation"},
	{"turnover", "a day", "exchange volume / capitalisation"},
	{"fee over value", "ratio", "fees / transfer value"},
	{"median fee", "USD", "mean of daily medians"},
	{"cost per payment", "USD", "(issuance + fees)·price / transactions"},
	{"fee per payment", "USD", "fees / transactions"},
	{"electricity per payment", "kWh", "daily consumption / transactions"},
	{"value per kWh", "USD", "transfer value / daily consumption"},
	{"value per unit of fee", "ratio", "transfer value / fees"},
	{"capacity reserve", "transactions a day", "transactions / K_int − transactions"},
}

// System is a column of the table: an indicator's value by key; a key that is
// absent is not available.
type System struct {
	Name    string             `json:"name"`
	Source  string             `json:"source"`
	From    string             `json:"from"`
	To      string             `json:"to"`
	Values  map[string]float64 `json:"values"`
	Remarks []string           `json:"remarks,omitempty"`
}

// against sets the currency's intensity against a norm of value per active
// address (USD a day); without one it is not available.
func (s *System) against(norm float64) {
	value, known := s.Values["value per active address"]
	if !known || !(norm > 0) {
		return
	}
	s.Values["currency K_int"] = value / norm
	if ext, ok := s.Values["currency K_ext"]; ok {
		s.Values["currency K"] = ext * value / norm
	}
}

// set keeps finite values only.
func (s *System) set(key string, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		s.Values[key] = v
	}
}

// reader takes columns of a table as daily means or ratios; what is not there
// gives NaN.
type reader struct {
	table    *market.Table
	from, to string
}

// aligned gives the columns on the days of the window that all of them have, so that a ratio is never of different
// days. Nil where a column is not in the file, or no day has them all.
func (r reader) aligned(names ...string) [][]float64 {
	var all []market.Series
	for _, name := range names {
		s, err := r.table.Series(name)
		if err != nil {
			return nil
		}
		all = append(all, s.Window(r.from, r.to))
	}
	if _, v := market.Align(all...); len(v) > 0 && len(v[0]) > 0 {
		return v
	}
	return nil
}

// mean is over the days of the window on which the column has a value.
func (r reader) mean(name string) float64 {
	if v := r.aligned(name); v != nil {
		return stats.Mean(v[0])
	}
	return math.NaN()
}

// ratioOfMeans is Σa/Σb over common days.
func (r reader) ratioOfMeans(a, b string) float64 {
	if v := r.aligned(a, b); v != nil {
		return orNaN(stats.Mean(v[0]), stats.Mean(v[1]))
	}
	return math.NaN()
}

// meanOfRatios is the mean over days of a/b, each day counting the same, where ratioOfMeans counts a day by its b. A
// day with b = 0 makes it infinite, which set leaves out.
func (r reader) meanOfRatios(a, b string) float64 {
	v := r.aligned(a, b)
	if v == nil {
		return math.NaN()
	}
	sum := 0.0
	for i := range v[0] {
		sum += v[0][i] / v[1][i]
	}
	return sum / float64(len(v[0]))
}

// Network measures a coin from its network file over a window. energy may be
// nil: then electricity is not available. blocksADay is the protocol's rate
// (Bitcoin 144).
func Network(name string, t *market.Table, from, to string, blocksADay float64, energy []Energy) System {
	r := reader{t, from, to}
	s := System{Name: name, Source: t.Provenance.File + " " + t.Provenance.SHA256[:12], From: from, To: to,
		Values: map[string]float64{}}
	ext, weight := r.mean("blocks")/blocksADay, r.mean("block_weight_mean")/4e6
	s.set("network K_ext", ext)
	s.set("network K_int", weight)
	s.set("network K", ext*weight)
	s.set("currency K_ext", r.ratioOfMeans("active_addresses", "funded_addresses"))
	s.set("value per active address", r.ratioOfMeans("transfer_value_usd", "active_addresses"))
	transactions := r.mean("transactions")
	s.set("transactions", transactions)
	// As many as fit, if blocks were full of transactions of the present size.
	s.set("capacity", transactions/weight)
	s.set("capacity reserve", transactions/weight-transactions)
	if blocks := r.mean("blocks"); blocks > 0 {
		s.set("time to finality", confirmations*1440/blocks)
	}
	if math.IsNaN(weight) && blocksADay == bitcoinBlocks {
		s.intensityFromSize(r, to, transactions)
	}
	s.set("transactions per active address", r.meanOfRatios("transactions", "active_addresses"))
	if v := r.aligned("transfer_value_usd", "cap_usd"); v != nil {
		s.set("velocity", 365*stats.Mean(v[0])/stats.Mean(v[1]))
	}
	s.set("turnover", r.meanOfRatios("volume_usd", "cap_usd"))
	s.fees(r)
	s.electricity(r, energy)
	for _, column := range []string{"block_weight_mean", "funded_addresses", "transfer_value_usd", "fee_median_usd"} {
		if r.aligned(column) == nil {
			s.Remarks = append(s.Remarks, column+" not available in "+t.Provenance.File)
		}
	}
	return s
}

const (
	// The protocol's pace is a block in ten minutes.
	bitcoinBlocks = 144 // a day
	// confirmations after which a payment counts as final: six leave an attacker
	// with a tenth of the hash rate 0.06 % (Rosenfeld 2014).
	confirmations = 6
	// segwit is the day of Bitcoin block 481,824, from which on a block's bytes
	// no longer say its weight.
	segwit = "2017-08-24"
)

// intensityFromSize stands in for a block weight that the file lacks: before
// segregated witness every byte weighed four units; since then a byte weighs
// between one and four, and size gives only bounds.
func (s *System) intensityFromSize(r reader, to string, transactions float64) {
	size := r.mean("block_size_mean")
	if math.IsNaN(size) {
		return
	}
	if to != "" && to < segwit {
		k := size / 1e6
		s.set("network K_int", k)
		s.set("network K", s.Values["network K_ext"]*k)
		s.set("capacity", transactions/k)
		s.set("capacity reserve", transactions/k-transactions)
		return
	}
	s.set("network K_int at least", size/4e6)
	s.set("network K_int at most", min(1, size/1e6))
}

// fees in USD are in the file, or are coins times price, day by day: the product of two means would leave out that
// fees rise with the price. What a payment costs the system is its fee and its share of the new coins, which holders
// pay by their coins' being worth less.
func (s *System) fees(r reader) {
	feesUSD := r.mean("fees_usd")
	if v := r.aligned("fees_native", "price_usd"); math.IsNaN(feesUSD) && v != nil {
		sum := 0.0
		for i := range v[0] {
			sum += v[0][i] * v[1][i]
		}
		feesUSD = sum / float64(len(v[0]))
	}
	transactions, value := r.mean("transactions"), r.mean("transfer_value_usd")
	s.set("fee over value", orNaN(feesUSD, value))
	s.set("value per unit of fee", orNaN(value, feesUSD))
	s.set("fee per payment", orNaN(feesUSD, transactions))
	s.set("median fee", r.mean("fee_median_usd"))
	if v := r.aligned("issuance_native", "price_usd"); v != nil {
		issued := 0.0
		for i := range v[0] {
			issued += v[0][i] * v[1][i]
		}
		s.set("cost per payment", orNaN(issued/float64(len(v[0]))+feesUSD, transactions))
	}
}

// electricity takes the best case of the estimate, whose terawatt-hours are annualised: ·10⁹/365.25 makes them the
// kilowatt-hours of a day. The mean is over the days of the estimate in the window, of which there may be fewer than
// of payments.
func (s *System) electricity(r reader, energy []Energy) {
	sum, n := 0.0, 0
	for _, e := range energy {
		if (r.from == "" || e.Day >= r.from) && (r.to == "" || e.Day <= r.to) {
			sum, n = sum+e.BestTWh*1e9/365.25, n+1
		}
	}
	if n == 0 {
		return
	}
	daily := sum / float64(n)
	s.set("electricity per payment", orNaN(daily, r.mean("transactions")))
	s.set("value per kWh", orNaN(r.mean("transfer_value_usd"), daily))
}
