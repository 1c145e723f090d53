package scenario

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// Who joins for the uses of programmable money.
const (
	meter7  = "meter-7"
	charger = "charger"
	prime   = "prime-contractor"
	bridges = "bridge-builder"
	quarry  = "quarry"
	railway = "railway"
)

// useCaseSteps is the part in which contracts run between people, machines and the state.
func useCaseSteps() []Step {
	return []Step{
		{"power", "The farm buys a month of electricity by the kilowatt-hour from a metered contract", buyPower},
		{"charger", "A car pays a charger by the tick, with nobody present", chargeCar},
		{"railway", "The budget builds a railway, down to the last supplier", buildRailway},
	}
}

// use opens a contract of a template unless it was opened.
func (w *Stage) use(ctx context.Context, u wallet.NewContract) (token.WalletID, error) {
	if !w.Client.Keyring.Has(u.Name) {
		if _, err := w.Client.Create(ctx, u); err != nil {
			return token.WalletID{}, err
		}
	}
	return w.id(u.Name), nil
}

// buyPower: a month of readings by a simulated meter, one bill, one acceptance. The contract's bill is held against
// the one computed from the readings, before anybody accepts it.
func buyPower(ctx context.Context, w *Stage) error {
	if err := w.join(ctx, meter7, "meter", wallet.TierBusiness); err != nil {
		return err
	}
	const watts = 100_000
	now := time.UnixMilli(int64(w.Client.Now()))
	tariff, err := params.PowerTariffAt("story", params.DateOf(now))
	if err != nil {
		return err
	}
	deposit := 2_000_000 * money.Tenge
	id, err := w.use(ctx, wallet.NewContract{Template: "metered", Name: "power-contract", By: w.id(farm),
		Parties: []token.WalletID{w.id(farm), w.id(power), w.id(meter7), w.id(court)},
		Paid:    deposit, Terms: MeteredTerms(tariff, meter.Registers{}, now.Add(-31*24*time.Hour), watts, deposit,
			72*time.Hour, 30*24*time.Hour, now.Add(366*24*time.Hour))})
	if err != nil {
		return err
	}
	var bill money.Tiyn
	if err := w.Once("bill", func() error {
		m, err := w.Client.Meter(ctx, id)
		if err != nil {
			return err
		}
		readings, tally, err := Readings(m, tariff, 30*24*60, time.Minute, 80_000, rand.New(rand.NewPCG(7, 7)))
		if err != nil {
			return err
		}
		key, err := w.Client.Keyring.Key(meter7)
		if err != nil {
			return err
		}
		last := readings[len(readings)-1]
		signature, err := key.Sign(meter.Digest(w.Client.Network, id, &last, tally.Chain))
		if err != nil {
			return err
		}
		if _, err := w.Client.Bill(ctx, id, w.id(power), last, tally.Chain, signature); err != nil {
			return err
		}
		w.Say("meter-say-1", "readings", len(readings), "kwh", last.Registers.Total()/1000)
		want, refused := m.Tariff.Bill(m.Registers, last.Registers, m.Cap)
		if refused != nil {
			return refused
		}
		if m, err = w.Client.Meter(ctx, id); err == nil && m.Billed != want {
			err = fmt.Errorf("the contract bills %s, the readings give %s", m.Billed, want)
		}
		return err
	}); err != nil {
		return err
	}
	m, err := w.Client.Meter(ctx, id)
	if err != nil {
		return err
	}
	if bill = m.Billed; bill == 0 {
		bill = deposit - m.Held // it was accepted before an interruption
	}
	if err := w.Once("accept", func() error {
		return errors.Join(w.callAndLink(ctx, power, wallet.Call{Contract: id, By: w.id(farm), Action: "accept"}),
			w.link("contract", farm, "/wallet/rules"))
	}); err != nil {
		return err
	}
	w.Say("meter-say-2", "farm", farm, "power", power, "bill", bill.Format())
	w.Proves("meter-proves")
	return nil
}

// chargeCar: a channel under the owner's mandate, ticks of a hash chain, one closing.
func chargeCar(ctx context.Context, w *Stage) error {
	if err := w.join(ctx, charger, "charger", wallet.TierBusiness); err != nil {
		return err
	}
	const carKey = "car"
	key, err := w.Client.Keyring.Key(carKey)
	if err != nil {
		if key, err = w.Client.Keyring.NewKey(carKey); err != nil {
			return err
		}
	}
	public := key.Public()
	day := 24 * time.Hour.Milliseconds()
	id, err := w.use(ctx, wallet.NewContract{Template: "channel", Name: "charging", By: w.id(farm),
		Parties: []token.WalletID{w.id(farm), w.id(charger)}, Paid: 5_000 * money.Tenge,
		Terms: []token.Value{token.Bytes(public[:]), token.Int(25), token.Int(int64(3_000 * money.Tenge)),
			token.Int(day), token.Int(int64(w.Client.Now()) + 30*day)}})
	if err != nil {
		return err
	}
	const ticks = 10_000
	return w.Once("close", func() error {
		c, err := w.Client.Channel(ctx, id)
		if err != nil {
			return err
		}
		// Ten thousand ticks between car and charger, none of them on the ledger: what closes the channel is the last
		// one.
		claim, err := ride(c.Terms, key, ticks, w.Client.Now())
		if err != nil {
			return err
		}
		if err := w.callAndLink(ctx, farm, wallet.Call{Contract: id, By: w.id(charger), Action: "close",
			Args: claim.Args()}); err != nil {
			return err
		}
		worth, _ := claim.Worth(c.Tick)
		w.Say("car-say-1", "ticks", ticks)
		w.Say("car-say-2", "farm", farm, "charger", charger, "worth", worth.Format())
		w.Proves("car-proves", "ticks", ticks)
		return nil
	})
}

