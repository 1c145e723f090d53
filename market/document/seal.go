package document

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/aqsha/aqsha/internal/oldnames"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/sealfile"
	"github.com/aqsha/aqsha/txlog/seal"
)

// SealFormat names the log entry of a document. Those sealed in the first
// format had another spelling of the JSON form's keys, those of the second other
// words and digits, those of the third other last digits of the fit, those of the fourth
// another domain of the Cornish–Fisher expansion and bars as they were traded, those of the fifth
// verdicts on the paper by synthetic data too, those of the sixth nouns of one form whatever their number, and are held
// to them.
const (
	SealFormat   = "aqsha-study-seal/7"
	sixthFormat  = "aqsha-study-seal/6"
	fifthFormat  = "aqsha-study-seal/5"
	fourthFormat = "aqsha-study-seal/4"
	thirdFormat  = "aqsha-study-seal/3"
	secondFormat = "aqsha-study-seal/2"
	firstFormat  = "aqsha-study-seal/1"
)

// earlierForms are the formats of documents by the earlier format of their seal.
var earlierForms = map[string]string{firstFormat: "aqsha-study/1", secondFormat: "aqsha-study/2",
	thirdFormat: "aqsha-study/3", fourthFormat: "aqsha-study/3", fifthFormat: "aqsha-study/3",
	sixthFormat: "aqsha-study/3"}

// Seal is what a document was made from and the hash of each of its forms, in
// every language, so that each can be derived again byte for byte.
type Seal struct {
	Format  string            `json:"format"`
	Options Options           `json:"options"`
	Inputs  []Input           `json:"inputs"`
	Missing []string          `json:"missing,omitempty"` // a file that was not there then must not be there now
	Forms   map[string]string `json:"sha256"`            // json, html.en …, md.ru; pdf.en … as printed
	// Texts are hashes of what a reader sees of each form (sealfile.TextHash), by which what was changed is named.
	// Seals before have none.
	Texts map[string]string `json:"texts_sha256,omitempty"`

	rows map[string][]sealfile.Row
}

// SealOf hashes every form.
func (d *Document) SealOf() (Seal, error) { return d.sealOf(SealFormat) }

// sealOf hashes the document in every form and language, as a format of seals wants it.
func (d *Document) sealOf(format string) (Seal, error) {
	// A seal of an earlier format is derived in the bytes that were hashed then, spelling of keys and all.
	if form, ok := earlierForms[format]; ok {
		then := *d
		then.Format = form
		d = &then
	}
	s := Seal{Format: format, Options: d.Options, Inputs: d.Inputs, Missing: d.Missing, Forms: map[string]string{},
		rows: map[string][]sealfile.Row{}}
	if format == SealFormat {
		s.Texts = map[string]string{}
	}
	hash := func(name, form string, lang Language) error {
		var b bytes.Buffer
		if err := d.Write(&b, form, lang); err != nil {
			return err
		}
		text := b.Bytes()
		if format == SealFormat {
			s.rows[name] = sealfile.Rows(form, text)
			s.Texts[name] = sealfile.TextHash(s.rows[name])
		}
		if format == firstFormat && form == "json" {
			text = oldnames.Write(text)
		}
		sum := sha256.Sum256(text)
		s.Forms[name] = hex.EncodeToString(sum[:])
		return nil
	}
	if err := hash("json", "json", English); err != nil {
		return s, err
	}
	for _, lang := range Languages {
		for _, form := range []string{"html", "md"} {
			if err := hash(form+"."+string(lang), form, lang); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// Sealable refuses where the data hold an error that was not repaired: a seal
// would vouch for it.
func (d *Document) Sealable() error {
	for _, i := range d.Inputs {
		t, err := market.ReadFile(filepath.Join(d.Options.Dir, i.File), market.ReadOptions{})
		if err != nil {
			return err
		}
		for _, f := range market.Check(t) {
			if f.Severity == market.Grave {
				return market.Refuse("unrepaired", i.File,
					"line %d, %s: %s; a document is not sealed on it: mend the file", f.FirstLine, f.Code, f.Detail)
			}
		}
	}
	return nil
}

// Append seals the document in a log, if it may be, with the hashes of files that were printed from it, by form. The
// texts go into a seal file.
func (d *Document) Append(dir string, log seal.Log, printed map[string]string) (index uint64, checkpoint []byte,
	texts map[string][]sealfile.Row, err error) {
	if err := d.Sealable(); err != nil {
		return 0, nil, nil, err
	}
	s, err := d.SealOf()
	if err != nil {
		return 0, nil, nil, err
	}
	maps.Copy(s.Forms, printed)
	entry, err := json.Marshal(s)
	if err != nil {
		return 0, nil, nil, err
	}
	index, checkpoint, err = log.Append(dir, entry)
	return index, checkpoint, s.rows, err
}

// ReadSeal takes the seal of a document out of a log's entry; false where the
// entry is of another kind.
func ReadSeal(entry []byte) (Seal, bool) {
	var s Seal
	if err := json.Unmarshal(oldnames.Read(entry), &s); err != nil || s.Format != SealFormat &&
		earlierForms[s.Format] == "" {
		return Seal{}, false
	}
	return s, true
}

// Differs is the error of a form that is not as sealed when it is derived again.
type Differs struct {
	Form string
	Rows []sealfile.Row // of today's
	err  error
}

// Error says which form, and both hashes.
func (d *Differs) Error() string { return d.err.Error() }

// Unwrap is the refusal.
func (d *Differs) Unwrap() error { return d.err }

// Rederive makes the document anew from the folder's files and refuses when an
// input or a byte of any form differs (Differs).
func (s Seal) Rederive(ctx context.Context, dir string) error {
	o := s.Options
	o.Dir, o.earlier = dir, s.Format == firstFormat || s.Format == secondFormat
	o.thorough, o.six = o.earlier || s.Format == thirdFormat, s.Format != SealFormat
	switch s.Format {
	case SealFormat, sixthFormat:
	case fifthFormat:
		o.rules = 6
	default:
		o.rules = 5
	}
	for _, i := range s.Inputs {
		// The seal may be anybody's: its names must not lead out of the folder.
		if i.File != filepath.Base(i.File) {
			return market.Refuse("seal", i.File, "is not the name of a file in a folder")
		}
		t, err := market.ReadFile(filepath.Join(dir, i.File), market.ReadOptions{})
		if err != nil {
			return fmt.Errorf("input of the sealed document: %w", err)
		}
		if t.Provenance.SHA256 != i.SHA256 {
			return market.Refuse("seal-input", i.File, "has SHA-256 %s, the sealed document was made from %s",
				t.Provenance.SHA256, i.SHA256)
		}
	}
	d, err := Build(ctx, o)
	if err != nil {
		return err
	}
	again, err := d.sealOf(s.Format)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(again.Forms)) {
		if again.Forms[name] != s.Forms[name] {
			return &Differs{name, again.rows[name], market.Refuse("seal-differs", name,
				"re-derived it hashes to %s, sealed was %q", again.Forms[name], s.Forms[name])}
		}
	}
	return nil
}
