package synthetic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"time"
)

// poolsFile spreads each month's blocks over made-up pools whose weights drift.
func poolsFile(r *rand.Rand) File {
	weights := make([]float64, 22)
	for i := range weights {
		weights[i] = math.Exp(-float64(i) / 4)
	}
	var rows [][]string
	for month := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC); month.Year() < 2026; month = month.AddDate(0, 1, 0) {
		blocks := make([]int, len(weights))
		total := 0.0
		for i := range weights {
			weights[i] *= math.Exp(0.1 * r.NormFloat64())
			total += weights[i]
		}
		for range 144 * 30 {
			at := r.Float64() * total
			for i, w := range weights {
				if at -= w; at < 0 {
					blocks[i]++
					break
				}
			}
		}
		order := make([]int, len(blocks))
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(a, b int) bool { return blocks[order[a]] > blocks[order[b]] })
		for _, i := range order {
			slug := fmt.Sprintf("synthetic-pool-%02d", i+1)
			// The smallest stands for what cannot be attributed, as real files have it; studies must count it both
			// ways.
			if i == len(blocks)-1 {
				slug = "unknown"
			}
			if blocks[i] > 0 {
				rows = append(rows, []string{month.Format("2006-01"), slug, strconv.Itoa(blocks[i])})
			}
		}
	}
	return table("pools_monthly.csv", []string{"month", "pool_slug", "blocks"}, rows)
}

// sharesFile gives shares in hundredths of a per cent that add up exactly;
// one country leaves and its share goes to the others.
func sharesFile(r *rand.Rand) File {
	countries := []string{"Firstland", "Steppeland", "Northland", "Lakeland", "Isleland", "Southland", "Hill Republic",
		"Delta", "Leaving Country", "Other"}
	weights := []float64{18, 9, 8, 5, 4, 4, 3.5, 3, 40, 5.5}
	var rows [][]string
	for m := range 24 {
		month := time.Date(2019, 9, 1, 0, 0, 0, 0, time.UTC).AddDate(0, m, 0)
		total := 0.0
		for i := range weights {
			weights[i] *= math.Exp(0.05 * r.NormFloat64())
			total += weights[i]
		}
		if m >= 20 {
			total -= weights[8]
			weights[8] = 0
		}
		left := 10_000
		for i, country := range countries {
			share := int(10_000 * weights[i] / total)
			if i == len(countries)-1 {
				share = left
			}
			left -= share
			rows = append(rows, []string{month.Format("2006-01"), country, text(float64(share) / 100),
				text(round(1.2*float64(share)/100, 4))})
		}
	}
	return table("cbeci_country_share.csv", []string{"month", "country", "share_pct", "abs_hashrate_ehs"}, rows)
}

// consumptionFile is annualised terawatt-hours at five prices of power: the dearer the power, the fewer machines pay.
func consumptionFile(daily []bar) File {
	var rows [][]string
	for d, b := range daily {
		row := []string{b.at.Format(time.DateOnly)}
		base := 4 * math.Exp(float64(d)/1200)
		for _, factor := range []float64{1.2, 1, 0.9, 0.75, 0.6} {
			row = append(row, text(round(base*factor, 7)))
		}
		rows = append(rows, row)
	}
	return table("cbeci_consumption_twh.csv", []string{"date", "twh_at_0.03_usd_kwh", "twh_at_0.05_usd_kwh",
		"twh_at_0.07_usd_kwh", "twh_at_0.10_usd_kwh", "twh_at_0.15_usd_kwh"}, rows)
}

// macroFile is 45 quarters of a country: output, prices and the rate of exchange grow with noise, and interest lies
// between 7 and 10 percent. The first is 2014Q4, the quarter in which prices begin.
func macroFile(r *rand.Rand) File {
	var rows [][]string
	cpi, gdp, rate := 190.0, 3000.0, 185.0
	for q := range 45 {
		cpi *= 1.015 + 0.01*r.Float64()
		gdp *= 1.005 + 0.005*r.Float64()
		rate *= 1.01 + 0.02*r.Float64()
		rows = append(rows, []string{fmt.Sprintf("%dQ%d", 2014+(q+3)/4, (q+3)%4+1), text(round(gdp, 7)),
			text(round(cpi, 7)), text(round(rate, 6)), text(round(7+3*r.Float64(), 4))})
	}
	return table("macro_kz_quarterly.csv", []string{"quarter", "real_gdp", "cpi", "usdkzt", "tonia_rate"}, rows)
}

// devicesFile is a made-up line of machines, each a third better than the last.
func devicesFile() File {
	var rows [][]string
	efficiency := 0.76
	for i := range 24 {
		released := time.Date(2014, 7, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 5*i, 0)
		rows = append(rows, []string{fmt.Sprintf("Synthetic Machine %d", i+1), released.Format(time.DateOnly),
			text(round(efficiency, 5))})
		efficiency *= 0.86
	}
	return table("cbeci_devices.csv", []string{"device", "release_date", "efficiency_j_per_gh"}, rows)
}
