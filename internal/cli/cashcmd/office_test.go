package cashcmd

import (
	"context"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
)

// counter is an office that runs over a ledger that is served, and a folder for wallets.
type counter struct {
	served.Ledger
	t        *testing.T
	dir, url string
}

// withdrawn is how much all tests of an office take from the ledger, in tiyn.
const withdrawn = 1_200_000

// opens an office with a keyset that was announced.
func opens(t *testing.T) counter {
	t.Helper()
	all := append(nouns[:len(nouns):len(nouns)], walletcmd.NewBalanceCommand)
	d := counter{Ledger: served.Start(t, all, "--shared-keys"), t: t, dir: t.TempDir()}
	for _, line := range []string{"bank admit halyk", "issue halyk 100000",
		"wallet new aigerim --bank halyk --tier person", "wallet new canteen --bank halyk --tier business",
		"pay halyk aigerim 20000"} {
		d.Done(strings.Fields(line)...)
	}
	office := d.at("office")
	run(t, "keys", "new", "--office", office).Wants(t, 0)
	d.Refused("no-reserve", "cash", "up", "canteen", "--office", office, "--listen", "127.0.0.1:0")
	d.Done("cash", "keys", "announce", "reserve", "--office", office).Wants(t, 0, "is announced by")
	d.Done("cash", "keys", "announce", "reserve", "--office", office)
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan clitest.Ended, 1)
	go func() {
		ended <- clitest.Within(ctx, nouns, "cash", "up", "reserve", "--office", office, "--listen", "127.0.0.1:0",
			"--interval", "1s", "--data", d.Dir, "--log-level", "error")
	}()
	t.Cleanup(func() {
		end()
		(<-ended).Wants(t, 0)
		if _, err := os.Stat(filepath.Join(office, "office.url")); err == nil {
			t.Error("an office that has ended says where it is")
		}
	})
	for d.url == "" {
		select {
		case e := <-ended:
			t.Fatalf("exit %d\n%s%s", e.Exit, e.Out, e.Err)
		case <-time.After(10 * time.Millisecond):
		}
		text, _ := os.ReadFile(filepath.Join(office, "office.url"))
		d.url = strings.TrimSpace(string(text))
	}
	return d
}

func (d counter) at(name string) string { return filepath.Join(d.dir, name) }

// by runs a command of cash with a wallet.
func (d counter) by(wallet string, line ...string) clitest.Ended {
	d.t.Helper()
	return d.Run(append(append([]string{"cash"}, line...), "--wallet", d.at(wallet))...)
}

// held is what a wallet holds.
type held struct{ Settled, Unsettled, Begun int64 }

func (d counter) holds(wallet string) (h held) {
	d.t.Helper()
	d.by(wallet, "balance", "--json").JSON(d.t, &h)
	return h
}

// token makes one.
func (d counter) token(wallet string, line ...string) string {
	d.t.Helper()
	var made struct{ Token string }
	d.by(wallet, append(append([]string{"send"}, line...), "--json")...).JSON(d.t, &made)
	return made.Token
}

// An office and its wallets: whatever is refused, or given twice, the notes in all wallets and what was paid back make
// what was withdrawn, and the public log says the same.
func TestAnOfficeAndItsWallets(t *testing.T) {
	t.Parallel()
	d := opens(t)
	d.by("purse", "withdraw", "aigerim", "12000", "--mint", d.url).Wants(t, 0, "withdrew")
	for _, part := range []struct {
		name string
		test func(t *testing.T, d counter)
	}{
		{"GivenOnce", tokensAreTakenOnce}, {"Locked", notesThatAreLocked}, {"Codes", codesOfTokens}, {"Paid", whoIsPaid},
		{"Back", notesThatComeBack}, {"Printed", sheetsOfNotes}, {"Wallets", walletsAreOfOneOffice},
		{"Recounted", strangersRecount}, {"Breaks", linesThatBreak}, // last: it pays and withdraws more
	} {
		t.Run(part.name, func(t *testing.T) {
			d.t = t
			part.test(t, d)
		})
	}
}

