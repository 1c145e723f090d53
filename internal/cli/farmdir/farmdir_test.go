package farmdir

import (
	"testing"
	"time"
)

// A time has the farm's clock and its offset, wherever it is read.
func TestMomentsAreOfTheFarm(t *testing.T) {
	zone, at := time.FixedZone("farm", 5*3600), time.Date(2026, 10, 3, 12, 16, 33, 0, time.UTC)
	if text := Moment(at.Local(), zone); text != "2026-10-03 17:16:33 +05:00" {
		t.Error(text)
	}
}
