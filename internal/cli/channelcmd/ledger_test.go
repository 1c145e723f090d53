package channelcmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
)

var nouns = clitest.Nouns{authoritycmd.NewBankCommand, walletcmd.NewWalletCommand, walletcmd.NewIssueCommand,
	walletcmd.NewPayCommand, walletcmd.NewBalanceCommand, NewChannelCommand, NewPayPerUseCommand}

// market is a ledger whose people pay each other by channels and by meters.
type market struct {
	served.Ledger
	t   *testing.T
	dir string
}

func (m market) balance(name string) int64 {
	m.t.Helper()
	var list []struct{ Balance int64 }
	m.Run("balance", name, "--json").JSON(m.t, &list)
	return list[0].Balance
}

func (m market) file(name, text string) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// fails wants a command refused, as a wrong line or by a rule.
func (m market) fails(what string, line ...string) {
	m.t.Helper()
	if e := m.Run(line...); e.Exit != 2 && e.Exit != 3 {
		m.t.Errorf("%s: exit %d, %s%s", what, e.Exit, e.Out, e.Err)
	}
}

// A market whose stalls are looked at by several: whatever is refused, its people together have what they had.
func TestChannelsAndMetersOnALedger(t *testing.T) {
	t.Parallel()
	m := market{served.Start(t, nouns), t, t.TempDir()}
	m.Done("bank", "admit", "Halyk")
	m.Done("issue", "Halyk", "1000000")
	for _, name := range []string{"aigerim", "shop", "meter", "court"} {
		m.Done("wallet", "new", name, "--bank", "Halyk", "--tier", "business")
	}
	m.Done("pay", "Halyk", "aigerim", "10000")
	for _, part := range []struct {
		name string
		test func(t *testing.T, m market)
	}{
		{"Opened", channelsThatAreNotOpened}, {"Vouchers", vouchersOfAChannel}, {"Ends", endsOfChannels},
		{"Meters", metersOnALedger},
	} {
		t.Run(part.name, func(t *testing.T) {
			m.t = t
			part.test(t, m)
		})
	}
	m.t = t
	if have := m.balance("aigerim") + m.balance("shop") + m.balance("court"); have != 1_000_000 {
		t.Errorf("they have %d of 1000000", have)
	}
}

// A channel that could not be used is not opened, and leaves no file that would be taken for one.
func channelsThatAreNotOpened(t *testing.T, m market) {
	open := func(more ...string) []string {
		return append([]string{"channel", "open", "none", "--from", "aigerim", "--to", "shop"}, more...)
	}
	for what, line := range map[string][]string{
		"no deposit": open(), "nothing": open("--deposit", "0"), "below nothing": open("--deposit", "-5"),
		"no amount": open("--deposit", "many"), "a tick below nothing": open("--deposit", "5", "--tick", "-1"),
		"a window below nothing": open("--deposit", "5", "--window", "-1h"),
		"no window":              open("--deposit", "5", "--window", "soon"),
		"over before it begins":  open("--deposit", "5", "--for", "2001-01-01"),
		"more than is there":     open("--deposit", "10001"),
		"a key that is not here": open("--deposit", "5", "--key", "nobody"),
		"to nobody":              {"channel", "open", "none", "--from", "aigerim", "--to", "nobody", "--deposit", "5"},
		"a name that is taken":   {"channel", "open", "shop", "--from", "aigerim", "--to", "shop", "--deposit", "5"},
		"to oneself":             {"channel", "open", "none", "--from", "aigerim", "--to", "aigerim", "--deposit", "5"},
		"paid before":            {"channel", "pay", "none", "1"},
		"accepted before":        {"channel", "accept", "none", m.file("v", "{}")},
		"closed before":          {"channel", "close", "none"}, "shown before": {"channel", "show", "none"},
		"left before": {"channel", "leave", "none"}, "paid without a node": {"channel", "pay", "none", "1", "--offline"},
	} {
		m.fails(what, line...)
	}
	if list, err := filepath.Glob(filepath.Join(m.Dir, "channels", "none*json")); err != nil || len(list) > 0 {
		t.Errorf("files are left: %v, %v", list, err)
	}
}

