package synthetic

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/internal/safecsv"
)

// Origin is what every synthetic file says of itself in its first line, and so
// the provenance of whatever is computed from it.
const Origin = "synthetic: simulated by aqsha, not a market"

// File is one generated file.
type File struct {
	Name string
	Data []byte
}

// start is the first day of every file.
var start = time.Date(2014, 11, 28, 0, 0, 0, 0, time.UTC)

// days runs to 2025-12-31, so that the windows of a real study fit.
const days = 4052

// Files makes the whole set: the names and columns of a folder of real
// extracts, so that the same commands read both.
func Files() []File {
	r := rand.New(rand.NewPCG(2026, 11))
	factor := make([]float64, days)
	for i := range factor {
		factor[i] = student(r, 6)
	}
	coin := asset{seed: 1, start: 372, drift: 0.12, omega: 0.35, alpha: 0.09, beta: 0.88, tail: 5, jumpPercent: 9,
		jumpEvery: 400, hoursPerDay: 24, withBenchmark: 0.3}
	hourly, daily := coin.path(start, factor)
	index := asset{seed: 2, start: 2060, drift: 0.035, omega: 0.03, alpha: 0.1, beta: 0.87, tail: 6, hoursPerDay: 1,
		withBenchmark: 0.95}
	gold := asset{seed: 3, start: 114, drift: 0.02, omega: 0.02, alpha: 0.05, beta: 0.93, tail: 6, hoursPerDay: 1,
		withBenchmark: 0.05}
	tenge := asset{seed: 4, start: 185, drift: 0.02, omega: 0.01, alpha: 0.1, beta: 0.86, tail: 5, hoursPerDay: 1}
	_, indexDaily := index.path(start, factor)
	_, goldDaily := gold.path(start, factor)
	_, tengeDaily := tenge.path(start, nil)
	return []File{
		networkFile("cm_btc_daily.csv", daily, false), networkFile("cm2019_btc_daily.csv", daily[:1788], true),
		ohlcFile("bitstamp_btcusd_d.csv", daily[:2823], time.DateOnly),
		ohlcFile("bitstamp_btcusd_1h.csv", window(hourly, "2018-05-15", "2022-08-20"), "unix"),
		closeFile("sp500_close.csv", indexDaily), closeFile("gold_close.csv", goldDaily),
		rateFile(tengeDaily[122:1950]),
		poolsFile(r), sharesFile(r), consumptionFile(daily), macroFile(r), devicesFile(),
	}
}

