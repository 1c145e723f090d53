package pursecmd

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
)

// holds is what a wallet has on the ledger.
func (s street) holds(wallet string) money.Tiyn {
	s.t.Helper()
	var lines []struct{ Balance money.Tiyn }
	s.Run("balance", wallet, "--json").JSON(s.t, &lines)
	return lines[0].Balance
}

// without does something while the bank's certifying key is elsewhere.
func (s street) without(act func()) {
	s.t.Helper()
	keys, err := filepath.Glob(filepath.Join(s.Dir, "keys", "halyk-certifier*"))
	if err != nil || len(keys) == 0 {
		s.t.Fatal(keys, err)
	}
	aside := s.t.TempDir()
	move := func(from, to string) {
		for _, key := range keys {
			if err := os.Rename(filepath.Join(from, filepath.Base(key)), filepath.Join(to, filepath.Base(key))); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	move(filepath.Dir(keys[0]), aside)
	defer move(aside, filepath.Dir(keys[0]))
	act()
}

// Where the ledger has opened a purse and its certificate does not come, the command says that the deposit is set aside
// (exit 4, and never a refusal that left everything as it was), and the certificate is taken in later.
func TestAPurseThatIsOpenAndNotCertified(t *testing.T) {
	s := newStreet(t)
	s.Done("purse", "bond", "halyk", "--amount", "100000")
	open := []string{"purse", "open", "aigerim", "--deposit", "5000", "--purse", s.purse("a")}
	var id string
	s.without(func() {
		e := s.Run(open...).Wants(t, 4, "is open with its deposit")
		id = regexp.MustCompile(`[0-9a-f]{32}`).FindString(e.Err)
		if s.holds("aigerim") != 500_000 {
			t.Error("the deposit was not set aside")
		}
	})
	if e := s.Run(open...); e.Exit == 0 || s.holds("aigerim") != 500_000 {
		t.Errorf("it is set aside twice: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	certificate := strings.TrimSpace(s.Done("purse", "certify", id).Out)
	s.Done("purse", "update", certificate, "--purse", s.purse("a"))
	s.Done("purse", "open", "canteen", "--purse", s.purse("b"))
	s.pays("a", "b", "900")
}

// Money that was added to a purse is set aside whether or not the larger deposit is certified at once: that is a
// warning, since a failure would have it added again.
func TestMoneyThatIsAddedAndNotCertified(t *testing.T) {
	s := newStreet(t)
	s.Done("purse", "bond", "halyk", "--amount", "100000")
	s.Done("purse", "open", "aigerim", "--deposit", "1000", "--purse", s.purse("a"))
	fund := func(amount string) {
		t.Helper()
		s.Done("purse", "fund", amount, "--from", "aigerim", "--purse", s.purse("a")).Wants(t, 0, "are set aside",
			"keeps its certificate of before")
	}
	s.without(func() { fund("500") })
	// A purse that has learned another bank's keys meanwhile, or none, does not take what this one certifies.
	s.without(func() { s.Done("purse", "bond", "halyk", "--amount", "1"); fund("700") })
	if got := s.holds("aigerim"); got != 1_000_000-220_000 {
		t.Errorf("%s are left, which should be 7800", got)
	}
}
