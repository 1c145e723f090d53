package programcmd

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/token"
)

// A budget that many look at: each finds it with the money where it was, whatever was refused.
func TestWhatIsRefusedMovesNothing(t *testing.T) {
	t.Parallel()
	b := newBudget(t)
	b.Done("purpose", "register", b.file("meals.yaml", meals), "--agency", "education")
	for _, part := range []struct {
		name string
		test func(t *testing.T, b budget)
	}{
		{"Contracts", slipsInContracts}, {"Orders", slipsInOrders}, {"Grants", slipsInGrants}, {"Purposes", slipsInPurposes},
		{"Agencies", slipsOfAgencies}, {"Members", registersOfMembers}, {"Traces", tracesOfMoney},
	} {
		t.Run(part.name, func(t *testing.T) {
			b.t = t
			part.test(t, b)
		})
	}
}

// A slip on the line that creates a contract, in whatever name, creates none and takes no name; what is refused when it
// is acted in leaves its version as it was.
func slipsInContracts(t *testing.T, b budget) {
	create := func(more ...string) []string {
		return append([]string{"contract", "create", "escrow", "house", "--by", "toyshop", "--party", "buyer=toyshop",
			"--party", "seller=canteen", "--party", "arbiter=school", "--term", "price=10KZT", "--term", "days=30", "--pay",
			"10"}, more...)
	}
	b.Done("pay", "Halyk", "toyshop", "100")
	for word, line := range map[string][]string{
		"the contract's parties are":     create("--party", "notary=school"),
		"the contract's assets are":      create("--asset", "tenga=meals"),
		"party buyer: it is given twice": create("--party", "buyer=canteen"),
		"term days: it is given twice":   create("--term", "days=31"),
		"there is no such term":          create("--term", "day=31"),
		"want NAME=VALUE":                create("--party", "seller"),
		"tenge is paid twice":            create("--pay", "tenge=10"),
		"gold=1":                         append(create()[:16:16], "--pay", "gold=1"),
		"days":                           append(create()[:14:14], "--term", "days=soon", "--pay", "10"),
		"buyer=WALLET is missing":        {"contract", "create", "escrow", "house", "--by", "toyshop"},
		"price=VALUE (int) is missing":   append(create()[:12:12], "--term", "days=30"),
		"\"by\" not set":                 {"contract", "create", "escrow", "house"},
	} {
		b.Wrong(word, line...)
	}
	for _, line := range [][]string{create("--document", filepath.Join(b.dir, "none")), create("--party", "x=nobody"),
		{"contract", "create", filepath.Join(b.dir, "none.yaml"), "house", "--by", "toyshop"},
		{"contract", "create", "nonesuch", "house", "--by", "toyshop"},
		{"contract", "register", b.dir}, {"contract", "register", b.file("torn.yaml", "contract: [")},
		{"contract", "show", "toyshop"}, {"contract", "act", "toyshop", "release", "--by", "toyshop"}} {
		if e := b.Run(line...); e.Exit == 0 || strings.Contains(e.Err, "goroutine") {
			t.Errorf("%v: exit %d, %s%s", line, e.Exit, e.Out, e.Err)
		}
	}
	var list []json.RawMessage
	if b.Run("contract", "list", "--json").JSON(t, &list); len(list) != 0 || b.balance("toyshop") != 10_000 {
		t.Errorf("%d contracts, the shop has %s", len(list), b.balance("toyshop").Format())
	}
	b.Done("contract", "register", "escrow", "--bank", "Halyk")
	b.Done(create()...)
	b.Refused("name-taken", create()...)
	var before, after struct {
		Version uint64
		Money   []struct{ Purpose string }
	}
	b.Done("contract", "show", "house", "--json").JSON(t, &before)
	for word, line := range map[string][]string{
		"there is no such arg": {"divide", "--arg", "to_seller=5KZT", "--arg", "to_buyer=5KZT"},
		"is missing":           {"divide"},
		"\"much\"":             {"divide", "--arg", "to_seller=much"},
	} {
		b.Wrong(word, append([]string{"contract", "act", "house", "--by", "school"}, line...)...)
	}
	b.Refused("unknown-action", "contract", "act", "house", "burn", "--by", "school")
	b.Refused("guard-not-met", "contract", "act", "house", "divide", "--by", "school", "--arg", "to_seller=11KZT")
	b.Done("contract", "show", "house", "--json").JSON(t, &after)
	if before.Version != after.Version || len(after.Money) != 1 || after.Money[0].Purpose != contract.Plain {
		t.Errorf("%+v became %+v", before, after)
	}
	b.Done("contract", "list").Wants(t, 0, "house", "10.00")
	b.Done("contract", "act", "house", "divide", "--by", "school", "--arg", "to_seller=4KZT")
	b.Refused("not-found", "contract", "act", "house", "divide", "--by", "school", "--arg", "to_seller=1KZT")
	if e := b.Run("contract", "show", "house"); e.Exit != 3 { // it has ended
		t.Errorf("exit %d, %s", e.Exit, e.Out)
	}
	if b.balance("toyshop") != 9_600 || b.balance("canteen") != 400 {
		t.Errorf("shop %s, canteen %s", b.balance("toyshop").Format(), b.balance("canteen").Format())
	}
}

