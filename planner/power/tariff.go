package power

import (
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
)

// Tariff is a price of a kWh before VAT, from a day on, in some hours of the day.
type Tariff struct {
	From  params.Date
	Hours Hours
	Price money.Tiyn
}

// Hours are hours of a day, bit h for h:00 to h+1:00.
type Hours uint32

// AllDay is every hour.
const AllDay Hours = 1<<24 - 1

// ParseHours reads "0-10", "22-6" (over midnight), "8-12,18-22" or "" for the whole day. An hour is named by its
// beginning, 0 to 23; the last is not included, and may be 24. Spans may overlap.
func ParseHours(text string) (Hours, error) {
	if text == "" {
		return AllDay, nil
	}
	var hours Hours
	for _, part := range strings.Split(text, ",") {
		first, last, ok := strings.Cut(strings.TrimSpace(part), "-")
		from, ok1 := hourOf(first)
		to, ok2 := hourOf(last)
		if !ok || !ok1 || !ok2 || from == 24 || from == to {
			return 0, farm.Refuse("hours", "hours", "%q: want spans of whole hours such as \"8-22\" or \"22-6\"", text)
		}
		for h := from; h != to%24 || hours == 0; h = (h + 1) % 24 {
			if hours |= 1 << h; h == (to+23)%24 {
				break
			}
		}
	}
	return hours, nil
}

func hourOf(text string) (int, bool) {
	hour := 0
	if len(text) == 0 || len(text) > 2 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		hour = 10*hour + int(c-'0')
	}
	return hour, hour <= 24
}

// Has says whether an hour is among them.
func (h Hours) Has(hour int) bool { return h&(1<<hour) != 0 }

// PriceAt is the tariff of an hour of a day: of those that cover it, the one from the latest day, and of those of a day
// the last.
func PriceAt(tariffs []Tariff, day params.Date, hour int) (money.Tiyn, error) {
	best := -1
	for i, t := range tariffs {
		if t.From <= day && t.Hours.Has(hour) && (best < 0 || t.From >= tariffs[best].From) {
			best = i
		}
	}
	if best < 0 {
		return 0, farm.Refuse("no-tariff", "tariff", "no tariff is in force on %s at %02d:00", day, hour)
	}
	return tariffs[best].Price, nil
}

// PricesOf is the tariff of the day's 24 hours.
func PricesOf(tariffs []Tariff, day params.Date) ([]money.Tiyn, error) {
	prices := make([]money.Tiyn, 24)
	for hour := range prices {
		price, err := PriceAt(tariffs, day, hour)
		if err != nil {
			return nil, err
		}
		prices[hour] = price
	}
	return prices, nil
}