// A token is taken once, by whoever comes first; the same one again, a part of one, or one of nobody's signature leaves
// the wallet as it was.
func tokensAreTakenOnce(t *testing.T, d counter) {
	text := d.token("purse", "1000", "--memo", "bread")
	d.by("friend", "check", text, "--mint", d.url).Wants(t, 0, "unspent")
	d.by("friend", "receive", text).Wants(t, 0, "received")
	for _, wallet := range []string{"friend", "purse"} {
		before := d.holds(wallet)
		if e := d.by(wallet, "receive", text); e.Exit != 3 || d.holds(wallet) != before {
			t.Errorf("%s took it again: exit %d, %s%s", wallet, e.Exit, e.Out, e.Err)
		}
	}
	d.by("friend", "check", text).Wants(t, 3, "spent")
	forged := aToken(t, d.url, 100)
	if e := d.by("friend", "receive", forged); e.Exit == 0 {
		t.Errorf("nobody's notes were taken: %s", e.Out)
	}
	if e := d.by("friend", "receive", forged, "--offline"); e.Exit == 0 {
		t.Errorf("nobody's notes are genuine: %s", e.Out)
	}
	if got := d.holds("friend"); got != (held{Settled: 100_000}) {
		t.Errorf("%+v", got)
	}
	for _, more := range []string{"2000", "1000.01"} {
		d.by("friend", "send", more).Wants(t, 3)
	}
}

// Notes that are locked are of who has the key, with the office or without; a lock that is no key takes no notes.
func notesThatAreLocked(t *testing.T, d counter) {
	before := d.holds("purse")
	for says, line := range map[string][]string{
		"--lock":  {"500", "--lock", strings.Repeat("0", 66)},
		"offline": {"500", "--lock", "02" + strings.Repeat("ab", 32), "--offline"},
		"66 hex":  {"500", "--lock", "ab"},
	} {
		d.by("purse", append([]string{"send"}, line...)...).Wants(t, 2, says)
	}
	if got := d.holds("purse"); got != before {
		t.Errorf("%+v, was %+v", got, before)
	}
	var asked struct{ Request string }
	d.by("friend", "request", "500", "--lock", "--json").JSON(t, &asked)
	r, err := coin.DecodeRequest(asked.Request)
	if err != nil || r.Lock == nil || r.Amount != 50_000 || !slices.Equal(r.Mints, []string{d.url}) {
		t.Fatalf("%+v, %v", r, err)
	}
	text := d.token("purse", "500", "--lock", r.Lock.Data)
	if e := d.by("purse", "receive", text); e.Exit == 0 {
		t.Errorf("who locked them has taken them: %s", e.Out)
	}
	d.by("friend", "receive", text, "--offline").Wants(t, 0)
	if got := d.holds("friend"); got.Unsettled != 50_000 {
		t.Errorf("%+v", got)
	}
	d.by("friend", "receive", text, "--offline").Wants(t, 3, "repeated")
	d.by("friend", "settle").Wants(t, 0, "settled 500.00")
	if got := d.holds("friend"); got != (held{Settled: 150_000}) {
		t.Errorf("%+v", got)
	}
}

// A token in codes is the token; where no code can be written no notes are taken for it.
func codesOfTokens(t *testing.T, d counter) {
	before := d.holds("purse")
	d.by("purse", "send", "50", "--qr", filepath.Join(d.at("none"), "code.png")).Wants(t, 2, "none")
	if got := d.holds("purse"); got != before {
		t.Errorf("notes were taken for a code that cannot be written: %+v, was %+v", got, before)
	}
	if e := d.by("purse", "send", "50", "--memo", strings.Repeat("m", coin.MaxTokenText)); e.Exit == 0 ||
		d.holds("purse") != before {
		t.Errorf("a memo without an end: exit %d, %d bytes; %+v, was %+v", e.Exit, len(e.Out), d.holds("purse"), before)
	}
	code := d.at("code.png")
	text := d.token("purse", "50", "--qr", code)
	f, err := os.Open(code)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
	var framed struct {
		Frames []string
		Token  string
	}
	d.by("purse", "send", "500", "--ur", "--json").JSON(t, &framed)
	e := clitest.Feed(t, strings.Join(framed.Frames, "\n"), nouns, "cash", "receive", "-", "--wallet", d.at("friend"))
	if e.Exit != 0 || len(framed.Frames) < 2 {
		t.Errorf("exit %d, %d frames\n%s", e.Exit, len(framed.Frames), e.Err)
	}
	d.by("friend", "receive", framed.Token).Wants(t, 3)
	d.by("friend", "receive", text).Wants(t, 0)
	if got := d.holds("friend"); got != (held{Settled: 205_000}) {
		t.Errorf("%+v", got)
	}
}

