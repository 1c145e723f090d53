package backtest

import (
	"cmp"
	"context"
	"slices"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/dispatch"
	"github.com/aqsha/aqsha/planner/power/site"
)

// Row is what a strategy earned over the days. Perfect foresight knows each day's prices before it bids, and is what a
// strategy can be measured by, not one.
type Row struct {
	Strategy    string     `json:"strategy"`
	Gain        money.Tiyn `json:"gain_tiyn"` // earnings less everything paid for power
	BoughtKWh   int64      `json:"bought_kwh"`
	UsedKWh     int64      `json:"used_kwh"`
	Hours       int        `json:"accepted_hours"`       // of classes and hours bid for
	OfForesight int64      `json:"of_foresight_ppm"`     // the gain as a share of perfect foresight's
	PerDay      []int64    `json:"daily_tiyn,omitempty"` // the gain by day
}

// Result is a back-test.
type Result struct {
	Site      string      `json:"site"`
	From      params.Date `json:"from"`
	To        params.Date `json:"to"`
	Days      int         `json:"days"`
	TrainDays int         `json:"train_days"` // before From, seen but not scored
	Rows      []Row       `json:"strategies"`
}

// Margins are the fixed margins shown beside the rule.
var Margins = []params.PPM{100_000, 200_000, 400_000}

// Run scores every strategy on the days after the first trainDays.
func Run(ctx context.Context, s *site.Site, days []Day, trainDays int, progress func(done, all int)) (*Result, error) {
	if s.Auction == nil {
		return nil, farm.Refuse("missing", "auction", "the power file has no [auction]")
	}
	if trainDays < 1 || trainDays >= len(days) {
		return nil, farm.Refuse("farm-out-of-range", "train", "want 1 to %d days to learn from, got %d", len(days)-1,
			trainDays)
	}
	strategies, err := strategiesOf(s, days[:trainDays])
	if err != nil {
		return nil, err
	}
	result := &Result{Site: s.Name, From: days[trainDays].Date, To: days[len(days)-1].Date, Days: len(days) - trainDays,
		TrainDays: trainDays}
	for i, x := range strategies {
		row := Row{Strategy: x.name}
		var gain farm.MicroTiyn
		states := s.Machines()
		for d := trainDays; d < len(days); d++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			// A strategy sees the days before and nothing else, but for foresight, which is there to be compared
			// with.
			o, err := x.day(days[:d], days[d], states)
			if err != nil {
				return nil, err
			}
			gain += o.gain
			row.BoughtKWh, row.UsedKWh, row.Hours, states = row.BoughtKWh+o.bought/1000, row.UsedKWh+o.used/1000,
				row.Hours+o.accepted, o.states
			row.PerDay = append(row.PerDay, int64(o.gain.Tiyn()))
			if progress != nil {
				progress(i*result.Days+d-trainDays+1, len(strategies)*result.Days)
			}
		}
		row.Gain = gain.Tiyn()
		result.Rows = append(result.Rows, row)
	}
	// Foresight stands last among the strategies: what no bidder can reach, as the measure.
	if perfect := result.Rows[len(result.Rows)-1].Gain; perfect > 0 {
		for i := range result.Rows {
			result.Rows[i].OfForesight = int64(float64(result.Rows[i].Gain) / float64(perfect) * 1e6)
		}
	}
	return result, nil
}

// strategy is a way to buy a day's power, given the days before it. It must not look at more of today than its market
// shows before the bids close; foresight alone does, and is the bound of what could be earned.
type strategy struct {
	name string
	day  func(past []Day, today Day, states []dispatch.Machine) (outcome, error)
}

// strategiesOf are all that are compared, foresight last: the others are measured by it. What is fitted is fitted to
// the days to learn from, which are not played.
func strategiesOf(s *site.Site, learn []Day) ([]strategy, error) {
	byBids := func(policy Policy) func([]Day, Day, []dispatch.Machine) (outcome, error) {
		return func(past []Day, today Day, states []dispatch.Machine) (outcome, error) {
			return playBids(s, past, today, states, policy)
		}
	}
	strategies := []strategy{
		{"rule", byBids(ByRule(s.Auction.Limits))},
		{"ceiling", byBids(ByMargin(s.Auction.Limits, 0))},
	}
	names := []string{"margin 10 %", "margin 20 %", "margin 40 %"}
	for i, m := range Margins {
		strategies = append(strategies, strategy{names[i], byBids(ByMargin(s.Auction.Limits, m))})
	}
	best, err := bestMargin(s, learn)
	if err != nil {
		return nil, err
	}
	return append(strategies,
		strategy{"margin that was best before", byBids(ByMargin(s.Auction.Limits, best))},
		strategy{"always on, bidding", byBids(AtHighest(s.Auction.Limits))},
		strategy{"always on, granted the clearing price",
			func(_ []Day, today Day, m []dispatch.Machine) (outcome, error) {
				return alwaysOn(s, today, m)
			}},
		strategy{"foresight", func(_ []Day, today Day, m []dispatch.Machine) (outcome, error) {
			return foresight(s, today, m)
		}}), nil
}

