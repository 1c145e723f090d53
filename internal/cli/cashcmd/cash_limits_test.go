package cashcmd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

func isUsage(err error) bool { var usage cli.UsageError; return errors.As(err, &usage) }

func parsed(t *testing.T, command *cobra.Command, flags ...string) *cobra.Command {
	t.Helper()
	if err := command.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	return command
}

// An office whose limits make no sense does not open: nothing would pay, or everything could leave at once.
func TestLimitsOfAnOffice(t *testing.T) {
	for flags, says := range map[string]string{
		"": "", "--most 5000 --cap 5000": "", "--cap 100000000": "", "--interval 5s --retry 24h": "",
		"--most 0":              "--most 0: the largest",
		"--most -1":             "--most",
		"--most five":           "--most",
		"--cap 0":               "--cap 0: what may circulate",
		"--cap -5":              "--cap",
		"--most 5000 --cap 100": "is less than one operation",
		"--interval 0s":         "--interval 0s",
		"--interval 1000h":      "--interval",
		"--retry 1s":            "--retry 1s",
		"--retry 10000h":        "--retry",
	} {
		l, err := officeLimits(parsed(t, newCashUpCommand(), strings.Fields(flags)...))
		if says == "" && (err != nil || l.most <= 0) || says != "" && (!isUsage(err) || !strings.Contains(err.Error(), says)) {
			t.Errorf("cash up %s: %+v, %v; want %q", flags, l, err, says)
		}
	}
}

// An amount is looked at before anything is opened, and is more than nothing.
func TestAmountsOfNotes(t *testing.T) {
	for text, want := range map[string]money.Tiyn{"5": 500, "0.01": 1, "0": 0, "-5": 0, "1.001": 0, "": 0, "five": 0} {
		got, err := cashAmount(text)
		if got != want || (err == nil) != (want > 0) || err != nil && !isUsage(err) {
			t.Errorf("%q: %s, %v", text, got.Format(), err)
		}
		ran := false
		run := amountFirst(1, func(*cobra.Command, []string) error { ran = true; return nil })
		if err := run(&cobra.Command{}, []string{"shop", text}); ran != (want > 0) || ran != (err == nil) {
			t.Errorf("%q: run %t, %v", text, ran, err)
		}
	}
	ran := false
	if err := amountFirst(1, func(*cobra.Command, []string) error { ran = true; return nil })(&cobra.Command{}, []string{"shop"}); err != nil || !ran {
		t.Errorf("without an amount: %v", err)
	}
}

