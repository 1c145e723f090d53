package speed

import "crypto/rand"

// Limit does what the curve's arithmetic alone has to do for notes that go in and out: nothing that is durable,
// decoded or sent is faster. It is timed in turns with what is measured, so that both have the machine as it is. One
// goroutine uses it.
type Limit struct{ world *world }

// NewLimit makes a key and notes for it.
func NewLimit() (*Limit, error) {
	w, err := newWorld(rand.Reader)
	return &Limit{w}, err
}

// Notes redeems at least so many notes, in batches, and signs as many. It returns how many those are.
func (l *Limit) Notes(n int) (int, error) {
	rounds := max(1, (n+signatures-1)/signatures)
	for round := range rounds {
		if err := l.world.sign(); err != nil {
			return 0, err
		}
		if whole := Batch / signatures; round%whole == 0 { // of the rounds that follow
			if err := l.world.redeemFirst(min(rounds-round, whole) * signatures); err != nil {
				return 0, err
			}
		}
	}
	return rounds * signatures, nil
}
