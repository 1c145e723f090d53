package study

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/money"
)

// Options of a population. The zero value of a field takes its default.
type Options struct {
	Seed     uint64
	Wallets  int        // who withdraw once and pay once; 10,000
	Rounding money.Tiyn // withdrawals are multiples of it; 500 tenge
	Whole    bool       // everybody pays all that he withdrew, the worst case; else a price below it
	Swap     bool       // notes are changed before they are paid with, some time of the waiting in between
	Wait     uint64     // seconds between withdrawing and paying, at most; a day
	Span     uint64     // seconds over which withdrawals lie; a day
	Interval uint64     // seconds of a block of the public log; 60
	Deposits int        // of how many deposits candidates are counted, evenly chosen; 500
}

// Rounding is of what withdrawals of our wallet are multiples, unless somebody wants otherwise: 500 tenge.
const Rounding = 500 * money.Tenge

// Bounds of options: what is beyond takes hours and says nothing more.
const (
	MaxWallets = 100_000
	maxSeconds = 366 * 86_400
)

// ErrOptions are options that describe no population.
var ErrOptions = errors.New(
	"a population has 1 to 100,000 wallets, withdrawals of at most 12,975 tenge in steps of at most that, and waits within a year")

func (o *Options) complete() error {
	for _, d := range []struct {
		at   *uint64
		take uint64
	}{{&o.Wait, 86_400}, {&o.Span, 86_400}, {&o.Interval, 60}} {
		if *d.at == 0 {
			*d.at = d.take
		}
		if *d.at > maxSeconds {
			return ErrOptions
		}
	}
	o.Wallets, o.Deposits = cmp.Or(o.Wallets, 10_000), cmp.Or(o.Deposits, 500)
	o.Rounding = cmp.Or(o.Rounding, Rounding)
	if o.Wallets < 1 || o.Wallets > MaxWallets || o.Rounding < 1 || o.Rounding > most || o.Deposits < 1 {
		return ErrOptions
	}
	return nil
}

// Money of a population: what people withdraw and pay, in the span of the law's limit for unidentified electronic
// money.
const (
	least = 500 * money.Tenge
	most  = 12_975 * money.Tenge
	price = 100 * money.Tenge // the least payment
	step  = 5 * money.Tenge   // prices are multiples of it
)

// random is SplitMix64 (Steele, Lea, Flood 2014): a population follows from its seed on every machine.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number below n, which is small against 2^64.
func (r *random) below(n uint64) uint64 { return r.next() % n }

// amount lies between two sums with each doubling as likely as another, as prices and incomes do.
func (r *random) amount(low, high money.Tiyn) money.Tiyn {
	octaves := uint64(1)
	for low<<octaves <= high {
		octaves++
	}
	for {
		base := low << r.below(octaves)
		if a := base + money.Tiyn(r.below(uint64(base))); a <= high {
			return a
		}
	}
}

// bundle is how many notes of each denomination.
type bundle [20]uint8

// holds says whether b's notes are among a's.
func (a *bundle) holds(b *bundle) bool {
	for i := range a {
		if a[i] < b[i] {
			return false
		}
	}
	return true
}

var denominations = cash.OneTwoFive()

func bundleOf(amounts []money.Tiyn) (b bundle) {
	for _, a := range amounts {
		i, _ := slices.BinarySearch(denominations, a)
		b[i]++
	}
	return b
}

// withdrawal is what a wallet withdrew; its number is its place in the world's list.
type withdrawal struct {
	at     uint64
	amount money.Tiyn
	notes  bundle
}

// swap is notes changed for others.
type swap struct {
	at      uint64
	in, out bundle
}

// deposit is a payment of the ledger out of notes.
type deposit struct {
	at     uint64
	amount money.Tiyn
	in     bundle
	by     int // the withdrawal that it came from: what observers want to know
	swap   int // the swap that it came from, or -1
}

// world is all that happened, as one who sees everything has it.
type world struct {
	withdrawals []withdrawal // in order of time
	swaps       []swap
	deposits    []deposit
}

// play lets a population live.
func play(o *Options) (*world, error) {
	r := random(o.Seed)
	w := new(world)
	for range o.Wallets {
		amount := r.amount(least, most)
		amount += (o.Rounding - amount%o.Rounding) % o.Rounding
		if amount > most {
			amount -= o.Rounding
		}
		amount = max(amount, o.Rounding)
		w.withdrawals = append(w.withdrawals, withdrawal{r.below(o.Span), amount, bundleOf(cash.Split(amount,
			denominations, cash.MaxArray))})
	}
	slices.SortStableFunc(w.withdrawals, func(a, b withdrawal) int { return cmp.Compare(a.at, b.at) })
	for i := range w.withdrawals {
		if err := w.pay(o, &r, i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// pay has the owner of a withdrawal pay once, as our wallet does: it chooses notes, and changes them before if it is
// told to.
func (w *world) pay(o *Options, r *random, by int) error {
	from := &w.withdrawals[by]
	waits := r.below(o.Wait + 1)
	amount := min(r.amount(price, max(from.amount, price)), from.amount)
	if amount = min(amount+(step-amount%step)%step, from.amount); o.Whole {
		amount = from.amount
	}
	var purse []cash.Proof
	for i, n := range from.notes {
		for range n {
			purse = append(purse, cash.Proof{Amount: cash.Amount(denominations[i]), Secret: fmt.Sprint(len(purse))})
		}
	}
	var chosen []money.Tiyn
	for _, n := range coin.Choose(purse, amount) {
		// The wallet's own choice of notes, not a model of it: the study counts what a real deposit gives away.
		chosen = append(chosen, money.Tiyn(n.Amount))
	}
	if len(chosen) == 0 {
		return fmt.Errorf("a wallet of %s cannot pay %s", from.amount.Format(), amount.Format())
	}
	d := deposit{at: from.at + waits, amount: amount, in: bundleOf(chosen), by: by, swap: -1}
	if o.Swap {
		rest := coin.Total(coin.Choose(purse, amount)) - amount
		given := cash.Split(amount, denominations, cash.MaxArray)
		kept := cash.Split(rest, denominations, cash.MaxArray)
		d.swap = len(w.swaps)
		w.swaps = append(w.swaps, swap{from.at + r.below(waits+1), d.in, bundleOf(slices.Concat(given, kept))})
		d.in = bundleOf(given)
	}
	w.deposits = append(w.deposits, d)
	return nil
}
