package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// Bounds of purses.
const (
	maxPurseLife = 366 * 86_400_000 // how far a purse's expiry may lie ahead
	// links of a convicted purse that wait: what is left to share is less than the least
	maxClaims  = 1024
	maxPayouts = 60 // to wallets in one entry, each of two tokens at most; others wait for the next
)

// settlement is what one transaction does to purses.
//
// While it is under way single sums do not match; finish makes them match and asserts it. Every step before the first
// change of the state may refuse, none after it.
type settlement struct {
	x       *Executor
	book    *PurseBook
	touched []token.WalletID // purses that got money
	payouts int
}

func (x *Executor) settlement() *settlement {
	x.gains, x.paidIn, x.effectHops = x.gains[:0], x.paidIn[:0], x.effectHops[:0]
	return &settlement{x: x, book: x.state.PurseBook()}
}

// setAside checks what a wallet sets aside for purses; take does it. Amounts are in tiyn; of plain tenge, the inputs of
// one wallet.
type setAside struct {
	wallet token.WalletID
	inputs []token.ID
	amount money.Tiyn
	change money.Tiyn
}

// maySetAside checks it. To set aside counts as a payment to the payer's limits, so that a purse is no way round them.
func (x *Executor) maySetAside(s *setAside) *token.Error {
	if s.amount == 0 {
		return nil
	}
	w, ok := x.state.Wallet(s.wallet)
	if !ok {
		return refuse(UnknownWallet, "inputs", "no wallet %s", s.wallet)
	}
	if err := x.mayPay(s.wallet, &w); err != nil {
		return err
	}
	if err := x.notReserve(s.wallet, "inputs"); err != nil {
		return err
	}
	if err := x.checkTaking(s.wallet, s.inputs, token.PlainTenge, s.amount, s.change); err != nil {
		return err
	}
	policy := &x.state.Authority().Policy
	return x.checkLimit(policy, s.wallet, &w, -s.amount, true, policy.Day(x.now))
}

// takeAside takes what maySetAside has let pass out of a wallet. The change and the fund's token are effects.
func (s *settlement) takeAside(a *setAside) {
	if a.amount == 0 {
		return
	}
	x := s.x
	for _, input := range a.inputs {
		x.state.RemoveToken(input)
	}
	w, _ := x.state.Wallet(a.wallet)
	w.book(-a.amount-a.change, -a.amount, -len(a.inputs), true, x.state.Authority().Policy.Day(x.now))
	x.state.PutWallet(a.wallet, w)
	x.effect(a.wallet, a.change, 0, 0)
	s.book.SetAside += a.amount
	s.book.Locked += a.amount
}

// finish makes the tokens: what is paid out, and the fund's where its sum is another. before is what was locked. The
// fund's token is the last effect, which is how its id is known before it is made.
func (s *settlement) finish(id token.TransactionID, before money.Tiyn) {
	x, book := s.x, s.book
	moved := book.Locked != before
	if moved {
		if _, exists := x.state.Wallet(PurseFund); !exists {
			x.state.PutWallet(PurseFund, Wallet{Registrar: token.Authority, Version: 1, Held: true})
		}
		// All of it in one token: the old one is spent and a new one made, whatever the number of purses that were
		// touched.
		if book.Token != (token.ID{}) {
			fund, _ := x.state.Token(book.Token)
			x.spend(book.Token, fund)
		}
		x.effect(PurseFund, book.Locked, 0, 0)
	}
	x.enactEffects(id)
	if !moved {
		return
	}
	book.Token = token.ID{}
	if book.Locked > 0 {
		book.Token = token.OutputID(id, len(x.effects.Made)-1)
	}
	x.checkPurses()
}