// An order that could not be kept is not opened.
func slipsInOrders(t *testing.T, b budget) {
	before := b.balance("toyshop")
	open := func(more ...string) []string {
		return append([]string{"order", "open", "pumps", "--buyer", "toyshop", "--seller", "canteen", "--subcontractor",
			"Halyk", "--arbiter", "school", "--price", "5"}, more...)
	}
	for word, line := range map[string][]string{
		"--milestones":     open("--milestones", "0"),
		"--milestones: w":  open("--milestones", "101"),
		"--due":            open("--due", "soon"),
		"--every":          open("--every", "each 32nd", "--milestones", "2"),
		"--inspect":        open("--inspect", "week"),
		"--warranty":       open("--warranty", "-1d"),
		"--price":          append(open()[:11:11], "--price", "dear"),
		"want 1 to 100, a": append(open()[:11:11], "--price", "0"),
		"invalid argument": open("--share", "half"),
	} {
		b.Wrong(word, line...)
	}
	for _, line := range [][]string{open("--share", "1001"), open("--retention", "-1"), open("--penalty", "-5"),
		open("--purpose", "nonesuch"), {"order", "show", "pumps"}, {"order", "deliver", "pumps", "--by", "canteen"},
		{"order", "decide", "pumps", "5", "--by", "school"}} {
		if e := b.Run(line...); e.Exit == 0 {
			t.Errorf("%v: %s", line, e.Out)
		}
	}
	if b.balance("toyshop") != before {
		t.Errorf("the buyer has %s, had %s", b.balance("toyshop").Format(), before.Format())
	}
}

