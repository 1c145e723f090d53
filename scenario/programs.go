package scenario

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// Who joins for programmable money.
const (
	ministry = "ministry" // an agency
	revenue  = "revenue"  // the tax agency: the template vat-split demands its VAT
	school   = "school"
	card     = "aruzhan-card" // a pupil's
	meals    = "school-meals"
	vat      = "VAT"
)

// programSteps is the part in which money carries rules.
func programSteps() []Step {
	return []Step{
		{"split", "The farm pays for power, and VAT goes apart in the same payment", splitVAT},
		{"canteen", "The budget feeds a school canteen with marked tenge", feedCanteen},
		{"misuse", "Marked tenge is refused in a shop", refuseMisuse},
		{"beyond-limit", "A contract pays more than its payee may hold", payBeyondLimit},
	}
}

// storyYears is how long the story's purposes last.
const storyYears = 5 * 365 * 86_400_000

// join opens a wallet of the story unless it is there.
func (w *Stage) join(ctx context.Context, name, role string, tier uint8) error {
	if w.Client.Keyring.Has(name) {
		return nil
	}
	_, err := w.Client.Register(ctx, wallet.NewWallet{Name: name, Registrar: w.id(bankTwo), Tier: tier,
		Attributes: token.Attributes{Region: "KZ-55", Role: role}})
	return err
}

// purpose registers a purpose of the ministry unless it is there.
func (w *Stage) purpose(ctx context.Context, p token.Purpose) (api.PurposeView, error) {
	return w.purposeOf(ctx, ministry, p)
}

// purposeOf registers a purpose of an agency, made as well if it is not there. It begins a minute ago: a block's time
// may be a little behind this clock.
func (w *Stage) purposeOf(ctx context.Context, agency string, p token.Purpose) (api.PurposeView, error) {
	if !w.Client.Keyring.Has(agency) {
		if _, err := w.Client.GrantAgency(ctx, agency); err != nil {
			return api.PurposeView{}, err
		}
	}
	view, err := w.Client.Purpose(ctx, p.Name)
	var missing *token.Error
	if err == nil || !(errors.As(err, &missing) && missing.Code == node.NotFound) {
		return view, err
	}
	p.FromMillis, p.UntilMillis = w.Client.Now()-60_000, w.Client.Now()+storyYears
	if _, err := w.Client.RegisterPurpose(ctx, w.id(agency), p); err != nil {
		return view, err
	}
	return w.Client.Purpose(ctx, p.Name)
}

// definition registers a template unless it is there: the same text has the same id, whoever registered it.
func (w *Stage) definition(ctx context.Context, name string) (token.Hash, error) {
	text, ok := contract.Template(name)
	if !ok {
		return token.Hash{}, fmt.Errorf("no template %q", name)
	}
	source, problems := contract.Parse(text)
	if len(problems) > 0 {
		return token.Hash{}, problems
	}
	id := source.Definition.ID()
	list, err := w.Client.API.Definitions(ctx)
	if err != nil {
		return id, err
	}
	for _, d := range list {
		if d.ID == id {
			return id, nil
		}
	}
	_, err = w.Client.Define(ctx, w.id(bankTwo), &source.Definition)
	return id, err
}

// create makes a contract under a name of the story unless it is there.
func (w *Stage) create(ctx context.Context, name string, t *token.Create) error {
	if w.Client.Keyring.Has(name) {
		return nil
	}
	receipt, err := w.Client.CreateContract(ctx, t)
	if err != nil {
		return err
	}
	return w.Client.Keyring.Put(wallet.Name{Name: name, ID: token.RegisteredID(receipt.ID)})
}

// actAndLink calls an action of a contract, and links the step to its receipt as somebody sees it.
func (w *Stage) actAndLink(ctx context.Context, seen string, t *token.Act, assets []uint32) error {
	receipt, err := w.Client.Act(ctx, t, assets)
	if err != nil {
		return err
	}
	return w.linkReceipt(seen, receipt.ID)
}

// callAndLink does so by what the wallet knows of the contract.
func (w *Stage) callAndLink(ctx context.Context, seen string, c wallet.Call) error {
	receipt, err := w.Client.Call(ctx, c)
	if err != nil {
		return err
	}
	return w.linkReceipt(seen, receipt.ID)
}

