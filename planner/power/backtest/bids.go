package backtest

import (
	"cmp"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/internal/safecsv"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power/bid"
	"github.com/aqsha/aqsha/planner/power/site"
)

// Offer is a bid of one class for one hour: as much as all its machines draw. The ceiling is at what it would not
// lose.
type Offer struct {
	Hour     int        `json:"hour"`
	Class    string     `json:"class"`
	ClassAt  int        `json:"-"`
	WattHour int64      `json:"watt_hours"` // at the meter
	Price    money.Tiyn `json:"price_tiyn"`
	Ceiling  money.Tiyn `json:"ceiling_tiyn"`
}

// Policy sets the price for a class and hour; false: no bid.
type Policy func(hour int, ceiling money.Tiyn, past func() *[24]bid.Past) (price money.Tiyn, ok bool)

// ByRule bids what maximises the expected gain.
func ByRule(limits bid.Limits) Policy {
	return func(hour int, ceiling money.Tiyn, past func() *[24]bid.Past) (money.Tiyn, bool) {
		best, ok := past()[hour].Best(ceiling, limits)
		return best.Price, ok
	}
}

// ByMargin bids so many ppm below the ceiling; 0 is the ceiling itself.
func ByMargin(limits bid.Limits, margin params.PPM) Policy {
	return func(_ int, ceiling money.Tiyn, _ func() *[24]bid.Past) (money.Tiyn, bool) {
		price := ceiling - ceiling*money.Tiyn(margin)/money.Tiyn(params.WholePPM)
		if limits.Cap > 0 {
			price = min(price, limits.Cap)
		}
		return price, price >= limits.Floor && price > 0
	}
}

// AtHighest bids the highest price that the hour may clear at, as one must who wants to run always.
func AtHighest(limits bid.Limits) Policy {
	return func(hour int, _ money.Tiyn, past func() *[24]bid.Past) (money.Tiyn, bool) {
		price := max(limits.Floor, past()[hour].Highest())
		if limits.Cap > 0 {
			price = min(price, limits.Cap)
		}
		return price, price > 0
	}
}

// Offers bids for a day from the days before it. Power is bid for the classes by merit, within the limits.
func Offers(s *site.Site, past []Day, policy Policy) ([]Offer, error) {
	ceilings, err := s.Ceilings()
	if err != nil {
		return nil, err
	}
	var known *[24]bid.Past
	// Made when a policy asks for it, once a day: the simple ones never do. Of days before this one alone.
	remember := func() *[24]bid.Past {
		if known == nil {
			var days [][24]money.Tiyn
			for _, d := range past[max(0, len(past)-s.Auction.WindowDays):] {
				days = append(days, d.Prices)
			}
			forecast := bid.Forecast(days, s.Auction.HalfLife)
			known = &forecast
		}
		return known
	}
	order := make([]int, len(s.Classes))
	for i := range order {
		order[i] = i
	}
	// By merit: the most efficient class gets the hour's power first, whatever it bids.
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(s.Classes[a].MilliJTH, s.Classes[b].MilliJTH)
	})
	var offers []Offer
	for h := range 24 {
		room := s.LimitWatts[h]
		for _, i := range order {
			each := s.Classes[i].MeterWatts(s.Terms.PUEMilli)
			watts := min(int64(s.Classes[i].Count), room/each) * each
			price, ok := policy(h, ceilings[i].Ceiling, remember)
			if !ok || watts == 0 {
				continue
			}
			room -= watts
			offers = append(offers, Offer{h, s.Classes[i].Name, i, watts, price, ceilings[i].Ceiling})
		}
	}
	return offers, nil
}

// WriteOffers is the bid that an operator submits, with the day's deadlines and the money to be prepaid. Deadlines are
// those of the rules in force on the site's day.
func WriteOffers(out io.Writer, s *site.Site, offers []Offer) error {
	rule, err := params.MiningPowerAuction.At(s.Day)
	if err != nil {
		return err
	}
	minutes := func(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }
	w := safecsv.NewWriter(out)
	_ = w.Write([]string{"day", "from", "to", "zone", "class", "kwh", "bid_tenge_per_kwh", "ceiling_tenge_per_kwh",
		"prepay_tenge", "prepay_by_day_before", "submit_from_day_before", "submit_until_day_before"})
	for _, o := range offers {
		due, err := o.Prepay(s)
		if err != nil {
			return err
		}
		_ = w.Write([]string{string(s.Day), fmt.Sprintf("%02d:00", o.Hour), fmt.Sprintf("%02d:00", o.Hour+1), s.Zone,
			o.Class, fmt.Sprintf("%d.%03d", o.WattHour/1000, o.WattHour%1000), o.Price.String(), o.Ceiling.String(),
			due.String(),
			minutes(rule.Value.PrepaidBy), minutes(rule.Value.Opens), minutes(rule.Value.Closes)})
	}
	w.Flush()
	return w.Error()
}

// Prepay is what the offer costs if it is accepted, VAT included, rounded up to a tiyn.
func (o Offer) Prepay(s *site.Site) (money.Tiyn, error) {
	value, err := money.Mul(o.Price, o.WattHour)
	if err != nil {
		return 0, err
	}
	gross := new(big.Int).Mul(big.NewInt(int64(value)), big.NewInt(int64(params.WholePPM+s.Terms.VAT)))
	whole := big.NewInt(1000 * int64(params.WholePPM))
	gross.Add(gross, new(big.Int).Sub(whole, big.NewInt(1)))
	gross.Quo(gross, whole)
	if !gross.IsInt64() {
		return 0, money.ErrOverflow
	}
	return money.Tiyn(gross.Int64()), nil
}