// checkPurses panics where the fund does not hold what the book says: the process must not go on. By the book SetAside
// − Paid − Returned = Locked, and the fund's one token is of that amount.
func (x *Executor) checkPurses() {
	book := x.state.PurseBook()
	fund, _ := x.state.Token(book.Token)
	if book.SetAside-book.Paid-book.Returned != book.Locked || fund.Amount != book.Locked {
		panic(fmt.Sprintf("purses not conserved at height %d: %d set aside, %d paid, %d returned, %d locked, the fund has %d",
			x.height, book.SetAside, book.Paid, book.Returned, book.Locked, fund.Amount))
	}
}

// bondPurses adds to a bond, or opens it, and says which key certifies.
func (x *Executor) bondPurses(id token.TransactionID, t *token.BondPurses) *token.Error {
	if err := x.active(t.Intermediary, "intermediary"); err != nil {
		return err
	}
	intermediary, known := x.state.Intermediary(t.Intermediary)
	if !known { // the authority has none
		return refuse(UnknownIntermediary, "intermediary", "no intermediary %s", t.Intermediary)
	}
	if err := sequence(intermediary.Sequence, t.Sequence); err != nil {
		return err
	}
	aside := setAside{t.Intermediary, t.Inputs, t.Amount, t.Change}
	if err := x.maySetAside(&aside); err != nil {
		return err
	}
	s := x.settlement()
	before := s.book.Locked
	intermediary.Sequence++
	x.state.PutIntermediary(t.Intermediary, intermediary)
	at, exists := s.book.find(t.Intermediary)
	s.book.Bonds = slices.Clone(s.book.Bonds)
	if !exists {
		s.book.Bonds = slices.Insert(s.book.Bonds, at, Bond{Intermediary: t.Intermediary})
	}
	s.book.Bonds[at].Certifier = t.Certifier
	s.book.Bonds[at].Amount += t.Amount
	s.takeAside(&aside)
	s.finish(id, before)
	return nil
}

// openPurse opens a purse with a deposit.
func (x *Executor) openPurse(id token.TransactionID, t *token.OpenPurse) *token.Error {
	if err := x.active(t.Intermediary, "intermediary"); err != nil {
		return err
	}
	intermediary, _ := x.state.Intermediary(t.Intermediary)
	if err := sequence(intermediary.Sequence, t.Sequence); err != nil {
		return err
	}
	owner, ok := x.state.Wallet(t.Owner)
	switch {
	case !ok:
		return refuse(UnknownWallet, "owner", "no wallet %s", t.Owner)
	case owner.Contract || owner.Held || owner.Registrar != t.Intermediary:
		return refuse(WrongOwner, "owner", "%s is no customer's wallet of intermediary %s", t.Owner, t.Intermediary)
	case x.state.PurseBook().Bond(t.Intermediary) == nil:
		return refuse(NoBond, "intermediary", "intermediary %s has set no bond aside for purses", t.Intermediary)
	case x.now >= t.ExpiryMillis:
		return refuse(Expired, "expiry", "the purse would have run out")
	case t.ExpiryMillis > x.now+maxPurseLife:
		return refuse(TooFarAhead, "expiry", "a purse lasts at most 366 days")
	}
	// The seal's proof is checked after all that is cheap; it costs as much as several signatures.
	if err := x.checkSeal(t); err != nil {
		return err
	}
	opened := &Purse{ID: token.RegisteredID(id), Intermediary: t.Intermediary, Owner: t.Owner, Key: t.Key,
		Class: t.Class, Sealed: t.Sealed,
		Limits: t.Limits, ExpiryMillis: t.ExpiryMillis, Serial: 1, Deposit: t.Deposit, Lock: t.Deposit}
	certificate := opened.Certificate()
	if err := certificate.Check(); err != nil {
		return err
	}
	// Purses, wallets and bonds have ids of one kind, and a link's payee is named by such an id alone: one id is
	// never two of them.
	if _, wallet := x.state.Wallet(opened.ID); wallet || x.state.Purse(opened.ID) != nil {
		return refuse(Duplicate, "", "id %s exists", opened.ID)
	}
	// All refusals end here. Below, nothing can fail, and finish asserts that what the fund holds is what the book
	// says.
	aside := setAside{t.Owner, t.Inputs, t.Deposit, t.Change}
	if err := x.maySetAside(&aside); err != nil {
		return err
	}
	s := x.settlement()
	before := s.book.Locked
	intermediary.Sequence++
	x.state.PutIntermediary(t.Intermediary, intermediary)
	x.state.AddPurse(opened)
	s.bond(t.Intermediary).Purses++
	s.takeAside(&aside)
	s.finish(id, before)
	return nil
}