// paid is a voucher as it is printed.
func (m market) paid(amount string, more ...string) string {
	m.t.Helper()
	return m.Done(append([]string{"channel", "pay", "stream", amount}, more...)...).Out
}

// A voucher is for a growing total within the deposit, and counts once, whole, on its own channel; several that pay at
// the same moment pay the sum.
func vouchersOfAChannel(t *testing.T, m market) {
	m.Done("channel", "open", "stream", "--from", "aigerim", "--to", "shop", "--deposit", "1000", "--tick", "0.01")
	m.Done("channel", "open", "other", "--from", "aigerim", "--to", "shop", "--deposit", "50")
	accept := func(text string) clitest.Ended { return m.Run("channel", "accept", "stream", m.file("voucher", text)) }
	first := m.paid("10")
	accept(first).Wants(t, 0, "10.00")
	accept(first).Wants(t, 3, "stale-voucher")
	second := m.paid("15.50")
	accept(second).Wants(t, 0, "25.50")
	if e := accept(first); e.Exit != 0 && e.Exit != 3 || strings.Contains(e.Out, "35.50") {
		t.Errorf("an earlier one: exit %d, %s", e.Exit, e.Out)
	}
	other := m.Done("channel", "pay", "other", "5").Out
	var changed map[string]any
	if err := json.Unmarshal([]byte(second), &changed); err != nil {
		t.Fatal(err)
	}
	changed["total"] = 99_900
	forged, err := json.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	before := m.Done("channel", "show", "stream", "--json").Out
	for what, text := range map[string]string{"another channel's": other, "torn": second[:len(second)/2], "empty": "",
		"none": "{}", "a list": "[]", "large": `{"x":"` + strings.Repeat("x", 4<<20) + `"}`} {
		if e := accept(text); e.Exit == 0 || e.Exit == 4 {
			t.Errorf("%s: exit %d, %s", what, e.Exit, e.Out)
		}
	}
	if e := accept(string(forged)); strings.Contains(e.Out, "999") {
		t.Errorf("a total that nobody signed: exit %d, %s", e.Exit, e.Out)
	}
	if after := m.Done("channel", "show", "stream", "--json").Out; after != before {
		t.Errorf("%s became %s", before, after)
	}
	for _, amount := range []string{"x", "974.51", "99999999"} {
		m.fails("a voucher of "+amount, "channel", "pay", "stream", amount)
	}
	var all sync.WaitGroup
	var made [4]string
	for i := range made {
		all.Go(func() { made[i] = m.paid("1") })
	}
	all.Wait()
	most := int64(0)
	for _, text := range made {
		var v struct{ Total int64 }
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Error(err)
		}
		most = max(most, v.Total)
		_ = accept(text)
	}
	if most != 2_950 {
		t.Errorf("four at once come to %d, want 2950", most)
	}
	m.Done("channel", "close", "stream", "--claim").Wants(t, 0, "29.50")
	if have := m.balance("shop"); have != 2_950 {
		t.Errorf("the shop has %d", have)
	}
}

// A channel ends by whom it may: the receiver with what it has, both with a word, or the sender after the window; what
// is left comes back.
func endsOfChannels(t *testing.T, m market) {
	last := m.paid("0.50")
	m.Done("channel", "accept", "stream", m.file("last", last))
	m.fails("before anybody left", "channel", "finish", "stream")
	consent := m.Done("channel", "final", "stream").Out
	for what, text := range map[string]string{"torn": consent[:len(consent)/2], "empty": "", "a voucher": last,
		"more": strings.Replace(consent, "3000", "9000", 1)} {
		m.fails("settled by what is "+what, "channel", "settle", "stream", m.file("final", text))
	}
	m.Done("channel", "settle", "stream", m.file("final", consent))
	if have := m.balance("shop"); have != 3_000 {
		t.Errorf("the shop has %d", have)
	}
	m.fails("paid after its end", "channel", "pay", "stream", "1")
	m.fails("closed after its end", "channel", "close", "stream")
	m.fails("nothing was accepted", "channel", "close", "other")
	m.Done("channel", "leave", "other")
	m.fails("within the window", "channel", "finish", "other")
	claim := m.file("claim", last)
	m.fails("looks without a pause", "channel", "watch", claim, "--by", "shop", "--every", "0s")
	m.fails("looks backwards", "channel", "watch", claim, "--by", "shop", "--every", "-1s")
	m.fails("claims of nothing", "channel", "watch", m.file("nothing", "{}"), "--by", "shop", "--once")
	m.Done("channel", "release", "other")
	if have := m.balance("aigerim"); have != 997_000 {
		t.Errorf("the sender has %d", have)
	}
}

