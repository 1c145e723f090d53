package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/aqsha/aqsha/internal/oldnames"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/performance"
	"github.com/aqsha/aqsha/market/sealfile"
	"github.com/aqsha/aqsha/txlog/seal"
)

// SealFormat names the log entry. Reports sealed in the first format are
// re-derived as they were computed then: performance without the window's
// first return and growth by count, the shortfall test at one limit, methods
// scored on their own days, no findings among the notes; those in the second
// without the shortfall regression and the model confidence set; those in the
// third with the keys of the JSON form, whose hash is sealed, spelled as they
// were until then (as in the two before); those in the fourth without extreme value
// theory in the back-test, and with the last digits of a fit from every start;
// those in the fifth with a Cornish–Fisher expansion that may fall, and with bars
// beside an adjusted close as they were traded; those in the sixth with EGARCH's shorter
// search, and with figures that follow from a fit that did not converge; those in the
// seventh with the folds of EGARCH's likelihood for its tops.
const SealFormat = "aqsha-market-seal/8"

// formats are those of all seals, the first first.
var formats = []string{"aqsha-market-seal/1", "aqsha-market-seal/2", "aqsha-market-seal/3", "aqsha-market-seal/4",
	"aqsha-market-seal/5", "aqsha-market-seal/6", "aqsha-market-seal/7", SealFormat}

// rulesOf is the number of an earlier format by which study.Input knows what was computed then; 0 for today's.
func rulesOf(format string) int { return (slices.Index(formats, format) + 1) % len(formats) }