// Certificate is what the intermediary may certify of the purse now; unsigned.
func (p *Purse) Certificate() purse.Certificate {
	return purse.Certificate{Purse: p.ID, Key: p.Key, Intermediary: p.Intermediary, Serial: p.Serial,
		Deposit: p.Deposit,
		Limits: purse.Limits{MaxPayment: p.Limits.Payment, MaxOffline: p.Limits.Offline, MaxHops: p.Limits.Hops,
			AgeHours: p.Limits.AgeHours}, Class: purse.Class(p.Class), ExpiryMillis: p.ExpiryMillis}
}

// bond is an intermediary's bond for a change: what was read of the book before keeps what it said.
func (s *settlement) bond(intermediary token.WalletID) *Bond {
	s.book.Bonds = slices.Clone(s.book.Bonds)
	return s.book.Bond(intermediary)
}

// fundPurse adds to a deposit; a later certificate says so. The serial grows, so that certificates of before are known
// to be older. Links that waited for money may be paid by it at once.
func (x *Executor) fundPurse(id token.TransactionID, t *token.FundPurse) *token.Error {
	p, err := x.openedPurse(t.Purse, "purse")
	if err != nil {
		return err
	}
	switch {
	case p.Convicted:
		return refuse(PurseConvicted, "purse", "purse %s has paid twice; nothing is added to it", t.Purse)
	case x.now >= p.ExpiryMillis:
		return refuse(Expired, "purse", "purse %s has run out", t.Purse)
	case t.Amount > token.MaxPurseAmount-p.Deposit:
		return refuse(token.AmountOverflow, "amount", "a deposit is at most %d tiyn", int64(token.MaxPurseAmount))
	}
	aside := setAside{t.From, t.Inputs, t.Amount, t.Change}
	if err := x.maySetAside(&aside); err != nil {
		return err
	}
	s := x.settlement()
	before := s.book.Locked
	x.state.ChangePurse(p)
	p.Deposit += t.Amount
	p.Lock += t.Amount
	p.Serial++
	s.takeAside(&aside)
	s.clear(p.ID)
	s.finish(id, before)
	return nil
}

// openedPurse finds a purse whose claim window is not over.
func (x *Executor) openedPurse(id token.WalletID, field string) (*Purse, *token.Error) {
	p := x.state.Purse(id)
	switch {
	case p == nil:
		return nil, refuse(UnknownPurse, field, "no purse %s", id)
	case p.State != PurseOpen || x.now >= p.EndsMillis():
		return nil, refuse(PurseOver, field, "the time in which links of purse %s were taken is over", id)
	}
	return p, nil
}

// settle takes links in: each once, covered by what is known, paid as far as there is money for it.
func (x *Executor) settle(id token.TransactionID, t *token.SettlePurses) *token.Error {
	fresh, touched, err := x.freshLinks(t)
	if err != nil {
		return err
	}
	if err := x.covered(fresh); err != nil {
		return err
	}
	s := x.settlement()
	if len(fresh) == 0 && len(s.clearing(touched).pays()) == 0 {
		return refuse(Duplicate, "links", "all of these links are known, and nothing of them can be paid now")
	}
	before := s.book.Locked
	for i := range fresh {
		s.learn(&fresh[i])
	}
	s.clear(touched...)
	s.finish(id, before)
	return nil
}

// freshLink is a link that is not known yet.
type freshLink struct {
	link purse.Link
	id   token.Hash
}