// A grant is opened with a sum and for a time that can be meant, and what is no registry's word opens none.
func slipsInGrants(t *testing.T, b budget) {
	before := b.balance("treasury")
	open := func(name string, more ...string) []string {
		return append([]string{"grant", "open", name, "--by", "treasury", "--farmer", "toyshop", "--seller", "canteen",
			"--registry", "school", "--subject", "KZ-1"}, more...)
	}
	for word, line := range map[string][]string{
		"\"amount\" not set":   open("cow"),
		"--amount":             open("cow", "--amount", "many"),
		"--for":                open("cow", "--amount", "5", "--for", "soon"),
		"--for: \"-3d\"":       open("cow", "--amount", "5", "--for", "-3d"),
		"\"document\" not set": {"grant", "certify", "cow"},
		"--price": {"grant", "work", "roof", "--buyer", "treasury", "--supplier", "canteen", "--arbiter", "school",
			"--price", "1.234"},
	} {
		b.Wrong(word, line...)
	}
	for _, line := range [][]string{open("cow", "--amount", "0"), open("cow", "--amount", "5", "--purpose", "nonesuch"),
		open("cow", "--amount", "99999999"), {"grant", "give-back", "cow", "--by", "canteen"},
		{"grant", "certify", "cow", "--document", strings.Repeat("0", 64)}} {
		if e := b.Run(line...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%v: exit %d, %s%s", line, e.Exit, e.Out, e.Err)
		}
	}
	if now := b.balance("treasury"); now != before {
		t.Errorf("the treasury has %s, had %s", now.Format(), before.Format())
	}
	b.Done(open("cow", "--amount", "5")...)
	for name, text := range map[string]string{"torn": `{"contract":`, "empty": "", "another": `{}`, "list": "[]",
		"large": `{"x":"` + strings.Repeat("x", maxCertificate) + `"}`} {
		e := b.Run("grant", "release", "cow", b.file(name+".json", text), "--by", "canteen")
		if e.Exit == 0 || e.Exit == 4 || b.balance("treasury") != before-500 {
			t.Errorf("%s: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
	}
	b.Done("grant", "give-back", "cow", "--by", "canteen")
	if now := b.balance("treasury"); now != before {
		t.Errorf("given back, the treasury has %s, had %s", now.Format(), before.Format())
	}
}

// A purpose is registered by its agency from a whole file; what is said of it, in each language, comes from its rule.
func slipsInPurposes(t *testing.T, b budget) {
	file := filepath.Join(b.dir, "meals.yaml")
	for name, text := range map[string]string{
		"torn.yaml": meals[:len(meals)/2], "empty.yaml": "", "list.yaml": "[1, 2]", "unknown.yaml": meals + "colour: red\n",
		"rule.yaml":    strings.Replace(meals, `payer.role ==`, `payer.rule ==`, 1),
		"returns.yaml": strings.Replace(meals, "returns: treasury", "returns: nobody", 1),
		"past.yaml":    strings.Replace(meals, "until: 2030-01-01", "until: 2019-01-01", 1),
		"becomes.yaml": strings.Replace(meals, "becomes: plain", "becomes: nonesuch", 1),
		"amends.yaml":  meals + "amends: nonesuch\n",
	} {
		if e := b.Run("purpose", "register", b.file(name, text), "--agency", "education"); e.Exit != 1 && e.Exit != 2 &&
			e.Exit != 3 {
			t.Errorf("%s: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
	}
	b.Refused("unknown-name", "purpose", "register", file, "--agency", "nobody")
	if e := b.Run("purpose", "register", file, "--agency", "toyshop"); e.Exit != 3 {
		t.Errorf("a shop registers a purpose: exit %d, %s", e.Exit, e.Err)
	}
	var list []struct {
		Name          string
		Number        uint32
		Live, Entered int64
	}
	b.Done("purpose", "list", "--json").JSON(t, &list)
	if len(list) != 1 || list[0].Name != "meals" || list[0].Live != 0 {
		t.Fatalf("%+v", list)
	}
	b.Done("purpose", "list").Wants(t, 0, "meals", "education")
	b.Done("purpose", "show", "meals").Wants(t, 0, "meals", "payer.role", "treasury", "→ plain", "→ same")
	b.Wrong("--lang", "purpose", "explain", "meals", "--lang", "de")
	b.Refused("not-found", "purpose", "show", "nonesuch")
	var registered, of map[contract.Language][]string
	b.Done("purpose", "explain", "meals", "--json").JSON(t, &registered)
	b.Done("purpose", "explain", file, "--json").JSON(t, &of)
	if len(registered) != 3 || len(of) != 3 || registered[contract.English][0] == registered[contract.Kazakh][0] {
		t.Errorf("%v\n%v", registered, of)
	}
	for language, lines := range registered {
		if strings.Join(lines, "\n") != strings.Join(of[language], "\n") {
			t.Errorf("%s: what is registered is said as %q, and its file as %q", language, lines, of[language])
		}
	}
	b.Done("purpose", "explain", file, "--lang", "kk").Wants(t, 0, registered[contract.Kazakh][0])
}

// What an agency says of a wallet is its own word, as long as it may speak.
func slipsOfAgencies(t *testing.T, b budget) {
	vouch := func(more ...string) []string { return append([]string{"agency", "vouch"}, more...) }
	for _, as := range []string{"", "two words", "thirteen-chars", "a/b", "é"} {
		if e := b.Run(vouch("education", "canteen", "--as", as)...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%q: exit %d, %s%s", as, e.Exit, e.Out, e.Err)
		}
	}
	b.Wrong("\"as\" not set", vouch("education", "canteen")...)
	b.Refused("unknown-name", vouch("education", "nobody", "--as", "canteen")...)
	if e := b.Run(vouch("toyshop", "canteen", "--as", "canteen")...); e.Exit != 3 {
		t.Errorf("a shop vouches: exit %d, %s", e.Exit, e.Err)
	}
	b.Done(vouch("education", "canteen", "--as", "canteen")...)
	for _, again := range [][]string{{"education", "canteen", "--as", "canteen"},
		{"education", "toyshop", "--as", "canteen", "--withdraw"}} {
		if e := b.Run(vouch(again...)...); e.Exit != 0 && e.Exit != 3 {
			t.Errorf("%v: exit %d, %s", again, e.Exit, e.Err)
		}
	}
	b.Done("agency", "suspend", "education")
	b.Done("agency", "list").Wants(t, 0, "education", "suspended")
	if e := b.Run(vouch("education", "toyshop", "--as", "canteen")...); e.Exit != 3 {
		t.Errorf("a suspended agency vouches: exit %d, %s", e.Exit, e.Err)
	}
	b.Done("agency", "reinstate", "education")
	b.Done(vouch("education", "canteen", "--as", "canteen", "--withdraw")...)
}

// A register of members has one root, whoever makes it; each member's proof leads to it, and an emptied place to that
// of the emptied register. A file that says something twice, or of nobody, makes none.
func registersOfMembers(t *testing.T, b budget) {
	file := b.file("members.csv", "canteen,400\n-\ntoyshop, 12.50\n\nschool,1\n")
	var whole, less struct {
		Root  string
		Size  int
		Total int64
	}
	b.Done("contract", "members", file, "--json").JSON(t, &whole)
	if whole.Size != 5 || whole.Total != 41_350 || len(whole.Root) != 64 {
		t.Errorf("%+v", whole)
	}
	b.Done("contract", "members", file, "--without", "school,canteen", "--json").JSON(t, &less)
	if less.Root == whole.Root || less.Size != whole.Size {
		t.Errorf("%+v", less)
	}
	for member, place := range map[string]int{"canteen": 0, "toyshop": 2, "school": 4} {
		var p memberProof
		b.Done("contract", "members", file, "--prove", member, "--json").JSON(t, &p)
		if p.Place != place || p.Root != whole.Root || p.Member != member || p.Proof == "" {
			t.Errorf("%+v", p)
		}
	}
	for word, line := range map[string][]string{
		"stands twice":                {b.file("twice.csv", "canteen,1\ncanteen,2\n")},
		"want NAME,AMOUNT":            {b.file("sum.csv", "canteen,0\n")},
		"sum2.csv:2":                  {b.file("sum2.csv", "canteen,1\nschool\n")},
		"exceed 63 bits":              {b.file("large.csv", "canteen,90000000000000000\nschool,90000000000000000\n")},
		"has no such member":          {file, "--without", "nobody"},
		"no member \"Halyk\"":         {file, "--prove", "Halyk"},
		"no member \"school\", or it": {file, "--prove", "school", "--without", "school"},
	} {
		b.Wrong(word, append([]string{"contract", "members"}, line...)...)
	}
	b.Refused("unknown-name", "contract", "members", b.file("nobody.csv", "nobody,1\n"))
	if e := b.Run("contract", "members", filepath.Join(b.dir, "none.csv")); e.Exit == 0 {
		t.Error("members of no file")
	}
}

// Money is followed to where it is: all that a purpose marked, all that a contract held. A drawing that cannot be
// written is not said to be there.
func tracesOfMoney(t *testing.T, b budget) {
	b.Done("agency", "vouch", "education", "canteen", "--as", "canteen")
	b.Done("pay", "treasury", "school", "1000", "--mark", "meals")
	b.Done("pay", "school", "canteen", "300", "--purpose", "meals")
	drawing := filepath.Join(b.dir, "meals.svg")
	var tr struct {
		Places []struct {
			Amount  int64
			Purpose uint32
		}
		Flows []struct{ Amount int64 }
	}
	b.Done("trace", "meals", "--svg", drawing, "--json").JSON(t, &tr)
	var earmarked int64
	for _, p := range tr.Places {
		if p.Purpose != 0 {
			earmarked += p.Amount
		}
	}
	if earmarked != 70_000 || len(tr.Flows) < 2 {
		t.Errorf("%d are earmarked still: %+v", earmarked, tr)
	}
	f, err := os.Open(drawing)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := xml.NewDecoder(f); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	var where struct {
		Entered, Left, Live int64
		Places              []struct{ Amount int64 }
		Freed               []struct{ Amount int64 }
	}
	b.Done("grant", "where", "meals", "--json").JSON(t, &where)
	if where.Entered != 100_000 || where.Left != 30_000 || where.Live != 70_000 || len(where.Places) != 1 ||
		where.Places[0].Amount != where.Live || len(where.Freed) != 1 || where.Freed[0].Amount != where.Left {
		t.Errorf("%+v", where)
	}
	b.Done("grant", "where", "meals").Wants(t, 0, "school", "700.00", "canteen", "300.00")
	b.Wrong("not negative", "trace", "meals", "--forwards", "-1")
	b.Refused("not-found", "trace", strings.Repeat("0", 64))
	b.Refused("not-found", "trace", "nonesuch")
	b.Refused("not-found", "grant", "where", "nonesuch")
	if e := b.Run("trace", "meals", "--svg", filepath.Join(b.dir, "none", "x.svg")); e.Exit == 0 || e.Out != "" {
		t.Errorf("a drawing in no folder: exit %d, %s", e.Exit, e.Out)
	}
}

// A definition is judged as the ledger will, without one; what is none is said with where it is wrong, and a file's own
// words move no cursor.
func TestDefinitionsAreJudged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	of := func(line ...string) clitest.Ended {
		return clitest.Run(t, nouns, append([]string{"contract"}, line...)...)
	}
	ids := map[token.Hash]string{}
	for _, name := range contract.TemplateNames {
		var c checked
		of("check", name, "--json").JSON(t, &c)
		if c.Name != strings.ReplaceAll(name, "-", "_") || c.Bytes == 0 || len(c.Actions) == 0 ||
			c.Never == nil || ids[c.ID] != "" {
			t.Errorf("%s: %+v", name, c)
		}
		for action, cost := range c.Actions {
			if cost > c.Max {
				t.Errorf("%s: %s costs %d of %d", name, action, cost, c.Max)
			}
		}
		ids[c.ID] = name
		text := of("template", name).Wants(t, 0).Out
		var again checked
		of("check", file(name+".yaml", text), "--json").JSON(t, &again)
		if again.ID != c.ID {
			t.Errorf("%s: printed and read again it is another", name)
		}
		for _, l := range []string{"en", "kk", "ru"} {
			if e := of("explain", name, "--lang", l); e.Exit != 0 || len(e.Out) < 50 {
				t.Errorf("%s in %s: %s%s", name, l, e.Out, e.Err)
			}
		}
	}
	escrow := of("template", "escrow").Out
	for name, text := range map[string]string{
		"torn": escrow[:len(escrow)/3], "empty": "", "list": "- 1",
		"party":  strings.Replace(escrow, "to: seller", "to: seler", 1),
		"type":   strings.Replace(escrow, "price: int", "price: gold", 1),
		"escape": strings.Replace(escrow, "to: seller", "to: \"\\e[2J\"", 1),
		"large":  escrow + "# " + strings.Repeat("x", 1<<22),
	} {
		e := of("check", file(name+"-not.yaml", text))
		if e.Exit == 0 || strings.Contains(e.Err, "\x1b") || len(e.Err) > 20_000 {
			t.Errorf("%s: exit %d, %d bytes: %.300s", name, e.Exit, len(e.Err), e.Out+e.Err)
		}
	}
	for _, line := range [][]string{{"check", filepath.Join(dir, "none.yaml")}, {"check", dir}, {"explain", "nonesuch"},
		{"template", "nonesuch"}, {"template", "../escrow"}, {"explain", "escrow", "--lang", "de"}} {
		if e := of(line...); e.Exit == 0 {
			t.Errorf("%v: %s", line, e.Out)
		}
	}
}

// A play shows each step up to the one that went wrong, and neither makes money nor loses any.
func TestPlaysKeepMoney(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	play := func(steps string, more ...string) clitest.Ended {
		path := filepath.Join(dir, "play.yaml")
		text := "definition: escrow\nnow: 2026-09-01\npeople: {ann: {money: \"100\"}, bob: {}, eve: {}}\n" +
			"create: {by: ann, parties: {buyer: ann, seller: bob, arbiter: eve}, terms: {price: 10KZT, days: \"3\"}, " +
			"pay: {tenge: \"10\"}}\nsteps:\n" + steps
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return clitest.Run(t, nouns, append([]string{"contract", "simulate", path}, more...)...)
	}
	type scene struct {
		Held     map[string]int64
		Balances map[string]map[string]int64
		Refused  *struct{ Code string }
		Ended    bool
	}
	for name, c := range map[string]struct {
		steps  string
		exit   int
		scenes int
		bob    int64
	}{
		"released":        {"  - {by: ann, act: release}\n", 0, 2, 1000},
		"divided":         {"  - {by: eve, act: divide, args: {to_seller: 4KZT}}\n", 0, 2, 400},
		"left alone":      {"  - {wait: 4d}\n", 0, 2, 0},
		"as expected":     {"  - {by: bob, act: release, expect: wrong-caller}\n  - {by: eve, act: release}\n", 0, 3, 1000},
		"not as expected": {"  - {by: eve, act: release, expect: wrong-caller}\n", 1, 2, 1000},
		"refused":         {"  - {by: ann, act: divide, args: {to_seller: 4KZT}}\n", 3, 2, 0},
		"nobody acts":     {"  - {by: zoe, act: release}\n", 2, 1, 0},
	} {
		e := play(c.steps, "--json")
		var scenes []scene
		if err := json.Unmarshal([]byte(e.Out), &scenes); err != nil || e.Exit != c.exit {
			t.Errorf("%s: exit %d, want %d, %v\n%s", name, e.Exit, c.exit, err, e.Err)
			continue
		}
		if len(scenes) == 0 || len(scenes) > c.scenes {
			t.Errorf("%s: %d scenes, want %d", name, len(scenes), c.scenes)
			continue
		}
		for i, s := range scenes {
			sum := s.Held["tenge"]
			for _, who := range s.Balances {
				sum += who["plain"]
			}
			if sum != 10_000 {
				t.Errorf("%s, scene %d: %d of 10000 are there: %+v", name, i, sum, s)
			}
		}
		if got := scenes[len(scenes)-1].Balances["bob"]["plain"]; got != c.bob {
			t.Errorf("%s: bob has %d, want %d", name, got, c.bob)
		}
	}
	play("  - {by: ann, act: release}\n").Wants(t, 0, "bob")
	for _, bad := range []string{"  - {by: ann}\n", "  - {}\n", "  - {wait: soon}\n", "  - [\n",
		"  - {by: ann, act: release, colour: red}\n", "  - {wait: 1d, expect: frozen}\n",
		"  - {by: ann, act: release, send: \"1\", to: bob}\n"} {
		if e := play(bad); e.Exit == 0 {
			t.Errorf("%q: %s", bad, e.Out)
		}
	}
}
