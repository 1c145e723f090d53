package study

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
)

func (r *Result) by(observer string) Seen {
	for _, s := range r.Seen {
		if s.Observer == observer {
			return s
		}
	}
	panic("no observer " + observer)
}

// ran runs a population that must run.
func ran(t *testing.T, o Options) *Result {
	t.Helper()
	r, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whoever is alone is found by each observer that knows withdrawals, whatever he does.
func TestAPopulationOfOneIsFound(t *testing.T) {
	for _, o := range []Options{{}, {Swap: true}, {Whole: true}, {Rounding: 1, Swap: true, Whole: true}} {
		for seed := range uint64(50) {
			o.Seed, o.Wallets = seed, 1
			r := ran(t, o)
			for _, observer := range []string{Office, LogAndLedger, Payee} {
				if s := r.by(observer); s.Smallest != 1 || s.Median != 1 || s.UnderTen != 1_000_000 ||
					s.Alone != 1_000_000 || s.Latest != 1_000_000 {
					t.Fatalf("%+v: %+v", o, s)
				}
			}
		}
	}
}

// What the study recommends is what it shows: round sums hide who pays all that he has, changing notes hides which were
// withdrawn, waiting hides the latest; and each row is by itself the same at every run.
func TestWhatHidesAPayer(t *testing.T) {
	const wallets = 2000
	odd := ran(t, Options{Wallets: wallets, Rounding: 1, Whole: true})
	round := ran(t, Options{Wallets: wallets, Whole: true})
	if odd.by(Office).UnderTen < 100_000 || round.by(Office).UnderTen > odd.by(Office).UnderTen/10 ||
		round.by(Office).Median <= odd.by(Office).Median {
		t.Errorf("odd sums %+v, round ones %+v", odd.by(Office), round.by(Office))
	}
	direct, swapped := ran(t, Options{Wallets: wallets}), ran(t, Options{Wallets: wallets, Swap: true})
	if direct.by(Payee).Alone < 100_000 || swapped.by(Payee).Alone > 10_000 ||
		swapped.by(Office).Median <= direct.by(Office).Median {
		t.Errorf("paid as withdrawn %+v, changed before %+v", direct.Seen, swapped.Seen)
	}
	hasty, patient := ran(t, Options{Wallets: wallets, Wait: 60}), ran(t, Options{Wallets: wallets})
	if hasty.by(Office).Latest <= 2*patient.by(Office).Latest {
		t.Errorf("who pays within a minute %+v, within a day %+v", hasty.by(Office), patient.by(Office))
	}
	if again := ran(t, Options{Wallets: wallets}); !reflect.DeepEqual(again, direct) {
		t.Error("the same population is another")
	}
	if other := ran(t, Options{Wallets: wallets, Seed: 1}); reflect.DeepEqual(other.Seen, direct.Seen) {
		t.Error("another seed is the same population")
	}
}

// A study that leaves the truth out is refused: the notes of a deposit are given to somebody who cannot have had them.
func TestALieIsSeen(t *testing.T) {
	o := Options{Wallets: 200, Deposits: 200}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	for _, lie := range []func(w *world) bool{
		func(w *world) bool { // paid before anybody withdrew
			w.deposits[7].at = 0
			return w.withdrawals[w.deposits[7].by].at > 0
		},
		func(w *world) bool { // by somebody without such notes
			d := &w.deposits[7]
			at := slices.IndexFunc(w.withdrawals, func(x withdrawal) bool {
				return x.at <= d.at &&
					!x.notes.holds(&d.in)
			})
			d.by = at
			return at >= 0
		},
		func(w *world) bool { // of notes that nobody withdrew
			w.deposits[7].in[19] = 200
			return true
		},
	} {
		w, err := play(&o)
		if err != nil {
			t.Fatal(err)
		}
		if !lie(w) {
			t.Fatal("no lie")
		}
		var untrue *UntrueError
		if r, err := w.observe(&o); !errors.As(err, &untrue) || untrue.Deposit != 7 {
			t.Errorf("a lie was not seen: %+v, %v", r, err)
		}
	}
}

// plain counts the office's candidates as the definition has it, without blocks, sets or order.
func plain(w *world, d *deposit) (candidates []int) {
	covers := func(a, b bundle) bool {
		for i := range a {
			if b[i] > a[i] {
				return false
			}
		}
		return true
	}
	for i, x := range w.withdrawals {
		can := d.swap < 0 && x.at <= d.at && covers(x.notes, d.in)
		for _, s := range w.swaps {
			can = can || d.swap >= 0 && s.at <= d.at && covers(s.out, d.in) && x.at <= s.at && covers(x.notes, s.in)
		}
		if can {
			candidates = append(candidates, i)
		}
	}
	return candidates
}

func TestTheOfficesCandidates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Seed: rapid.Uint64().Draw(t, "seed"), Wallets: rapid.IntRange(1, 90).Draw(t, "wallets"),
			Rounding: rapid.SampledFrom([]money.Tiyn{1, 100, 50_000, 100_000}).Draw(t, "rounding"),
			Swap:     rapid.Bool().Draw(t, "swap"),
			Whole:    rapid.Bool().Draw(t, "whole"), Wait: rapid.Uint64Range(1, 100_000).Draw(t, "wait")}
		if err := o.complete(); err != nil {
			t.Fatal(err)
		}
		w, err := play(&o)
		if err != nil {
			t.Fatal(err)
		}
		e := newEye(w, &o)
		for i := range w.deposits {
			d := &w.deposits[i]
			want, got := plain(w, d), e.office(d)
			if got.count() != len(want) || got.last() != want[len(want)-1] {
				t.Fatalf("deposit %d: %d candidates up to %d, want %v", i, got.count(), got.last(), want)
			}
			for _, c := range want {
				if !got.has(c) {
					t.Fatalf("deposit %d: %d is missing", i, c)
				}
			}
			if x := &w.withdrawals[d.by]; x.amount < d.amount || x.amount%o.Rounding != 0 || x.amount > most ||
				d.at < x.at {
				t.Fatalf("deposit %d of %s from %+v", i, d.amount, x)
			}
		}
	})
}

// SplitMix64's first numbers from 0, as its authors' code gives them.
func TestRandomIsSplitMix64(t *testing.T) {
	r := random(0)
	for _, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := r.next(); got != want {
			t.Fatalf("%x, want %x", got, want)
		}
	}
	for range 10_000 {
		if a := r.amount(least, most); a < least || a > most {
			t.Fatal(a)
		}
	}
}

func TestOptionsThatAreNone(t *testing.T) {
	for _, o := range []Options{{Wallets: -1}, {Wallets: MaxWallets + 1}, {Rounding: -5}, {Rounding: most + 1},
		{Wait: maxSeconds + 1}, {Span: 1 << 60}, {Deposits: -1}} {
		if r, err := Run(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %+v, %v", o, r, err)
		}
	}
}
