package records

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/charset"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/safecsv"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const maxTable = 64 << 20

// table reads a CSV file with exactly these columns; a file that is not there is empty.
func table(dir, name string, header []string, row func(fields []string) error) error {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxTable))
	if err != nil {
		return err
	}
	text, _, err := charset.Text(content)
	if err != nil {
		return farm.Refuse("csv", name, "%v", err)
	}
	rows := csv.NewReader(strings.NewReader(text))
	rows.FieldsPerRecord = len(header)
	if got, err := rows.Read(); err != nil || !slices.Equal(got, header) {
		return farm.Refuse("header", name, "want the columns %v, got %v", header, got)
	}
	for {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return farm.Refuse("csv", name, "%v", err) // names the line
		}
		line, _ := rows.FieldPos(0)
		err = row(safecsv.Texts(fields))
		var refusal *farm.Error
		if errors.As(err, &refusal) {
			return farm.Refuse(refusal.Code, refusal.Field, "%s line %d: %s", name, line, refusal.Detail)
		}
		if err != nil {
			return farm.Refuse("csv", name, "line %d: %v", line, err)
		}
	}
}

// appendRows adds rows to a table, with its header when the file is new: all of them or none. A last line that an
// editor left without an end gets one.
func appendRows(dir, name string, header []string, rows ...[]string) error {
	return appendRowsTo(vfs.OS, dir, name, header, rows...)
}

func appendRowsTo(files vfs.FS, dir, name string, header []string, rows ...[]string) error {
	return durable.Update(files, filepath.Join(dir, name), maxTable, func(content []byte) ([]byte, error) {
		if len(content) > 0 && content[len(content)-1] != '\n' {
			content = append(content, '\n')
		}
		added := bytes.NewBuffer(content)
		w := safecsv.NewWriter(added)
		if len(content) == 0 {
			_ = w.Write(header)
		}
		err := w.WriteAll(rows)
		return added.Bytes(), err
	})
}

func instant(field, text string) (usage.Instant, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, farm.Refuse("bad-time", field, "%q: want a time such as 2026-10-03T08:00:00+05:00", text)
	}
	return usage.At(t), nil
}

// Annotation says when, where and why machines are not meant to run or cannot.
type Annotation struct {
	usage.Annotation
	Selector string
	Why      string
}

var annotationHeader = []string{"from", "to", "selector", "state", "why"}

func readAnnotations(dir string) (annotations []Annotation, err error) {
	err = table(dir, "marks.csv", annotationHeader, func(f []string) error {
		m := Annotation{Selector: f[2], Why: f[4]}
		var err error
		if m.From, err = instant("from", f[0]); err != nil {
			return err
		}
		if m.To, err = instant("to", f[1]); err != nil {
			return err
		}
		if m.State, err = usage.ParseState(f[3]); err != nil {
			return err
		}
		if m.To <= m.From {
			return farm.Refuse("bad-time", "to", "want it after from")
		}
		annotations = append(annotations, m)
		return nil
	})
	return annotations, err
}

// PricePoint is what work is worth from an instant on.
type PricePoint struct {
	From usage.Instant
	usage.Price
}

var priceHeader = []string{"from", "difficulty", "reward_btc", "bitcoin_kzt"}

func readPrices(dir string) (prices []PricePoint, err error) {
	err = table(dir, "prices.csv", priceHeader, func(f []string) error {
		from, err := instant("from", f[0])
		if err != nil {
			return err
		}
		p, err := ParsePrice(f[1], f[2], f[3])
		if err != nil {
			return err
		}
		prices = append(prices, PricePoint{from.Floor(usage.Hour), p})
		return nil
	})
	slices.SortStableFunc(prices, func(a, b PricePoint) int {
		return cmp.Compare(a.From/usage.Hour, b.From/usage.Hour)
	})
	return prices, err
}

// ParsePrice reads difficulty, block reward (subsidy and mean fees, BTC) and the price of a bitcoin in tenge.
func ParsePrice(difficulty, reward, bitcoin string) (usage.Price, error) {
	d, err := strconv.ParseFloat(difficulty, 64)
	if err != nil {
		return usage.Price{}, farm.Refuse("not-a-number", "difficulty", "%q", difficulty)
	}
	r, err := money.ParseBitcoin(reward)
	if err != nil {
		return usage.Price{}, farm.Refuse("not-a-number", "reward", "%v", err)
	}
	b, err := money.ParseTenge(bitcoin)
	if err != nil || b < 0 {
		return usage.Price{}, farm.Refuse("not-a-number", "bitcoin", "%q: want tenge", bitcoin)
	}
	hashprice, err := farm.HashpriceOf(r, d)
	return usage.Price{Hashprice: hashprice, Bitcoin: b}, err
}

// AddPrice appends a price to a folder's table.
func AddPrice(dir string, from time.Time, difficulty, reward, bitcoin string) error {
	if _, err := ParsePrice(difficulty, reward, bitcoin); err != nil {
		return err
	}
	return appendRows(dir, "prices.csv", priceHeader, []string{from.Format(time.RFC3339), difficulty, reward, bitcoin})
}

// MeterReading is a site's energy over a span, as its meter has it.
type MeterReading struct {
	From, To usage.Instant
	Site     string
	WattHour int64
}

var meterHeader = []string{"from", "to", "site", "kwh"}

func readMeters(dir string) (readings []MeterReading, err error) {
	err = table(dir, "meter.csv", meterHeader, func(f []string) error {
		r := MeterReading{Site: f[2]}
		var err error
		if r.From, err = instant("from", f[0]); err != nil {
			return err
		}
		if r.To, err = instant("to", f[1]); err != nil {
			return err
		}
		kwh, err := strconv.ParseFloat(f[3], 64)
		if err != nil || !(kwh >= 0 && kwh < 1e12) || r.To <= r.From {
			return farm.Refuse("not-a-number", "kwh", "%q: want kWh, and to after from", f[3])
		}
		r.WattHour = int64(kwh*1000 + 0.5)
		readings = append(readings, r)
		return nil
	})
	return readings, err
}

// WriteMeter appends a meter's reading to a folder's table.
func WriteMeter(dir string, r MeterReading) error {
	return appendRows(dir, "meter.csv", meterHeader, []string{r.From.Time().Format(time.RFC3339),
		r.To.Time().Format(time.RFC3339), r.Site, fmt.Sprintf("%d.%03d", r.WattHour/1000, r.WattHour%1000)})
}