// ride plays both machines: a voucher for each chain of ticks, and a word of the chain for each tick, which the
// charger checks by one hash. The claim at the end has the last word of all.
func ride(terms channel.Terms, key token.Signer, ticks int, now uint64) (claim channel.Claim, err error) {
	receiver, refused := channel.NewReceiver(terms)
	if refused != nil {
		return claim, refused
	}
	// nobody's secret: the story is public
	seed := sha256.Sum256(append([]byte("the car of the story"), terms.Contract[:]...))
	sender := channel.NewSender(terms, key, seed, rand.NewChaCha8(seed), 0, nil)
	for done := 0; done < ticks; {
		length := min(contract.MaxChain, ticks-done)
		voucher, err := sender.Pay(0, length, now)
		if err != nil {
			return claim, err
		}
		if refused := receiver.Accept(&voucher, now); refused != nil {
			return claim, refused
		}
		for range length {
			word, refused := sender.NextTick(now)
			if refused == nil {
				refused = receiver.Tick(word, now)
			}
			if refused != nil {
				return claim, refused
			}
			done++
		}
	}
	claim, _ = receiver.Claim()
	return claim, nil
}

// buildRailway: marked money down a chain of suppliers, each paid on its buyer's acceptance. The purpose admits its
// money to contracts alone (size(definition) == 32), so that no supplier can be paid past one.
func buildRailway(ctx context.Context, w *Stage) error {
	definition, err := w.definition(ctx, "work")
	if err != nil {
		return err
	}
	for _, who := range [][2]string{{prime, railway}, {bridges, railway}, {quarry, quarry}} {
		if err := w.join(ctx, who[0], who[1], wallet.TierBusiness); err != nil {
			return err
		}
	}
	earmarked, err := w.purpose(ctx,
		token.Purpose{Name: railway, About: "The line from Dostyk, down to the last supplier",
			Earmark: `payer.role == "treasury"`,
			Permits: []token.Permit{{When: `payee.role == "railway" && size(definition) == 32`,
				Becomes: token.BecomesSame},
				{When: `payee.role == "quarry" && size(definition) == 32`}},
			Returns: w.id(budget), Contracts: []token.Hash{definition}})
	if err != nil {
		return err
	}
	named, err := w.Client.MoneyNamed(ctx, earmarked.Number)
	if err != nil {
		return err
	}
	total := 10_000_000 * money.Tenge
	if err := w.Once("fund", func() error {
		return errors.Join(w.payAndLink(ctx, bankOne, budget, budget, total, "for the railway"),
			w.link("history", budget, "/wallet/history"))
	}); err != nil {
		return err
	}
	if err := w.Once("mark", func() error {
		_, _, err := w.Client.PayEarmarked(ctx, wallet.EarmarkedPayment{From: w.id(budget), To: w.id(budget),
			Amount: total, Purpose: earmarked, Earmark: true})
		return err
	}); err != nil {
		return err
	}
	// Each supplier's contract is funded out of what its buyer got: the mark goes down the chain with the money, and
	// ends where the purpose lets it.
	for _, link := range []struct {
		name, buyer, supplier string
		price                 money.Tiyn
	}{{"line", budget, prime, total}, {"bridge", prime, bridges, 4_000_000 * money.Tenge},
		{"stone", bridges, quarry, 1_500_000 * money.Tenge}} {
		id, err := w.use(ctx, wallet.NewContract{Template: "work", Name: "work-" + link.name, By: w.id(link.buyer),
			Parties: []token.WalletID{w.id(link.buyer), w.id(link.supplier), w.id(court)},
			Purpose: earmarked.Number, Paid: link.price, Terms: []token.Value{token.Int(int64(link.price)),
				token.Int(int64(w.Client.Now()) + 365*86_400_000), named}})
		if err != nil {
			return err
		}
		if err := w.Once("accept-"+link.name, func() error {
			act := token.Hash(sha256.Sum256([]byte("act of acceptance: " + link.name)))
			_, err := w.Client.Call(ctx, wallet.Call{Contract: id, By: w.id(link.buyer), Action: "accept",
				Document: &act})
			return err
		}); err != nil {
			return err
		}
		w.Say("accept-"+link.name, "buyer", link.buyer, "supplier", link.supplier, "price", link.price.Format())
	}
	view, err := w.Client.Purpose(ctx, railway)
	if err != nil {
		return err
	}
	w.Proves("railway-proves", "entered", view.Entered.Format(), "left", view.Left.Format(), "live",
		view.Live.Format())
	return nil
}
