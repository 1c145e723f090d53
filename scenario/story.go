package scenario

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// Step is one beat of the story.
type Step struct {
	Name  string // stable, lower-case, hyphens: "issue", "pool-block"
	Title string // what happens, as the reader sees it
	// Play does it and says what it proves. Nil: not built yet, shown greyed.
	// A step that was played in an earlier run of the same data directory is not played again;
	// one that was interrupted is played again, and does its parts under Stage.Once.
	Play func(ctx context.Context, w *Stage) error
}

// TitleIn is a step's title in a language.
func (s Step) TitleIn(l words.Language) string {
	if text := l.Text("story." + s.Name); text != "story."+s.Name {
		return text
	}
	return s.Title
}

// Steps is the whole story in order; each line of work plugs its own in.
func Steps() []Step {
	steps := append(ledgerSteps(), miningSteps()...)
	steps = append(steps, farmSteps()...)
	steps = append(steps, planSteps()...)
	steps = append(steps, programSteps()...)
	steps = append(steps, useCaseSteps()...)
	steps = append(steps, cashSteps()...)
	steps = append(steps, purseSteps()...)
	steps = append(steps, validatorSteps()...)
	return append(steps, laterSteps...)
}

// laterSteps are told by parts of Aqsha that are not built yet.
var laterSteps = []Step{
	{Name: "sale", Title: "The farm sells its legal quota of coins on the exchange, the rest by atomic swap"},
}

// Stage is what the steps share. A line keeps its own handle here as a field of its own type.
type Stage struct {
	DataDir string    // the story's data directory; each line uses a folder of its own below it
	Out     io.Writer // where the story is told
	// Language is the one in which the story is told; English where none is named.
	Language words.Language
	Client   *wallet.Client
	Mining   *Mining // nil until a step has started the private chain
	// Validators runs a network of several validators in processes of their own and unplugs one during the
	// salaries. Nil where no processes are started.
	Validators func(ctx context.Context, say func(key string, pairs ...any)) (Unplugged, error)

	record *Record
	step   string // the one that is being played
}

// Say says one line of the story: a text of the catalogue ("story-line"), with {name} filled in from pairs of a name
// and a value.
func (w *Stage) Say(key string, pairs ...any) { w.say(w.language().Text("story-line."+key, pairs...)) }

// Proves says what a step has shown, by a text as Say.
func (w *Stage) Proves(key string, pairs ...any) {
	w.proves(w.language().Text("story-line."+key, pairs...))
}

func (w *Stage) say(text string)    { fmt.Fprintf(w.Out, "    %s\n", text) }
func (w *Stage) proves(text string) { fmt.Fprintf(w.Out, "    ⇒ %s\n", text) }

func (w *Stage) language() words.Language { return cmp.Or(w.Language, words.English) }

// refusal is what a refusal's code means.
func (w *Stage) refusal(code string) string {
	explained, _ := w.language().Explain(code)
	return explained.Title
}

// Once does a part of a step, and not again when an interrupted step is played again.
func (w *Stage) Once(part string, act func() error) error {
	name := w.step + "/" + part
	if w.record.Done[name] {
		return nil
	}
	if err := act(); err != nil {
		return err
	}
	return w.record.earmark(name)
}

// Record is which steps and parts were played, kept in the data directory.
type Record struct {
	path  string
	Done  map[string]bool   `json:"done"`
	Links map[string][]Link `json:"links,omitempty"` // by step
}

// Link leads from a step to what it left: a page of one of the story's people.
type Link struct {
	Kind string `json:"kind"` // wallet, receipt, refusal or history
	Role string `json:"role"`
	Path string `json:"path"`
}

// link keeps a link of the step that is being played, once.
func (w *Stage) link(kind, role, path string) error {
	l := Link{kind, role, path}
	if slices.Contains(w.record.Links[w.step], l) {
		return nil
	}
	if w.record.Links == nil {
		w.record.Links = map[string][]Link{}
	}
	w.record.Links[w.step] = append(w.record.Links[w.step], l)
	return w.record.store()
}

// OpenRecord reads the record of a data directory. Without one nothing was played; one that cannot be read is an
// error, since a story told again from its beginning would pay everybody twice.
func OpenRecord(dir string) (*Record, error) {
	r := &Record{path: filepath.Join(dir, "story.json"), Done: map[string]bool{}}
	content, err := os.ReadFile(r.path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(content, r)
	}
	if r.Done == nil {
		r.Done = map[string]bool{}
	}
	return r, err
}

func (r *Record) earmark(name string) error {
	r.Done[name] = true
	return r.store()
}

// store replaces the record whole, after each step and each part under Once.
func (r *Record) store() error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, r.path, append(content, '\n'))
}

// Play tells the steps in order, those that were not played yet, and returns how many it played. A step is noted when
// it has returned: broken off before that, it is played again from its beginning, and what it must not do twice stands
// under Once.
func Play(ctx context.Context, w *Stage, steps []Step, record *Record) (int, error) {
	w.record = record
	played := 0
	for i, step := range steps {
		if step.Play == nil || record.Done[step.Name] {
			continue
		}
		w.step = step.Name
		fmt.Fprintf(w.Out, "%2d. %s\n", i+1, step.TitleIn(w.Language))
		if err := step.Play(ctx, w); err != nil {
			return played, fmt.Errorf("step %s: %w", step.Name, err)
		}
		if err := record.earmark(step.Name); err != nil {
			return played, err
		}
		played++
	}
	return played, nil
}
