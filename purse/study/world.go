package study

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// Options of a population. Shares are in thousandths.
type Options struct {
	Seed     uint64       `json:"seed"`
	Purses   int          `json:"purses"`
	Crooks   int          `json:"crooks_thousandths"` // of the purses, rounded up
	Days     int          `json:"days"`
	Payments int          `json:"payments_a_day"` // that each purse tries
	Least    money.Tiyn   `json:"least_tiyn"`     // of a payment among honest people
	Most     money.Tiyn   `json:"most_tiyn"`
	Deposit  money.Tiyn   `json:"deposit_tiyn"`
	Limits   purse.Limits `json:"limits"`
	// of payments at which the payee has a network and asks who is revoked
	LookUps int        `json:"look_ups_thousandths"`
	Settles int        `json:"settles_thousandths"` // of phones that settle in an evening, and learn who is revoked
	Lost    int        `json:"lost_thousandths"`    // of phones that are lost on some day, with what was not settled
	Bond    money.Tiyn `json:"bond_tiyn"`           // of the one intermediary

	// Opened is for purses that are on a ledger: it gives the key and the certificate of each, and Certifier the key
	// that certifies them, from Begin on, in Unix milliseconds. By default they are on none.
	Opened    func(purse int) (token.PrivateKey, purse.Certificate) `json:"-"`
	Network   token.NetworkID                                       `json:"-"`
	Certifier token.Signer                                          `json:"-"`
	Begin     uint64                                                `json:"-"`
}

// Bounds of options: what is beyond takes hours and says nothing more.
const (
	MaxPurses   = 5_000
	MaxPayments = 500_000 // tried in a run
)

// ErrOptions are options that describe no population.
var ErrOptions = errors.New("a population has 2 to 5,000 purses, lives 1 to 90 days with at most 500,000 payments, " +
	"has shares of 0 to 1,000 thousandths and payments within a purse's limit")

// ErrTheorem is a run in which somebody defrauded and was not convicted, or was convicted and followed the rules.
var ErrTheorem = errors.New("the run contradicts a theorem of offline purses")

func (o *Options) check() error {
	for _, share := range []int{o.Crooks, o.LookUps, o.Settles, o.Lost} {
		if share < 0 || share > 1000 {
			return ErrOptions
		}
	}
	if o.Purses < 2 || o.Purses > MaxPurses || o.Days < 1 || o.Days > 90 || o.Payments < 1 ||
		o.Payments > MaxPayments/o.Days/o.Purses || o.Least < 1 || o.Most < o.Least || o.Most > o.Limits.MaxPayment ||
		o.Deposit < 0 || o.Deposit > purse.MaxAmount/MaxPurses || o.Bond < 0 || o.Bond > purse.MaxAmount {
		return ErrOptions
	}
	return nil
}

// random is SplitMix64 (Steele, Lea, Flood 2014): a run follows from its seed on every machine.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number below n, which is small against 2^64.
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }

// chance is true so many times in a thousand.
func (r *random) chance(thousandths int) bool { return r.below(1000) < thousandths }

// phone is a purse and what its owner knows.
type phone struct {
	key     token.PrivateKey
	device  purse.Device
	first   purse.Device // to which a crook returns before each payment
	crook   bool
	lostOn  int // the day on whose morning it is gone; -1 for never
	settled int // payments that were brought to the ledger
	revoked map[token.WalletID]bool
	nonces  uint64
}

// account is what the ledger knows of a purse.
type account struct {
	links      []purse.Link // each once
	convicted  bool
	convictDay int
}

// world is a population and its ledger.
type world struct {
	o      *Options
	random random
	phones []*phone
	byID   map[token.WalletID]*account
	known  map[token.Hash]bool
	// whom the ledger has convicted; replaced when somebody is added, so that phones may keep it
	revoked map[token.WalletID]bool
	result  *Result
}

const (
	noon = uint64(1_790_000_000_000) // when a run begins unless somebody says otherwise
	day  = uint64(86_400_000)
)

// opened is the key of a purse and its certificate.
func (o *Options) opened(i int) (token.PrivateKey, purse.Certificate) {
	if o.Opened != nil {
		return o.Opened(i)
	}
	var seed [16]byte
	binary.BigEndian.PutUint64(seed[:], o.Seed)
	binary.BigEndian.PutUint64(seed[8:], uint64(i))
	key := token.NewPrivateKey(sha256.Sum256(seed[:]))
	public := key.Public()
	id := sha256.Sum256(public[:])
	return key, purse.Certificate{Purse: token.WalletID(id[:16]), Key: public, Intermediary: token.WalletID{1},
		Serial: 1, Deposit: o.Deposit, Limits: o.Limits, Class: purse.Software, ExpiryMillis: o.Begin + 365*day}
}

