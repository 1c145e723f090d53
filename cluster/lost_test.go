package cluster_test

import (
	"fmt"
	"testing"
	"time"
)

// Where each block takes the votes of all, a directory of keys alone comes back too: the others wait for its vote, and
// have what it signed before. It is lost again and again, at any point of a block, and nobody sees two votes of it.
func TestKeysAloneComeBackWhereAllAreNeeded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			g := newGroup(t, n)
			g.startAll()
			g.settle(256)
			for round := range 4 {
				who := round % n
				stop := g.paying((who + 1) % n)
				time.Sleep(time.Duration(round) * 70 * time.Millisecond) // somewhere within a block
				g.stop(who)
				g.lose(who)
				begun := time.Now()
				g.start(who)
				g.joined(who)
				t.Logf("member %d votes again after %s", who, time.Since(begun).Round(time.Millisecond))
				stop()
				g.submit(who, g.payment())
			}
			g.whole()
			for i, m := range g.members {
				if faults := m.engine.Status().Faults; len(faults) > 0 {
					t.Fatalf("member %d has seen %+v", i, faults)
				}
			}
		})
	}
}
