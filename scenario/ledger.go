package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// The people of the story.
const (
	bankOne = "dala-bank"
	bankTwo = "tulpar-bank"
	farm    = "farm"     // a mining farm near Ekibastuz
	power   = "power"    // the power company
	canteen = "canteen"  // a school's
	budget  = "treasury" // the state's
	court   = "court"
	shop    = "shop"
)

var people = []string{"aigerim", "marat", "dana", "timur"}

// ledgerSteps is the first part: a digital tenge lives and dies.
func ledgerSteps() []Step {
	return []Step{
		{BanksStep, "The central bank admits two banks", admitBanks},
		{"issue", "The central bank issues tenge to the banks", issueToBanks},
		{"wallets", "A farm, a power company, a canteen, the treasury and people open wallets", openWallets},
		{"distribute", "The banks pay out digital tenge to their customers", distribute},
		{"salaries", "The farm pays salaries from a CSV file", paySalaries},
		{"shopping", "People pay in a shop", shopping},
		{"limit", "A payment is refused for its tier's limit", refusedForLimit},
		{"lost-phone", "A lost phone: the wallet gets a new key", lostPhone},
		{"redeem", "A bank returns tenge, and the central bank destroys it", redeem},
		{"prove", "A token proves where it comes from", proveToken},
		{"verify", "Anybody replays the whole log", verifyAll},
		{"audit", "An auditor keeps a copy, verifies it and cosigns", audit},
	}
}

// BanksStep is the name of the step that admits the banks.
const BanksStep = "banks"

// Roles of the story's staff, whom a browser may be: see api.DemoStaff. The clerk has the bank's own name.
const (
	CentralBank = "central-bank"
	Auditor     = auditor
	ClerkOf     = bankOne
)

// Person is somebody of the story whom a browser may be: see api.DemoRole. An office spends public money.
type Person struct{ Name, Kind string }

// Persons are those of the story who have a wallet that people would look at.
func Persons() []Person {
	list := []Person{{shop, "shop"}, {canteen, "shop"}, {farm, "business"}, {power, "business"}, {school, "office"},
		{budget, "office"}}
	for i, name := range people {
		list = slices.Insert(list, i, Person{name, "person"})
	}
	return list
}

// id is a wallet of the story by its name. One that is not there is a mistake in the order of the steps.
func (w *Stage) id(name string) token.WalletID {
	id, err := w.Client.Keyring.Resolve(name)
	if err != nil {
		panic(err) // an earlier step has made it
	}
	return id
}

// admitBanks goes by the keyring and not by Once: a bank's name is noted when the ledger has it.
func admitBanks(ctx context.Context, w *Stage) error {
	for _, bank := range []string{bankOne, bankTwo} {
		if w.Client.Keyring.Has(bank) {
			continue
		}
		receipt, err := w.Client.Admit(ctx, bank)
		if err != nil {
			return err
		}
		w.Say("banks-say", "bank", bank, "entry", receipt.Index)
	}
	w.Proves("banks-proves")
	return nil
}

// issueToBanks issues in parts, so that payments find tokens of several sizes.
func issueToBanks(ctx context.Context, w *Stage) error {
	for _, to := range []struct {
		bank   string
		amount money.Tiyn
	}{{bankOne, 500_000_000 * money.Tenge}, {bankTwo, 300_000_000 * money.Tenge}} { // in this order at every telling
		if err := w.Once(to.bank, func() error {
			_, err := w.Client.Issue(ctx, w.id(to.bank), to.amount/2, to.amount/4, to.amount/4)
			return err
		}); err != nil {
			return err
		}
	}
	supply, err := w.Client.API.Supply(ctx)
	if err != nil {
		return err
	}
	if err := w.link("supply", "", "/"); err != nil {
		return err
	}
	w.Say("issue-say", "issued", supply.Issued.Format(), "one", bankOne, "two", bankTwo)
	w.Proves("issue-proves", "issued", supply.Issued.Format(), "redeemed", supply.Redeemed.Format(), "live",
		supply.Live.Format())
	return nil
}

