package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// newStage is a stage on a ledger of its own, in this process.
func newStage(t *testing.T) (*Stage, *bytes.Buffer, *node.Node) {
	t.Helper()
	dir, day := t.TempDir(), uint64((24 * time.Hour).Milliseconds())
	keyring, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = nodecmd.InitNetwork(t.Context(), dir, keyring, true, wallet.NewNetwork{Name: "tenge.localhost",
		TimeMillis: wallet.SystemNow(),
		Day:        params.DateOf(time.Now()), SharedKeys: true, DailyCap: 100_000_000_000 * money.Tenge,
		DelayMillis:      day,
		RekeyDelayMillis: day})
	if err != nil {
		t.Fatal(err)
	}
	c, lock, err := datadir.TakeLedger(t.Context(), dir, datadir.AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	n, err := datadir.OpenNode(dir, c, keyring, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(n.Close(), lock.Close()); err != nil {
			t.Error(err)
		}
	})
	client, err := wallet.NewClient(t.Context(), api.Local(api.New(n, api.Options{Open: true,
		CashLogs: CashLogs(dir)})), keyring)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	return &Stage{DataDir: dir, Out: &text, Client: client}, &text, n
}

// onLedger are the steps that need nothing but a ledger.
func onLedger() []Step {
	return slices.Concat(ledgerSteps(), programSteps(), useCaseSteps(), cashSteps(), purseSteps())
}

// sums is what there is of money, and where.
func sums(t *testing.T, w *Stage) string {
	t.Helper()
	supply, err := w.Client.API.Supply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("issued %s redeemed %s live %s", supply.Issued, supply.Redeemed, supply.Live)
	for _, name := range append([]string{bankOne, bankTwo, farm, power, canteen, shop, budget}, people...) {
		if !w.Client.Keyring.Has(name) {
			continue // of a later step
		}
		view, err := w.Client.API.Wallet(t.Context(), w.id(name))
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf(" %s %s", name, view.Balance)
	}
	return text
}

// A telling that was broken off after any step's work and before its mark goes on where it was: nobody is paid twice,
// and nothing is missing at the end. It is told in Kazakh, and told again in Russian.
func TestABrokenTellingGoesOn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w, text, n := newStage(t)
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	steps := onLedger()
	for i, step := range steps {
		w.Language = words.Kazakh
		if played, err := Play(ctx, w, steps[:i+1], record); err != nil || played != 1 {
			t.Fatalf("step %s: %d steps played, %v\n%s", step.Name, played, err, text)
		}
		before := sums(t, w)
		// The process dies here, and the step's own mark is not on disk: its parts are.
		delete(record.Done, step.Name)
		if err := record.earmark(step.Name + "/"); err != nil {
			t.Fatal(err)
		}
		if record, err = OpenRecord(w.DataDir); err != nil {
			t.Fatal(err)
		}
		w.Language = words.Russian
		if played, err := Play(ctx, w, steps[:i+1], record); err != nil || played != 1 {
			t.Fatalf("step %s again: %d steps played, %v", step.Name, played, err)
		}
		if after := sums(t, w); after != before {
			t.Errorf("step %s was told again, and money moved:\n%s\n%s", step.Name, before, after)
		}
	}
	if played, err := Play(ctx, w, steps, record); err != nil || played != 0 {
		t.Errorf("told to its end, %d steps were played again, %v", played, err)
	}
	checkLinks(t, w, record, steps)
	checkCash(t, w, n)
	showCash(t, n, w.DataDir)
	noEnglish(t, text.String())
	for _, said := range []string{"в обращении 800", "⇒ екі тізілім, бір тарих", "⇒ два реестра, одна история"} {
		if !strings.Contains(text.String(), said) {
			t.Errorf("the story does not say %q:\n%s", said, text)
		}
	}
}

