package farmcmd

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// What a command line says is judged before anything is asked, read or made; what cannot be read ends with 2, what a
// rule refuses with 3, each with its code.
func TestLinesOfAFarmAreJudgedFirst(t *testing.T) {
	dir, none := farmWithACode(t), filepath.Join(t.TempDir(), "none")
	mistyped(t, dir, "farm-bad-address", "addresses", "scan", "a")
	mistyped(t, dir, "farm-bad-address", "addresses", "scan", "127.0.0.1", "10.1.2.10-9")
	mistyped(t, dir, "bad-place", "place", "scan", "127.0.0.1", "--place", "a/b/c/d/e")
	mistyped(t, dir, "bad-setting", "set", "set", "*", "b")
	mistyped(t, dir, "bad-time", "month", "use", "--month", "October")
	mistyped(t, dir, "unknown-group", "by", "use", "--by", "colour")
	mistyped(t, dir, "bad-fault", "fault", "simulate", "--fault", "fire:3")
	mistyped(t, dir, "unknown-dialect", "dialect", "simulate", "--protocol", "morse")
	refused(t, dir, "bad-time", "to", "export", "--from", "2026-10-04", "--to", "2026-10-03")
	refused(t, dir, "bad-time", "to", "compare", "--from", "2026-10-04", "--to", "2026-10-03")
	refused(t, dir, "no-samples", "month", "use", "--month", "2020-01")
	refused(t, dir, "no-machine", "selector", "use", "--select", "mars")
	refused(t, dir, "not-loopback", "address", "simulate", "--at", "10.0.0.1")
	for _, line := range []string{"today --top -1", "scan 127.0.0.1 --parallel 0", "scan 127.0.0.1 --parallel -1",
		"scan 127.0.0.1 --parallel 1000000", "scan 127.0.0.1 --timeout 0s", "scan 127.0.0.1 --timeout -1s",
		"scan 127.0.0.1 --timeout 1h", "scan 127.0.0.1 --port 70000", "read 127.0.0.1 --port-v3 0",
		"read 127.0.0.1 --antminer-port -1", "read 127.0.0.1 --tls-port 65536", "simulate --machines 0",
		"simulate --machines 60001", "simulate --at nowhere", "simulate --antminer-port 70000", "simulate --antminer-port -1"} {
		ran(t, dir, strings.Fields(line)...).Wants(t, 2, "See 'aqsha farm")
	}
	// Nothing is made for what was refused, nor for what only reads.
	for line, exit := range map[string]int{"price --difficulty 0 --bitcoin-price 1": 3,
		"price --difficulty 150e12 --bitcoin-price 1 --from soon": 2, "demo --machines 0": 3, "demo --interval 0s": 3,
		"demo --month x": 2, "import /nonexistent": 2, "import -": 3, "list": 3, "alerts": 0, "access": 0, "sites": 0,
		"today": 1, "use": 1, "compare": 1, "export": 1, "silence *": 3, "set * watts=1": 3,
		"mark * planned --from 2026-10-03 --to 2026-10-04": 1, "access revoke x": 3} {
		ran(t, none, strings.Fields(line)...).Wants(t, exit)
		if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s left a folder", line)
			_ = os.RemoveAll(none)
		}
	}
}

// simulated lets machines answer at addresses from one on, each in a protocol of its own, until the test ends.
func simulated(t *testing.T, n int, at string) []*simulate.Unit {
	t.Helper()
	units := simulate.Units(n, 3, "", usage.At(time.Now()), nil)
	if err := simulate.Settle(units, netip.MustParseAddr(at)); err != nil {
		t.Fatal(err)
	}
	server := &simulate.Server{Units: units}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return units
}

