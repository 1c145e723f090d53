package pursecmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
	"github.com/aqsha/aqsha/money"
)

var nouns = clitest.Nouns{authoritycmd.NewBankCommand, walletcmd.NewWalletCommand, walletcmd.NewIssueCommand,
	walletcmd.NewPayCommand, walletcmd.NewBalanceCommand, NewPurseCommand}

// street is a ledger with a bank behind purses, and people who have one each.
type street struct {
	served.Ledger
	t   *testing.T
	dir string
}

func newStreet(t *testing.T) street {
	t.Helper()
	s := street{served.Start(t, nouns, "--shared-keys"), t, t.TempDir()}
	s.Done("bank", "admit", "halyk")
	s.Done("issue", "halyk", "500000")
	for _, name := range []string{"aigerim", "marat"} {
		s.Done("wallet", "new", name, "--bank", "halyk", "--tier", "person")
		s.Done("pay", "halyk", name, "10000")
	}
	s.Done("wallet", "new", "canteen", "--bank", "halyk", "--tier", "business")
	return s
}

func (s street) purse(name string) string { return filepath.Join(s.dir, name+".json") }

// alone runs a purse's command without any node, with a message on its standard input.
func (s street) alone(message string, line ...string) clitest.Ended {
	s.t.Helper()
	return clitest.Feed(s.t, message, nouns, append([]string{"purse"}, line...)...)
}

// pays carries one payment by hand: what the payee asks, what the payer signs, and the receipt back.
func (s street) pays(payer, payee, amount string) (payment string) {
	s.t.Helper()
	request := s.alone("", "receive", amount, "--step", "request", "--purse", s.purse(payee)).Wants(s.t, 0).Out
	payment = s.alone(request, "pay", amount, "--step", "payment", "--purse", s.purse(payer)).Wants(s.t, 0).Out
	receipt := s.alone(payment, "receive", "--step", "payment", "--purse", s.purse(payee)).Wants(s.t, 0).Out
	s.alone(receipt, "pay", "1", "--step", "receipt", "--purse", s.purse(payer)).Wants(s.t, 0)
	return payment
}

