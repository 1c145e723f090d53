package clustercmd

import (
	"testing"

	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/token"
)

// Whoever is away, new, or has keys that it does not run with yet is not counted as there.
func TestRunning(t *testing.T) {
	t.Parallel()
	key := func(b byte) (k token.PublicKey) { k[0], k[1] = 1, b; return k }
	members := []status.Member{{Vote: key(1), Self: true}, {Vote: key(2), Connected: true},
		{Vote: key(3), Connected: true}, {Vote: key(4)}}
	for name, tc := range map[string]struct {
		next          []byte
		there, needed int
	}{
		"as they are":                 {[]byte{1, 2, 3, 4}, 3, 3},
		"who is away leaves":          {[]byte{1, 2, 3}, 3, 3},
		"who is there leaves":         {[]byte{1, 2, 4}, 2, 3},
		"a fifth that does not run":   {[]byte{1, 2, 3, 4, 5}, 3, 4},
		"other keys of one":           {[]byte{1, 2, 9, 4}, 2, 3},
		"one alone":                   {[]byte{1}, 1, 1},
		"one alone that is somewhere": {[]byte{7}, 0, 1},
	} {
		var next []token.Validator
		for _, b := range tc.next {
			next = append(next, token.Validator{Vote: key(b)})
		}
		if there, needed := running(members, next); there != tc.there || needed != tc.needed {
			t.Errorf("%s: %d of %d, want %d of %d", name, there, needed, tc.there, tc.needed)
		}
	}
}
