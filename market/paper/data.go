package paper

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/aqsha/aqsha/market"
)

// addData reads what the claims need from a folder of real extracts. A file
// that is not there leaves its names without a value ("not checkable").
// With real alone, neither does a synthetic file give them one.
func (e environment) addData(dir string, real bool) ([]market.Provenance, error) {
	var used []market.Provenance
	read := func(name string, use func(*market.Table) error) error {
		table, err := market.ReadFile(filepath.Join(dir, name), market.ReadOptions{})
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		used = append(used, table.Provenance)
		if real && invented(table.Provenance) {
			return nil
		}
		return use(table)
	}
	for _, coin := range []string{"btc", "eth", "bch", "ltc"} {
		err := read("cm2019_"+coin+"_daily.csv", func(t *market.Table) error {
			return errors.Join(e.at(t, "supply", "2018-04-13", "data_supply_"+coin+"_20180413"),
				e.at(t, "price_usd", "2018-04-13", "data_price_"+coin+"_20180413"))
		})
		if err != nil {
			return nil, err
		}
	}
	return used, errors.Join(read("cm2019_btc_daily.csv", e.peak), read("cm_btc_daily.csv", e.bitcoin),
		read("cbeci_country_share.csv", e.shares))
}

func invented(p market.Provenance) bool { return strings.HasPrefix(p.Origin, "synthetic") }

// at takes a day's value, where the table has it.
func (e environment) at(t *market.Table, column, day, name string) error {
	s, err := t.Series(column)
	if err != nil {
		return err
	}
	if w := s.Window(day, day); w.Len() == 1 {
		e.values[name] = w.Values[0]
	}
	return nil
}

// peak is the highest capitalisation.
func (e environment) peak(t *market.Table) error {
	caps, err := t.Series("cap_usd")
	if err != nil {
		return err
	}
	for _, v := range caps.Values {
		e.values["data_btc_peak_cap_2019"] = max(e.values["data_btc_peak_cap_2019"], v)
	}
	return nil
}

// bitcoin takes what claims about bitcoin's supply and capitalisation need.
func (e environment) bitcoin(t *market.Table) error {
	supply, err := t.Series("supply")
	if err != nil {
		return err
	}
	// The day of the month on which the supply first reaches a figure.
	e.functions["data_btc_supply_day"] = func(want float64) (float64, error) {
		for i, v := range supply.Values {
			if v >= want {
				e.dates["btc"] = supply.Times[i].Format(time.DateOnly)
				return float64(supply.Times[i].Day()), nil
			}
		}
		return 0, missingName("data_btc_supply_day")
	}
	return errors.Join(e.at(t, "cap_usd", "2019-12-31", "data_btc_cap_20191231"),
		e.at(t, "cap_usd", "2020-12-31", "data_btc_cap_20201231"))
}

// shares takes countries' shares of the hash rate, by month.
func (e environment) shares(t *market.Table) error {
	shares, err := t.Column("share_pct")
	if err != nil {
		return err
	}
	countries, err := t.Text("country")
	if err != nil {
		return err
	}
	codes := map[string]string{"United States": "us", "Kazakhstan": "kz", "Russian Federation": "ru",
		"Mainland China": "cn"}
	for i, at := range t.Times {
		if code, ok := codes[countries[i]]; ok {
			e.values["data_share_"+code+"_"+strings.ReplaceAll(at.Format("2006-01"), "-", "")] = shares.Values[i]
		}
	}
	return nil
}

// tableDate dates Table 1 by the issuance rule alone.
func tableDate(supply float64) (string, error) {
	height, err := heightOf(supply, 210_000)
	if err != nil {
		return "", err
	}
	at, err := dateOfHeight(height)
	return at.Format(time.DateOnly), err
}
