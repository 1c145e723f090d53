package node

import (
	"fmt"
	"slices"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
)

// KeyLife is a key that this node uses, or a set of keys on the ledger, and when its life ends.
type KeyLife struct {
	Name string
	Ends time.Time
}

// warnBefore is how long before its end a key is warned of.
const warnBefore = 30 * 24 * time.Hour

// maxWarnings bounds how many keys are named, those that end first; the rest are counted.
const maxWarnings = 20

// Warnings lists what the operator should see to: a stage that stands still, the clock, snapshots and an index that
// cannot be written; then this node's own keys and the sets on the ledger whose life ends soon or has ended, the most
// urgent first. It waits for no lock that a stage may hold for ever: keys are told as last seen then.
func (n *Node) Warnings() []string {
	var list []string
	for _, s := range n.Stalled() {
		list = append(list, fmt.Sprintf("the %s makes no progress since %s, though work waits", s.Stage,
			stamp(s.SinceMillis)))
	}
	if since, cause := n.NoRoom(); cause != nil {
		list = append(list, fmt.Sprintf("the disk is full since %s: payments are refused until there is room, then "+
			"the node goes on by itself; make room on it: %v", stamp(since.UnixMilli()), cause))
	} else if cause := n.log.Cramped(); cause != nil {
		list = append(list, fmt.Sprintf("the disk is full: payments go on for a while, hashes of the log wait in "+
			"memory; make room on it: %v", cause))
	}
	if space, known := n.Space(); known && space.Free < space.Total/spacePart && space.Free < spaceBytes {
		list = append(list, fmt.Sprintf("the disk is nearly full: %d MiB of %d MiB are free; make room before "+
			"payments are refused", space.Free>>20, space.Total>>20))
	}
	if state, _ := n.FollowState(); state.Alarm != "" {
		list = append(list, state.Alarm)
	}
	list = append(list, n.rulesWarnings()...)
	list = append(list, n.Clock().warnings()...)
	if since, cause := n.SnapshotFailure(); cause != nil {
		list = append(list, fmt.Sprintf("%s; since %s: %v", noSnapshot, stamp(since.UnixMilli()), cause))
	}
	if w := n.archiveWarning(); w != "" {
		list = append(list, w)
	}
	if n.index != nil {
		if stopped := n.index.stopped.Load(); stopped != nil {
			list = append(list, fmt.Sprintf("the index stands still, and is tried again; payments go on: %v", *stopped))
		}
	}
	return append(list, warningsOf(n.ending(), time.UnixMilli(int64(n.config.Now())))...)
}

// CountWarnings is how many things there are to see to, keys that are not named by Warnings among them.
func (n *Node) CountWarnings() int {
	ending := len(n.ending())
	return len(n.Warnings()) - min(ending, maxWarnings+1) + ending
}

// rulesWarnings say that this program will not know the rules, or that the network does not follow the newest.
func (n *Node) rulesWarnings() []string {
	if n.mu.TryRLock() {
		if !n.poisoned.Load() {
			a := n.state.Authority()
			rules := max(a.Rules, a.Upgrade.Rules)
			for _, p := range a.Proposals {
				rules = max(rules, p.Change.Rules)
			}
			n.rulesSeen.Store(rules)
		}
		n.mu.RUnlock()
	}
	rules := n.rulesSeen.Load()
	switch {
	case rules == 0: // not seen yet
	case rules > ledger.LatestRules:
		return []string{fmt.Sprintf("the network is about to follow rules version %d; this program knows up to %d "+
			"and stops before: install a newer aqsha", rules, ledger.LatestRules)}
	case rules < ledger.LatestRules:
		return []string{fmt.Sprintf("the network follows rules version %d; version %d mends its faults: aqsha policy "+
			"propose-rules %d", rules, ledger.LatestRules, ledger.LatestRules)}
	}
	return nil
}

// ending lists keys whose life ends soon or has ended, in order of their ends.
func (n *Node) ending() []KeyLife {
	lives := slices.Clone(n.config.Keys)
	if n.config.KeyDays > 0 && n.mu.TryRLock() {
		var seen []KeyLife
		if !n.poisoned.Load() {
			// As executed, durable or not: a warning promises nothing, and must come also when the disk is gone.
			seen = setLives(n.state, n.config.KeyDays)
		}
		n.mu.RUnlock()
		n.lives.Store(&seen)
	}
	if seen := n.lives.Load(); seen != nil {
		lives = append(lives, *seen...)
	}
	now := time.UnixMilli(int64(n.config.Now()))
	lives = slices.DeleteFunc(lives, func(k KeyLife) bool { return k.Ends.Sub(now) > warnBefore })
	slices.SortStableFunc(lives, func(a, b KeyLife) int { return a.Ends.Compare(b.Ends) })
	return lives
}

// setLives says until when the key sets on the ledger live: so many days from the block since which they stand.
// Who is suspended signs nothing and is left out. Wallets' keys are their owners' concern.
func setLives(state *livestate.State, days int) []KeyLife {
	var lives []KeyLife
	add := func(whose string, keys token.KeySet, sinceMillis uint64) {
		name := fmt.Sprintf("%s (%d of %d)", whose, keys.Threshold, len(keys.Keys))
		lives = append(lives, KeyLife{name, time.UnixMilli(int64(sinceMillis)).AddDate(0, 0, days)})
	}
	a := state.Authority()
	for i := range a.Sets {
		add(fmt.Sprintf("the authority's %s keys", token.RoleRoot+token.Role(i)), a.Sets[i].KeySet,
			a.Sets[i].SinceMillis)
	}
	for _, id := range state.Intermediaries() {
		if i, _ := state.Intermediary(id); !i.Suspended {
			add(fmt.Sprintf("the keys of bank %q", i.Name), i.Keys, i.SinceMillis)
		}
	}
	for _, id := range state.Agencies() {
		if a, _ := state.Agency(id); !a.Suspended {
			add(fmt.Sprintf("the keys of agency %q", a.Name), a.Keys, a.SinceMillis)
		}
	}
	return lives
}

// warningsOf words the warnings of keys in the order of their ends.
func warningsOf(ending []KeyLife, now time.Time) []string {
	var warnings []string
	for i, key := range ending {
		if i == maxWarnings {
			return append(warnings, fmt.Sprintf("%d keys more are near the end of their life or past it",
				len(ending)-i))
		}
		day := key.Ends.Format(time.DateOnly)
		if left := key.Ends.Sub(now); left <= 0 {
			warnings = append(warnings, fmt.Sprintf("the life of %s ended on %s: renewal is due", key.Name, day))
		} else {
			warnings = append(warnings, fmt.Sprintf("the life of %s ends on %s, in %d days", key.Name, day,
				int(left/(24*time.Hour))))
		}
	}
	return warnings
}

// warn writes the warnings to the log, at the start and once a day.
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
