package payout_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/props"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/stratum"
)

// bitsOf are those of difficulty 4^step, step 0 to 4.
var bitsOf = []uint32{0x1d00ffff, 0x1c3fffc0, 0x1c0ffff0, 0x1c03fffc, 0x1c00ffff}

// twins are a history that forgets and one that does not, with the same shares and blocks.
type twins struct {
	forgets, keeps payout.History
	index          uint64
	hardest, step  int
	since          int      // shares of the hardest jobs since there was a harder one
	open           []uint64 // blocks whose fate is open
}

// job begins one of a difficulty; forgetting happens here, as in the pool.
func (w *twins) job(step int) {
	w.step = step
	if step > w.hardest {
		w.hardest, w.since = step, 0
	}
	target := must(bitcoin.TargetOfBits(bitsOf[step]))
	w.forgets.Target(target)
	w.forgets.Rounds.Forget(w.index)
	w.forgets.Forget()
}

// share is one of half the job's difficulty.
func (w *twins) share(user uint64) {
	units := payout.Units(stratum.Difficulty{N: 1 << (2 * w.step), K: 1})
	w.forgets.Add(w.index, user, units)
	w.keeps.Add(w.index, user, units)
	w.index++
	if w.step == w.hardest {
		w.since++
	}
}

// hardestNext is the hardest that the next job may be: a period of 2,016 blocks lies between two changes, in which a pool
// of more than a sixtieth of the network does the work of 32 of them.
func (w *twins) hardestNext() int {
	if w.since < 64 {
		return w.hardest
	}
	return min(w.hardest+1, len(bitsOf)-1)
}

func (w *twins) block() {
	w.share(1)
	w.forgets.Rounds.Close(w.index-1, w.index-1, w.index)
	w.keeps.Rounds.Close(w.index-1, w.index-1, w.index)
	w.open = append(w.open, w.index-1)
}

func (w *twins) settle() {
	for _, block := range w.open {
		w.forgets.Rounds.Settle(block)
		w.keeps.Rounds.Settle(block)
	}
	w.open = nil
}

// differ says where the two split a block of the present job otherwise.
func (w *twins) differ() string {
	reward := payout.Reward{Total: 1 << 40, Target: must(bitcoin.TargetOfBits(bitsOf[w.step])), Position: w.index}
	for _, scheme := range []string{payout.PPLNS, payout.TIDES, payout.PROP} {
		got, want := must(w.forgets.Split(scheme, 0, reward)), must(w.keeps.Split(scheme, 0, reward))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Sprintf("%s: %v, without forgetting %v", scheme, got, want)
		}
	}
	return ""
}

// Test networks have a job of the least difficulty between two hard ones: what the hard one's window reaches is
// not forgotten meanwhile. Old work is: a pool would keep its shares for ever.
func TestAnEasyJobForgetsNoWindow(t *testing.T) {
	var w twins
	const hard = 3
	for round := range 40 {
		w.job(hard)
		for range 10 {
			w.share(1 + uint64(round%5))
		}
		w.block()
		w.settle()
		w.job(0) // easy: one share of it is no work to speak of
		w.share(9)
		w.job(hard)
		if said := w.differ(); said != "" {
			t.Fatalf("round %d: %s", round, said)
		}
	}
	if kept, all := w.forgets.Len(), w.keeps.Len(); kept > all/2 {
		t.Errorf("%d of %d shares are kept", kept, all)
	}
}

// Whatever the difficulty does that consensus allows, at most four times harder in a period or as easy as a test
// network's easiest, and whatever blocks become final when: the split is that of a history that forgets nothing.
func TestForgettingChangesNoSplit(t *testing.T) {
	forgot := 0
	props.Check(t, func(t *rapid.T) {
		var w twins
		w.job(rapid.IntRange(0, 1).Draw(t, "first"))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				w.job(rapid.IntRange(0, w.hardestNext()).Draw(t, "difficulty"))
			case 1:
				w.block()
			case 2:
				w.settle()
			default:
				user := rapid.Uint64Range(1, 3).Draw(t, "user")
				for range rapid.IntRange(1, 40).Draw(t, "shares") {
					w.share(user)
				}
			}
			if said := w.differ(); said != "" {
				t.Fatal(said)
			}
		}
		if w.forgets.Len() < w.keeps.Len() {
			forgot++
		}
	}, func() string {
		if forgot == 0 {
			return "nothing was ever forgotten"
		}
		return ""
	})
}