// payBeyondLimit: the farm pays a casual worker through an escrow. What is beyond the limit of his unidentified wallet
// is held for him, and he takes it when he has room. The escrow cannot refuse: a payee's limit must not hold up a
// payer.
func payBeyondLimit(ctx context.Context, w *Stage) error {
	definition, err := w.definition(ctx, "escrow")
	if err != nil {
		return err
	}
	wage, spent := 15_000*money.Tenge, 4_000*money.Tenge
	if err := w.create(ctx, "roof-repair", &token.Create{Creator: w.id(farm), Definition: definition,
		Parties: []token.WalletID{w.id(farm), w.id("timur"), w.id(court)}, Assets: []uint32{0},
		Terms: []token.Value{token.Int(int64(wage)), token.Int(30)}, Paid: []money.Tiyn{wage}}); err != nil {
		return err
	}
	if err := w.Once("release", func() error {
		_, err := w.Client.Act(ctx, &token.Act{Contract: w.id("roof-repair"), Version: 1, Action: "release",
			Caller: w.id(farm), Args: []token.Value{}, Paid: []money.Tiyn{0}}, []uint32{0})
		return err
	}); err != nil {
		return err
	}
	// Asked of the ledger and not reckoned here: the story says what happened.
	held, err := w.Client.API.Held(ctx, w.id("timur"))
	if err != nil {
		return err
	}
	w.Say("beyond-limit-say-1", "timur", "timur", "wage", wage.Format(), "held", held.Balance.Format())
	if err := w.Once("spend", func() error {
		return w.payAndLink(ctx, "timur", shop, "timur", spent, "boots")
	}); err != nil {
		return err
	}
	if err := w.link("wallet", "timur", "/wallet/"); err != nil {
		return err
	}
	if err := w.Once("take", func() error {
		_, err := w.Client.Release(ctx, w.id("timur"), w.id("timur"), token.RoleWallet, 0, spent)
		return err
	}); err != nil {
		return err
	}
	w.Say("beyond-limit-say-2", "spent", spent.Format())
	w.Proves("beyond-limit-proves")
	return nil
}

// splitVAT: net to the power company, VAT marked, and on to the budget. The mark binds the tax from the moment it is
// paid: the seller can use it for nothing but tax.
func splitVAT(ctx context.Context, w *Stage) error {
	definition, err := w.definition(ctx, "vat-split")
	if err != nil {
		return err
	}
	tax, err := w.purposeOf(ctx, revenue, token.Purpose{Name: vat, About: "Value added tax on its way to the budget",
		Earmark: `payee.role in ["power", "farm", "vat-payer"]`,
		Permits: []token.Permit{{When: `payee.role == "treasury"`},
			{When: `payee.role in ["power", "farm", "vat-payer"]`, Becomes: token.BecomesSame}},
		Returns: w.id(budget), Contracts: []token.Hash{definition}})
	if err != nil {
		return err
	}
	const seller = "grid" // the power company's wallet for what it sells with VAT
	if err := w.join(ctx, seller, "vat-payer", wallet.TierBusiness); err != nil {
		return err
	}
	net := 2_000_000 * money.Tenge
	document := token.Hash(sha256.Sum256([]byte("e-invoice 2026-11/17: 125 000 kWh")))
	if err := w.create(ctx, "power-invoice", &token.Create{Creator: w.id(seller), Definition: definition,
		Parties: []token.WalletID{w.id(farm), w.id(seller)},
		Assets:  []uint32{0, tax.Number}, Terms: []token.Value{token.Int(int64(net)), token.Int(16),
			token.Bytes(document[:]), token.Int(30)}, Paid: []money.Tiyn{0, 0}}); err != nil {
		return err
	}
	err = w.Once("pay", func() error {
		return w.actAndLink(ctx, farm, &token.Act{Contract: w.id("power-invoice"), Version: 1, Action: "pay",
			Caller: w.id(farm), Document: &document,
			Args: []token.Value{}, Paid: []money.Tiyn{net * 116 / 100, 0}}, []uint32{0, tax.Number})
	})
	if err != nil {
		return err
	}
	w.Say("vat-say-1", "farm", farm, "seller", seller, "gross", (net * 116 / 100).Format(), "net", net.Format(), "tax",
		(net * 16 / 100).Format())
	err = w.Once("budget", func() error {
		receipt, _, err := w.Client.PayEarmarked(ctx, wallet.EarmarkedPayment{From: w.id(seller), To: w.id(budget),
			Amount: net * 16 / 100, Purpose: tax})
		if err != nil {
			return err
		}
		return w.linkReceipt(budget, receipt.ID)
	})
	if err != nil {
		return err
	}
	w.Say("vat-say-2", "treasury", budget, "seller", seller, "tax", (net * 16 / 100).Format())
	w.Proves("vat-proves")
	return nil
}

