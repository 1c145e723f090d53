package register

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
)

// maxRows bounds a file of meter readings or receipts.
const maxRows = 100_000

// Metered is a day's electricity.
type Metered struct {
	Day       params.Date
	WattHours int64
}

// Received is coins that came on a day, their price then, and what was sold.
type Received struct {
	Day   params.Date
	Coins money.Satoshi
	Price money.Tiyn // of a bitcoin, the day's average
	Sold  money.Satoshi
}

// ReadMetered reads a CSV of day,kwh; days ascend.
func ReadMetered(in io.Reader) ([]Metered, error) {
	var out []Metered
	err := rows(in, "metered", []string{"day", "kwh"}, func(day params.Date, cells []string) error {
		kWh, err := strict.ParseDecimal(cells[1])
		if err != nil || kWh.Nano < 0 || kWh.Nano%1_000_000 != 0 || kWh.Nano > 1_000_000_000*1_000_000_000 {
			return errors.Join(err, errors.New("want 0 to 1,000,000,000 kWh with at most three decimals"))
		}
		out = append(out, Metered{day, kWh.Nano / 1_000_000})
		return nil
	})
	return out, err
}

// ReadReceived reads a CSV of day,btc,price_kzt,sold_btc; days ascend.
func ReadReceived(in io.Reader) ([]Received, error) {
	var out []Received
	err := rows(in, "received", []string{"day", "btc", "price_kzt", "sold_btc"},
		func(day params.Date, cells []string) error {
			coins, err1 := money.ParseBitcoin(cells[1])
			price, err2 := money.ParseTenge(cells[2])
			sold, err3 := money.ParseBitcoin(cells[3])
			if err := errors.Join(err1, err2, err3); err != nil || coins < 0 || price < 0 ||
				price > 1_000_000_000_000*money.Tenge || sold < 0 || coins > 21_000_000*money.Bitcoin ||
				sold > 21_000_000*money.Bitcoin {
				return errors.Join(err, errors.New("want amounts of at least 0 that can be"))
			}
			out = append(out, Received{day, coins, price, sold})
			return nil
		})
	return out, err
}

// rows reads a CSV of days with a header, days ascending and each once. Errors name the line.
func rows(in io.Reader, name string, header []string, row func(day params.Date, cells []string) error) error {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.Comment = len(header), '#'
	first, err := r.Read()
	if err != nil || !slices.Equal(first, header) {
		return farm.Refuse("header", name, "want the columns %s", strings.Join(header, ","))
	}
	var last params.Date
	for n := 0; ; n++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return farm.Refuse("csv", name, "%v", err)
		}
		line, _ := r.FieldPos(0)
		day, err := params.ParseDate(cells[0])
		// In order and each once: a day twice would be declared and paid twice.
		if err == nil && day <= last {
			err = errors.New("want days in order, each once")
		}
		if err == nil {
			err = row(day, cells)
		}
		if err != nil || n >= maxRows {
			return farm.Refuse("row", name, "line %d: %v", line, err)
		}
		last = day
	}
}
