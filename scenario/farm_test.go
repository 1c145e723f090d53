package scenario

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/pool/miner"
	"github.com/aqsha/aqsha/words"
)

// noEnglish holds that nothing of a story told in other languages is in English.
func noEnglish(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if english.MatchString(commands.ReplaceAllString(line, "")) || strings.Contains(line, "{") ||
			strings.Contains(line, "story-line.") {
			t.Errorf("told in English: %s", line)
		}
	}
}

// commands are what stands in quotation marks, english words that are in every other English sentence.
var (
	commands = regexp.MustCompile(`'[^']*'`)
	english  = regexp.MustCompile(`(?i)\b(the|of|and|is|are|has|its?|with|from|to|by|not|no|a)\b`)
)

// Every line that a step says is a text of the catalogue, and every text is said.
func TestEveryLineIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	calls := regexp.MustCompile(`\b(?:w\.Say|w\.Proves|say)\("([a-z0-9-]+)"( ?\+|)`)
	for _, path := range append(sources, "../internal/cli/clustercmd/cluster_salaries.go") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range calls.FindAllStringSubmatch(string(content), -1) {
			if said[call[1]] = true; call[2] != "" {
				continue // the beginning of several
			}
			for _, l := range words.Languages {
				if key := "story-line." + call[1]; l.Text(key) == key {
					t.Errorf("%s says %s, which is not in %s.json", path, call[1], l)
				}
			}
		}
	}
	for _, key := range words.English.Keys() {
		name, of := strings.CutPrefix(key, "story-line.")
		begun, _, _ := strings.Cut(name, "-")
		if of && !said[name] && !said[begun+"-"] {
			t.Errorf("no step says %s", key)
		}
	}
}

// offLedger is a stage for steps that need no ledger.
func offLedger(t *testing.T) (*Stage, *bytes.Buffer, *Record) {
	t.Helper()
	dir := t.TempDir()
	record, err := OpenRecord(dir)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	return &Stage{DataDir: dir, Out: &text}, &text, record
}

// named is a step of the story by its name.
func named(t *testing.T, name string) Step {
	t.Helper()
	for _, s := range Steps() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("the story has no step %s", name)
	return Step{}
}

// The farm's two days are simulated once, adding up to the last hash, and read by the steps after; a telling that was broken off
// while they were written begins them anew.
func TestTheFarmsNight(t *testing.T) {
	t.Parallel()
	w, text, record := offLedger(t)
	broken := w.farmDir() + ".new"
	if err := os.MkdirAll(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "fleet.json"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Language = words.Russian
	if played, err := Play(t.Context(), w, farmSteps(), record); err != nil || played != 3 {
		t.Fatalf("%d steps, %v\n%s", played, err, text)
	}
	book, err := records.OpenReader(w.farmDir())
	if err != nil {
		t.Fatal(err)
	}
	newest := book.Store.Newest()
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	noEnglish(t, strings.ReplaceAll(text.String(), w.farmDir(), ""))
	for _, said := range []string{"семи протоколов, числом 40", "наш настоящий майнер на этот раз не работает",
		"в сумме дают паспортные", "имитируемых 40", "aqsha farm today --data " + w.farmDir()} {
		if !strings.Contains(text.String(), said) {
			t.Errorf("the story does not say %q:\n%s", said, text)
		}
	}
	// Told again from the start, the past is the one that was written.
	delete(record.Done, "machines")
	if _, err := Play(t.Context(), w, farmSteps(), record); err != nil {
		t.Fatal(err)
	}
	if book, err = records.OpenReader(w.farmDir()); err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if book.Store.Newest() != newest {
		t.Error("the past was simulated twice")
	}
}

// What the miner says of itself is read as any machine's is.
func TestTheRealMinerAnswers(t *testing.T) {
	t.Parallel()
	stats := miner.NewStats(time.Now())
	reading, err := queryMiner(t.Context(), stats)
	if err != nil || reading.Protocol != protocol.Cgminer || reading.Accepted != 0 {
		t.Fatalf("%+v, %v", reading, err)
	}
	w, text, record := offLedger(t)
	w.Mining, w.Language = &Mining{Reading: reading}, words.Kazakh
	if _, err := Play(t.Context(), w, []Step{named(t, "machines")}, record); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "жалғыз нағыз майнеріміз кез келген құрылғыша сұралды: 0 МХ/с") {
		t.Errorf("%s", text)
	}
}

