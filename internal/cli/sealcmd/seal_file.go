package sealcmd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/document"
	marketreport "github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/market/sealfile"
	"github.com/aqsha/aqsha/txlog/seal"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// sealFileOf is where a log's folder keeps the seal file of an entry.
func sealFileOf(dir string, index uint64) string {
	return filepath.Join(dir, "files", fmt.Sprintf("%d.seal.json", index))
}

// WriteFile writes what goes along with a document, beside it and into the log's folder. The log comes first and the
// file follows from it: one that is lost is no loss of a seal.
func WriteFile(dir, beside string, log seal.Log, index uint64, texts map[string][]sealfile.Row) error {
	proof, err := log.Prove(filepath.Join(dir, "log"), index)
	if err != nil {
		return err
	}
	public, err := os.ReadFile(filepath.Join(dir, "log.pub"))
	if err != nil {
		return err
	}
	file := sealfile.File{Format: sealfile.Format, Origin: log.Origin, Key: strings.TrimSpace(string(public)),
		Proof: proof, Texts: texts}
	if err := vfs.OS.MkdirAll(filepath.Join(dir, "files")); err != nil {
		return err
	}
	for _, path := range []string{sealFileOf(dir, index), beside} {
		if err := cli.WriteFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(file) }); err != nil {
			return err
		}
	}
	return nil
}

// readBounded reads a file of at most so many bytes.
func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = market.Refuse("too-large", filepath.Base(path), "more than %d MiB", most>>20)
	}
	return data, err
}

// inHand is what was checked of a document without the log, and what was not.
type inHand struct {
	Document    string                `json:"document"`
	SealedAs    words.Said            `json:"sealed_as"` // what the seal is of
	Key         string                `json:"key"`       // that the checkpoint is signed by
	KeyGiven    bool                  `json:"key_given"` // by whoever verifies; else it is the seal file's own
	Index       uint64                `json:"entry"`
	Form        string                `json:"form,omitempty"` // that the document is, byte for byte
	LineEnds    bool                  `json:"line_ends_changed,omitempty"`
	SHA256      string                `json:"sha256"`
	Differences []sealfile.Difference `json:"differences,omitempty"`
	Inputs      []handInput           `json:"inputs"`
	Derived     bool                  `json:"derived_again"`
	Same        bool                  `json:"same"` // as what was sealed
}

type handInput struct {
	File     string `json:"file"`
	Expected string `json:"sha256"`
	Found    string `json:"found,omitempty"` // "": it is not in the folder, or no folder was given
}

// entryOf is an entry of either kind, as far as a document in one's hand is held to it.
type entryOf struct {
	name         words.Said
	forms, texts map[string]string
	inputs       []handInput
	derive       func(command *cobra.Command, dir string) error
}

func readEntry(entry []byte) (entryOf, error) {
	if s, ok := document.ReadSeal(entry); ok {
		e := entryOf{name: words.Say("market.hand-study", "system", s.Options.System), forms: s.Forms,
			texts: s.Texts, derive: func(command *cobra.Command, dir string) error {
				return s.Rederive(command.Context(), dir)
			}}
		for _, i := range s.Inputs {
			e.inputs = append(e.inputs, handInput{File: i.File, Expected: i.SHA256})
		}
		return e, nil
	}
	s, ok := marketreport.ParseSeal(entry)
	if !ok {
		return entryOf{}, market.Refuse("seal", "seal-file", "its entry is not a sealed report")
	}
	e := entryOf{name: words.Say("market.hand-report", "asset", s.Asset, "from", s.From, "to", s.To),
		forms: s.Forms, texts: s.Texts, derive: func(command *cobra.Command, dir string) error {
			return s.Rederive(command.Context(), opener(dir), cli.ProgressOf(command, "back-test"))
		}}
	for _, i := range [][2]string{{s.File, s.SHA256}, {s.Benchmark, s.BenchHash}, {s.RiskFreeFile, s.RiskFreeHash}} {
		if i[0] != "" {
			e.inputs = append(e.inputs, handInput{File: i[0], Expected: i[1]})
		}
	}
	return e, nil
}