// freshLinks decodes links and checks what each says by itself. touched are the purses of all of them. A link that is
// known, or stands twice, is passed over and not refused: payer and payee may both bring it.
func (x *Executor) freshLinks(t *token.SettlePurses) (fresh []freshLink, touched []token.WalletID, _ *token.Error) {
	for _, data := range t.Links {
		l, err := purse.DecodeLink(data)
		if err != nil {
			return nil, nil, asRefusal(err)
		}
		p, refusal := x.openedPurse(l.Purse, "links")
		if refusal != nil {
			return nil, nil, refusal
		}
		touched = append(touched, l.Purse)
		id := l.ID(x.network)
		if p.link(l.Number, id) != nil || slices.ContainsFunc(fresh, func(f freshLink) bool { return f.id == id }) {
			continue
		}
		if err := x.mayBeSettled(p, &l, id); err != nil {
			return nil, nil, err
		}
		fresh = append(fresh, freshLink{l, id})
	}
	return fresh, touched, nil
}

// mayBeSettled checks a link that is not known: its signature, that its payee is a purse or a wallet that may be paid,
// and, of a convicted purse, that not too many claims wait already, since every clearing goes through all of them.
func (x *Executor) mayBeSettled(p *Purse, l *purse.Link, id token.Hash) *token.Error {
	if !x.TrustSignatures && !token.Verify(p.Key, id, &l.Signature) {
		return refuse(purse.BadSignature, "links", "link %d of purse %s is not signed by its key", l.Number, p.ID)
	}
	if least := x.state.Authority().Policy.LeastToken; l.Amount < least {
		return refuse(Dust, "links", "%s tenge is less than %s", l.Amount, least)
	}
	if p.Convicted && len(p.open()) >= maxClaims {
		return refuse(token.TooMany, "links", "%d claims on purse %s wait, the most", maxClaims, p.ID)
	}
	if x.state.Purse(l.Payee) != nil {
		return nil
	}
	w, ok := x.state.Wallet(l.Payee)
	if !ok {
		return refuse(UnknownPurse, "links", "no purse and no wallet %s", l.Payee)
	}
	if w.Contract || w.Held {
		return refuse(Held, "links", "%s takes no payments of purses", l.Payee)
	}
	return x.notReserve(l.Payee, "links")
}

// asRefusal is a decoder's error as a refusal.
func asRefusal(err error) *token.Error {
	if e := new(token.Error); errors.As(err, &e) {
		return e
	}
	return refuse(token.NotCanonical, "links", "%v", err)
}

// covered checks that each link is: its payer's deposit and the links to it that are known, or are among these and
// covered, amount to all that it has paid up to it.
//
// Links are taken as covered one after the other, until a round finds no more: a circle of links that cover each other
// alone, which no money stands behind, stays uncovered. With n links it takes n rounds at most; a transaction has few.
func (x *Executor) covered(fresh []freshLink) *token.Error {
	came, spent, done := map[token.WalletID]money.Tiyn{}, map[token.WalletID]money.Tiyn{}, make([]bool, len(fresh))
	for more := true; more; {
		more = false
		for i := range fresh {
			l := &fresh[i].link
			p := x.state.Purse(l.Purse)
			if done[i] || l.End() > p.Deposit+p.KnownIn+came[l.Purse] {
				continue
			}
			spent[l.Purse] += l.Amount
			came[l.Payee] += l.Amount
			if p.Known+spent[l.Purse] > token.MaxPurseAmount ||
				x.knownIn(l.Payee)+came[l.Payee] > token.MaxPurseAmount {
				return refuse(token.AmountOverflow, "links", "the links of purse %s sum to more than it can count",
					l.Purse)
			}
			done[i], more = true, true
		}
	}
	if at := slices.Index(done, false); at >= 0 {
		l := &fresh[at].link
		return refuse(purse.NotCovered, "links",
			"purse %s has paid %s tenge with link %d; its deposit and what is known to have come to it do not cover that: "+
				"settle what it rests on with it", l.Purse, l.End(), l.Number)
	}
	return nil
}