// A bill is of what the meter signed, reading by reading, and of nothing that was changed on the way.
func metersOnALedger(t *testing.T, m market) {
	open := func(more ...string) []string {
		return append([]string{"pay-per-use", "open", "power", "--customer", "aigerim", "--supplier", "shop",
			"--meter", "meter", "--arbiter", "court", "--deposit", "500", "--cap", "400", "--since", "2h"}, more...)
	}
	for what, line := range map[string][]string{
		"a tariff that is none": open("--tariff", "moon"), "no watts": open("--watts", "0"),
		"below nothing":         open("--watts", "-1"),
		"a window that is none": open("--window", "x"), "counted before it began": open("--since", "-1h"),
		"a cap that is none": append(open(), "--cap", "x"), "over at once": open("--for", "2001-01-01"),
	} {
		m.fails(what, line...)
	}
	m.Done(open()...)
	out := filepath.Join(m.dir, "readings.jsonl")
	read := func(more ...string) []string {
		return append([]string{"pay-per-use", "read", "power", "--out", out}, more...)
	}
	for what, line := range map[string][]string{"none": read("--minutes", "0"), "fewer than none": read("--minutes", "-1"),
		"no time between": read("--every", "0s"), "backwards": read("--every", "-1m"), "given back": read("--load", "-1")} {
		m.fails(what, line...)
	}
	m.Done(read("--minutes", "60", "--load", "2000")...)
	var u Usage
	m.Done("pay-per-use", "check", "power", out, "--json").JSON(t, &u)
	if u.Readings != 60 || u.Wh <= 0 || u.Zones.Total() != u.Wh || u.Bill <= 0 {
		t.Errorf("%+v", u)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(content), "\n")
	for what, text := range map[string]string{"one is missing": strings.Join(append(lines[:10:10], lines[11:]...), ""),
		"the last is":        strings.Join(lines[:59], ""),
		"two changed places": strings.Join(append(append(lines[:10:10], lines[11], lines[10]), lines[12:]...), ""),
		"torn":               string(content[:len(content)-40]), "empty": "", "more": string(content) + "{}",
		"unknown": strings.Replace(string(content), "{", `{"colour":1,`, 1)} {
		path := m.file("changed.jsonl", text)
		for _, verb := range []string{"check", "bill"} {
			if e := m.Run("pay-per-use", verb, "power", path); e.Exit == 0 || e.Exit == 4 {
				t.Errorf("%s: %s: exit %d, %s", what, verb, e.Exit, e.Out)
			}
		}
	}
	before := m.balance("shop")
	m.Done("pay-per-use", "bill", "power", out)
	m.fails("billed twice", "pay-per-use", "bill", "power", out)
	m.fails("collected within the window", "pay-per-use", "collect", "power")
	m.Done("pay-per-use", "show", "power").Wants(t, 0, "Wh")
	m.Done("pay-per-use", "accept", "power")
	if have := m.balance("shop"); have != before+int64(u.Bill) {
		t.Errorf("the supplier has %d more, and the bill was %d", have-before, u.Bill)
	}
	m.Done("pay-per-use", "leave", "power")
	m.fails("after its end", "pay-per-use", "top-up", "power", "5")
}