// A scan finds each machine once, whatever it speaks: a dry run changes nothing, a second scan adds nobody, and what
// people said of a machine stays when it is found again.
func TestAScanFindsEachOnce(t *testing.T) {
	const first = "127.201.7.1"
	units := simulated(t, 9, first)
	dir := t.TempDir()
	scan := func(flags ...string) (result struct {
		Found          []json.RawMessage
		Added, Updated int
	}) {
		t.Helper()
		line := append([]string{"scan", "127.201.7.1-12", "127.201.7.5", "--timeout", "5s", "--antminer-port", "1",
			"--tls-port", "1", "--json"}, flags...)
		ran(t, dir, line...).JSON(t, &result)
		return result
	}
	identified := 0
	for _, u := range units {
		if u.Machine.ID != "" {
			identified++
		}
	}
	dry := scan("--dry-run")
	if len(dry.Found) == 0 || dry.Added != 0 || dry.Updated != 0 {
		t.Errorf("dry: %d found, %d added", len(dry.Found), dry.Added)
	}
	if _, err := os.Stat(filepath.Join(dir, "fleet.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a dry run has written a fleet")
	}
	found := scan("--place", "ekibastuz/c1")
	if len(found.Found) != len(dry.Found) || found.Added == 0 || found.Added > identified {
		t.Errorf("%d found, %d added of %d", len(found.Found), found.Added, identified)
	}
	var machines []fleet.Machine
	ran(t, dir, "list", "--json").JSON(t, &machines)
	seen := map[string]bool{}
	for _, m := range machines {
		if seen[m.ID] || m.ID == "" || m.Place.String() != "ekibastuz/c1" || !strings.HasPrefix(m.Address, "127.201.7.") {
			t.Errorf("%+v", m)
		}
		seen[m.ID] = true
	}
	if len(machines) != found.Added {
		t.Errorf("%d machines are listed, %d were added", len(machines), found.Added)
	}
	ran(t, dir, "set", machines[0].ID, "nameplate=123").Wants(t, 0)
	if again := scan(); again.Added != 0 || again.Updated > found.Added || len(again.Found) != len(found.Found) {
		t.Errorf("again: %d added, %d updated", again.Added, again.Updated)
	}
	var after []fleet.Machine
	ran(t, dir, "list", machines[0].ID, "--json").JSON(t, &after)
	if rate, _, _ := after[0].Nameplate(); rate != 123_000_000 || after[0].Place != machines[0].Place {
		t.Errorf("found again, it is %+v", after[0])
	}
	// One machine alone, and a watch of all of them: everybody who can be asked answers.
	var one []seenMachine
	address, _, _ := strings.Cut(machines[0].Address, ":")
	ran(t, dir, "read", address, "--antminer-port", "1", "--tls-port", "1", "--json").JSON(t, &one)
	if len(one) != 1 || one[0].Reading == nil || one[0].Problem != "" {
		t.Errorf("%s: %+v", address, one)
	}
	var counts struct{ Polls, Answered int64 }
	ran(t, dir, "watch", "--interval", "1s", "--timeout", "900ms", "--for", "1500ms", "--json").JSON(t, &counts)
	if counts.Polls == 0 || counts.Answered == 0 {
		t.Errorf("%+v", counts)
	}
}

// seenMachine is what "farm read" shows.
type seenMachine struct {
	From    string
	Reading map[string]any
	Problem string
}

// livedThrough is a farm of a few simulated machines that lived two days, in which things broke.
func livedThrough(t *testing.T) (dir string, to time.Time) {
	t.Helper()
	dir, to = filepath.Join(t.TempDir(), "farm"), time.Date(2026, 10, 4, 0, 0, 0, 0, time.FixedZone("farm", 5*3600))
	if err := past.Write(t.Context(), dir, past.Options{Machines: 12, Seed: 5, From: to.AddDate(0, 0, -2), To: to,
		Interval: 5 * time.Minute, Faults: true, BadNight: true}); err != nil {
		t.Fatal(err)
	}
	return dir, to
}

// hashes reads a count of hashes as it is written, exactly.
func hashes(t *testing.T, raw json.RawMessage) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(strings.Trim(string(raw), `"`), 10)
	if !ok {
		t.Fatalf("%s is no number of hashes", raw)
	}
	return n
}

// row is a part of a month as JSON has it.
type row struct {
	Name      string
	Nameplate json.RawMessage            `json:"nameplate_hashes"`
	Accepted  json.RawMessage            `json:"accepted_hashes"`
	Work      map[string]json.RawMessage `json:"hashes_by_cause"`
}