func openWallets(ctx context.Context, w *Stage) error {
	type opening struct {
		name, bank string
		tier       uint8
		attributes token.Attributes
		recovery   bool
	}
	openings := []opening{
		{farm, bankOne, wallet.TierBusiness, token.Attributes{Region: "KZ-55", Role: "farm"}, false},
		{power, bankTwo, wallet.TierBusiness, token.Attributes{Region: "KZ-55", Role: "power"}, false},
		{canteen, bankTwo, wallet.TierBusiness, token.Attributes{Category: 5812, Region: "KZ-55", Role: "merchant"},
			false},
		{shop, bankOne, wallet.TierBusiness, token.Attributes{Category: 5411, Region: "KZ-55", Role: "merchant"},
			false},
		{budget, "", wallet.TierState, token.Attributes{Role: "treasury"}, false},
		{court, "", wallet.TierState, token.Attributes{Role: ledger.CourtRole}, false},
	}
	for i, name := range people {
		tier := uint8(wallet.TierPerson)
		if name == "timur" {
			tier = wallet.TierUnidentified
		}
		openings = append(openings, opening{name, []string{bankOne, bankTwo}[i%2], tier,
			token.Attributes{Role: "person"}, name == "marat"})
	}
	for _, o := range openings {
		// A name is noted once its wallet stands on the ledger; keys that were made before a break are found again.
		if w.Client.Keyring.Has(o.name) {
			continue
		}
		registrar := token.Authority
		if o.bank != "" {
			registrar = w.id(o.bank)
		}
		if _, err := w.Client.Register(ctx, wallet.NewWallet{Name: o.name, Registrar: registrar, Tier: o.tier,
			Attributes: o.attributes, Recovery: o.recovery}); err != nil {
			return err
		}
	}
	for _, name := range []string{farm, "timur"} {
		if err := w.link("wallet", name, "/wallet/"); err != nil {
			return err
		}
	}
	w.Say("wallets-say", "timur", "timur", "count", len(openings))
	w.Proves("wallets-proves")
	return nil
}

// distribute has the banks pay their customers; the farm's is what salaries are paid from.
func distribute(ctx context.Context, w *Stage) error {
	for _, p := range []struct {
		from, to string
		amount   money.Tiyn
	}{{bankOne, farm, 60_000_000 * money.Tenge}, {bankTwo, power, 5_000_000 * money.Tenge},
		{bankOne, "aigerim", 150_000 * money.Tenge}, {bankTwo, "marat", 80_000 * money.Tenge}} {
		if err := w.Once(p.to,
			func() error { return w.payAndLink(ctx, p.from, p.to, p.to, p.amount, "from the account") }); err != nil {
			return err
		}
		w.Say("distribute-say", "from", p.from, "to", p.to, "amount", p.amount.Format())
	}
	w.Proves("distribute-proves")
	return nil
}

func (w *Stage) pay(ctx context.Context, from, to string, amount money.Tiyn, memo string) error {
	_, err := w.Client.Pay(ctx, w.id(from), w.id(to), amount, token.Plain(memo))
	return err
}

// payAndLink pays, and links the step to the receipt as one of the two sees it.
func (w *Stage) payAndLink(ctx context.Context, from, to, seen string, amount money.Tiyn, memo string) error {
	receipt, err := w.Client.Pay(ctx, w.id(from), w.id(to), amount, token.Plain(memo))
	if err != nil {
		return err
	}
	return w.linkReceipt(seen, receipt.ID)
}

// linkReceipt links the step to a transaction as one of its parties sees it.
func (w *Stage) linkReceipt(seen string, id token.TransactionID) error {
	return w.link("receipt", seen, "/wallet/receipt?id="+id.String())
}