// opener opens inputs by their bare name: a seal from elsewhere reaches no file but those of the folder.
func opener(dir string) func(string, market.ReadOptions) (*market.Table, error) {
	return func(name string, reading market.ReadOptions) (*market.Table, error) {
		return market.ReadFile(filepath.Join(dir, filepath.Base(name)), reading)
	}
}

// verifyInHand holds a document that somebody was sent to the seal file that came with it.
func verifyInHand(command *cobra.Command, path, sealPath, public, inputs string) error {
	if public != "" {
		if _, err := note.NewVerifier(strings.TrimSpace(public)); err != nil {
			return cli.Usage(fmt.Errorf("--public: %w", err))
		}
	}
	data, err := readBounded(path, sealfile.MaxDocument)
	if err != nil {
		return err
	}
	// From the signature inwards: nothing of the file is used before what vouches for it was checked.
	if sealPath == "" {
		if sealPath, err = besides(path); err != nil {
			return err
		}
	}
	raw, err := readBounded(sealPath, sealfile.MaxFile)
	if err != nil {
		return err
	}
	file, err := sealfile.Read(raw)
	if err != nil {
		return err
	}
	entry, err := file.Check(public)
	if err != nil {
		return err
	}
	sealed, err := readEntry(entry)
	if err != nil {
		return err
	}
	if err := file.CheckTexts(sealed.texts); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	hand := inHand{Document: filepath.Base(path), SealedAs: sealed.name, Key: file.Key, KeyGiven: public != "",
		Index: file.Proof.Index, SHA256: hex.EncodeToString(sum[:]), Inputs: sealed.inputs}
	if public != "" {
		hand.Key = strings.TrimSpace(public)
	}
	var plain bool
	if hand.Form, plain = sealfile.SameForm(data, sealed.forms); hand.Form != "" {
		hand.LineEnds = !plain
	} else {
		hand.Form, hand.Differences = compare(file, path, data)
	}
	failed := hand.judge(sealed.forms)
	if failed == nil && inputs != "" {
		failed = hand.data(command, sealed, inputs)
	}
	if err := cli.Present(command, hand, func(w io.Writer) { hand.print(w, command) }); err != nil {
		return err
	}
	return failed
}

// besides finds the seal file in the document's folder: that whose name the document's begins with, the longest one.
func besides(path string) (string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	best := ""
	for _, e := range entries {
		stem, is := strings.CutSuffix(e.Name(), ".seal.json")
		if is && len(stem) > len(best) && strings.HasPrefix(filepath.Base(path), stem) {
			best = stem
		}
	}
	if best == "" {
		return "", market.Refuse("seal", "seal-file", "no seal file beside %s is called like it; ask whoever sent it "+
			"for the file that ends in .seal.json, and name it with --seal-file", filepath.Base(path))
	}
	return filepath.Join(filepath.Dir(path), best+".seal.json"), nil
}

// compare names what differs from the likest form that was sealed.
func compare(file *sealfile.File, path string, data []byte) (form string, differences []sealfile.Difference) {
	kind := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	if kind == "htm" {
		kind = "html"
	}
	found := sealfile.Rows(kind, data)
	form = file.Likest(kind, found)
	if form == "" {
		return "", nil
	}
	return form, sealfile.Compare(file.Texts[form], found)
}

// judge is the error of a document that is not as sealed.
func (h *inHand) judge(forms map[string]string) error {
	if hash, sealed := forms[h.Form]; sealed && (h.LineEnds || hash == h.SHA256) {
		h.Same = true
		return nil
	}
	return market.Refuse("seal-document", h.Document, "it hashes to %s, which is none of the forms of the %s that "+
		"were sealed", h.SHA256, h.SealedAs)
}