// Who is paid is on the ledger; a request for another amount, a payee whom nobody knows and a sum that is not there
// leave every note where it is.
func whoIsPaid(t *testing.T, d counter) {
	id := strings.TrimSpace(d.Done("balance", "canteen", "--json").Out)
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(id), &list); err != nil || len(list) != 1 {
		t.Fatal(id, err)
	}
	canteen := list[0]
	before := d.holds("purse")
	text := d.token("friend", "100")
	friends := d.holds("friend")
	d.by("purse", "receive", text, "--to-wallet", "aqsha:"+canteen.ID+"?amount=5").Wants(t, 2, "not 100.00")
	d.by("purse", "pay", "canteen", "99999").Wants(t, 3, "insufficient-funds")
	d.by("purse", "pay", "aqsha:"+canteen.ID+"?amount=500", "6").Wants(t, 2, "not 6.00")
	d.by("purse", "deposit", "nobody").Wants(t, 3, "nobody")
	d.by("nothing", "deposit", "canteen", "--mint", d.url).Wants(t, 3, "nothing")
	if d.holds("purse") != before || d.holds("friend") != friends {
		t.Errorf("purse %+v, was %+v; friend %+v, was %+v", d.holds("purse"), before, d.holds("friend"), friends)
	}
	d.by("purse", "receive", text, "--to-wallet", "canteen").Wants(t, 0, "paid 100.00")
	d.by("purse", "pay", "canteen", "1250", "--memo", "lunch").Wants(t, 0, "paid")
	if got := d.holds("purse"); got.Settled != before.Settled-125_000 || got.Begun != 0 {
		t.Errorf("%+v, was %+v", got, before)
	}
	d.Done("balance", "canteen").Wants(t, 0, "350.00")
}

