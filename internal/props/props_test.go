package props

import (
	"testing"

	"pgregory.net/rapid"
)

// A kind that few worlds are of is met all the same: worlds are drawn until it was, and no longer.
func TestWorldsAreDrawnUntilEachKindWasMet(t *testing.T) {
	drawn, rare := 0, 0
	Check(t, func(t *rapid.T) {
		drawn++
		if rapid.IntRange(0, 9).Draw(t, "kind") == 9 {
			rare++
		}
	}, func() string {
		if drawn < 250 || rare < 5 { // no run of rapid draws so many at once
			return "more worlds"
		}
		return ""
	})
	if drawn < 250 || rare < 5 {
		t.Errorf("%d worlds, %d of the rare kind", drawn, rare)
	}
	once := 0
	Check(t, func(*rapid.T) { once++ }, func() string { return "" })
	again := once // counted back
	Check(t, func(*rapid.T) { again-- }, func() string { return "" })
	if again != 0 {
		t.Errorf("%d worlds more or fewer in a second run that had met enough", again)
	}
}
