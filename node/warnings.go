package node

import (
	"fmt"
	"time"
)

// KeyLife is a key that this node uses and when its life ends.
type KeyLife struct {
	Name string
	Ends time.Time
}

// warnBefore is how long before its end a key is warned of.
const warnBefore = 30 * 24 * time.Hour

// Warnings lists what the operator should see to.
func (n *Node) Warnings() []string {
	var warnings []string
	now := time.UnixMilli(int64(n.config.Now()))
	for _, key := range n.config.Keys {
		switch left := key.Ends.Sub(now); {
		case left <= 0:
			warnings = append(warnings, fmt.Sprintf("the life of %s ended on %s: renew it", key.Name, key.Ends.Format(time.DateOnly)))
		case left <= warnBefore:
			warnings = append(warnings, fmt.Sprintf("the life of %s ends on %s, in %d days", key.Name, key.Ends.Format(time.DateOnly), int(left/(24*time.Hour))))
		}
	}
	return warnings
}

// warn writes the warnings to the log, when they are new and once a day.
func (n *Node) warn() {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		for _, warning := range n.Warnings() {
			n.logger.Warn(warning)
		}
		select {
		case <-tick.C:
		case <-n.stop:
			return
		}
	}
}