// Seal is the log's entry of a report: what it was made from and the hash of
// what came out (its JSON form, without the program's version, so that a later
// version that computes the same can say so).
type Seal struct {
	Format    string   `json:"format"`
	Asset     string   `json:"asset"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Column    string   `json:"column"`
	Annual    float64  `json:"annualisation"`
	File      string   `json:"file"`
	SHA256    string   `json:"sha256"`
	Origin    string   `json:"origin"`
	Benchmark string   `json:"benchmark,omitempty"`
	BenchHash string   `json:"benchmark_sha256,omitempty"`
	Repairs   []string `json:"repairs,omitempty"` // codes, in order
	// RiskFree is the rate, one figure or a column of a file; absent: 0.
	RiskFree       *float64 `json:"risk_free,omitempty"`
	RiskFreeFile   string   `json:"risk_free_file,omitempty"`
	RiskFreeColumn string   `json:"risk_free_column,omitempty"`
	RiskFreeHash   string   `json:"risk_free_sha256,omitempty"`
	// Reading are the options that the file was read with, where any was given.
	Reading *market.ReadOptions `json:"reading,omitempty"`
	Report  string              `json:"report_sha256"`
	// Forms are the hashes of the files as the program of that version writes them, in every language; Texts those of
	// what a reader sees of each (sealfile.TextHash), and of the JSON form without the version, "figures". Since
	// format 8.
	Version string            `json:"version,omitempty"`
	Forms   map[string]string `json:"forms_sha256,omitempty"`
	Texts   map[string]string `json:"texts_sha256,omitempty"`

	rows map[string][]sealfile.Row
}

// SealOf summarises a report for the log.
func (r *Report) SealOf() (Seal, error) {
	s := Seal{Format: SealFormat, Asset: r.Options.Asset, From: r.Options.From, To: r.Options.To,
		Column: r.Origin.Column, Annual: r.Origin.Annual, File: r.Origin.Source.File, SHA256: r.Origin.Source.SHA256,
		Origin: r.Origin.Source.Origin}
	if b := r.Performance.Benchmark; b != nil {
		s.Benchmark, s.BenchHash = b.File, b.SHA256
	}
	if f := r.Options.RiskFree; f != nil && f.Source != nil {
		s.RiskFreeFile, s.RiskFreeColumn, s.RiskFreeHash = f.Source.File, f.Column, f.Source.SHA256
	} else if f != nil {
		s.RiskFree = &f.Percent
	}
	if r.Options.Input.Table != nil {
		s.Reading = r.Options.Input.Table.Reading
	}
	// A seal is derived again under the rules of its own format: what was sealed stays verifiable whatever is
	// computed today.
	if rules := r.Options.Input.Rules; rules != 0 {
		s.Format = formats[rules-1]
	}
	if r.Options.firstRules() {
		s.Reading = nil
	}
	for _, repair := range r.Origin.Source.Repairs {
		if len(s.Repairs) == 0 || s.Repairs[len(s.Repairs)-1] != repair.Code {
			s.Repairs = append(s.Repairs, repair.Code)
		}
	}
	bare := *r
	// The program's version is not what is sealed: another program that computes the same must verify it.
	bare.Options.Version = ""
	var b bytes.Buffer
	if err := bare.JSON(&b); err != nil {
		return Seal{}, err
	}
	form := b.Bytes()
	if r.Options.Input.Rules >= 1 && r.Options.Input.Rules <= 3 {
		form = oldnames.Write(form)
	}
	sum := sha256.Sum256(form)
	s.Report = hex.EncodeToString(sum[:])
	if s.Format == SealFormat {
		s.Texts, s.rows = map[string]string{}, map[string][]sealfile.Row{}
		s.see(Figures, sealfile.Rows("json", form))
	}
	return s, nil
}

// Figures is the JSON form without the program's version among a seal's texts.
const Figures = "figures"

func (s *Seal) see(form string, rows []sealfile.Row) {
	s.rows[form], s.Texts[form] = rows, sealfile.TextHash(rows)
}

// forms adds the files as they are written.
func (s *Seal) forms(r *Report) error {
	s.Version, s.Forms = r.Options.Version, map[string]string{}
	add := func(name, form string, write func(io.Writer) error) error {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		sum := sha256.Sum256(b.Bytes())
		s.Forms[name] = hex.EncodeToString(sum[:])
		if form != "parquet" {
			s.see(name, sealfile.Rows(form, b.Bytes()))
		}
		return nil
	}
	for _, lang := range []Language{English, Kazakh, Russian} {
		if err := add("html."+string(lang), "html", func(w io.Writer) error { return r.HTML(w, lang) }); err != nil {
			return err
		}
		if err := add("md."+string(lang), "md", func(w io.Writer) error { return r.Markdown(w, lang) }); err != nil {
			return err
		}
	}
	return errors.Join(add("csv", "csv", r.CSV), add("json", "json", r.JSON), add("parquet", "parquet", r.Parquet))
}

// Append seals the report in a log. It returns the entry's index, the checkpoint, and the texts for a seal file.
func (r *Report) Append(dir string, log seal.Log) (index uint64, checkpoint []byte, texts map[string][]sealfile.Row,
	err error) {
	if err := r.sound(); err != nil {
		return 0, nil, nil, err
	}
	sealed, err := r.SealOf()
	if err != nil {
		return 0, nil, nil, err
	}
	if err := sealed.forms(r); err != nil {
		return 0, nil, nil, err
	}
	entry, err := json.Marshal(sealed)
	if err != nil {
		return 0, nil, nil, err
	}
	index, checkpoint, err = log.Append(dir, entry)
	return index, checkpoint, sealed.rows, err
}

// sound refuses a report on data in which an error was found and not repaired:
// a seal would vouch for its figures.
func (r *Report) sound() error {
	for _, t := range []*market.Table{r.Options.Input.Table, r.Options.Benchmark} {
		if t == nil {
			continue
		}
		for _, f := range market.Check(t) {
			if f.Severity == market.Grave {
				return market.Refuse("unrepaired", t.Provenance.File,
					"line %d, %s: %s; a report is not sealed on it: --repair %s, or mend the file", f.FirstLine, f.Code,
					f.Detail, f.Code)
			}
		}
	}
	return nil
}

// ReadSeal takes a seal from a log after checking the log's checkpoint and
// that the entry is under it.
func ReadSeal(dir string, index uint64, log seal.Log) (sealed Seal, err error) {
	entry, err := log.Read(dir, index)
	var beyond *seal.NotUnder
	if errors.As(err, &beyond) {
		return Seal{}, market.Refuse("seal", "index", "%v", err)
	}
	if err != nil {
		return Seal{}, err
	}
	if sealed, ok := ParseSeal(entry); ok {
		return sealed, nil
	}
	return Seal{}, market.Refuse("seal", "index", "entry %d is not a sealed report", index)
}

// ParseSeal takes the seal of a report out of a log's entry; false where the entry is of another kind.
func ParseSeal(entry []byte) (sealed Seal, ok bool) {
	if err := json.Unmarshal(oldnames.Read(entry), &sealed); err != nil ||
		!slices.Contains(formats, sealed.Format) {
		return Seal{}, false
	}
	return sealed, true
}

// Differs is the error of figures that are not as sealed when they are derived again.
type Differs struct {
	Rows []sealfile.Row // of today's figures
	err  error
}

// Error has both hashes.
func (d *Differs) Error() string { return d.err.Error() }

// Unwrap is the refusal.
func (d *Differs) Unwrap() error { return d.err }

// Rederive computes the report of a seal anew from its inputs, and refuses
// when an input or the result differs (Differs). open finds a file by its name.
func (s Seal) Rederive(ctx context.Context,
	open func(name string, reading market.ReadOptions) (*market.Table, error), progress func(done, all int)) error {
	o := Options{Asset: s.Asset, From: s.From, To: s.To}
	o.Input.Rules = rulesOf(s.Format)
	var reading market.ReadOptions
	if s.Reading != nil {
		reading = *s.Reading
	}
	table, err := s.input(open, s.File, s.SHA256, reading)
	if err != nil {
		return err
	}
	market.Repair(table, market.Check(table), s.Repairs...)
	table.Provenance.Origin = s.Origin // as stated when it was sealed
	o.Input.Table, o.Input.Column, o.Input.Annual = table, s.Column, annualOf(s.Annual)
	if s.Benchmark != "" {
		if o.Benchmark, err = s.input(open, s.Benchmark, s.BenchHash, market.ReadOptions{}); err != nil {
			return err
		}
	}
	if s.RiskFree != nil {
		o.RiskFree, err = performance.Rate(*s.RiskFree)
	} else if s.RiskFreeFile != "" {
		o.RiskFree, err = s.riskFree(open)
	}
	if err != nil {
		return err
	}
	r, err := Build(ctx, o, progress)
	if err != nil {
		return err
	}
	again, err := r.SealOf()
	if err != nil {
		return err
	}
	if again.Report != s.Report {
		return &Differs{again.rows[Figures], market.Refuse("seal-differs", "report",
			"re-derived figures hash to %s, sealed were %s", again.Report, s.Report)}
	}
	return nil
}

func (s Seal) riskFree(open func(string, market.ReadOptions) (*market.Table, error)) (*performance.RiskFree, error) {
	return performance.ReadRate(func(reading market.ReadOptions) (*market.Table, error) {
		return s.input(open, s.RiskFreeFile, s.RiskFreeHash, reading)
	}, s.RiskFreeColumn)
}

// input opens a file that the sealed report was made from and holds it to the SHA-256 in the seal: figures of another
// file, be it a newer extract of the same name, would be no check of the report.
func (s Seal) input(open func(string, market.ReadOptions) (*market.Table, error), name, hash string,
	reading market.ReadOptions) (*market.Table, error) {
	table, err := open(name, reading)
	if err != nil {
		return nil, fmt.Errorf("input of the sealed report: %w", err)
	}
	if table.Provenance.SHA256 != hash {
		return nil, market.Refuse("seal-input", name, "has SHA-256 %s, the sealed report was made from %s",
			table.Provenance.SHA256, hash)
	}
	return table, nil
}
