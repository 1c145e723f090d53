package main

import (
	"strconv"
	"strings"
	"testing"
)

// A leader that has not heard from its followers since it started shows less than it has: nothing is copied from it as if that
// were all, and no copy that has more is put back from it, whatever loss is accepted.
func TestNothingIsCopiedFromALeaderThatWaits(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	run1(t, "pay", "bank", "shop", "1", "--data", g.path("a"))
	whole := run1Out(t, "backup", g.path("whole"), "--data", g.path("a"), "--json")
	g.leader.stop(t)
	for _, f := range g.follows {
		f.stop(t)
	}
	leader := serves(t, "up", "--data", g.path("a"), "--listen", "127.0.0.1:0")
	for _, args := range [][]string{
		{"backup", g.path("empty"), "--data", g.path("a")},
		{"backup", g.path("whole"), "--data", g.path("a")},
		{"follow", leader.url, "--data", g.path("d"), "--once"},
		{"restore", leader.url, "--data", g.path("b")},
		{"restore", leader.url, "--data", g.path("b"), "--accept-loss"},
	} {
		if out, err := aqsha(args...).CombinedOutput(); err == nil || !strings.Contains(string(out), "not-yet") {
			t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	leader.stop(t)
	if again := run1Out(t, "backup", g.path("later"), "--data", g.path("a"), "--json"); sizeIn(whole) == 0 || sizeIn(again) < sizeIn(whole) {
		t.Errorf("a stopped leader's directory has %s, had %s", again, whole)
	}
}

// sizeIn is the size that a copy states in JSON.
func sizeIn(out string) int {
	_, rest, _ := strings.Cut(out, `"size": `)
	digits, _, _ := strings.Cut(rest, ",")
	size, _ := strconv.Atoi(digits)
	return size
}