// A purse pays without a network what it has and no more, to whom asked and to nobody else, and each payment once however often
// it is shown; in the evening all of it is on the ledger.
func TestPursesWithoutANetwork(t *testing.T) {
	s := newStreet(t)
	s.Run("purse", "open", "aigerim", "--deposit", "5000", "--purse", s.purse("a")).Wants(t, 3, "bond")
	if _, err := os.Stat(s.purse("a")); err == nil {
		t.Fatal("a purse without a bond behind it was made")
	}
	s.Done("purse", "bond", "halyk", "--amount", "100000")
	s.Done("purse", "open", "aigerim", "--deposit", "5000", "--purse", s.purse("a"))
	s.Done("purse", "open", "canteen", "--purse", s.purse("b"))
	s.Done("purse", "open", "marat", "--purse", s.purse("c"))
	if e := s.Run("purse", "open", "aigerim", "--deposit", "1", "--purse", s.purse("a")); e.Exit == 0 {
		t.Errorf("a purse is made over another: %s", e.Out)
	}
	s.Run("purse", "open", "aigerim", "--deposit", "many", "--purse", s.purse("d")).Wants(t, 2, "deposit")

	payment := s.pays("a", "b", "900")
	receipt := s.alone(payment, "receive", "--step", "payment", "--purse", s.purse("b")).Wants(t, 0).Out
	if again := s.alone(payment, "receive", "--step", "payment", "--purse", s.purse("b")).Wants(t, 0).Out; again != receipt {
		t.Error("a payment that is shown again has another receipt")
	}
	s.alone(payment, "receive", "--step", "payment", "--purse", s.purse("c")).Wants(t, 3, "purse-payee")
	s.pays("b", "c", "800")

	request := s.alone("", "receive", "5000", "--step", "request", "--purse", s.purse("b")).Wants(t, 0).Out
	s.alone(request, "pay", "4999.99", "--step", "payment", "--purse", s.purse("a")).Wants(t, 3, "purse-limit")
	if e := s.alone(request, "pay", "5000", "--step", "payment", "--purse", s.purse("a")); e.Exit != 3 {
		t.Errorf("more than it has: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	for _, message := range []string{"", "x", request[:len(request)/2], strings.Repeat("a", 1<<20)} {
		if e := s.alone(message, "pay", "5", "--step", "payment", "--purse", s.purse("a")); e.Exit == 0 {
			t.Errorf("%.20q… is paid", message)
		}
	}
	s.alone(request, "pay", "5", "--step", "handshake", "--purse", s.purse("a")).Wants(t, 2, "--step")
	s.alone(request, "pay", "x", "--step", "payment", "--purse", s.purse("a")).Wants(t, 2)
	s.alone("", "show", "--purse", s.purse("a")).Wants(t, 0, "4\u202f100.00")

	// Who was paid last brings the whole chain, and nothing is settled twice.
	s.Done("purse", "settle", "--purse", s.purse("c")).Wants(t, 0, "payments are settled")
	s.Done("purse", "settle", "--purse", s.purse("c")).Wants(t, 0, "0 payments are settled, ")
	s.Done("purse", "settle", "--purse", s.purse("b")).Wants(t, 0, "0 payments are settled")
	s.Done("purse", "show", "--owner", "aigerim", "--purse", s.purse("a")).Wants(t, 0, "has 4\u202f100.00", "900.00", "is paid")
	s.Run("purse", "show", "--owner", "marat", "--purse", s.purse("a")).Wants(t, 3, "not-found")
	var lines []struct{ Balance money.Tiyn }
	s.Run("balance", "aigerim", "--json").JSON(t, &lines)
	if lines[0].Balance != 500_000 { // what was set aside is not in the wallet
		t.Errorf("%+v", lines)
	}
}

// A purse whose earlier copy pays as well is convicted by what it has signed, and no second payment of it is taken from anybody
// but its bank's bond.
func TestACopyOfAPurse(t *testing.T) {
	s := newStreet(t)
	s.Done("purse", "bond", "halyk", "--amount", "100000")
	s.Done("purse", "open", "aigerim", "--deposit", "1000", "--purse", s.purse("a"))
	s.Done("purse", "open", "canteen", "--purse", s.purse("b"))
	s.Done("purse", "open", "marat", "--purse", s.purse("c"))
	before, err := os.ReadFile(s.purse("a"))
	if err != nil {
		t.Fatal(err)
	}
	s.pays("a", "b", "900")
	if err := os.WriteFile(s.purse("a"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	s.pays("a", "c", "900") // nobody can see it without a network
	s.Done("purse", "settle", "--purse", s.purse("b")).Wants(t, 0, "1 payments are settled")
	s.Done("purse", "revocations").Wants(t, 0, "0 purses are convicted")
	s.Done("purse", "settle", "--purse", s.purse("c"))
	s.Done("purse", "revocations").Wants(t, 0, "1 purses are convicted", "99\u202f200.00") // the bond bore what it did not have
	s.Refused("purse-convicted", "purse", "fund", "5", "--from", "aigerim", "--purse", s.purse("a"))
	list := filepath.Join(s.dir, "list")
	s.Done("purse", "revocations", "--save", list)
	s.alone("", "update", "--list", list, "--purse", s.purse("b")).Wants(t, 0, "1 purses are known to be revoked")
	request := s.alone("", "receive", "5", "--step", "request", "--purse", s.purse("b")).Wants(t, 0).Out
	// The purse that learns of it says so of itself, and signs nothing more.
	copied, err := os.ReadFile(s.purse("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.purse("own"), copied, 0o600); err != nil {
		t.Fatal(err)
	}
	s.alone("", "update", "--list", list, "--purse", s.purse("own")).Wants(t, 0)
	s.alone("", "show", "--purse", s.purse("own")).Wants(t, 0, "it is convicted", ": 0.00 ₸ can be paid")
	s.alone(request, "pay", "5", "--step", "payment", "--purse", s.purse("own")).Wants(t, 3, "purse-revoked")
	if e := s.alone(request, "pay", "5", "--step", "payment", "--purse", s.purse("a")); e.Exit == 0 {
		payment := s.alone(e.Out, "receive", "--step", "payment", "--purse", s.purse("b"))
		if payment.Exit == 0 {
			t.Errorf("a convicted purse's payment is taken: %s", payment.Out)
		}
	}
	torn := before[:len(before)/2]
	if err := os.WriteFile(s.purse("a"), torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := s.alone("", "show", "--purse", s.purse("a")); e.Exit == 0 || !strings.Contains(e.Err, "a.json") {
		t.Errorf("a torn purse: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	if after, err := os.ReadFile(s.purse("a")); err != nil || string(after) != string(torn) {
		t.Error("a torn purse was written over")
	}
	s.alone("", "show", "--purse", s.purse("none")).Wants(t, 2, "none.json")
}

// A payee is told which of his payments wait: the ledger knows them, and neither the purse that paid twice nor its bank's
// bond has money for them.
func TestSettleNamesPaymentsThatWait(t *testing.T) {
	s := newStreet(t)
	s.Done("purse", "bond", "halyk", "--amount", "100000")
	s.Done("purse", "open", "aigerim", "--deposit", "1000", "--payment", "1500", "--offline", "1500", "--purse", s.purse("a"))
	before, err := os.ReadFile(s.purse("a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, payee := range []string{"b", "c", "d"} {
		s.Done("purse", "open", "canteen", "--purse", s.purse(payee))
		if err := os.WriteFile(s.purse("a"), before, 0o600); err != nil {
			t.Fatal(err)
		}
		s.pays("a", payee, "1000")
	}
	s.Done("purse", "settle", "--purse", s.purse("b")).Wants(t, 0, "1 payments are settled")
	// The bond pays one payment beyond the deposit: two would be more than the purse's limit.
	s.Done("purse", "settle", "--purse", s.purse("c")).Wants(t, 0, "is convicted")
	for _, said := range []string{"1 payments are settled", "1 were already"} {
		e := s.Run("purse", "settle", "--purse", s.purse("d")).Wants(t, 4, said)
		if !strings.Contains(e.Out, "wait: 1, together 1\u202f000.00") || !strings.Contains(e.Out, "NOT paid") {
			t.Errorf("%s", e.Out)
		}
	}
	e := s.Run("purse", "settle", "--purse", s.purse("d"), "--json").Wants(t, 4, `"waits_tiyn": 100000`)
	if !strings.Contains(e.Out, `"waits": 1`) || !strings.Contains(e.Out, `"convicted": [`) {
		t.Errorf("%s", e.Out)
	}
}
