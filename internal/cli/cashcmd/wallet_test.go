package cashcmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// aToken is a token of an office at a URL, for so many tiyn a note. Nobody has signed its notes.
func aToken(t *testing.T, mint string, amounts ...cash.Amount) string {
	t.Helper()
	whole := coin.Token{Mint: mint, Unit: cash.Unit, Memo: "bread"}
	for i, amount := range amounts {
		whole.Proofs = append(whole.Proofs, cash.Proof{Amount: amount, ID: "00ffffffffffffff", Secret: strings.Repeat("a", i+32),
			C: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"})
	}
	text, err := whole.Encode(true)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fed is what is read of a token that comes by standard input.
func fed(t *testing.T, in string) (*coin.Token, error) {
	t.Helper()
	command := newCashReceiveCommand()
	command.SetIn(strings.NewReader(in))
	return readToken(command, "-")
}

// A token is the same from a line, from standard input and from frames in any order; of frames that are not all there, and of a
// text without an end, nothing is taken.
func TestTokensAreRead(t *testing.T) {
	text := aToken(t, "https://cash.example.kz", 100, 200, 500)
	frames, err := coin.Frames(text, 60)
	if err != nil || len(frames) < 3 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	turned := append(append([]string{}, frames[1:]...), frames[0])
	for name, in := range map[string]string{"text": text, "with lines": "\n " + text + "\n", "frames": strings.Join(frames, "\n"),
		"turned": strings.Join(turned, " "), "twice": frames[0] + " " + strings.Join(frames, " ")} {
		read, err := fed(t, in)
		if err != nil || coin.Total(read.Proofs) != 800 || read.Memo != "bread" {
			t.Errorf("%s: %+v, %v", name, read, err)
		}
	}
	for name, in := range map[string]string{"frames that are missing": strings.Join(frames[:2], "\n"), "nothing": "", "half": text[:len(text)/2],
		"no frame": "ur:bytes/1-3/zz", "without an end": "cashuB" + strings.Repeat("A", coin.MaxTokenText)} {
		if read, err := fed(t, in); err == nil {
			t.Errorf("%s: %+v", name, read)
		}
	}
}

// Who is paid is a name, an id or a request; a request for another amount is refused, whatever else is right in it.
func TestPayees(t *testing.T) {
	id := token.WalletID{7}
	request := cash.PayRequest{Wallet: id, Amount: 500, Memo: "lunch"}.String()
	command := newCashPayCommand()
	command.Flags().String("data", t.TempDir(), "")
	for text, amount := range map[string]money.Tiyn{request: 500, id.String(): 500} {
		got, err := payee(command, text, amount, "lunch")
		if err != nil || got != request {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if got, err := payee(command, request, 0, ""); err != nil || got != request { // any amount: that of the request
		t.Errorf("%q, %v", got, err)
	}
	for text, says := range map[string]string{request: "not", "aqsha:nobody?amount=5": "", request + "&due=7": "", "aqsha:": ""} {
		var wrong cli.UsageError
		if got, err := payee(command, text, 700, ""); !errors.As(err, &wrong) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if got, err := payee(command, "nobody", 700, ""); err == nil {
		t.Errorf("nobody is %q", got)
	}
}

// What a line has wrong is said before a wallet is begun or an office asked: here none answers, and it would be that which is
// said. Above all no token is taken for a payee whom nobody knows.
func TestNothingIsBegunForAWrongLine(t *testing.T) {
	dir := t.TempDir()
	wallet, there := filepath.Join(dir, "wallet"), filepath.Join(dir, "there.svg")
	if err := os.WriteFile(there, []byte("money"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := aToken(t, "http://127.0.0.1:1", 100)
	for _, c := range []struct {
		exit int
		says string
		line []string
	}{
		{2, "more than nothing", []string{"print", "0", filepath.Join(dir, "a.svg")}},
		{2, ".svg", []string{"print", "50", filepath.Join(dir, "a.png")}},
		{2, "replaces nothing", []string{"print", "50", there}},
		{2, "there is no folder", []string{"print", "50", filepath.Join(dir, "none", "a.svg")}},
		{3, "names no wallet", []string{"receive", text, "--to-wallet", "aqsha:x"}},
		{3, "nobody", []string{"receive", text, "--to-wallet", "nobody"}},
		{2, "more than nothing", []string{"pay", "nobody", "0"}},
		{2, "more than nothing", []string{"deposit", "nobody", "0.00"}},
		{2, "more than nothing", []string{"request", "0"}},
		{2, "offline", []string{"receive", text, "--offline", "--to-wallet", "nobody"}},
		{2, "", []string{"send", "0.001"}},
	} {
		e := clitest.Run(t, nouns, append(append([]string{"cash"}, c.line...), "--wallet", wallet, "--data", filepath.Join(dir, "data"))...)
		if said := e.Out + e.Err; e.Exit != c.exit || !strings.Contains(said, c.says) {
			t.Errorf("%v: exit %d, want %d and %q\n%s", c.line, e.Exit, c.exit, c.says, said)
		}
		if _, err := os.Stat(wallet); err == nil {
			t.Fatalf("%v: a wallet is begun", c.line)
		}
	}
	if kept, err := os.ReadFile(there); err != nil || string(kept) != "money" {
		t.Errorf("a sheet was written over: %q, %v", kept, err)
	}
}

// An amount takes the fewest notes that the keyset of the longest time has; of none nothing can be printed.
func TestNotesOfAnAmount(t *testing.T) {
	old := cash.Keyset{Amounts: []money.Tiyn{100}, Until: 5}
	now := cash.Keyset{Amounts: []money.Tiyn{100, 200, 500, 1000}, Until: 9}
	for amount, want := range map[money.Tiyn]int{100: 1, 700: 2, 800: 3, 1800: 4, 1900: 4, 2300: 4} {
		if got := fewestNotes([]cash.Keyset{now, old}, amount); got != want {
			t.Errorf("%s in %d notes, want %d", amount.Format(), got, want)
		}
	}
	if fewestNotes(nil, 100) != 0 {
		t.Error("notes of no keyset")
	}
}

// A payment whose notes have not come ends as one that is not known, with the command that takes them; states of notes are in the
// reader's language, and an office's own word moves no cursor.
func TestWhatIsSaidOfNotes(t *testing.T) {
	var ended clitest.Ended
	command := newCashSettleCommand()
	ended.Exit = cli.Report(command, paidFor(1250, errors.New("cut off")))
	if ended.Exit != cli.ExitUnknown || !strings.Contains(paidFor(1250, errors.New("cut off")).Error(), "aqsha cash settle") {
		t.Errorf("exit %d", ended.Exit)
	}
	seen := map[string]bool{}
	for _, l := range words.Languages {
		for _, state := range []cash.State{cash.StateUnspent, cash.StatePending, cash.StateSpent} {
			text := stateText(l, string(state))
			if text == "" || seen[text] || strings.Contains(text, "cash-state") {
				t.Errorf("%s in %s is %q", state, l, text)
			}
			seen[text] = true
		}
		if text := stateText(l, "LOST\x1b[2J\n"); strings.ContainsAny(text, "\x1b\n") {
			t.Errorf("%q", text)
		}
	}
}
