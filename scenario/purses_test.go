package scenario

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
)

// Three hops without a network with a phone lost, and a crook: whoever was paid has it, the bond bears the crook's
// fraud, nothing was made, one name was opened.
func TestTheMine(t *testing.T) {
	t.Parallel()
	w, text, n := newStage(t)
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Play(t.Context(), w, append(ledgerSteps(), purseSteps()...), record); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	view, err := w.Client.API.Purses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bond := view.Bond(w.id(bankTwo))
	if len(view.Convicted) != 1 || view.Openings != 1 || len(view.Opened) != 1 || bond.Amount != 97_500*money.Tenge {
		t.Errorf("convicted %v, %d openings, the bond has %s", view.Convicted, view.Openings, bond.Amount)
	}
	if view.Opened[0].Purse != view.Convicted[0] {
		t.Errorf("the name of purse %s was opened", view.Opened[0].Purse)
	}
	// Deposits and the bond are in purses and the bond still: what was paid moved no token.
	if want := minerSaves + crookHas + 100_000*money.Tenge; view.Locked != want || view.SetAside != want {
		t.Errorf("%s are locked of %s, want %s", view.Locked, view.SetAside, want)
	}
	// One payment each of the two workers, the till and the crook settled, and the crook's second.
	if f := view.Figures; f.Open != 4 || f.Payments != 5 || f.Settled != debt+meal+meal/2+crookOnce+crookTwice ||
		f.Fraud != crookOnce+crookTwice-crookHas || f.Bonded != f.Fraud {
		t.Errorf("the figures: %+v", f)
	}
	pageShows(t, n, api.Options{Open: true}, "purses", "Offline purses", "Open: 4. Ended: 0. Locked",
		"Payments without a network: 5. Ever settled: 7 700.00 ₸",
		"Convicted by two of their own signatures: 1. Claimed beyond what they had: 2 500.00 ₸",
		"Owners’ names opened: 1.", view.Convicted[0].String()+" convicted", "name opened: it was convicted")
	account, err := w.Client.API.PurseAccount(t.Context(), w.id(crook), view.Convicted[0], 1)
	if err != nil || account.Lock != 0 || account.Bonded != crookOnce+crookTwice-crookHas || account.Count != 2 ||
		len(account.Links) != 1 || !account.Links[0].Paid || !account.Convicted {
		t.Errorf("the crook's account: %+v, %v", account, err)
	}
	_, err = w.Client.API.PurseAccount(t.Context(), w.id(firstWorker), view.Convicted[0], 1)
	if fault.Code(err) != string(node.NotFound) {
		t.Errorf("another's purse: %v", err)
	}
	if _, err := os.Stat(w.phonePath(secondPhone)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lost phone is there: %v", err)
	}
	if !strings.Contains(text.String(), "it reads "+crook) {
		t.Errorf("it was not said whose purse it was:\n%s", text)
	}
}