func (x *Executor) knownIn(payee token.WalletID) money.Tiyn {
	if p := x.state.Purse(payee); p != nil {
		return p.KnownIn
	}
	return 0
}

// learn makes a link known. One that conflicts with a neighbour convicts its purse. Links stand by (number, id), so
// that whichever links it conflicts with, it conflicts with a neighbour: of one number, or the next before or after it.
func (s *settlement) learn(f *freshLink) {
	l, p := &f.link, s.x.state.Purse(f.link.Purse)
	s.x.state.ChangePurse(p)
	known := PurseLink{ID: f.id, Number: l.Number, Previous: l.Previous, PaidBefore: l.PaidBefore,
		ReceivedBefore: l.ReceivedBefore, Amount: l.Amount, Payee: l.Payee}
	at, _ := slices.BinarySearchFunc(p.Links, known, func(a, b PurseLink) int { return a.compare(&b) })
	p.Links = slices.Insert(p.Links, at, known)
	p.Known += l.Amount
	for _, pair := range [][2]int{{at - 1, at}, {at, at + 1}} {
		if pair[0] >= 0 && pair[1] < len(p.Links) && conflict(p.ID, &p.Links[pair[0]], &p.Links[pair[1]]) {
			p.Convicted = true
		}
	}
	if payee := s.x.state.Purse(l.Payee); payee != nil {
		s.x.state.ChangePurse(payee)
		payee.KnownIn += l.Amount
	}
}

// conflict says whether two known links, the lower first, convict their purse.
func conflict(id token.WalletID, a, b *PurseLink) bool {
	full := func(l *PurseLink) *purse.Link {
		return &purse.Link{Purse: id, Number: l.Number, Previous: l.Previous, PaidBefore: l.PaidBefore,
			ReceivedBefore: l.ReceivedBefore, Amount: l.Amount}
	}
	return purse.ConflictOf(full(a), full(b), a.ID, b.ID) != ""
}

// reimburse gives back to the bond what it paid in a purse's place, as far as the purse has it.
func (s *settlement) reimburse(p *Purse, most money.Tiyn) {
	if amount := min(p.Lock, most); amount > 0 {
		s.bond(p.Intermediary).Amount += amount
		p.Lock -= amount
		p.Bonded -= amount
	}
}

func (s *settlement) fromBond(p *Purse, amount money.Tiyn) {
	s.bond(p.Intermediary).Amount -= amount
	p.Lock += amount
	p.Bonded += amount
}

// full says whether a payee is paid by tokens of which this entry makes no more.
func (s *settlement) full(payee token.WalletID) bool {
	p := s.x.state.Purse(payee)
	return s.payouts >= maxPayouts && (p == nil || p.State == PurseEnded)
}

// credit pays a payee: the lock of a purse, or a wallet.
func (s *settlement) credit(payee token.WalletID, amount money.Tiyn) {
	p := s.x.state.Purse(payee)
	if p == nil {
		s.book.Paid += amount
		s.payOut(payee, amount)
		return
	}
	s.x.state.ChangePurse(p)
	p.Lock += amount
	if p.State == PurseEnded {
		s.giveBack(p)
		return
	}
	s.touched = append(s.touched, payee)
}

// payOut pays a wallet out of the fund, whatever its limit: what exceeds it is held for it.
func (s *settlement) payOut(wallet token.WalletID, amount money.Tiyn) {
	if amount == 0 {
		return
	}
	s.book.Locked -= amount
	s.payouts++
	s.x.pay(nil, wallet, 0, amount, 0, 0)
}

// giveBack empties a purse that has ended: what the bond is owed, the rest to the owner. Where the bond was given back
// meanwhile, all of it is the owner's.
func (s *settlement) giveBack(p *Purse) {
	if s.book.Bond(p.Intermediary) != nil {
		s.reimburse(p, p.Bonded)
	}
	s.book.Returned += p.Lock
	s.payOut(p.Owner, p.Lock)
	p.Lock = 0
}

