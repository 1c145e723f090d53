package planner

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/charset"
	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
)

// DatedLaw is another country's law from a day on, as a file of it says.
type DatedLaw struct {
	From   params.Date
	Law    Law
	Source string
}

// maxLaws is how many rows a file of laws may have.
const maxLaws = 200

// lawColumns are a file's columns, in order. A first row that begins with the first one's name is a heading.
var lawColumns = []string{"from", "levy_per_kwh", "vat", "quota", "tax", "source"}

// ReadLaws reads a file of laws: CSV with the columns from (a day), levy_per_kwh (in the plan's currency), vat, quota
// (share of the coins that must be sold), tax (of profit) and source, in ascending order of days.
func ReadLaws(file string) ([]DatedLaw, error) {
	text, _, err := charset.Text([]byte(file))
	if err != nil {
		return nil, fmt.Errorf("law: %w", err)
	}
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord, in.Comment = len(lawColumns), '#'
	var laws []DatedLaw
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("law: %w", err)
		}
		line, _ := in.FieldPos(0)
		if len(laws) == 0 && row[0] == lawColumns[0] {
			// Whoever writes them in another order would have VAT read as a levy.
			if !slices.Equal(row, lawColumns) {
				return nil, fmt.Errorf("law, line %d: columns %s; want %s", line, strings.Join(row, ","),
					strings.Join(lawColumns, ","))
			}
			continue
		}
		law, err := lawOfRow(row)
		switch {
		case err != nil:
			return nil, fmt.Errorf("law, line %d: %w", line, err)
		// In order: two laws of one day would leave open which of them counts.
		case len(laws) > 0 && law.From <= laws[len(laws)-1].From:
			return nil, fmt.Errorf("law, line %d: %s does not come after %s", line, law.From, laws[len(laws)-1].From)
		case len(laws) == maxLaws:
			return nil, fmt.Errorf("law: more than %d rows", maxLaws)
		}
		laws = append(laws, law)
	}
	if len(laws) == 0 {
		return nil, fmt.Errorf("law: no row; want %s", strings.Join(lawColumns, ","))
	}
	return laws, nil
}

// lawOfRow reads one row: day, levy (tenge a kWh), VAT, quota and tax as shares of 1 or per cent, source. A row
// without a source is refused: a result has to say on what it rests.
func lawOfRow(row []string) (law DatedLaw, err error) {
	if law.From, err = params.ParseDate(row[0]); err != nil {
		return law, err
	}
	var levy strict.Price
	if err := levy.UnmarshalTOML(row[1]); err != nil || levy.Micro < 0 || levy.Micro > int64(micro(power.MaxPrice)) {
		return law, fmt.Errorf("levy_per_kwh %q: want 0 to %s, at most 8 decimals", row[1], power.MaxPrice)
	}
	law.Law.Levy, law.Law.Part = flatLevy(farm.MicroTiyn(levy.Micro))
	for i, into := range []*params.PPM{&law.Law.VAT, &law.Law.Quota, &law.Law.Tax} {
		d, err := strict.ParseDecimal(row[2+i])
		ppm, ok := d.PPM()
		if err != nil || !ok || ppm < 0 || ppm > int64(params.WholePPM) {
			return law, fmt.Errorf("%s %q: want 0 to 1, or a percentage", lawColumns[2+i], row[2+i])
		}
		*into = params.PPM(ppm)
	}
	if law.Source = strings.TrimSpace(row[5]); law.Source == "" || len(law.Source) > 400 {
		return law, errors.New("want the source of the law, at most 400 bytes")
	}
	return law, nil
}

// flatLevy takes the same of each kWh, whole tiyn and the part of one. The price of power and its source make no
// difference.
func flatLevy(perKWh farm.MicroTiyn) (params.MiningLevy, farm.MicroTiyn) {
	levy := money.Tiyn(perKWh / micro(1))
	return params.MiningLevy{Bands: []params.LevyBand{{PerKWh: levy}}, Renewable: levy, Own: levy, OwnGreen: levy,
		Unmetered: levy}, perKWh % micro(1)
}

// ownLaw is the law of the plan's file on a day. The last row that does not come after the day is in force.
func (p *Plan) ownLaw(day params.Date) (DatedLaw, error) {
	for i := len(p.OwnLaws) - 1; i >= 0; i-- {
		if p.OwnLaws[i].From <= day {
			return p.OwnLaws[i], nil
		}
	}
	return DatedLaw{}, farm.Refuse("date", "law", "the file of laws says nothing of %s", day)
}

// lawFile reads the file of laws that the plan names, and its currency. The text is kept among the plan's files, so
// that the result carries the law it was computed under.
func (r *parser) lawFile() error {
	p := r.plan
	if r.Currency != "" {
		if len(r.Currency) != 3 || strings.Trim(r.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return r.Refuse("farm-out-of-range", "currency", "%q: want the three letters of ISO 4217", r.Currency)
		}
		p.Currency = r.Currency
	}
	if r.Law == "" {
		return nil
	}
	text, err := r.open(r.Law)
	if err != nil {
		return r.Refuse("file", "law", "%v", err)
	}
	if p.OwnLaws, err = ReadLaws(text); err != nil {
		return r.Refuse("file", "law", "%v", err)
	}
	p.Files[r.Law] = text
	return nil
}