// checkCash holds what the node recounts of the story's cash against what was told: 20,000 withdrawn, 1,250 and 5,000
// paid; and does so again when a byte of the log is another.
func checkCash(t *testing.T, w *Stage, n *node.Node) {
	t.Helper()
	b, err := w.Client.API.Banknotes(t.Context())
	if err != nil || len(b.Offices) != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	const circulates = (20_000 - 1_250 - 5_000) * money.Tenge
	o := &b.Offices[0]
	if !o.Verified || o.Problem != "" || o.Circulating != circulates || o.Reserve != circulates ||
		b.Reserve != circulates || o.Waiting+o.Owed != 0 || o.Wallet != w.id(cashReserve) {
		t.Errorf("the node's view of the office: %+v, beside a reserve of %s", o, b.Reserve)
	}
	var worth money.Tiyn
	for i, d := range o.Denominations {
		worth += d.Worth
		if d.Outstanding != d.Issued-d.Redeemed || d.Worth != money.Tiyn(d.Outstanding)*d.Amount || i > 0 &&
			d.Amount >= o.Denominations[i-1].Amount {
			t.Errorf("denomination %+v", d)
		}
	}
	if worth != circulates {
		t.Errorf("denominations are worth %s", worth)
	}
	damaged := t.TempDir()
	if err := os.CopyFS(damaged, os.DirFS(w.officeDir())); err != nil {
		t.Fatal(err)
	}
	flipped := 0
	err = filepath.WalkDir(filepath.Join(damaged, "log"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "segments") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) < 1000 {
			return err
		}
		content[700] ^= 1
		flipped++
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil || flipped == 0 {
		t.Fatalf("%d files were altered, %v", flipped, err)
	}
	other, err := wallet.NewClient(t.Context(), api.Local(api.New(n, api.Options{Open: true,
		CashLogs: []string{damaged, t.TempDir()}})), w.Client.Keyring)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = other.API.Banknotes(t.Context()); err != nil || len(b.Offices) != 2 {
		t.Fatalf("%+v, %v", b, err)
	}
	for _, o := range b.Offices {
		if o.Verified || o.Problem == "" || o.ProblemCode == "" || len(o.Denominations) != 0 ||
			strings.Contains(o.Problem, damaged) {
			t.Errorf("an altered log, or none: %+v", o)
		}
	}
}

// showCash opens the node's older page in a browser: notes by denomination, beside the reserve.
func showCash(t *testing.T, n *node.Node, dir string) {
	t.Helper()
	pageShows(t, n, api.Options{Open: true, CashLogs: CashLogs(dir)}, "cash", "Banknotes in circulation",
		"notes worth 13 750.00 ₸ circulate", "13 750.00 ₸ by the office’s books, 13 750.00 ₸ by the ledger",
		"2 000.00 ₸ 2 1 1 2 000.00 ₸")
}

