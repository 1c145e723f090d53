package notes_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/money"
)

// nutshellPython is a Python in which 'make interop' has put Nutshell (cashu on PyPI).
const nutshellPython = "../../.tools/nutshell/bin/python"

// What Nutshell is made of meets an office of powers of two: keyset ids, tokens both ways, blinding, proofs, spent notes
// refused, states, locks.
func TestNutshell(t *testing.T) {
	python, err := filepath.Abs(nutshellPython)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		t.Skip("SKIPPED: Nutshell is not here; 'make interop' installs it from PyPI")
	}
	town := newTownOf(t, cash.Binary())
	_, w := town.newWallet(testWords)
	town.buy(w, 20_000)
	token, err := w.Send(t.Context(), 12_345, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := token.Encode(true)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), python, "testdata/nutshell.py")
	c.Env = append(os.Environ(), "MINT="+town.client.URL(), "TOKEN="+text)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	var answer struct {
		Done   []string
		Token  string
		Amount money.Tiyn
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("Nutshell: %s", strings.Join(answer.Done, ", "))
	theirs, err := coin.DecodeToken(answer.Token)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Receive(t.Context(), theirs, nil); err != nil || got != 12_345 || answer.Amount != got || w.Balance().Settled != 20_000 {
		t.Fatal(got, err, w.Balance())
	}
	if s := town.office.Status(); s.Outstanding != 20_000 || !s.Reserve.Holds() {
		t.Errorf("%+v", s)
	}
}