// outcome of one day.
type outcome struct {
	gain         farm.MicroTiyn
	bought, used int64 // Wh
	accepted     int
	states       []dispatch.Machine
}

// playBids bids, buys what is accepted at what was bid, and runs the best machines on it.
func playBids(s *site.Site, past []Day, today Day, states []dispatch.Machine, policy Policy) (outcome, error) {
	offers, err := Offers(s, past, policy)
	if err != nil {
		return outcome{}, err
	}
	var o outcome
	var paid farm.MicroTiyn
	spent := make([]int64, 24) // Wh·tiyn by hour, for the levy's price
	p, err := s.Problem(make([]money.Tiyn, 24), make([]bool, 24))
	if err != nil {
		return outcome{}, err
	}
	clear(p.LimitWatts)
	for _, offer := range offers {
		if offer.Price < today.Prices[offer.Hour] {
			continue
		}
		o.accepted++
		p.Open[offer.Hour] = true
		p.LimitWatts[offer.Hour] += offer.WattHour
		spent[offer.Hour] += offer.WattHour * int64(offer.Price)
	}
	for h, watts := range p.LimitWatts {
		if watts == 0 {
			continue
		}
		o.bought += watts
		vat := farm.MicroTiyn(params.WholePPM + s.Terms.VAT)
		sunk := farm.MicroTiyn(spent[h]/1000)*vat + farm.MicroTiyn(spent[h]%1000)*vat/1000
		paid += sunk
		// What the schedule can still avoid is the levy and the grid's fee.
		price := money.Tiyn(spent[h] / watts)
		all, err := s.Terms.CostPerKWh(price)
		if err != nil {
			return outcome{}, err
		}
		p.Cost[h] = all - farm.MicroTiyn(price)*farm.MicroTiyn(params.WholePPM+s.Terms.VAT)
	}
	return finish(o, p, states, -paid)
}

// foresight knows the day's prices and pays them.
func foresight(s *site.Site, today Day, states []dispatch.Machine) (outcome, error) {
	p, err := s.Problem(today.Prices[:], nil)
	if err != nil {
		return outcome{}, err
	}
	return finish(outcome{}, p, states, 0)
}

// finish schedules a day for what was bought, and takes the machines' states over into the next one.
func finish(o outcome, p *dispatch.Problem, states []dispatch.Machine, paid farm.MicroTiyn) (outcome, error) {
	p.Machines = states
	schedule, err := dispatch.Solve(p)
	if err != nil {
		return outcome{}, err
	}
	for _, wattHours := range schedule.WattHours {
		o.used += wattHours
	}
	if o.bought == 0 {
		o.bought = o.used
	}
	o.gain, o.states = schedule.Gain+paid, schedule.At(p, len(p.Cost))
	return o, nil
}

// alwaysOn runs the best machines that the limits hold in every hour, and is granted the clearing price. Rules of
// switching do not bind it: it is the baseline of who does nothing.
func alwaysOn(s *site.Site, today Day, states []dispatch.Machine) (outcome, error) {
	var o outcome
	order := slices.Clone(s.Classes)
	slices.SortStableFunc(order, func(a, b power.Class) int { return cmp.Compare(a.MilliJTH, b.MilliJTH) })
	for h, price := range today.Prices {
		cost, err := s.Terms.CostPerKWh(price)
		if err != nil {
			return outcome{}, err
		}
		room := s.LimitWatts[h]
		for _, c := range order {
			each := c.MeterWatts(s.Terms.PUEMilli)
			n := min(int64(c.Count), room/each)
			earns, err := c.EarningsPerHour(s.Terms)
			if err != nil {
				return outcome{}, err
			}
			room -= n * each
			o.used += n * each
			o.gain += farm.MicroTiyn(n) * (earns - cost*farm.MicroTiyn(each)/1000)
		}
	}
	o.bought, o.states = o.used, states
	return o, nil
}

// bestMargin is the fixed margin, in steps of 5 %, that would have earned most on the days to learn from; 0 when none
// earned anything. It costs twenty plays of those days.
func bestMargin(s *site.Site, days []Day) (params.PPM, error) {
	var best params.PPM
	var most farm.MicroTiyn
	for margin := params.PPM(0); margin < params.WholePPM; margin += 50_000 {
		var gain farm.MicroTiyn
		states := s.Machines()
		for d := range days {
			o, err := playBids(s, days[:d], days[d], states, ByMargin(s.Auction.Limits, margin))
			if err != nil {
				return 0, err
			}
			gain, states = gain+o.gain, o.states
		}
		if gain > most {
			best, most = margin, gain
		}
	}
	return best, nil
}
