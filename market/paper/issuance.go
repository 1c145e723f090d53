package paper

import (
	"math"
	"time"

	"github.com/aqsha/aqsha/market"
)

// heightOf inverts the issuance rule of Bitcoin and Litecoin: a subsidy of 50
// coins, halved every interval blocks. It returns the number of blocks that
// issue the supply.
func heightOf(supply float64, interval int) (float64, error) {
	subsidy, height := 50.0, 0.0
	for range 33 {
		era := subsidy * float64(interval)
		if supply <= era {
			return height + float64(int(supply/subsidy)), nil
		}
		supply, height, subsidy = supply-era, height+float64(interval), subsidy/2
	}
	return 0, market.Refuse("supply", "supply", "more than the rule ever issues")
}

// Days on which Bitcoin's subsidy halved, from the headers of blocks 0,
// 210,000, 420,000, 630,000 and 840,000.
var halvings = []string{"2009-01-03", "2012-11-28", "2016-07-09", "2020-05-11", "2024-04-20"}

// dateOfHeight places a Bitcoin height between its halvings in proportion.
// Hash-rate growth bends the truth by up to about two weeks.
func dateOfHeight(height float64) (time.Time, error) {
	era := int(height) / 210_000
	if height < 0 || era+1 >= len(halvings) {
		return time.Time{}, market.Refuse("height", "height", "%.0f lies beyond the dated halvings", height)
	}
	from, _ := time.Parse(time.DateOnly, halvings[era])
	to, _ := time.Parse(time.DateOnly, halvings[era+1])
	part := (height - float64(era)*210_000) / 210_000
	return from.Add(time.Duration(part * float64(to.Sub(from)))), nil
}

// issuanceFunctions are what expressions may call about the rules of issue.
func issuanceFunctions() map[string]func(float64) (float64, error) {
	return map[string]func(float64) (float64, error){
		"btc_height": func(supply float64) (float64, error) { return heightOf(supply, 210_000) },
		"ltc_height": func(supply float64) (float64, error) { return heightOf(supply, 840_000) },
		"btc_supply_year": func(supply float64) (float64, error) {
			height, err := heightOf(supply, 210_000)
			if err != nil {
				return 0, err
			}
			at, err := dateOfHeight(height)
			return float64(at.Year()), err
		},
		// The month of the quarterly issue nearest to a month.
		"quarterly_issue": func(month float64) (float64, error) { return 3 * max(1, math.Round(month/3)), nil },
		"year_of": func(unix float64) (float64, error) {
			return float64(time.Unix(int64(unix), 0).UTC().Year()),
				nil
		},
	}
}