// What nobody has taken comes back to who gave it, and to who has the wallet's words; words that are none, or of a
// wallet that is there, make none.
func notesThatComeBack(t *testing.T, d counter) {
	before := d.holds("purse")
	_ = d.token("purse", "300")
	d.by("purse", "settle", "--reclaim").Wants(t, 0, "300.00")
	if got := d.holds("purse"); got != before {
		t.Errorf("%+v, was %+v", got, before)
	}
	words := strings.TrimSpace(d.by("purse", "words").Out)
	if len(strings.Fields(words)) != 12 {
		t.Fatalf("%q", words)
	}
	write := func(text string) string {
		path := d.at("words")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	back := func(wallet string, line ...string) clitest.Ended {
		return d.by(wallet, append([]string{"restore", "--words-file", d.at("words")}, line...)...)
	}
	write(strings.Replace(words, strings.Fields(words)[3], "xyzzy", 1))
	back("lost", "--mint", d.url).Wants(t, 2)
	write(strings.Join(strings.Fields(words)[:11], " "))
	back("lost", "--mint", d.url).Wants(t, 2)
	write("\n " + strings.ReplaceAll(words, " ", "\n") + "\n")
	back("lost").Wants(t, 2, "--mint")
	back("lost", "--mint", "nonsense").Wants(t, 2, "nonsense")
	if _, err := os.Stat(d.at("lost")); err == nil {
		t.Error("what was refused has begun a wallet")
	}
	if e := back("friend", "--mint", d.url); e.Exit == 0 {
		t.Errorf("another's wallet was replaced: %s", e.Out)
	}
	back("lost", "--mint", d.url).Wants(t, 0, "came back")
	if got := d.holds("lost"); got.Settled != before.Settled {
		t.Errorf("%+v came back of %+v", got, before)
	}
	d.by("lost", "restore").Wants(t, 0)
	if got := d.holds("lost"); got.Settled != before.Settled {
		t.Errorf("%+v came back twice of %+v", got, before)
	}
}

// A sheet holds money and is written once; its outside shows what it is, and cannot be spent.
func sheetsOfNotes(t *testing.T, d counter) {
	before := d.holds("purse")
	var made struct {
		Notes []struct {
			Amount        int64
			Serial, Outer string
		}
	}
	sheet := d.at("sheet.svg")
	d.by("purse", "print", "1234.56", sheet).Wants(t, 2, "at most 4")
	d.by("purse", "print", "250", sheet, "--json").JSON(t, &made)
	d.by("purse", "print", "250", sheet).Wants(t, 2, "replaces nothing")
	got, total := d.holds("purse"), int64(0)
	for _, n := range made.Notes {
		total += n.Amount
		d.by("friend", "check", n.Outer).Wants(t, 0, n.Serial, "unspent")
		if e := d.by("friend", "receive", n.Outer); e.Exit == 0 {
			t.Errorf("the outside was spent: %s", e.Out)
		}
	}
	if total != 25_000 || got.Settled != before.Settled-25_000 {
		t.Errorf("%+v, was %+v, %d printed", got, before, total)
	}
	d.by("purse", "settle", "--reclaim").Wants(t, 0, "250.00")
	d.by("friend", "check", made.Notes[0].Outer).Wants(t, 3, "spent")
}

// A wallet is of one office and one ledger for ever.
func walletsAreOfOneOffice(t *testing.T, d counter) {
	d.by("purse", "balance", "--mint", "http://127.0.0.1:1/cash").Wants(t, 2, "is of "+d.url)
	d.by("purse", "balance", "--network", strings.Repeat("0", 64)).Wants(t, 2, "is of the ledger")
	d.by("purse", "balance", "--mint", d.url+"/").Wants(t, 0)
	d.by("none", "balance").Wants(t, 2, "--mint")
	e := d.by("stranger", "withdraw", "aigerim", "500", "--mint", d.url, "--network", strings.Repeat("0", 64))
	if e.Exit == 0 {
		t.Errorf("an office that another ledger announces: %s", e.Out)
	}
	d.by("away", "settle", "--mint", "http://127.0.0.1:1/cash").Wants(t, 0)
	d.by("away", "withdraw", "aigerim", "500", "--mint", "http://127.0.0.1:1/cash").Wants(t, 5)
	d.by("purse", "withdraw", "aigerim", "500.01").Wants(t, 2, "no multiple of")
}

// Whoever recounts the log finds what circulates: what was withdrawn, less what was paid back.
func strangersRecount(t *testing.T, d counter) {
	const want = withdrawn - 10_000 - 125_000
	if held := d.holds("purse").Settled + d.holds("friend").Settled; held != want {
		t.Errorf("wallets hold %d, and %d should circulate", held, want)
	}
	var c struct{ Circulating int64 }
	for c.Circulating != want { // once a block has closed over it; the test's own time ends what never does
		d.by("purse", "supply", d.url, "--json").JSON(t, &c)
	}
	d.by("purse", "verify", d.url).Wants(t, 0, "Verified")
	text := d.token("purse", "100")
	for d.by("purse", "booked", text, d.url).Exit != 0 {
	}
	d.by("purse", "booked", text, d.url, "--key", "nonsense").Wants(t, 2, "--key")
	d.by("purse", "booked", text, d.url, "--stamp", "aigerim").Wants(t, 2, "--evidence")
	d.by("purse", "verify", d.at("office"), "--key", "nonsense").Wants(t, 2, "--key")
	d.by("purse", "verify", d.at("none")).Wants(t, 2, "--key")
}

// What a shop took without a network and the giver had spent is lost: its script sees it by the exit code. An empty
// wallet has nothing to deposit, and says so.
func TestLostNotesEndASettlementAsRefused(t *testing.T) {
	t.Parallel()
	d := opens(t)
	d.by("purse", "withdraw", "aigerim", "1000", "--mint", d.url).Wants(t, 0)
	text := d.token("purse", "500")
	d.by("friend", "receive", text).Wants(t, 0)
	d.by("friend", "deposit", "aigerim").Wants(t, 0)
	d.by("friend", "deposit", "aigerim").Wants(t, 3, "insufficient-funds")
	d.by("friend", "receive", text, "--offline").Wants(t, 0)
	d.by("friend", "settle").Wants(t, 3, "had been spent by whoever gave it")
	d.by("friend", "settle").Wants(t, 0)
}
