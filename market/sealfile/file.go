package sealfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/txlog/seal"
)

// Format names the file.
const Format = "aqsha-seal-file/1"

// MaxFile bounds a seal file, in bytes.
const MaxFile = 64 << 20

// File goes along with a document.
type File struct {
	Format string           `json:"format"`
	Origin string           `json:"origin"`     // of the log
	Key    string           `json:"public_key"` // of the log, as the sealing side names it: no proof of who that is
	Proof  seal.Proof       `json:"proof"`
	Texts  map[string][]Row `json:"texts"` // by form; their hashes stand in the entry
}

// TextHash is what an entry has of a form's texts.
func TextHash(rows []Row) string {
	text, err := json.Marshal(rows)
	if err != nil {
		panic(err) // of strings alone
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Read takes a file from elsewhere; nothing of it is checked yet.
func Read(data []byte) (*File, error) {
	if len(data) > MaxFile {
		return nil, market.Refuse("too-large", "seal-file", "more than %d MiB", MaxFile>>20)
	}
	var f File
	if err := json.Unmarshal(data, &f); err != nil || f.Format != Format {
		return nil, market.Refuse("seal", "seal-file", "it is no file of the format %s", Format)
	}
	for form, rows := range f.Texts {
		for _, r := range rows {
			if len(r.Cells) == 0 {
				return nil, market.Refuse("seal", "seal-file", "a row without cells in %s", form)
			}
		}
	}
	return &f, nil
}

// Check proves that the entry stands under a checkpoint signed by a key: the public one from a source of one's own, or,
// where that is empty, the file's own. It returns the entry.
func (f *File) Check(public string) (entry []byte, err error) {
	if public == "" {
		public = f.Key
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(public))
	if err != nil {
		return nil, market.Refuse("seal", "seal-file", "its public key: %v", err)
	}
	if err := (seal.Log{Origin: f.Origin, Verifier: verifier}).Check(f.Proof); err != nil {
		return nil, market.Refuse("seal", "seal-file", "%v", err)
	}
	return f.Proof.Entry, nil
}

// CheckTexts holds the file's texts to the hashes in its entry.
func (f *File) CheckTexts(hashes map[string]string) error {
	for form, rows := range f.Texts {
		if TextHash(rows) != hashes[form] {
			return market.Refuse("seal", "seal-file", "the texts of %s are not those that were sealed", form)
		}
	}
	return nil
}

// Likest is the form of a kind (html, md, json …) whose texts have most in common with what was found; "" when the file
// has none.
func (f *File) Likest(kind string, found []Row) string {
	best, most := "", -1
	have := map[string]bool{}
	for _, r := range found {
		have[r.key()] = true
	}
	for form, rows := range f.Texts {
		if form != kind && !strings.HasPrefix(form, kind+".") {
			continue
		}
		n := 0
		for _, r := range rows {
			if have[r.key()] {
				n++
			}
		}
		if n > most || n == most && form < best {
			best, most = form, n
		}
	}
	return best
}

// binary are the kinds of forms that are no text.
var binary = []string{"pdf", "parquet"}

// SameForm finds the form whose hash the bytes have: as they are, or, with plain false, once line ends and a byte order
// mark are as they were written; mail and editors change those. In what is no text they are data.
func SameForm(data []byte, forms map[string]string) (form string, plain bool) {
	find := func(data []byte, texts bool) string {
		sum := sha256.Sum256(data)
		for form, hash := range forms {
			kind, _, _ := strings.Cut(form, ".")
			if hash == hex.EncodeToString(sum[:]) && !(texts && slices.Contains(binary, kind)) {
				return form
			}
		}
		return ""
	}
	if form := find(data, false); form != "" {
		return form, true
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	return find([]byte(text), true), false
}
