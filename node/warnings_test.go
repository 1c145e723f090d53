package node_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node"
)

// A key is warned of from thirty days before its end on, and after it; one that has longer is not.
func TestKeysNearTheirEndAreWarnedOf(t *testing.T) {
	now := time.UnixMilli(sim.StartMillis + 1000)
	f := newFleet(t, func(c *node.Config) {
		c.NoIndex = true
		c.Keys = []node.KeyLife{{Name: "fresh", Ends: now.AddDate(0, 0, 31)}, {Name: "old", Ends: now.AddDate(0, 0, 29)}, {Name: "dead", Ends: now.Add(-time.Hour)}}
	})
	warnings := f.leader.Warnings()
	if len(warnings) != 2 || !strings.Contains(warnings[0], "old ends on 2026-01-30, in 29 days") || !strings.Contains(warnings[1], "dead ended on 2025-12-31") {
		t.Errorf("%q", warnings)
	}
}
