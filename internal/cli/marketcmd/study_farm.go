package marketcmd

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/document"
)

// farmFlags choose a farm's month for a study.
type farmFlags struct{ dir, span string }

func (f *farmFlags) register(command *cobra.Command) {
	command.Flags().StringVar(&f.dir, "farm", "", "folder of a farm's records, whose month stands in the document")
	command.Flags().StringVar(&f.span, "farm-month", "", "that month, such as 2026-10 (default: of the newest poll)")
}

// month accounts for the farm's month; nil without a folder.
func (f *farmFlags) month(command *cobra.Command) (*document.Farm, error) {
	if f.dir == "" {
		if f.span != "" {
			return nil, market.Refuse("choice", "farm-month", "a month of no farm: give --farm DIR")
		}
		return nil, nil
	}
	b, err := records.OpenReader(f.dir)
	if err != nil {
		return nil, fmt.Errorf("--farm %s: %w", f.dir, err)
	}
	defer b.Close()
	month := f.span
	if month == "" {
		month = b.Store.Newest().Time().In(b.Config.Location()).Format("2006-01")
	}
	m, err := daily.BuildMonth(command.Context(), b, month, "*", daily.ByCause, cli.ProgressOf(command, "account"))
	if err != nil {
		return nil, err
	}
	return farmOf(m), nil
}

// farmOf turns a month's exact account into the ratios that a document prints.
func farmOf(m *daily.Month) *document.Farm {
	ratio := func(ppm int64) *float64 {
		// Unknown is no figure: 0 would say that nothing was used.
		if ppm == usage.Unknown {
			return nil
		}
		v := float64(ppm) / 1e6
		return &v
	}
	part := func(t farm.Total) float64 {
		ppm, _ := t.RatioPPM(m.Whole.Nameplate)
		return float64(ppm) / 1e6
	}
	c := m.Whole.Coefficients
	out := &document.Farm{Name: m.Farm, Month: m.Month, Whole: m.Until == nil, Machines: m.Machines,
		Simulated: m.Simulated,
		Ext:       ratio(c.Extensive), Int: ratio(c.Intensive), Speed: ratio(c.Speed), Delivery: ratio(c.Delivery),
		Integral: ratio(c.Integral), Efficiency: ratio(c.Efficiency), Extensive: part(m.Whole.Extensive),
		Intensive: part(m.Whole.Intensive), EarnedBTC: float64(m.Whole.Earned) / 1e8,
		EarnedKZT: float64(m.Whole.EarnedTiyn) / 100, LostKZT: float64(m.Whole.LostTiyn) / 100}
	if c.MilliJTH != usage.Unknown {
		joules := float64(c.MilliJTH) / 1000
		out.JoulesTH = &joules
	}
	for _, row := range m.Pareto {
		out.Losses = append(out.Losses, document.Loss{Cause: row.Cause.String(), Share: part(row.Work),
			KZT: float64(row.Tiyn) / 100})
	}
	slices.SortStableFunc(out.Losses, func(a, b document.Loss) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return 0
	})
	return out
}