// Write puts the set into a directory, which it makes.
func Write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, f := range Files() {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// table writes a file with its origin in the first line, so that no reader takes it for a market's.
func table(name string, header []string, rows [][]string) File {
	var b bytes.Buffer
	b.WriteString("# origin: " + Origin + "\n")
	w := safecsv.NewWriter(&b)
	_ = w.Write(header)
	_ = w.WriteAll(rows)
	return File{name, b.Bytes()}
}

// text writes all digits that a float has, and never an exponent.
func text(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// window is the bars from a day on to another, which is not in it.
func window(bars []bar, from, to string) []bar {
	var out []bar
	for _, b := range bars {
		if d := b.at.Format(time.DateOnly); d >= from && d < to {
			out = append(out, b)
		}
	}
	return out
}

// supplyAt follows Bitcoin's issuance rule from a height of 331,900 at the
// start, 144 blocks a day.
func supplyAt(day int) (supply, issued float64) {
	const interval = 210_000
	height := 331_900 + 144*day
	subsidy, left := 50.0, height
	for ; left > interval; left -= interval {
		supply += subsidy * interval
		subsidy /= 2
	}
	return supply + subsidy*float64(left), 144 * subsidy
}

// networkFile carries the columns of a Coin Metrics community export; early
// adds the transfer values that later files no longer have.
func networkFile(name string, daily []bar, early bool) File {
	// A fixed seed: the folder is the same on every machine, and figures of examples and tests hold.
	r := rand.New(rand.NewPCG(9, uint64(len(daily))))
	header := []string{"date", "PriceUSD", "CapMrktCurUSD", "SplyCur", "HashRate", "BlkCnt", "TxCnt", "TxTfrCnt",
		"AdrActCnt", "FeeTotNtv", "IssTotNtv", "CapMVRVCur", "volume_reported_spot_usd_1d"}
	if early {
		header = []string{"date", "PriceUSD", "CapMrktCurUSD", "SplyCur", "TxCnt", "TxTfrCnt", "AdrActCnt",
			"TxTfrValAdjUSD", "NVTAdj", "FeeTotUSD", "FeeMedUSD", "IssTotNtv", "VtyDayRet30d", "VtyDayRet60d",
			"VtyDayRet180d"}
	}
	var rows [][]string
	for d, b := range daily {
		supply, issued := supplyAt(d)
		noise := func() float64 { return 0.8 + 0.4*r.Float64() }
		growth := math.Exp(float64(d) / 2500)
		tx, transfers, active := math.Round(90e3*growth*noise()), math.Round(220e3*growth*noise()),
			math.Round(230e3*growth*noise())
		cap := round(b.close*supply, 12)
		blocks, hash := math.Round(144*noise()), round(300e3*math.Exp(float64(d)/520)*noise(), 9)
		date := b.at.Format(time.DateOnly)
		if early {
			value := round(cap*0.016*noise(), 10)
			rows = append(rows, []string{date, text(b.close), text(cap), text(supply), text(tx), text(transfers),
				text(active), text(value), text(round(cap/value, 10)),
				text(round(tx*b.close*2e-4, 8)), text(round(b.close*9e-5, 6)), text(issued), rollingSD(daily, d, 30),
				rollingSD(daily, d, 60), rollingSD(daily, d, 180)})
			continue
		}
		rows = append(rows, []string{date, text(b.close), text(cap), text(supply), text(hash), text(blocks), text(tx),
			text(transfers), text(active),
			text(round(tx*1.5e-4*noise(), 8)), text(blocks * issued / 144), text(round(0.8+1.2*noise(), 6)),
			text(round(cap*0.007*noise(), 9))})
	}
	return table(name, header, rows)
}

// rollingSD is the standard deviation of the last n daily returns up to the day d, with n − 1 below the sum; empty
// where there are not so many yet.
func rollingSD(daily []bar, d, n int) string {
	if d < n {
		return ""
	}
	var sum, squares float64
	for i := d - n + 1; i <= d; i++ {
		x := math.Log(daily[i].close / daily[i-1].close)
		sum, squares = sum+x, squares+x*x
	}
	return text(round(math.Sqrt((squares-sum*sum/float64(n))/float64(n-1)), 10))
}

// ohlcFile writes bars of a day or an hour with the headers of either layout: dates, or seconds since 1970. The volume
// in dollars is at the mean of open and close.
func ohlcFile(name string, bars []bar, layout string) File {
	header := []string{"date", "open", "high", "low", "close", "volume_btc", "volume_usd"}
	if layout == "unix" {
		header = []string{"unix", "open", "high", "low", "close", "volume_btc"}
	}
	var rows [][]string
	for _, b := range bars {
		row := []string{b.at.Format(time.DateOnly), text(b.open), text(b.high), text(b.low), text(b.close),
			text(b.volume), text(round(b.volume*(b.open+b.close)/2, 10))}
		if layout == "unix" {
			row = row[:6]
			row[0] = strconv.FormatInt(b.at.Unix(), 10)
		}
		rows = append(rows, row)
	}
	return table(name, header, rows)
}

// closeFile writes closes of weekdays, as an exchange that keeps weekends has them.
func closeFile(name string, bars []bar) File {
	var rows [][]string
	for _, b := range bars {
		if w := b.at.Weekday(); w != time.Saturday && w != time.Sunday {
			rows = append(rows, []string{b.at.Format(time.DateOnly), text(b.close)})
		}
	}
	return table(name, []string{"date", "close"}, rows)
}

// rateFile repeats Friday's rate over the weekend, as an official rate does.
func rateFile(bars []bar) File {
	var rows [][]string
	last := ""
	for _, b := range bars {
		if w := b.at.Weekday(); last == "" || (w != time.Sunday && w != time.Monday) {
			last = text(round(b.close, 5))
		}
		rows = append(rows, []string{b.at.Format(time.DateOnly), "1", last})
	}
	return table("usd_kzt_daily.csv", []string{"date", "quant", "kzt_per_usd"}, rows)
}