func newWorld(o *Options) (*world, error) {
	o.Begin = cmp.Or(o.Begin, noon)
	if o.Certifier == nil {
		o.Certifier = token.NewPrivateKey(sha256.Sum256([]byte("study's certifier")))
	}
	w := &world{o: o, random: random(o.Seed), byID: map[token.WalletID]*account{}, known: map[token.Hash]bool{},
		revoked: map[token.WalletID]bool{}, result: &Result{Options: *o, Refused: map[token.Code]int{}}}
	crooks := (o.Purses*o.Crooks + 999) / 1000
	for i := range o.Purses {
		key, c := o.opened(i)
		p := &phone{key: key, crook: i < crooks, lostOn: -1, revoked: w.revoked}
		if w.random.chance(o.Lost) {
			p.lostOn = 1 + w.random.below(o.Days)
		}
		if err := c.Sign(o.Network, o.Certifier); err != nil {
			return nil, fmt.Errorf("a certificate: %w", err)
		}
		p.device.Certificate, p.first.Certificate = c, c
		w.phones = append(w.phones, p)
		w.byID[c.Purse] = &account{}
	}
	w.result.Crooks = crooks
	return w, nil
}

// play lets the population live.
func (w *world) play() {
	for today := range w.o.Days {
		slots := w.o.Purses * w.o.Payments
		for i := range slots {
			now := w.o.Begin + uint64(today)*day + uint64(i)*(day/2)/uint64(slots)
			payer := w.phones[w.random.below(len(w.phones))]
			payee := w.phones[w.random.below(len(w.phones))]
			if payer != payee && !payer.lost(today) && !payee.lost(today) {
				w.meet(payer, payee, now)
			}
		}
		for _, p := range w.phones {
			if !p.lost(today) && w.random.chance(w.o.Settles) {
				w.settle(p, today)
			}
		}
	}
	for _, p := range w.phones { // in the end everybody settles
		if !p.lost(w.o.Days) {
			w.settle(p, w.o.Days)
		}
	}
}

func (p *phone) lost(today int) bool { return p.lostOn >= 0 && today >= p.lostOn }

// meet is one payment, if payer and payee come to one.
func (w *world) meet(payer, payee *phone, now uint64) {
	from := payer.device
	amount := w.o.Least + money.Tiyn(w.random.below(int(w.o.Most-w.o.Least)+1))
	if payer.crook {
		from = payer.first
		amount = min(w.o.Limits.MaxPayment, from.Funds())
	}
	if amount = min(amount, from.Funds()); amount < 1 {
		w.result.Poor++
		return
	}
	payee.nonces++
	r := purse.Request{Payee: payee.device.Certificate.Purse, Amount: amount}
	binary.BigEndian.PutUint64(r.Nonce[:], payee.nonces)
	next, m, err := from.Pay(w.o.Network, r, now, payer.key)
	if err != nil {
		w.refused(err)
		return
	}
	if w.random.chance(w.o.LookUps) {
		payee.revoked = w.revoked
	}
	view := purse.View{Network: w.o.Network, Certifiers: w.certifiers(m.Certificates), NowMillis: now,
		Revoked: func(id token.WalletID) bool { return payee.revoked[id] }}
	received, receipt, conviction, err := payee.device.Receive(view, r, m)
	if err != nil {
		w.refused(err)
		if conviction != nil { // the payee tells nobody before the evening; from now on it takes nothing of him
			payee.revoked = with(payee.revoked, conviction.A.Purse)
		}
		return
	}
	payee.device = received
	if next, err = next.Finish(w.o.Network, receipt); err != nil {
		panic(fmt.Sprintf("a payment that was taken has no receipt: %v", err)) // only a fault of package purse
	}
	if !payer.crook { // who keeps what he has received, and pays from his first state again
		payer.device = next
	}
	w.result.Payments++
	w.result.Paid += amount
}

func (w *world) certifiers(certificates []purse.Certificate) map[token.WalletID]token.PublicKey {
	keys := map[token.WalletID]token.PublicKey{}
	for i := range certificates {
		keys[certificates[i].Intermediary] = w.o.Certifier.Public()
	}
	return keys
}

// with is a set with one more.
func with(set map[token.WalletID]bool, id token.WalletID) map[token.WalletID]bool {
	more := map[token.WalletID]bool{id: true}
	for other := range set { // any order: a set
		more[other] = true
	}
	return more
}

func (w *world) refused(err error) {
	var refusal *token.Error
	if errors.As(err, &refusal) {
		w.result.Refused[refusal.Code]++
	}
}

// settle brings what a phone has received to the ledger, with what it rests on, and learns who is revoked.
func (w *world) settle(p *phone, today int) {
	for _, m := range p.device.Held[p.settled:] {
		for i := range m.Links {
			w.learn(&m.Links[i], today)
		}
	}
	p.settled = len(p.device.Held)
	p.revoked = w.revoked
}

// learn makes a link known to the ledger, which convicts a purse by two that conflict.
func (w *world) learn(l *purse.Link, today int) {
	id := l.ID(w.o.Network)
	if w.known[id] {
		return
	}
	w.known[id] = true
	of := w.byID[l.Purse]
	of.links = append(of.links, *l)
	if of.convicted {
		return
	}
	if _, found := purse.Convict(w.o.Network, l.Purse, of.links); found {
		of.convicted, of.convictDay = true, today
		w.revoked = with(w.revoked, l.Purse)
	}
}
