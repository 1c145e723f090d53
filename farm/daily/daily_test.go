package daily_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/txlog/seal"
	"github.com/aqsha/aqsha/words"
)

// month is a farm of 9 simulated machines over a month and three days; made once.
var month = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aqsha-month")
	if err != nil {
		return "", err
	}
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.FixedZone("+05:00", 5*3600))
	return dir, past.Write(context.Background(), dir, past.Options{Machines: 9, Seed: 1, From: from, To: from.AddDate(0, 1, 3).Add(8 * time.Hour), Interval: 5 * time.Minute, Faults: true})
})

func TestMain(m *testing.M) {
	status := m.Run()
	if dir, _ := month(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

func open(t testing.TB, dir string) *records.Records {
	t.Helper()
	b, err := records.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func october(t testing.TB) *records.Records {
	t.Helper()
	dir, err := month()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

func code(err error) string {
	var refusal *farm.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func tabs(w io.Writer, write func(io.Writer)) { write(w) }

// The morning after the bad night names the machines that are broken, says why, and is worth it.
func TestMorningPage(t *testing.T) {
	dir := t.TempDir()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.FixedZone("+05:00", 5*3600))
	if err := past.Write(t.Context(), dir, past.Options{Machines: 30, Seed: 1, From: from, To: from.Add(56 * time.Hour), Interval: 5 * time.Minute, BadNight: true}); err != nil {
		t.Fatal(err)
	}
	p, err := daily.Build(t.Context(), open(t, dir), 0, time.Time{}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Machines != 30 || p.Simulated != 30 || len(p.Visits) < 8 || len(p.Visits) > 10 || p.Lost <= 0 || p.Accepted <= p.Lost {
		t.Fatalf("%+v", p)
	}
	seen, sum := map[usage.Cause]int{}, p.Earns
	for i, v := range p.Visits {
		seen[v.Cause]++
		sum -= v.Net
		if v.Net <= 0 || v.Net != v.Gain-v.Power || v.Why == "" || !v.Simulated {
			t.Errorf("%+v", v)
		}
		if i > 0 && v.Place < p.Visits[i-1].Place {
			t.Error("visits are not in the order of places")
		}
	}
	if sum != 0 {
		t.Error("visits do not add up to what they earn")
	}
	for _, cause := range []usage.Cause{usage.CauseBoards, usage.CauseUnknown, usage.CauseHeat, usage.CauseIdle, usage.CauseUnsent, usage.CauseSlow} {
		if seen[cause] == 0 {
			t.Errorf("nobody is sent for %v: %v", cause, seen)
		}
	}
	if p.Causes[0].Cause != usage.CauseOutage {
		t.Errorf("the grid's outage is not the greatest loss: %v", p.Causes)
	}
	var text bytes.Buffer
	p.Print(&text, words.English, tabs, strings.ToUpper)
	for _, want := range []string{"SIMULATED", "a hash board is dead", "answers, but hashes nothing"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q on the page:\n%s", want, text.String())
		}
	}
}

// Who runs is said by the last polls: not by what ran an hour ago.
func TestWhoRuns(t *testing.T) {
	dir := t.TempDir()
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	if err := past.Write(t.Context(), dir, past.Options{Machines: 7, Seed: 2, From: from, To: from.Add(3 * time.Hour), Interval: time.Minute}); err != nil {
		t.Fatal(err)
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := b.Store.Machines()
	// Ten minutes on, in which two do not answer; the third sleeps and the fourth hashes nothing.
	newest := b.Store.Newest()
	for minute := range usage.Instant(10) {
		for i, name := range names[2:] {
			polls, err := b.Store.Polls(uint32(i+2), newest-usage.Minute, newest+1)
			if err != nil || len(polls) == 0 {
				t.Fatal(name, polls, err)
			}
			next := polls[len(polls)-1]
			next.At = newest + (minute+1)*usage.Minute
			if next.Sleeping = i == 0; i < 2 {
				next.RateMHs = 0
			}
			if _, err := b.Store.Append([]telemetry.Row{{Machine: uint32(i + 2), Poll: next}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := daily.Build(t.Context(), open(t, dir), 0, time.Time{}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	p.Print(&text, words.English, tabs, func(text string) string { return text })
	if want := "3 of 7 machines run, 1 asleep by order, 2 without an answer, 1 answering without hashing."; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in:\n%s", want, text.String())
	}
}

// Machines that are faster than the nameplate that somebody gave them lose nothing, and never less than nothing.
func TestThePageLosesNeverLessThanNothing(t *testing.T) {
	dir := t.TempDir()
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	if err := past.Write(t.Context(), dir, past.Options{Machines: 2, Seed: 2, From: from, To: from.Add(time.Hour), Interval: time.Minute}); err != nil {
		t.Fatal(err)
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	newest := b.Store.Newest()
	for i := range b.Store.Machines() {
		polls, err := b.Store.Polls(uint32(i), newest-usage.Minute, newest+1)
		if err != nil || len(polls) == 0 {
			t.Fatal(polls, err)
		}
		next := polls[len(polls)-1]
		next.NameplateMHs /= 2
		for range 180 {
			next.At += usage.Minute
			next.Elapsed += 60
			next.TotalMH += 2 * next.NameplateMHs * 60
			next.AcceptedMH += 2 * next.NameplateMHs * 60
			if _, err := b.Store.Append([]telemetry.Row{{Machine: uint32(i), Poll: next}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := daily.Build(t.Context(), open(t, dir), 0, time.Time{}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	gain := false
	for _, c := range p.Causes {
		gain = gain || (c.Cause == usage.CauseGain && c.Tiyn < 0)
	}
	if p.Lost != 0 || !gain {
		t.Errorf("lost %v, by cause %+v", p.Lost, p.Causes)
	}
}

// A quiet day gives nobody a way to make.
func TestQuietMorning(t *testing.T) {
	dir := t.TempDir()
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	if err := past.Write(t.Context(), dir, past.Options{Machines: 7, Seed: 2, From: from, To: from.Add(30 * time.Hour), Interval: time.Minute}); err != nil {
		t.Fatal(err)
	}
	p, err := daily.Build(t.Context(), open(t, dir), 0, time.Time{}, 10, nil)
	if err != nil || len(p.Visits) != 0 || p.Running != 7 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestMonth(t *testing.T) {
	b := october(t)
	for _, by := range append(records.By, daily.ByCause) {
		r, err := daily.BuildMonth(t.Context(), b, "2026-10", "*", by, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum := r.Whole.Accepted
		for _, work := range r.Whole.Work {
			sum = sum.Add(work)
		}
		if sum != r.Whole.Nameplate || r.Until != nil || len(r.Days) != 31 {
			t.Errorf("by %s: causes and accepted add up to %v of %v; %d days", by, sum, r.Whole.Nameplate, len(r.Days))
		}
		for _, row := range r.Rows {
			sum = sum.Sub(row.Nameplate)
		}
		if by != daily.ByCause && sum.Sign() != 0 {
			t.Errorf("by %s: rows do not add up", by)
		}
		if last := r.Waterfall[len(r.Waterfall)-1]; last.Work != r.Whole.Accepted {
			t.Errorf("the waterfall ends at %v", last)
		}
		if n := len(r.Pareto); n < 8 || r.Pareto[n-1].Cumulative != 1_000_000 {
			t.Errorf("pareto %+v", r.Pareto)
		}
		for _, row := range r.Pareto {
			if row.Cause <= usage.CauseUnknown && (row.Gain.Sign() <= 0 || row.Gain.Sub(row.Work).Sign() > 0) {
				t.Errorf("%v took %v and its end would bring %v", row.Cause, row.Work, row.Gain)
			}
		}
		text, err := json.Marshal(r)
		if err != nil || !json.Valid(text) {
			t.Error(err)
		}
	}
	for want, args := range map[string][3]string{"bad-time": {"2026-13", "*", "rack"}, "unknown-group": {"2026-10", "*", "colour"}, "no-machine": {"2026-10", "nowhere", "rack"}, "no-samples": {"2025-10", "*", "rack"}} {
		if _, err := daily.BuildMonth(t.Context(), b, args[0], args[1], args[2], nil); code(err) != want {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// The page opens offline, says that it is simulated, and holds three drawings.
func TestPage(t *testing.T) {
	r, err := daily.BuildMonth(t.Context(), october(t), "2026-10", "*", "rack", nil)
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, outside := range []string{"http://", "https://", "<script", "<link", "@import", "url("} {
		if strings.Contains(text, outside) {
			t.Errorf("the page needs something from outside: %s", outside)
		}
	}
	if strings.Count(text, "<svg") != 3 || !strings.Contains(text, "are simulated") || !strings.Contains(text, "simulated/c1/r1") || strings.Contains(text, "NaN") {
		t.Error("the page lacks something")
	}
}

func keys(t testing.TB) seal.Log {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "test/months")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	verifier, _ := note.NewVerifier(public)
	return seal.Log{Origin: "test/months", Signer: signer, Verifier: verifier}
}

// A sealed month is derived again from samples; other samples, marks that were added behind the back,
// another price and a forged seal are seen.
func TestSealAndRederive(t *testing.T) {
	b := october(t)
	sealed, err := daily.SealMonth(t.Context(), b, "2026-10", nil)
	if err != nil {
		t.Fatal(err)
	}
	log, dir := keys(t), t.TempDir()
	if _, _, err := sealed.Append(dir, log); err != nil {
		t.Fatal(err)
	}
	// Once: sealed again it is the same entry, and with another account it is refused.
	if index, checkpoint, err := sealed.Append(dir, log); err != nil || index != 0 || len(checkpoint) == 0 {
		t.Errorf("sealed again as entry %d, %v", index, err)
	}
	other := sealed
	other.Account = "other"
	if _, _, err := other.Append(dir, log); code(err) != "month-sealed" {
		t.Errorf("the month with another account: %v", err)
	}
	other.Month = "2026-09"
	if index, _, err := other.Append(dir, log); err != nil || index != 1 {
		t.Errorf("another month is entry %d, %v", index, err)
	}
	back, err := daily.ReadSeal(dir, 0, log)
	if err != nil || back != sealed {
		t.Fatalf("%+v, %v", back, err)
	}
	v, err := back.Rederive(t.Context(), b, nil)
	if err != nil || v.PolledDays < 5 || v.PolledDays+v.SummedDays != 32 { // local October touches 32 days of UTC
		t.Fatalf("%+v, %v", v, err)
	}
	forged := back
	forged.Accepted = forged.Accepted.AddHashes(1)
	if _, err := forged.Rederive(t.Context(), b, nil); code(err) != "seal-differs" {
		t.Errorf("a forged seal: %v", err)
	}
	if _, err := daily.ReadSeal(dir, 4, log); code(err) != "seal" {
		t.Errorf("a seal that is not there: %v", err)
	}
	if _, err := daily.SealMonth(t.Context(), b, "2026-11", nil); code(err) != "month-open" {
		t.Errorf("an open month: %v", err)
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(b.Dir)); err != nil {
		t.Fatal(err)
	}
	prices := filepath.Join(copied, "prices.csv")
	content, err := os.ReadFile(prices)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(prices, bytes.Replace(content, []byte(",150000000000000,"), []byte(",150000000000001,"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	// A difficulty that differs in its fifteenth digit leaves the hashprice; one in the third does not.
	if _, err := back.Rederive(t.Context(), open(t, copied), nil); err != nil {
		t.Errorf("a price that is the same to nine digits: %v", err)
	}
	if err := os.WriteFile(prices, bytes.Replace(content, []byte(",150000000000000,"), []byte(",151000000000000,"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Rederive(t.Context(), open(t, copied), nil); code(err) != "seal-differs" {
		t.Errorf("another price: %v", err)
	}
}

func FuzzReadSeal(f *testing.F) {
	f.Add([]byte(`{"format":"aqsha-farm-seal/1","month":"2026-10","nameplate_hashes":"1"}`))
	f.Add([]byte(`{"format":"aqsha-farm-seal/1","nameplate_hashes":"99999999999999999999999999999999999999999"}`))
	f.Fuzz(func(t *testing.T, entry []byte) {
		var s daily.Seal
		if json.Unmarshal(entry, &s) != nil {
			return
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back daily.Seal
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Fatalf("%s reads back as %+v, %v", text, back, err)
		}
	})
}

func ExampleSeal_String() {
	fmt.Println(daily.Seal{Month: "2026-10", Machines: 60, MicroSatoshi: 8_295_907_000_000, Lost: 93_095_000_000, Account: "60ff…"})
	// Output: 2026-10, 60 machines (0 simulated), accepted 0.08295907 BTC, lost 0.00093095 BTC, account 60ff…
}

// In the first hours of a farm no healthy machine is called unreachable: what was before the first poll,
// and the rest of the hour that has not passed, are not silence.
func TestFirstHours(t *testing.T) {
	dir := t.TempDir()
	from := time.Date(2026, 11, 1, 8, 0, 0, 0, time.FixedZone("+05:00", 5*3600))
	if err := past.Write(t.Context(), dir, past.Options{Machines: 6, Seed: 1, From: from, To: from.Add(20 * time.Minute), Interval: time.Minute}); err != nil {
		t.Fatal(err)
	}
	page, err := daily.Build(t.Context(), open(t, dir), 0, time.Time{}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range page.Visits {
		if v.Cause == usage.CauseUnknown {
			t.Errorf("a machine that answers is to be visited: %+v", v)
		}
	}
	if page.Machines != 6 || page.Running != 6 || len(page.TooEarly) != 6 || len(page.Visits) != 0 {
		t.Errorf("%d of %d machines run, of %d it is too early to say anything, %d visits", page.Running, page.Machines, len(page.TooEarly), len(page.Visits))
	}
	var text bytes.Buffer
	page.Print(&text, words.English, tabs, strings.ToUpper)
	if !strings.Contains(text.String(), "Too early to judge: 6 of the 6 machines") {
		t.Errorf("the page does not say that it is too early:\n%s", text.String())
	}
}

// Nobody is sent to a machine whose alert has ended, whatever it lost in the last two hours; nobody is told
// that a machine is silent while its alerts say something else; every standing alert is on the page.
func TestPageAgreesWithAlerts(t *testing.T) {
	dir := t.TempDir()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.FixedZone("+05:00", 5*3600))
	if err := past.Write(t.Context(), dir, past.Options{Machines: 30, Seed: 1, From: from, To: from.Add(56 * time.Hour), Interval: 5 * time.Minute, BadNight: true}); err != nil {
		t.Fatal(err)
	}
	b := open(t, dir)
	page := func() *daily.Page {
		t.Helper()
		p, err := daily.Build(t.Context(), b, 0, time.Time{}, 30, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := page()
	standing, watched, err := b.Standing()
	if err != nil || !watched || len(standing) < 8 || len(standing) != len(before.Alerts) {
		t.Fatalf("%d alerts stand, the page has %d; %v", len(standing), len(before.Alerts), err)
	}
	since := map[string]time.Time{}
	for _, s := range standing {
		since[s.Machine+string(s.Kind)] = s.Since
	}
	file, err := os.OpenFile(filepath.Join(dir, "alerts.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ended := map[string]bool{}
	for _, v := range before.Visits {
		if v.Since.IsZero() || (v.Alert != "" && !v.Since.Equal(since[v.Machine+string(v.Alert)])) {
			t.Errorf("since when? %+v", v)
		}
		switch v.Cause {
		case usage.CauseUnknown, usage.CauseBoards, usage.CauseUnsent:
			if v.Alert == "" {
				t.Errorf("a visit without its alert: %+v", v)
			}
			ended[v.Machine] = true
			for _, s := range standing {
				if s.Machine != v.Machine {
					continue
				}
				if err := json.NewEncoder(file).Encode(alert.Notice{At: before.To, Kind: s.Kind, Scope: s.Machine, Machines: []string{s.Machine}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if len(ended) < 4 {
		t.Fatalf("only %d visits to end", len(ended))
	}
	for _, v := range page().Visits {
		if ended[v.Machine] && (v.Cause == usage.CauseUnknown || v.Cause == usage.CauseBoards || v.Cause == usage.CauseUnsent) {
			t.Errorf("its alert has ended: %+v", v)
		}
	}
}

// A farm that was never polled is told as one, and not as one of a month of 1970.
func TestNeverPolled(t *testing.T) {
	dir := t.TempDir()
	if config := records.Defaults(); config.Write(dir) != nil {
		t.Fatal("no settings")
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, _, err := b.Fleet.Merge([]fleet.Machine{{ID: "SMT0001", Protocol: protocol.AntminerNew, Address: "10.0.0.1:4028"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := daily.BuildMonth(t.Context(), b, "1970-01", "*", "rack", nil); code(err) != "no-samples" || strings.Contains(err.Error(), "1970") {
		t.Error(err)
	}
	// Asked and never answered is another thing: a watch looked, and left no sample.
	looked := usage.At(time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC))
	if err := b.Look(looked); err != nil {
		t.Fatal(err)
	}
	if _, err := daily.BuildMonth(t.Context(), b, "2026-10", "*", "rack", nil); code(err) != "no-answers" ||
		strings.Contains(err.Error(), "polled") || !strings.Contains(err.Error(), "2 Oct") {
		t.Error(err)
	}
}

// Every cause of lost work and every reason for a visit has its text in each language; the English ones are what JSON has.
func TestCausesAndReasonsAreSaidInEveryLanguage(t *testing.T) {
	for _, l := range words.Languages {
		for c := range usage.Cause(usage.Causes) {
			if text := l.Text("farm-cause." + c.String()); strings.Contains(text, ".") || (text == c.String()) != (l == words.English) {
				t.Errorf("%s: %s is %q", l, c, text)
			}
		}
		for _, why := range []string{"does not answer", "a hash board is dead", "answers, but hashes nothing", "answers, but tells no hash rate: look at its firmware",
			"gets no work: look at its pool settings and network", "runs too hot and slows down", "hardware errors"} {
			if text := daily.WhyText(l, why); (text == why) != (l == words.English) {
				t.Errorf("%s: %q is %q", l, why, text)
			}
		}
	}
	if got := daily.WhyText(words.Russian, "moved by hand"); got != "moved by hand" {
		t.Errorf("a reason that nobody knows is %q", got)
	}
}
