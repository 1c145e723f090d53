package speed_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aqsha/aqsha/planner/speed"
)

func Example() {
	r, err := speed.Measure(context.Background(), speed.Settings{Paths: 50, Machines: 100, Repetitions: 1}, func() time.Duration { return 0 }, nil)
	fmt.Println(err, r.Classes, r.Months, r.MonteCarloSeconds > 0)
	// Output: <nil> 24 60 true
}

func TestBadSettings(t *testing.T) {
	for _, s := range []speed.Settings{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {1 << 30, 1, 1}} {
		if _, err := speed.Measure(context.Background(), s, func() time.Duration { return 0 }, nil); err == nil {
			t.Errorf("%+v accepted", s)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		if _, err := speed.Measure(context.Background(), speed.Settings{Paths: 10_000, Machines: 10_000, Repetitions: 1}, func() time.Duration { return 0 }, nil); err != nil {
			b.Fatal(err)
		}
	}
}