// Tomorrow's hours are in the file that the story names, 24 of them, and add up to what it says.
func TestTomorrowsHours(t *testing.T) {
	t.Parallel()
	w, text, record := offLedger(t)
	if _, err := Play(t.Context(), w, []Step{named(t, "schedule")}, record); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(w.DataDir, "farm-plan", "hours.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) != 25 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	column := -1
	for i, name := range rows[0] {
		if name == "kwh" {
			column = i
		}
	}
	if column < 0 {
		t.Fatalf("no column of energy in %v", rows[0])
	}
	sum := 0.0
	for _, row := range rows[1:] {
		kwh, err := strconv.ParseFloat(row[column], 64)
		if err != nil || kwh < 0 {
			t.Fatalf("%v: %v", row, err)
		}
		sum += kwh
	}
	said := regexp.MustCompile(`⇒ (\d+) kWh`).FindStringSubmatch(text.String())
	if said == nil || said[1] != fmt.Sprintf("%.0f", sum) {
		t.Errorf("the file has %.0f kWh, the story says %v", sum, said)
	}
	if tomorrow := string(params.DateOf(time.Now().AddDate(0, 0, 1))); !strings.Contains(text.String(), tomorrow) {
		t.Errorf("it is not for %s:\n%s", tomorrow, text)
	}
}

// The levy is what the meter and the dated rate come to, and is paid once.
func TestTheLevyIsPaidOnce(t *testing.T) {
	t.Parallel()
	w, text, _ := newStage(t)
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Play(t.Context(), w, ledgerSteps(), record); err != nil {
		t.Fatal(err)
	}
	balance := func(name string) money.Tiyn {
		t.Helper()
		view, err := w.Client.API.Wallet(t.Context(), w.id(name))
		if err != nil {
			t.Fatal(err)
		}
		return view.Balance
	}
	levy := []Step{named(t, "levy")}
	before := balance(budget)
	for range 2 {
		if _, err := Play(t.Context(), w, levy, record); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		delete(record.Done, "levy") // its mark was lost, its part's was not
	}
	last := params.DateOf(time.Now().AddDate(0, 0, 1-time.Now().Day()).AddDate(0, 0, -1))
	var wattHours int64
	for day := 1; day <= planner.MonthOf(last).Days(); day++ {
		wattHours += 300 * 3221 * 24 * 97 / 100 * int64(1000-7*(day%5)) / 1000
	}
	fact, err := params.MiningLevies.At(last)
	if err != nil {
		t.Fatal(err)
	}
	paid := balance(budget) - before
	if paid <= 0 || !strings.Contains(text.String(), fmt.Sprintf("%d Wh", wattHours)) ||
		!strings.Contains(text.String(), "as of "+string(fact.From)) {
		t.Errorf("%s was paid for %d Wh (%s):\n%s", paid.Format(), wattHours, fact.From, text)
	}
	if times := strings.Count(text.String(), paid.Format()); times != 2 {
		t.Errorf("the sum %s is told %d times of two", paid.Format(), times)
	}
}

// Next year's plan is the page that the story names, with the advice that it prints.
func TestNextYearsPlan(t *testing.T) {
	t.Parallel()
	w, text, record := offLedger(t)
	w.Language = words.Russian
	if _, err := Play(t.Context(), w, []Step{named(t, "plan")}, record); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(w.DataDir, "farm-plan", "plan.html"))
	if err != nil || !bytes.Contains(content, []byte(`<html lang="ru"`)) {
		t.Fatalf("%d bytes, %v", len(content), err)
	}
	if !strings.Contains(text.String(), "имитаций будущего") || strings.Count(text.String(), "\n") < 5 {
		t.Errorf("%s", text)
	}
}

// A file that cannot be written, or is written in part, is an error.
func TestAFileIsWrittenOrAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := errors.New("broken off")
	if err := create(filepath.Join(dir, "a"), func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := create(filepath.Join(dir, "none", "a"), func(io.Writer) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
