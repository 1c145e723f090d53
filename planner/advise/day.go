package advise

import (
	"slices"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/dispatch"
	"github.com/aqsha/aqsha/planner/power/site"
)

// Day is one day's schedule, to be looked at beside the plan.
type Day struct {
	Date  params.Date    `json:"date"`
	File  string         `json:"site_file,omitempty"` // empty: of the plan's own machines, on its first day
	Gain  money.Tiyn     `json:"gain_tiyn"`
	Hours []site.HourRow `json:"hours"`
}

// DayOf schedules a site's day at its tariffs. The gain is over not running at all.
func DayOf(s *site.Site, file string) (*Day, error) {
	prices, err := power.PricesOf(s.Tariffs, s.Day)
	if err != nil {
		return nil, err
	}
	problem, err := s.Problem(prices, nil)
	if err != nil {
		return nil, err
	}
	return scheduled(s, problem, prices, file)
}

func scheduled(s *site.Site, problem *dispatch.Problem, prices []money.Tiyn, file string) (*Day, error) {
	schedule, err := dispatch.Solve(problem)
	if err != nil {
		return nil, err
	}
	return &Day{s.Day, file, schedule.Gain.Tiyn(), site.Hours(problem, schedule, prices)}, nil
}

// firstDay is the plan's own machines on its first day, under the first month's law and its network's hashprice, all
// machines running when it begins. A power file counts in whole tiyn: what a kWh costs with the parts of one is put in
// here.
func firstDay(p *planner.Plan) (*Day, error) {
	hashprice, err := p.Hashprice()
	if err != nil {
		return nil, err
	}
	// The plan's year begins under the first law, and its day with all machines running: nothing of the day before is
	// known.
	law := p.Laws[0]
	s := &site.Site{Day: p.Start.First(), Terms: power.Terms{Hashprice: hashprice,
		Bitcoin: money.Tiyn(p.PriceUSD * float64(p.USDKZT)), PoolFee: p.PoolFee, Sold: law.Quota, SaleCost: p.SaleCost,
		PUEMilli: p.PUEMilli, Source: p.Source, Levy: law.Levy, VAT: law.VAT}, Running: true}
	for h := range s.LimitWatts {
		s.LimitWatts[h] = p.LimitWatts
	}
	for _, f := range p.Fleet {
		s.Classes = append(s.Classes, f.Class)
	}
	tariff, err := p.Tariff(0)
	if err != nil {
		return nil, err
	}
	cost, err := p.CostOf(law, tariff)
	if err != nil {
		return nil, err
	}
	prices := slices.Repeat([]money.Tiyn{tariff.Tiyn()}, len(s.LimitWatts))
	problem, err := s.Problem(prices, nil)
	if err != nil {
		return nil, err
	}
	problem.Cost = slices.Repeat([]farm.MicroTiyn{cost}, len(problem.Cost))
	day, err := scheduled(s, problem, prices, "")
	if err == nil && tariff != 1_000_000*farm.MicroTiyn(tariff.Tiyn()) {
		for h := range day.Hours {
			day.Hours[h].Exact = tariff
		}
	}
	return day, err
}