// data holds the inputs that are in the folder to their hashes and, where all are, derives the document again.
func (h *inHand) data(command *cobra.Command, sealed entryOf, dir string) error {
	all := true
	for i := range h.Inputs {
		in := &h.Inputs[i]
		data, err := readBounded(filepath.Join(dir, filepath.Base(in.File)), market.MaxFileBytes)
		if errors.Is(err, fs.ErrNotExist) {
			all = false
			continue
		}
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		if in.Found = hex.EncodeToString(sum[:]); in.Found != in.Expected {
			return market.Refuse("seal-input", in.File, "has SHA-256 %s, the sealed report was made from %s", in.Found,
				in.Expected)
		}
	}
	if !all {
		return nil
	}
	if err := sealed.derive(command, dir); err != nil {
		return err
	}
	h.Derived = true
	return nil
}

// maxNamed is how many differences are printed; --json has all.
const maxNamed = 20

func (h *inHand) print(w io.Writer, command *cobra.Command) {
	l := cli.LanguageFor(command)
	// What was checked and what was not, whatever the end: a reader who stops at "the same" has read whose key it was.
	say := func(text string) { fmt.Fprintln(w, text) }
	say(l.Text("market.hand-seal", "what", h.SealedAs.In(l), "entry", h.Index, "key", h.Key))
	if !h.KeyGiven {
		say(l.Text("market.hand-own-key"))
	}
	switch {
	case h.Same && h.LineEnds:
		say(l.Text("market.hand-line-ends", "document", h.Document, "form", h.Form))
	case h.Same:
		say(l.Text("market.hand-same", "document", h.Document, "form", h.Form, "sha", h.SHA256))
	case h.Form == "":
		say(l.Text("market.hand-other", "document", h.Document, "sha", h.SHA256))
	default:
		say(l.Text("market.hand-differs", "document", h.Document, "form", h.Form, "sha", h.SHA256))
		printDifferences(w, command, h.Form, h.Differences)
	}
	for _, in := range h.Inputs {
		switch in.Found {
		case in.Expected:
			say(l.Text("market.hand-input-same", "file", in.File, "sha", in.Expected))
		case "":
			say(l.Text("market.hand-input-none", "file", in.File, "sha", in.Expected))
		default:
			say(l.Text("market.hand-input-differs", "file", in.File, "sha", in.Expected, "found", in.Found))
		}
	}
	if h.Derived {
		say(l.Text("market.hand-derived"))
	} else {
		say(l.Text("market.hand-not-derived"))
	}
}

// sentenceOf says what a difference is.
func sentenceOf(l words.Language, d sealfile.Difference, row string) string {
	switch d.Kind {
	case sealfile.Missing:
		return l.Text("market.hand-missing", "table", d.Table, "expected", d.Expected)
	case sealfile.Added:
		return l.Text("market.hand-added", "table", d.Table, "found", d.Found)
	case sealfile.Notation:
		return l.Text("market.hand-format", "table", d.Table, "row", row, "expected", d.Expected, "found", d.Found)
	}
	return l.Text("market.hand-cell", "table", d.Table, "row", row, "expected", d.Expected, "found", d.Found)
}

// printDifferences names cells and rows, the first of them; those of no table by the form.
func printDifferences(w io.Writer, command *cobra.Command, form string, differences []sealfile.Difference) {
	l := cli.LanguageFor(command)
	if len(differences) == 0 {
		fmt.Fprintln(w, l.Text("market.hand-no-text"))
	}
	for _, d := range differences[:min(maxNamed, len(differences))] {
		if d.Table == "" {
			d.Table = form
		}
		row := d.Row
		if d.Column != "" {
			row += " / " + d.Column
		}
		fmt.Fprintln(w, sentenceOf(l, d, row))
	}
	if more := len(differences) - maxNamed; more > 0 {
		fmt.Fprintln(w, l.Text("market.hand-more", "count", more))
	}
}