// A month's account is the same however it is divided: sites, containers, racks, models, machines and days add up to the
// whole, to the last hash; and in each of them the causes to the nameplate.
func TestAMonthAddsUpHoweverItIsDivided(t *testing.T) {
	dir, _ := livedThrough(t)
	whole := map[string]string{}
	for _, by := range []string{"cause", "site", "container", "rack", "model", "machine"} {
		var month struct {
			Whole      row
			Rows, Days []row
			Machines   int
		}
		ran(t, dir, "use", "--by", by, "--month", "2026-10", "--json").JSON(t, &month)
		parts := map[string][]row{"rows": month.Rows, "days": month.Days}
		if by == "cause" {
			delete(parts, "rows")
		}
		for what, rows := range parts {
			nameplate, accepted := new(big.Int), new(big.Int)
			for _, r := range rows {
				nameplate.Add(nameplate, hashes(t, r.Nameplate))
				accepted.Add(accepted, hashes(t, r.Accepted))
				causes := new(big.Int).Set(hashes(t, r.Accepted))
				for _, n := range r.Work {
					causes.Add(causes, hashes(t, n))
				}
				if causes.Cmp(hashes(t, r.Nameplate)) != 0 {
					t.Errorf("%s %s: causes make %s of %s", by, r.Name, causes, r.Nameplate)
				}
			}
			if len(rows) == 0 || nameplate.Cmp(hashes(t, month.Whole.Nameplate)) != 0 || accepted.Cmp(hashes(t, month.Whole.Accepted)) != 0 {
				t.Errorf("by %s %d %s make %s and %s, the whole is %s and %s", by, len(rows), what, nameplate, accepted,
					month.Whole.Nameplate, month.Whole.Accepted)
			}
		}
		if by == "machine" && len(month.Rows) != 12 {
			t.Errorf("%d rows of twelve machines", len(month.Rows))
		}
		whole[string(month.Whole.Nameplate)+string(month.Whole.Accepted)] = by
	}
	if len(whole) != 1 {
		t.Errorf("the whole depends on how it is divided: %v", whole)
	}
}

// What is exported is what machines said, a poll a row in the order of time: counters never run back but at a restart,
// and what a machine does not tell is empty.
func TestExportsAreInTheOrderOfTime(t *testing.T) {
	dir, to := livedThrough(t)
	out := filepath.Join(t.TempDir(), "polls.csv")
	ran(t, dir, "export", "--out", out).Wants(t, 0)
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if shown := ran(t, dir, "export").Wants(t, 0).Out; shown != string(content) {
		t.Error("a file and the screen differ")
	}
	rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil || len(rows) < 12*200 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	at, machine, total, elapsed := column("time"), column("machine"), column("total_mh"), column("elapsed_s")
	last := map[string][]string{}
	for _, r := range rows[1:] {
		when, err := time.Parse(time.RFC3339, r[at])
		if err != nil || when.After(to) || r[column("simulated")] != "true" {
			t.Fatalf("%v: %v", r, err)
		}
		if was := last[r[machine]]; was != nil {
			before, _ := time.Parse(time.RFC3339, was[at])
			if !when.After(before) {
				t.Fatalf("%v comes after %v", r, was)
			}
			a, err1 := strconv.ParseInt(was[total], 10, 64)
			b, err2 := strconv.ParseInt(r[total], 10, 64)
			up, err3 := strconv.ParseInt(r[elapsed], 10, 64)
			if err1 == nil && err2 == nil && err3 == nil && b < a && time.Duration(up)*time.Second > when.Sub(before)+time.Minute {
				t.Fatalf("a counter ran back from %d to %d without a restart: %v", a, b, r)
			}
		}
		for i, v := range r {
			if v == "-1" {
				t.Fatalf("%s is %s, which reads like a measurement: %v", rows[0][i], v, r)
			}
		}
		last[r[machine]] = r
	}
	if len(last) != 12 {
		t.Errorf("%d machines", len(last))
	}
	ran(t, dir, "export", "--out", "/nonexistent/polls.csv").Wants(t, 1)
}