// paySalaries pays a file twice: the journal makes the second run one of nothing. No Once is needed, for the batch has
// its own memory, by name and rows.
func paySalaries(ctx context.Context, w *Stage) error {
	var file bytes.Buffer
	fmt.Fprintln(&file, "to,amount,memo")
	for i, name := range people {
		fmt.Fprintf(&file, "%s,%d,salary November\n", name, []int{420_000, 385_000, 310_000, 12_000}[i])
	}
	rows, err := wallet.ReadRows(&file)
	if err != nil {
		return err
	}
	paid, again := 0, 0
	batch := wallet.Batch{Name: "November", File: "salaries.csv", From: w.id(farm), Rows: rows,
		Journal: filepath.Join(w.DataDir, "salaries.journal"), Repeat: true}
	for range 2 { // the second run finds that everybody is paid
		err := w.Client.PayBatch(ctx, batch, func(o wallet.Outcome) error {
			switch {
			case o.Problem != nil:
				return o.Problem
			case o.Again:
				again++
			default:
				paid++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, name := range people {
		if err := w.link("wallet", name, "/wallet/"); err != nil {
			return err
		}
	}
	w.Say("salaries-say", "paid", paid, "again", again)
	w.Proves("salaries-proves")
	return nil
}

func shopping(ctx context.Context, w *Stage) error {
	for i, name := range people {
		amount := []money.Tiyn{1_450 * money.Tenge, 12_300 * money.Tenge, 890*money.Tenge + 50, 2_000 * money.Tenge}[i]
		if err := w.Once(name,
			func() error { return w.payAndLink(ctx, name, shop, name, amount, "groceries") }); err != nil {
			return err
		}
		w.Say("shopping-say", "name", name, "amount", amount.Format())
	}
	view, err := w.Client.API.Wallet(ctx, w.id(shop))
	if err != nil {
		return err
	}
	w.Proves("shopping-proves", "balance", view.Balance.Format(), "tokens", view.Tokens)
	return nil
}

// refusedForLimit asserts both halves: the code that was expected, and that nothing moved.
func refusedForLimit(ctx context.Context, w *Stage) error {
	before, err := w.Client.API.Wallet(ctx, w.id("timur"))
	if err != nil {
		return err
	}
	err = w.pay(ctx, "marat", "timur", 5_000*money.Tenge, "loan")
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != string(ledger.LimitBalance) {
		return fmt.Errorf("want the refusal %s, got %v", ledger.LimitBalance, err)
	}
	w.Say("limit-say", "marat", "marat", "timur", "timur", "problem", w.refusal(problem.Code))
	after, err := w.Client.API.Wallet(ctx, w.id("timur"))
	if err != nil {
		return err
	}
	if after.Balance != before.Balance {
		return fmt.Errorf("a refusal moved money: %s before, %s after", before.Balance, after.Balance)
	}
	// who opens this and taps "pay" is refused anew, in his own language
	if err := w.link("refusal", "marat", fmt.Sprintf("/wallet/#pay?network=%s&to=%s&amount=%d", w.Client.Network,
		w.id("timur"), 5_000*money.Tenge)); err != nil {
		return err
	}
	w.Proves("limit-proves", "code", problem.Code)
	return nil
}

// lostPhone shows the two ways to a new key: the recovery key's at once, the bank's after a delay in which the owner
// cancels it.
func lostPhone(ctx context.Context, w *Stage) error {
	marat := w.id("marat")
	// Each step once in the story's journal: played again after a stop, the phone is not lost a second time.
	err := w.Once("rekey", func() error {
		_, err := w.Client.Rekey(ctx, marat, token.RoleRecovery, "marat-new-phone")
		return err
	})
	if err != nil {
		return err
	}
	w.Say("lost-phone-say-1", "marat", "marat")
	if err := w.Once("pay",
		func() error { return w.pay(ctx, "marat", shop, 700*money.Tenge, "with the new phone") }); err != nil {
		return err
	}
	err = w.Once("theft", func() error {
		if _, err := w.Client.Rekey(ctx, w.id("dana"), token.RoleIntermediary, "thief"); err != nil {
			return err
		}
		_, err := w.Client.Cancel(ctx, w.id("dana"), token.RoleWallet)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range []string{"marat", "dana"} {
		if err := w.link("history", name, "/wallet/history"); err != nil {
			return err
		}
	}
	w.Say("lost-phone-say-2", "dana", "dana")
	w.Proves("lost-phone-proves")
	return nil
}

// redeem shows that what was issued less what was redeemed is what lives.
func redeem(ctx context.Context, w *Stage) error {
	err := w.Once("redeem", func() error {
		_, err := w.Client.Redeem(ctx, w.id(bankTwo), 100_000_000*money.Tenge)
		return err
	})
	if err != nil {
		return err
	}
	supply, err := w.Client.API.Supply(ctx)
	if err != nil {
		return err
	}
	if err := w.link("supply", "", "/"); err != nil {
		return err
	}
	w.Say("redeem-say", "bank", bankTwo)
	w.Proves("redeem-proves", "issued", supply.Issued.Format(), "redeemed", supply.Redeemed.Format(), "live",
		supply.Live.Format(), "tokens", supply.Tokens)
	return nil
}

// proveToken checks a token's provenance as somebody would who has the file and the network's id alone.
func proveToken(ctx context.Context, w *Stage) error {
	tokens, err := w.Client.API.Tokens(ctx, w.id(shop), 1)
	if err != nil || len(tokens.Tokens) == 0 {
		return errors.Join(err, errors.New("the shop holds no token"))
	}
	result, err := w.checkToken(ctx, tokens.Tokens[0].ID)
	if err != nil {
		return err
	}
	w.Say("prove-say", "amount", result.Amount.Format(), "transactions", result.Transactions)
	w.proves(w.language().Text("proof-shows.token-1"))
	return nil
}

func verifyAll(ctx context.Context, w *Stage) error {
	checkpoint, err := w.Client.API.Checkpoint(ctx)
	if err != nil {
		return err
	}
	report, _, err := node.Verify(ctx, node.Evidence{
		Checkpoint: checkpoint, Network: w.Client.Network,
		Entries: func(size uint64) iter.Seq2[[]byte, error] { return w.Client.API.Entries(ctx, size) },
	}, nil)
	if err != nil {
		return err
	}
	if err := w.link("log", "", "/explorer"); err != nil {
		return err
	}
	w.Say("verify-say", "entries", report.Size, "signatures", report.Signatures)
	w.Proves("verify-proves", "root", report.Root[:16])
	return nil
}