// convict enters two links that convict their purse. It moves no money. A convicted purse is funded no more; what is
// claimed of it is paid as far as it and the bond reach.
func (x *Executor) convict(t *token.ConvictPurse) *token.Error {
	c, err := purse.DecodeConviction(t.Conviction)
	if err != nil {
		return asRefusal(err)
	}
	p, refusal := x.openedPurse(c.A.Purse, "conviction")
	if refusal != nil {
		return refusal
	}
	if p.Convicted {
		return refuse(PurseConvicted, "conviction", "purse %s is convicted already", p.ID)
	}
	if err := c.Verify(x.network, p.ID, p.Key); err != nil {
		return err
	}
	x.state.ChangePurse(p)
	p.Convicted = true
	return nil
}

// closePurse ends a purse after its claim window, or gives a bond back.
func (x *Executor) closePurse(id token.TransactionID, t *token.ClosePurse) *token.Error {
	p := x.state.Purse(t.Purse)
	if p == nil {
		return x.closeBond(id, t.Purse)
	}
	switch {
	case p.State == PurseEnded:
		return refuse(PurseOver, "purse", "purse %s has ended", t.Purse)
	case x.now < p.EndsMillis():
		return refuse(ClaimWindow, "purse", "links of purse %s are taken until 30 days after its expiry", t.Purse)
	}
	s := x.settlement()
	before := s.book.Locked
	x.state.ChangePurse(p)
	// The first closing fixes every open link's share; a later one, when one entry could not pay all, pays by the
	// same shares. So the order in which closings come, and who sends them, changes what nobody gets.
	if p.State == PurseOpen {
		s.share(p)
	}
	left := false
	for _, l := range p.open() {
		if s.full(l.Payee) {
			left = true
			continue
		}
		l.Paid = true
		p.Lock -= l.Share
		s.credit(l.Payee, l.Share)
	}
	// Giving back pays the owner, which is a payout too: without room for it the purse stays closing, and the next
	// entry ends it.
	if !left && s.payouts < maxPayouts {
		s.giveBack(p)
		p.State, p.Links = PurseEnded, nil
		s.bond(p.Intermediary).Purses--
	}
	s.clear(s.touched...)
	s.finish(id, before)
	return nil
}

// share ends a purse: what it and the bond have for the claims is shared among them.
func (s *settlement) share(p *Purse) {
	s.reimburse(p, p.Bonded-p.Guaranteed())
	open := p.open()
	claims, sum := make([]purse.Claim, len(open)), money.Tiyn(0)
	for i, l := range open {
		claims[i] = purse.Claim{ID: l.ID, Amount: l.Amount}
		sum += l.Amount
	}
	if most := min(sum-p.Lock, p.Guaranteed()-p.Bonded, s.book.Bond(p.Intermediary).Amount); most > 0 {
		s.fromBond(p, most)
	}
	for i, share := range purse.Share(min(sum, p.Lock), claims) {
		open[i].Share = share
	}
	p.State = PurseEnding
}

// closeBond gives an intermediary its bond back when none of its purses is left.
func (x *Executor) closeBond(id token.TransactionID, intermediary token.WalletID) *token.Error {
	switch bond := x.state.PurseBook().Bond(intermediary); {
	case bond == nil:
		return refuse(UnknownPurse, "purse", "no purse, and no intermediary with a bond, %s", intermediary)
	case bond.Purses > 0:
		return refuse(NotEmpty, "purse", "%d purses of intermediary %s have not ended", bond.Purses, intermediary)
	}
	s := x.settlement()
	before := s.book.Locked
	at, _ := s.book.find(intermediary)
	amount := s.book.Bonds[at].Amount
	s.book.Bonds = slices.Delete(slices.Clone(s.book.Bonds), at, at+1)
	s.book.Returned += amount
	s.payOut(intermediary, amount)
	s.finish(id, before)
	return nil
}
