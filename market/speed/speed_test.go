package speed

import (
	"context"
	"testing"
	"time"
)

// A small run goes through every path; times are not judged here.
func TestMeasure(t *testing.T) {
	ticks := time.Duration(0)
	cpu := func() time.Duration { ticks += 5 * time.Millisecond; return ticks }
	r, err := Measure(context.Background(), Settings{Observations: 400, Windows: 60, WindowDays: 300, Repetitions: 3}, cpu, nil)
	if err != nil || r.NormalMillis != 5 || r.TMillis != 5 || r.RollingNormal != 0.005 || r.Unconverged != 0 || r.WorstGap > 1e-6 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Measure(context.Background(), Settings{Observations: 60, Windows: 100, WindowDays: 100, Repetitions: 1, Returns: make([]float64, 60)}, cpu, nil); err == nil {
		t.Error("a constant, short series was measured")
	}
}