// pageShows opens the node's older page, with everything on one, in a browser, and wants a part of it, which has a
// table, to have a title and texts.
func pageShows(t *testing.T, n *node.Node, options api.Options, part, wantTitle string, texts ...string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Log("the page was not looked at: no chromium on this machine (make deps installs it), or a short run")
		return
	}
	server := httptest.NewServer(api.New(n, options).Handler())
	defer server.Close()
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	var title, text string
	var picture []byte
	err = chromedp.Run(ctx, chromedp.EmulateViewport(1000, 1600), chromedp.Navigate(server.URL+"/explorer"),
		chromedp.WaitVisible("#"+part+" table", chromedp.ByQuery),
		chromedp.Text("#"+part+"Title", &title, chromedp.ByQuery),
		chromedp.Text("#"+part, &text, chromedp.ByQuery), chromedp.FullScreenshot(&picture, 100))
	if err != nil {
		t.Fatal(err)
	}
	if out := os.Getenv("AQSHA_SCREENSHOTS"); out != "" {
		if err := os.WriteFile(filepath.Join(out, "page-"+part+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text = strings.NewReplacer("\u202f", " ", "\u00a0", " ", "\t", " ").Replace(text)
	for _, shown := range texts {
		if title != wantTitle || !strings.Contains(text, shown) {
			t.Errorf("the page does not show %q:\n%s\n%s", shown, title, text)
		}
	}
}

// Names of steps are what the record is kept by: each once, stable, and their order is the story's.
func TestStepsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range Steps() {
		if s.Name == "" || s.Title == "" || s.Name != strings.ToLower(s.Name) || strings.ContainsAny(s.Name, " /") ||
			slices.Contains(names, s.Name) {
			t.Errorf("step %q: %q", s.Name, s.Title)
		}
		names = append(names, s.Name)
	}
	if len(names) < 20 || names[0] != "banks" {
		t.Errorf("%d steps, first %v", len(names), names[:1])
	}
}

var errBroken = errors.New("broken off")

// Parts of a step are done once, in whichever of them and however often the telling breaks off.
func TestPartsAreDoneOnce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "story")
		if err != nil {
			t.Fatal(err)
		}
		counts, breaks := map[string]int{}, rapid.IntRange(0, 6).Draw(t, "breaks")
		var steps []Step
		for i := range rapid.IntRange(1, 4).Draw(t, "steps") {
			name, parts := fmt.Sprintf("step-%d", i), rapid.IntRange(0, 4).Draw(t, "parts")
			steps = append(steps, Step{Name: name, Title: name, Play: func(_ context.Context, w *Stage) error {
				for part := range parts {
					if breaks > 0 && rapid.Bool().Draw(t, "break") {
						breaks--
						return errBroken
					}
					if err := w.Once(fmt.Sprint(part), func() error {
						counts[fmt.Sprint(name, "/", part)]++
						return nil
					}); err != nil {
						return err
					}
				}
				counts[name]++
				return nil
			}})
		}
		steps = append(steps, Step{Name: "later", Title: "not built"})
		for {
			record, err := OpenRecord(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Play(t.Context(), &Stage{DataDir: dir, Out: &bytes.Buffer{}}, steps, record)
			if err == nil {
				break
			}
			if !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
		}
		for name, n := range counts {
			if n != 1 {
				t.Fatalf("%s was done %d times", name, n)
			}
		}
	})
}

// A record that is damaged is said to be, and nothing is told over it.
func TestADamagedRecordIsNoFreshStory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "story.json"), []byte(`{"done":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRecord(dir); err == nil {
		t.Error("a damaged record was read as an empty one")
	}
	if err := os.WriteFile(filepath.Join(dir, "story.json"), []byte(`{"done":null}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := OpenRecord(dir); err != nil || r.Done == nil {
		t.Errorf("a record of nothing: %+v, %v", r, err)
	}
}

// The farm's key is made once, is the same ever after, and one that is damaged is not replaced.
func TestTheFarmsKeyStays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "farm.key")
	first, err := farmKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := farmKey(file); err != nil || !bytes.Equal(again.Serialize(), first.Serialize()) {
		t.Errorf("another key at the second start (%v)", err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file is %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("00ff\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := farmKey(file); err == nil {
		t.Error("half a key was taken")
	}
	if there, _ := os.ReadFile(file); string(there) != "00ff\n" {
		t.Error("a damaged key was replaced")
	}
}

// Every step has its title in each language, in English the one that it has for programs; a step of tests keeps its own.
func TestTitlesOfStepsAreSaidInEveryLanguage(t *testing.T) {
	steps := Steps()
	if len(steps) < 30 {
		t.Fatalf("%d steps", len(steps))
	}
	for _, step := range steps {
		for _, l := range words.Languages {
			if got := step.TitleIn(l); (got == step.Title) != (l == words.English) {
				t.Errorf("%s: %s is %q", l, step.Name, got)
			}
		}
	}
	if got := (Step{Name: "x", Title: "y"}).TitleIn(words.Russian); got != "y" {
		t.Error(got)
	}
}