// feedCanteen: the treasury marks money, the school puts it into a child's contract, and the child eats.
func feedCanteen(ctx context.Context, w *Stage) error {
	definition, err := w.definition(ctx, "school-meals")
	if err != nil {
		return err
	}
	food, err := w.purpose(ctx, token.Purpose{Name: meals, About: "Meals for pupils",
		Earmark: `payer.role == "treasury"`,
		Permits: []token.Permit{{When: "payee.category == 5812"},
			{When: `payee.role == "school"`, Becomes: token.BecomesSame}},
		Hops: 2, Returns: w.id(budget), Contracts: []token.Hash{definition}})
	if err != nil {
		return err
	}
	if err := w.join(ctx, school, "school", wallet.TierBusiness); err != nil {
		return err
	}
	if err := w.join(ctx, card, "pupil", wallet.TierUnidentified); err != nil {
		return err
	}
	grant := 300_000 * money.Tenge
	if err := w.Once("grant", func() error {
		_, _, err := w.Client.PayEarmarked(ctx, wallet.EarmarkedPayment{From: w.id(budget), To: w.id(school),
			Amount: grant, Purpose: food, Earmark: true})
		return err
	}); err != nil {
		return err
	}
	w.Say("meals-say-1", "treasury", budget, "school", school, "grant", grant.Format())
	// The school holds the grant and cannot eat it: only the child's card calls the contract, and only the canteen is
	// paid.
	if err := w.create(ctx, "aruzhan-meals", &token.Create{Creator: w.id(school), Definition: definition,
		Parties: []token.WalletID{w.id(school), w.id(card), w.id(canteen), w.id(budget)}, Assets: []uint32{food.Number},
		Terms: []token.Value{token.Int(int64(900 * money.Tenge)), token.Int(int64(1_500 * money.Tenge)),
			token.Int(int64(w.Client.Now() + 270*86_400_000))},
		Paid: []money.Tiyn{150_000 * money.Tenge}}); err != nil {
		return err
	}
	price := 740 * money.Tenge
	if err := w.Once("eat", func() error {
		return errors.Join(w.actAndLink(ctx, canteen, &token.Act{Contract: w.id("aruzhan-meals"), Version: 1,
			Action: "eat", Caller: w.id(card), Args: []token.Value{token.Int(int64(price))},
			Paid: []money.Tiyn{0}}, []uint32{food.Number}),
			w.link("contract", canteen, "/wallet/rules"), w.link("wallet", school, "/wallet/"))
	}); err != nil {
		return err
	}
	view, err := w.Client.Purpose(ctx, meals)
	if err != nil {
		return err
	}
	w.Say("meals-say-2", "aruzhan", "aruzhan", "price", price.Format())
	w.Proves("meals-proves", "entered", view.Entered.Format(), "left", view.Left.Format(), "live", view.Live.Format())
	return nil
}

// refuseMisuse tries the payment twice: by a wallet that knows the rule, and past it. Only the second shows that the
// ledger itself refuses.
func refuseMisuse(ctx context.Context, w *Stage) error {
	food, err := w.Client.Purpose(ctx, meals)
	if err != nil {
		return err
	}
	_, _, err = w.Client.PayEarmarked(ctx, wallet.EarmarkedPayment{From: w.id(school), To: w.id(shop),
		Amount: 50_000 * money.Tenge, Purpose: food})
	var refusal *token.Error
	if !errors.As(err, &refusal) || refusal.Code != contract.PurposeForbids {
		return fmt.Errorf("want the refusal %s, got %v", contract.PurposeForbids, err)
	}
	if err := w.link("refusal", school, fmt.Sprintf("/wallet/#pay?network=%s&to=%s&amount=%d", w.Client.Network,
		w.id(shop), 50_000*money.Tenge)); err != nil {
		return err
	}
	w.Say("misuse-say-1", "school", school, "shop", shop)
	// Somebody who changes his wallet's software meets the same rule in the ledger.
	tokens, err := w.Client.API.Tokens(ctx, w.id(school), 100)
	if err != nil {
		return err
	}
	t := &token.EarmarkedTransfer{Parties: []token.WalletID{w.id(school), w.id(shop)}}
	for _, held := range tokens.Tokens {
		if held.Asset == token.PurposeAsset(food.Number) {
			t.Inputs = append(t.Inputs, held.ID)
			t.Outputs = append(t.Outputs, token.EarmarkedOutput{Party: 1, Amount: held.Amount, From: food.Number})
		}
	}
	_, err = w.Client.Do(ctx, t)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != string(contract.PurposeForbids) {
		return fmt.Errorf("want the ledger's refusal %s, got %v", contract.PurposeForbids, err)
	}
	w.Say("misuse-say-2", "problem", w.refusal(problem.Code))
	w.Proves("misuse-proves", "code", problem.Code)
	return nil
}
