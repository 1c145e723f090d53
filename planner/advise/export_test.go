package advise

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/value"
)

// Rates is what is told of internal rates.
func (r *Result) Rates(language string) []string { return r.rates(In(language)) }

// Root, Winner, DistributionOf, AsIs, WayAt, Sorted and Phrase are what a test holds against its own computation.
var (
	Root           = root
	Winner         = winner
	DistributionOf = distributionOf
	AsIs           = asIs
	WayAt          = wayAt
)

// Sorted puts the widest swing first.
func Sorted(t []Swing) []Swing {
	sortSwings(t)
	return t
}

// Phrase is the result in a language.
func (r *Result) Phrase(language string) Advice { return r.phrase(In(language)) }

// Exhaust tries every strategy of a plan's grid, by its money month by month, and returns the best objective.
func Exhaust(ctx context.Context, p *planner.Plan) (best float64, tried int, err error) {
	prices, err := value.DrawPrices(ctx, p)
	if err != nil {
		return 0, 0, err
	}
	w, err := value.NewEconomy(ctx, p, prices, value.Same)
	if err != nil {
		return 0, 0, err
	}
	best = math.Inf(-1)
	for _, hold := range p.Hold {
		var try func(s Strategy, fleet, date, offer int) error
		try = func(s Strategy, fleet, date, offer int) error {
			switch {
			case fleet < len(p.Fleet):
				for _, month := range p.Fleet[fleet].Retire {
					next := s
					next.Retire = append(append([]Retirement{}, s.Retire...), Retirement{Fleet: fleet, Month: month})
					if err := try(next, fleet+1, date, offer); err != nil {
						return err
					}
				}
				return nil
			case date == len(p.Dates):
				load := load(w, s)
				if load.MaxKW > load.LimitKW || load.SpentKZT > load.CapitalKZT {
					return nil
				}
				for j, o := range p.Offers {
					n := 0
					for _, b := range s.Buy {
						if b.Offer == j {
							n += b.Count
						}
					}
					if o.Max > 0 && n > o.Max {
						return nil
					}
				}
				o, _, err := outcomes(ctx, w, s)
				tried++
				best = max(best, distributionOf(o, p.Lambda).Objective)
				return err
			case offer == len(p.Offers):
				return try(s, fleet, date+1, 0)
			}
			for _, n := range p.Counts {
				next := s
				if n > 0 {
					next.Buy = append(append([]Purchase{}, s.Buy...), Purchase{Offer: offer, Month: p.Dates[date], Count: n})
				}
				if err := try(next, fleet, date, offer+1); err != nil {
					return err
				}
			}
			return nil
		}
		if err := try(Strategy{Hold: hold}, 0, 0, 0); err != nil {
			return 0, tried, err
		}
	}
	return best, tried, nil
}
