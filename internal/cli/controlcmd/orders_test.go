package controlcmd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/orders"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// noun is "farm" with what changes machines.
func noun() *cobra.Command {
	command := &cobra.Command{Use: "farm"}
	command.PersistentFlags().String("data", "", "")
	command.AddCommand(NewFarmControlCommand(), NewFarmOrdersCommand(), NewFarmTuneCommand(), NewFarmTicketsCommand(),
		NewFarmTicketCommand())
	return command
}

// place is a farm's folder with what a test does there.
type place struct {
	t   *testing.T
	dir string
}

// newFarm is a farm of six machines at two containers, of which nobody answers, where more than three want a second person.
func newFarm(t *testing.T) place {
	t.Helper()
	f := place{t, t.TempDir()}
	config := records.Defaults()
	config.FourEyes = 3
	for _, name := range []string{"aigerim", "marat"} {
		sum := sha256.Sum256([]byte("secret of " + name))
		config.People = append(config.People, records.Person{Name: name, SecretSHA256: hex.EncodeToString(sum[:])})
		f.write(name, "secret of "+name)
	}
	if err := config.Write(f.dir); err != nil {
		t.Fatal(err)
	}
	address, err := freeport.Address("127.0.0.1") // of nobody
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Update(f.dir, func(inv *fleet.Inventory) error {
		var machines []fleet.Machine
		for i := range 6 {
			p, err := fleet.ParsePlace(fmt.Sprintf("ekibastuz/c%d/r1/%d", 1+i/4, i))
			if err != nil {
				return err
			}
			machines = append(machines, fleet.Machine{ID: fmt.Sprintf("SMT000%d", i), Model: "Antminer S19 Pro",
				Address: address, Protocol: "luxos", Place: p, NominalWatts: 3000 + 100*int64(i)})
		}
		_, _, err := inv.Merge(machines)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f place) write(name, content string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// run runs "farm …" there; NAME in by is the person who gives it, with his own secret.
func (f place) run(by string, line ...string) clitest.Ended {
	f.t.Helper()
	line = append([]string{"farm", "--data", f.dir}, line...)
	if by != "" {
		line = append(line, "--person", by, "--person-secret-file", filepath.Join(f.dir, by))
	}
	return clitest.Run(f.t, clitest.Nouns{noun}, line...)
}

// refused wants a command refused with a code about a field.
func (f place) refused(code, field, by string, line ...string) {
	f.t.Helper()
	e := f.run(by, append(line, "--json")...)
	if got, of := e.Code(f.t); got != code || of != field || e.Exit != 3 {
		f.t.Errorf("%v: exit %d, %s of %s, want %s of %s\n%s", line, e.Exit, got, of, code, field, e.Err)
	}
}

// Above four_eyes an order waits for another person: nobody orders without his secret, the one who gave it does not confirm
// it, and what is confirmed once is not confirmed again.
func TestTwoPeopleOrderMany(t *testing.T) {
	f := newFarm(t)
	order := []string{"control", "ekibastuz/c1", "sleep"}
	f.refused("farm-person", "person", "", order...)
	f.refused("farm-person", "person", "dana", append(order, "--person-secret-file", f.write("dana", "x"))...)
	f.write("thief", "secret of marat")
	e := f.run("", append(order, "--json", "--person", "aigerim", "--person-secret-file", filepath.Join(f.dir, "thief"))...)
	if code, _ := e.Code(t); code != "farm-person" || strings.Contains(e.Err, "secret of marat") {
		t.Errorf("a secret that is another's: %s", e.Err)
	}
	var given []struct {
		ID    int64        `json:"id"`
		State orders.State `json:"state"`
	}
	f.run("aigerim", append(order, "--json")...).JSON(t, &given)
	if len(given) != 1 || given[0].ID != 1 || given[0].State == orders.Due {
		t.Fatalf("%+v", given)
	}
	f.refused("farm-second-person", "who", "aigerim", "orders", "confirm", "1")
	f.run("marat", "orders", "confirm", "1").Wants(t, 0, "confirmed by marat", "by aigerim")
	f.refused("farm-order-state", "order", "marat", "orders", "confirm", "1")
	f.refused("farm-no-order", "order", "marat", "orders", "confirm", "2")
	f.run("marat", "orders", "confirm", "x").Wants(t, 2, "number of an order")
	f.run("", "orders", "withdraw", "1").Wants(t, 0, "withdrawn")
	f.run("", "orders").Wants(t, 0, "those that are over: 1")
	f.run("", "orders", "--all").Wants(t, 0, "4 machines (13 kW)")
	f.run("", "orders", "run").Wants(t, 3, "control is off")
}

// An order keeps its time: one whose time is past is not taken, one whose time passes is missed, said, and not made up for.
func TestOrdersKeepTheirTime(t *testing.T) {
	f := newFarm(t)
	f.refused("farm-bad-order", "at", "", "control", "ekibastuz/c2", "sleep", "--at", "2020-01-01T10:00")
	if code, field := f.run("", "control", "ekibastuz/c2", "sleep", "--at", "tomorrow", "--json").Wants(t, 2).Code(t); code != "bad-time" ||
		field != "at" {
		t.Errorf("%s of %s", code, field)
	}
	at := time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	f.run("", "control", "ekibastuz/c2", "sleep", "--at", at, "--within", "15m").Wants(t, 0, "2 machines")
	f.run("", "orders", "run", "--allow-control").Wants(t, 0, "No order.")

	machines, err := fleet.OpenInventory(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	late, err := machines.Select("ekibastuz/c2")
	if err != nil {
		t.Fatal(err)
	}
	var list []orders.Order
	f.run("", "orders", "--json").JSON(t, &list)
	e := *list[0].First()
	e.From, e.Until, e.At = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour), time.Now().Add(-3*time.Hour)
	if _, err := orders.Give(vfs.OS, f.dir, e, late); err != nil {
		t.Fatal(err)
	}
	f.run("", "orders", "run", "--allow-control").Wants(t, 3, "order 2 was missed", "missed")
	f.run("", "orders", "run", "--allow-control").Wants(t, 0, "No order.")
}

// Who lets out the orders of a day does not keep others from giving theirs while he waits; and what is due waits while
// somebody else's is under way.
func TestAWaitingScheduleLeavesRoomForAnOrder(t *testing.T) {
	f := newFarm(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.run("", "orders", "run", "--allow-control", "--for", "1s").Wants(t, 0, "No order.")
	}()
	for running := true; running; {
		audit, err := control.OpenAudit(f.dir)
		if err != nil {
			t.Fatalf("an order that cannot be given: %v", err)
		}
		if err := audit.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
			running = false
		default:
		}
	}

	f.run("", "control", "ekibastuz/c2", "sleep", "--at", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)).Wants(t, 0, "2 machines")
	book, err := orders.Read(vfs.OS, f.dir)
	if err != nil {
		t.Fatal(err)
	}
	due := *book.Orders[0].First()
	due.From, due.Until, due.At = time.Now().Add(-time.Minute), time.Now().Add(time.Hour), time.Now()
	inventory, err := fleet.OpenInventory(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	machines, err := inventory.Select("ekibastuz/c2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := orders.Give(vfs.OS, f.dir, due, machines); err != nil {
		t.Fatal(err)
	}
	audit, err := control.OpenAudit(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	f.refused("locked", "data", "", "orders", "run", "--allow-control")
	f.run("", "orders").Wants(t, 0, "due")
	if err := audit.Close(); err != nil {
		t.Fatal(err)
	}
	f.run("", "orders", "run", "--allow-control", "--timeout", "100ms").Wants(t, 3, "0 of 2 machines")
}

// Machines are sent to the pools alone that the farm allows, at once or later, also in a trial: others are those of whom
// the watch says that hash rate is stolen.
func TestMachinesAreSentToAllowedPools(t *testing.T) {
	f := newFarm(t)
	content, err := os.ReadFile(filepath.Join(f.dir, "farm.toml"))
	if err != nil {
		t.Fatal(err)
	}
	f.write("farm.toml", "pools = [\"stratum+tcp://pool.example:3333 farm.\"]\n"+string(content))
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, line := range []string{"--pool stratum+tcp://evil.example:3333 --user farm.1", "--pool stratum+tcp://pool.example:3333 --user me"} {
		for _, way := range []string{"--allow-control", "--dry-run", "--at " + later} {
			f.refused("bad-pool", "pool", "", append([]string{"control", "SMT0000", "pool"}, strings.Fields(line+" "+way)...)...)
		}
	}
	f.run("", "control", "SMT0000", "pool", "--pool", "stratum+tcp://pool.example:3333", "--user", "farm.1", "--dry-run").Wants(t, 0)
}

// What an order says besides its action is judged before any machine is asked, and a machine that nobody reaches ends it
// with 5, in the trail too.
func TestOrdersAreJudgedBeforeTheyGoOut(t *testing.T) {
	f := newFarm(t)
	var batches []struct {
		Machine string `json:"machine"`
		Batch   int    `json:"batch"`
	}
	f.run("", "control", "ekibastuz", "sleep", "--dry-run", "--step-kw", "7", "--json").JSON(t, &batches)
	count := map[int]int{}
	for _, b := range batches {
		count[b.Batch]++
	}
	if len(batches) != 6 || len(count) != 3 { // of 3.0 to 3.5 kW each, two a batch
		t.Errorf("%v", batches)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "audit.jsonl")); err == nil {
		t.Error("a dry run stands in the trail")
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for line, want := range map[string][2]string{
		"SMT0000 fan --fan fast":                                           {"farm-bad-order", "fan"},
		"SMT0000 fan --fan -3":                                             {"farm-bad-order", "fan"},
		"SMT0000 fan --fan 101 --allow-control":                            {"farm-bad-order", "fan"},
		"SMT0000 led --led blink":                                          {"farm-bad-order", "led"},
		"SMT0000 dance --allow-control":                                    {"farm-unknown-action", "action"},
		"SMT0000 pool --pool http://x --user a --allow-control":            {"bad-pool", "pool"},
		"SMT0000 pool --pool stratum+tcp://x:1 --allow-control":            {"bad-pool", "pool"},
		"SMT0000 pool --pool stratum+tcp://x:1 --user a,b --allow-control": {"bad-pool", "pool"},
		"SMT0000 reboot":                                                   {"control-off", "allow-control"},
		"nowhere/c9 reboot --allow-control":                                {"no-machine", "selector"},
		"SMT0000 power --watts 0 --allow-control":                          {"farm-bad-order", "watts"},
		"SMT0000 profile --profile= --allow-control":                       {"farm-bad-order", "profile"},
		"SMT0000 update --file none.bmu --firmware-version 2":              {"", ""},
	} {
		arguments := append([]string{"control"}, strings.Fields(line)...)
		if want[0] == "" {
			if e := f.run("", arguments...); e.Exit != 1 || !strings.Contains(e.Err, "none.bmu") {
				t.Errorf("%s: exit %d, %s", line, e.Exit, e.Err)
			}
			continue
		}
		e := f.run("", append(arguments, "--json")...)
		if code, field := e.Code(t); code != want[0] || field != want[1] {
			t.Errorf("%s: %s of %s, want %s: %s", line, code, field, want, e.Err)
		}
		if strings.HasPrefix(line, "SMT") && want[0] != "control-off" { // and no less when it is to wait
			e := f.run("", append(arguments, "--json", "--at", later)...)
			if code, _ := e.Code(t); code != want[0] {
				t.Errorf("%s --at: %s, want %s: %s%s", line, code, want[0], e.Out, e.Err)
			}
		}
	}
	e := f.run("", "control", "SMT0000", "sleep", "--allow-control", "--timeout", "1s", "--confirm", "1s", "--settle", "1ms")
	e.Wants(t, 5, "none of 1 machines could be reached")
	trail, err := os.ReadFile(filepath.Join(f.dir, "audit.jsonl"))
	if err != nil || !strings.Contains(string(trail), "SMT0000") {
		t.Errorf("the trail: %s, %v", trail, err)
	}
}

// The hours of a plan are read as they are written by 'farm power schedule': in the farm's zone, the zones of an hour added
// up, kilowatt-hours cut down and never up; what is no table of hours is named with its line.
func TestHoursOfAPlan(t *testing.T) {
	f := newFarm(t)
	zone := time.FixedZone("farm", 5*3600)
	hours, err := readHours(f.write("h.csv", "from,zone,day,kwh\n18:00,north,2026-12-01,3.9\n18:00,south,2026-12-01,4.2\n"+
		"19:00,north,2026-12-01,0\n"), zone)
	if err != nil || len(hours) != 2 || hours[0].KW != 7 || hours[1].KW != 0 {
		t.Fatalf("%+v, %v", hours, err)
	}
	if want := time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC); !hours[0].From.Equal(want) || hours[0].To.Sub(want) != time.Hour {
		t.Errorf("%v to %v", hours[0].From, hours[0].To)
	}
	// Who reads why a plan cannot be kept to reads the hours that he wrote.
	_, err = orders.Curtail([]*fleet.Machine{{ID: "a", NominalWatts: 3000, Place: fleet.Place{Site: "a"}}, {ID: "b", NominalWatts: 3000, Place: fleet.Place{Site: "b"}}}, hours[1:],
		orders.Terms{Groups: []string{"a"}, Now: hours[0].From.Add(-time.Hour)})
	if err == nil || !strings.Contains(err.Error(), "2026-12-01 19:00 +05:00 allows 0 kW") {
		t.Errorf("%v", err)
	}
	for content, want := range map[string]string{
		"":                                      "is empty",
		"day,from\n2026-12-01,18:00\n":          `no column "kwh"`,
		"day,from,kwh\n2026-12-01,18,1\n":       "line 2",
		"day,from,kwh\n2026-13-01,18:00,1\n":    "line 2",
		"day,from,kwh\n2026-12-01,18:00,-1\n":   "line 2",
		"day,from,kwh\n2026-12-01,18:00,NaN\n":  "line 2",
		"day,from,kwh\n2026-12-01,18:00,1e12\n": "line 2",
		"day,from,kwh\n2026-12-01,18:00,1\nx\n": "no table of hours",
		"day,from,kwh\n\"2026-12-01,18:00,1\n":  "no table of hours",
	} {
		if hours, err := readHours(f.write("bad.csv", content), zone); err == nil ||
			!strings.Contains(strings.ReplaceAll(err.Error(), "is not a table", "no table"), want) {
			t.Errorf("%q: %v, %v, want %q", content, hours, err, want)
		}
	}
	if _, err := readHours(filepath.Join(f.dir, "none.csv"), zone); err == nil {
		t.Error("a file that is not there is read")
	}
}

// A plan's orders are made once, however often it is read, and not by a dry run; what it moved can be asked by its name.
func TestAPlanIsKeptOnce(t *testing.T) {
	f := newFarm(t)
	day := time.Now().Add(48 * time.Hour).In(time.FixedZone("farm", 5*3600))
	plan := f.write("hours.csv", fmt.Sprintf("day,from,kwh\n%[1]s,10:00,9\n%[1]s,11:00,30\n%[1]s,12:00,30\n",
		day.Format(time.DateOnly)))
	curtail := []string{"orders", "curtail", plan, "--group", "ekibastuz/c2", "--group", "ekibastuz/c1"}
	f.run("", append(curtail, "--dry-run")...).Wants(t, 0, "sleep of 4 machines", "wake of")
	f.run("", "orders", "--all").Wants(t, 0, "No order.")
	f.refused("farm-person", "person", "", curtail...) // more than three sleep
	f.run("marat", curtail...).Wants(t, 0, "by marat", "sleep", "wake")
	f.refused("farm-plan-kept", "plan", "marat", curtail...)
	f.run("marat", append(curtail, "--dry-run")...).Wants(t, 0)
	f.refused("farm-no-order", "plan", "", "orders", "account", "other.csv")
	var rows []orders.Kept
	f.run("", "orders", "account", "hours.csv", "--json").JSON(t, &rows)
	if len(rows) == 0 || rows[0].SleepKW == 0 || rows[0].SleptKW != 0 {
		t.Errorf("%+v", rows)
	}
	f.refused("no-machine", "groups", "marat", "orders", "curtail", f.write("x.csv", "day,from,kwh\n"+
		day.Format(time.DateOnly)+",10:00,9\n"), "--group", "nowhere")
	f.refused("farm-infeasible-plan", "kw", "marat", "orders", "curtail", f.write("y.csv", "day,from,kwh\n"+
		day.Format(time.DateOnly)+",10:00,1\n"), "--group", "ekibastuz/c2")
}

// A machine's words, cut to what a line may hold, stay whole characters and move no cursor.
func TestAnOrderEndsInTheMachinesWords(t *testing.T) {
	f := newFarm(t)
	at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	f.run("", "control", "SMT0004", "sleep", "--at", at).Wants(t, 0)
	book, err := orders.Add(vfs.OS, f.dir, func(*orders.Book) ([]orders.Entry, error) {
		return []orders.Entry{{Order: 1, At: time.Now().UTC(), Who: "m\x1b[2J", Step: orders.Withdrawn}}, nil
	})
	if err != nil || len(book.Orders) != 1 {
		t.Fatal(err)
	}
	out := f.run("", "orders", "--all").Wants(t, 0, "withdrawn").Out
	if strings.ContainsRune(out, 0x1b) {
		t.Errorf("%q", out)
	}
	var list []map[string]any
	f.run("", "orders", "--all", "--json").JSON(t, &list)
	if text, _ := json.Marshal(list); !strings.Contains(string(text), `"state":"withdrawn"`) {
		t.Errorf("%s", text)
	}
}
