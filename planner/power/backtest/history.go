package backtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/safecsv"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
)

// Day is a day's clearing prices of a kWh before VAT.
type Day struct {
	Date   params.Date
	Prices [24]money.Tiyn
}

// maxRows is four zones' hours of ten years.
const (
	maxRows = 24 * 3660 * 4
)

// Read takes one zone's days from a CSV of day,hour,zone,price, in any order of hours; a day that lacks an
// hour is refused, and so is a price below zero.
func Read(in io.Reader, zone string) ([]Day, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord, r.Comment = 4, true, '#'
	header, err := r.Read()
	if err != nil || header[0] != "day" || header[1] != "hour" || header[2] != "zone" || header[3] != "price" {
		return nil, farm.Refuse("header", "prices", "want the columns day,hour,zone,price")
	}
	var days []Day
	var seen uint32
	for rows := 0; ; rows++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, farm.Refuse("csv", "prices", "%v", err)
		}
		line, _ := r.FieldPos(0)
		if rows > maxRows {
			return nil, farm.Refuse("too-long", "prices", "more than %d rows", maxRows)
		}
		// Counted before the zone is asked: a file of many zones is bounded too.
		if safecsv.Text(record[2]) != zone {
			continue
		}
		date, err1 := params.ParseDate(record[0])
		hour, err2 := strconv.Atoi(record[1])
		price, err3 := money.ParseTenge(record[3])
		if err := errors.Join(err1, err2, err3); err != nil || hour < 0 || hour > 23 || price < 0 {
			return nil, farm.Refuse("price", "prices",
				"line %d: want a day, an hour of 0 to 23 and a price of at least 0 (%v)", line, err)
		}
		if len(days) == 0 || days[len(days)-1].Date != date {
			if len(days) > 0 && (date < days[len(days)-1].Date || seen != 1<<24-1) {
				return nil, farm.Refuse("gap", "prices", "line %d: %s after an incomplete or later day %s", line, date,
					days[len(days)-1].Date)
			}
			days, seen = append(days, Day{Date: date}), 0
		}
		if seen&(1<<hour) != 0 {
			return nil, farm.Refuse("farm-duplicate", "prices", "line %d: %s %02d:00 a second time", line, date, hour)
		}
		seen |= 1 << hour
		days[len(days)-1].Prices[hour] = price
	}
	if len(days) == 0 || seen != 1<<24-1 {
		return nil, farm.Refuse("gap", "prices", "no complete days of zone %q", zone)
	}
	return days, nil
}

// Example is simulated prices: a daily shape, a level that wanders, noise.
func Example(from params.Date, days int, seed uint64) []Day {
	r := rand.New(rand.NewPCG(seed, 0xb1d))
	start, err := time.Parse(time.DateOnly, string(from))
	if err != nil {
		panic(err) // the caller's constant
	}
	level := 0.0
	var out []Day
	for d := range days {
		level = 0.9*level + 0.05*r.NormFloat64()
		day := Day{Date: params.DateOf(start.AddDate(0, 0, d))}
		for h := range day.Prices {
			shape := 19 + 5*math.Sin(2*math.Pi*float64(h-9)/24) + 4*math.Exp(-math.Pow(float64(h-20)/2, 2))
			day.Prices[h] = money.Tiyn(math.Round(100 * shape * math.Exp(level+0.08*r.NormFloat64())))
		}
		out = append(out, day)
	}
	return out
}

// Write is what Read reads.
func Write(out io.Writer, zone string, days []Day) error {
	w := safecsv.NewWriter(out)
	_ = w.Write([]string{"day", "hour", "zone", "price"})
	for _, day := range days {
		for h, price := range day.Prices {
			_ = w.Write([]string{string(day.Date), fmt.Sprint(h), zone, price.String()})
		}
	}
	w.Flush()
	return w.Error()
}