// The day's page agrees with itself: as many run, sleep and are silent as there are, visits are worth what they add up
// to, and those that are named are the best of all, as many as were asked for.
func TestTodayAgreesWithItself(t *testing.T) {
	dir, _ := livedThrough(t)
	ran(t, dir, "price", "--difficulty", "150e12", "--bitcoin-price", "50000000", "--from", "2026-10-01").Wants(t, 0)
	type page struct {
		Machines, Running, Sleeping, Silent, Simulated int
		Visits                                         []struct {
			Net   int64 `json:"net_gain_tiyn_a_day"`
			Place string
		}
		Earns int64 `json:"visits_earn_tiyn_a_day"`
	}
	var all []int64 // what each visit earns, the best first
	for _, top := range []int{1000, 0, 1, 3} {
		var p page
		ran(t, dir, "today", "--top", fmt.Sprint(top), "--json").JSON(t, &p)
		if p.Machines != 12 || p.Simulated != 12 || p.Running+p.Sleeping+p.Silent > 12 || len(p.Visits) > top {
			t.Errorf("top %d: %+v", top, p)
		}
		sum, named := int64(0), []int64{}
		for _, v := range p.Visits {
			sum, named = sum+v.Net, append(named, v.Net)
		}
		slices.SortFunc(named, func(a, b int64) int { return cmp.Compare(b, a) })
		if top == 1000 {
			all = named
		}
		if len(all) < 4 || !slices.Equal(named, all[:min(top, len(all))]) {
			t.Errorf("top %d: visits that earn %v of %v", top, named, all)
		}
		if sum != p.Earns {
			t.Errorf("top %d: visits earn %d, told as %d", top, sum, p.Earns)
		}
	}
}

// Inventories of others are read by the names of their columns; what is none changes nothing, and a machine of two rows
// is one.
func TestInventoriesOfOthers(t *testing.T) {
	feed := func(dir, text string, flags ...string) clitest.Ended {
		t.Helper()
		return clitest.Feed(t, text, clitest.Nouns{NewFarmCommand}, append([]string{"farm", "--data", dir, "import", "-", "--json"}, flags...)...)
	}
	dir := filepath.Join(t.TempDir(), "farm")
	for what, text := range map[string]string{"empty": "", "no header": "\n\n", "no column that means anything": "a,b\n1,2\n",
		"no address": "serial,model\nX1,S19\n", "ragged": "ip,serial\n10.0.0.1\n", "an open quote": "ip,serial\n\"10.0.0.1,A\n",
		"no address in its column": "ip,serial\nhere,A\n", "bytes": "ip,serial\n10.0.0.1,\xdd\xea\x98\xe8\n",
		"one machine at two addresses": "ip,serial\n10.0.0.1,SMTTYRHBDJAAI0001\n10.0.0.2,SMTTYRHBDJAAI0001\n",
		"a place of five parts":        "ip,serial,site\n10.0.0.1,SMTTYRHBDJAAI0001,a/b/c/d/e\n"} {
		if e := feed(dir, text); e.Exit == 0 {
			t.Errorf("%s is imported: %s", what, e.Out)
		}
		if _, err := os.Stat(filepath.Join(dir, "fleet.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s has made a fleet", what)
		}
	}
	var result struct {
		Added, Updated int
		Ignored        []string `json:"ignored_columns"`
	}
	twice := "\ufeffWorker,IP,Serial,Owner\r\nw.1,10.0.0.1,SMTTYRHBDJAAI0001,x\r\nw.1,10.0.0.1,SMTTYRHBDJAAI0001,x\r\n"
	feed(dir, twice, "--site", "ekibastuz/c1/r2").JSON(t, &result)
	if result.Added != 1 || !slices.Equal(result.Ignored, []string{"Owner"}) && !slices.Equal(result.Ignored, []string{"owner"}) {
		t.Errorf("%+v", result)
	}
	var machines []fleet.Machine
	ran(t, dir, "list", "--json").JSON(t, &machines)
	if len(machines) != 1 || !strings.HasPrefix(machines[0].Address, "10.0.0.1") || machines[0].Place.String() != "ekibastuz/c1/r2" {
		t.Errorf("%+v", machines)
	}
	feed(dir, twice).JSON(t, &result)
	if result.Added != 0 {
		t.Errorf("again: %+v", result)
	}
}

