package api

import (
	"testing"
	"time"

	"github.com/aqsha/aqsha/token"
)

// A challenge can be answered for a minute, by the wallet it was made for, and its end is under its code.
func TestAChallengeEnds(t *testing.T) {
	s, wallet, now := newSessions(), token.WalletID{1}, time.Unix(1_800_000_000, 0)
	challenge, ends := s.challenge(wallet, now)
	if ends.Sub(now) != time.Minute {
		t.Errorf("it can be answered for %v, not for a minute", ends.Sub(now))
	}
	drawnOut := challenge
	drawnOut[20]++ // of its end
	for name, c := range map[string]struct {
		challenge [token.SessionChallengeBytes]byte
		wallet    token.WalletID
		at        time.Time
		stands    bool
	}{
		"at once":                      {challenge, wallet, now, true},
		"a millisecond before its end": {challenge, wallet, ends.Add(-time.Millisecond), true},
		"at its end":                   {challenge, wallet, ends, false},
		"an hour later":                {challenge, wallet, ends.Add(time.Hour), false},
		"by another wallet":            {challenge, token.WalletID{2}, now, false},
		"with a later end":             {drawnOut, wallet, now, false},
	} {
		if got := s.stands(c.challenge, c.wallet, c.at); got != c.stands {
			t.Errorf("%s: stands is %v", name, got)
		}
	}
	if other := newSessions(); other.stands(challenge, wallet, now) {
		t.Error("a challenge of another run of the node stands")
	}
}