// Who is paid is an id, or a payment request, which says its amount: another one is refused.
func TestWhoIsPaidWithNotes(t *testing.T) {
	command := newCashPayCommand()
	id := token.WalletID{7, 8, 9}
	request, err := payee(command, id.String(), 1250*money.Tenge, "lunch")
	if err != nil {
		t.Fatal(err)
	}
	read, err := cash.ParsePayRequest(request)
	if err != nil || read.Wallet != id || read.Amount != 1250*money.Tenge || read.Memo != "lunch" {
		t.Errorf("%s: %+v, %v", request, read, err)
	}
	if got, err := payee(command, request, 1250*money.Tenge, ""); err != nil || got != request {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := payee(command, request, 0, ""); err != nil || got != request {
		t.Errorf("a request without an amount beside it: %s, %v", got, err)
	}
	if _, err := payee(command, request, money.Tenge, ""); !isUsage(err) || !strings.Contains(err.Error(), "the request is for") {
		t.Error(err)
	}
	if _, err := payee(command, "aqsha:nobody", money.Tenge, ""); !isUsage(err) {
		t.Error(err)
	}
}

// A token comes by an argument or by the input, which is read to a bound only.
func TestTokensThatAreRead(t *testing.T) {
	command := newCashSendCommand()
	for _, text := range []string{"", "cashuB", "nonsense", "ur:bytes/1-2/lp"} {
		command.SetIn(strings.NewReader(text))
		if _, err := readToken(command, "-"); err == nil {
			t.Errorf("%q from the input is a token", text)
		}
		if _, err := readToken(command, text); err == nil {
			t.Errorf("%q is a token", text)
		}
	}
}

// A sheet replaces nothing, and is not begun where it cannot be written: notes would be gone.
func TestWhereASheetGoes(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "sheet.html")
	if err := errors.Join(os.WriteFile(there, nil, 0o600), os.Symlink(filepath.Join(dir, "gone"), filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	for path, free := range map[string]bool{filepath.Join(dir, "new.html"): true, there: false, filepath.Join(dir, "link"): false,
		filepath.Join(dir, "none", "new.html"): false, filepath.Join(there, "new.html"): false} {
		if err := freeForSheet(path); (err == nil) != free || err != nil && !isUsage(err) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Notes are counted of the keyset that signs longest; without a keyset there are none.
func TestFewestNotes(t *testing.T) {
	coarse, fine := cash.Keyset{Until: 5, Amounts: []money.Tiyn{1, 100}}, cash.Keyset{Until: 9, Amounts: []money.Tiyn{1, 10, 100}}
	if got := fewestNotes(nil, 55); got != 0 {
		t.Error(got)
	}
	for _, sets := range [][]cash.Keyset{{coarse, fine}, {fine, coarse}} {
		if got, want := fewestNotes(sets, 155), len(cash.Split(155, fine.Amounts, cash.MaxArray)); got != want || got == len(cash.Split(155, coarse.Amounts, cash.MaxArray)) {
			t.Errorf("%d notes, want %d", got, want)
		}
	}
	if count(map[money.Tiyn]int{100: 2, 5: 3}) != 5 || count(nil) != 0 {
		t.Error("notes are counted by their number")
	}
}

// Names of wallets go into a file's name, and times are shown as days.
func TestNamesAndDays(t *testing.T) {
	if got := strings.Map(plainName, "Ops Mac/1_Ä"); got != "Ops-Mac-1--" {
		t.Errorf("%q", got)
	}
	if day(1_796_000_000) != "2026-11-30" {
		t.Error(day(1_796_000_000))
	}
}

// What a check does not show stands under what it shows, with the log's own words made harmless.
func TestWhatACheckOfCashSays(t *testing.T) {
	c := &recount.Report{Origin: "cash.example\x1b[2J/log", Size: 9, Blocks: 2, Notes: 7, Circulating: 5 * money.Tenge}
	text := func(describe func(io.Writer, words.Language, *recount.Report)) string {
		var out bytes.Buffer
		describe(&out, words.English, c)
		return out.String()
	}
	if got := text(describeCheck); !strings.HasPrefix(got, "Verified: cash log") || strings.Contains(got, "\x1b") || !strings.Contains(got, "5.00 ₸ in notes") {
		t.Errorf("%q", got)
	}
	c.Gaps, c.Unverified = []recount.Gap{{Name: "no-state"}}, []string{""}
	c.Ledger = &recount.Held{Keysets: 3, StampedSize: 8, Compared: 2}
	if got := text(describeCheck); !strings.HasPrefix(got, "Verified, but for what is named below") || !strings.Contains(got, "  not verified: that others see the same log") ||
		!strings.Contains(got, "its 3 keysets, has its state of 8 entries") {
		t.Errorf("%q", got)
	}
	c.Keysets = []recount.Shelf{{ID: "00ad", WrittenOff: 2 * money.Tenge}}
	if got := text(describeSupply); !strings.Contains(got, "2.00 ₸ never came back") || !strings.Contains(got, "circulates 5.00 ₸") {
		t.Errorf("%q", got)
	}
	if share(0) != "0.00 %" || share(123_456) != "12.34 %" || share(1_000_000) != "100.00 %" {
		t.Error(share(123_456))
	}
}

// A payment whose notes have not come is not known to have failed, and a key that is none is a mistake of the command line.
func TestWhatIsNotKnown(t *testing.T) {
	var unanswered *api.UnansweredError
	if err := paidFor(5*money.Tenge, io.EOF); !errors.As(err, &unanswered) || !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "5.00 ₸ were paid") {
		t.Error(err)
	}
	if err := wrongKey(&recount.KeyError{Cause: io.EOF}); !isUsage(err) {
		t.Error(err)
	}
	if err := wrongKey(io.EOF); err != io.EOF {
		t.Error(err)
	}
	if _, err := cashLogOf(newCashVerifyCommand(), nil); !isUsage(err) {
		t.Error(err)
	}
}

// What a check of cash does not show is said in English by the check itself, for JSON, and in every language by the catalogue.
func TestTheCatalogueSaysWhatACheckOfCashLacks(t *testing.T) {
	names := 0
	for _, key := range words.English.Keys() {
		if name, is := strings.CutPrefix(key, "cash-gap."); is {
			names++
			values := []any{"count", 3, "block", 5, "at", "2026-11-30", "most", 9}
			if own, said := (recount.Gap{Name: name, Values: values}).String(), words.English.Text(key, values...); own != said || strings.Contains(own, "{") {
				t.Errorf("%s: the check says %q, the catalogue %q", name, own, said)
			}
		}
	}
	if names != 8 {
		t.Errorf("%d texts of what is lacking", names)
	}
}