// A month that is sealed is derived again from the samples; a byte of the log that is other, another's key, or samples that
// were changed since, do not pass for it.
func TestASealedMonthIsDerivedAgain(t *testing.T) {
	to := time.Date(2026, 10, 3, 8, 0, 0, 0, time.FixedZone("farm", 5*3600))
	dir, seals := filepath.Join(t.TempDir(), "farm"), filepath.Join(t.TempDir(), "seals")
	if err := past.Write(t.Context(), dir, past.Options{Machines: 1, Seed: 5, From: to.AddDate(0, 0, -4), To: to,
		Interval: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	verify := func(index string, flags ...string) clitest.Ended {
		t.Helper()
		verb := func() *cobra.Command {
			c := &cobra.Command{Use: "verify"}
			c.AddCommand(NewVerifyFarmCommand())
			return c
		}
		return clitest.Run(t, clitest.Nouns{verb}, append([]string{"verify", "farm", index, "--log", seals, "--data", dir}, flags...)...)
	}
	if e := verify("0"); e.Exit == 0 {
		t.Error("a seal that never was")
	}
	if e := ran(t, dir, "use", "--month", "2026-10", "--seal", seals); e.Exit != 3 { // it is not over
		t.Errorf("a month that goes on is sealed: exit %d %s%s", e.Exit, e.Out, e.Err)
	}
	var sealed struct {
		Index      uint64 `json:"sealed_index"`
		Checkpoint string
	}
	page := filepath.Join(t.TempDir(), "september.html")
	ran(t, dir, "use", "--month", "2026-09", "--seal", seals, "--html", page, "--json").JSON(t, &sealed)
	if content, err := os.ReadFile(page); err != nil || !strings.Contains(string(content), "<html") {
		t.Errorf("the page: %v", err)
	}
	var derived struct {
		Polled int `json:"days_derived_from_polls"`
		Summed int `json:"days_from_sums"`
	}
	verify(fmt.Sprint(sealed.Index), "--json").JSON(t, &derived)
	if derived.Polled+derived.Summed == 0 || sealed.Checkpoint == "" {
		t.Errorf("%+v, %+v", derived, sealed)
	}
	verify("1").Wants(t, 3)
	verify("x").Wants(t, 2, "INDEX")
	verify("0", "--public", "nobody").Wants(t, 2, "--public")
	_, other, err := note.GenerateKey(rand.Reader, "somebody.else/log")
	if err != nil {
		t.Fatal(err)
	}
	if e := verify("0", "--public", other); e.Exit == 0 {
		t.Error("under another's key it is verified")
	}
	// The last day of the month loses a poll's byte.
	changed := 0
	err = filepath.WalkDir(filepath.Join(dir, "samples"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || changed > 0 {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) < 4000 {
			return err
		}
		changed++
		content[len(content)/2] ^= 0x40
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil || changed == 0 {
		t.Fatalf("%d files changed, %v", changed, err)
	}
	if e := verify("0"); e.Exit == 0 {
		t.Errorf("samples that were changed pass for those that were sealed: %s", e.Out)
	}
}

// What is simulated with --add is asked at once by who reads of it; the command ends when it is told to, and a fleet that
// cannot be written ends it before anybody is told.
func TestSimulatedMachinesJoinTheFleet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "farm")
	root := &cobra.Command{Use: "aqsha", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().Bool("json", false, "")
	root.AddCommand(NewFarmCommand())
	said, out := io.Pipe()
	root.SetOut(out)
	root.SetArgs([]string{"farm", "--data", dir, "simulate", "--machines", "3", "--at", "127.202.9.1", "--antminer-port", "0", "--add", "--json"})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	var shown struct {
		Machines    int
		First, Last string
	}
	if err := json.NewDecoder(said).Decode(&shown); err != nil || shown.Machines != 3 || !strings.HasPrefix(shown.First, "127.202.9.1:") {
		t.Errorf("%+v, %v", shown, err)
	}
	var machines []fleet.Machine
	ran(t, dir, "list", "--json").JSON(t, &machines)
	if len(machines) != 3 || machines[0].Address != shown.First {
		t.Errorf("%+v", machines)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := ran(t, blocked, "simulate", "--machines", "1", "--at", "127.202.9.9", "--antminer-port", "0", "--add"); e.Exit == 0 || e.Out != "" {
		t.Errorf("a fleet in a file that is none: exit %d, %s", e.Exit, e.Out)
	}
}
