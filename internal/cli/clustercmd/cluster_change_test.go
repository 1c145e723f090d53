package clustercmd

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
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

// How a validator sees its cluster is said whole in each language.
func TestAClusterIsSaidInEveryLanguage(t *testing.T) {
	seen := &status.Status{Member: "m1", Height: 5, Reached: 2, Needed: 3, Since: 9, Outside: true, Batches: 1, Bytes: 2,
		Members: []status.Member{{Name: "m1", Self: true}, {Name: "m2", Connected: true, Signed: true}, {Name: "m3"}}}
	for _, l := range words.Languages {
		var out bytes.Buffer
		describeCluster(&out, l, seen)
		clusterDemo{Killed: "m2"}.describe(&out, l)
		if english := regexp.MustCompile(`[A-Za-z]{3,}`).FindString(out.String()); (english != "") != (l == words.English) {
			t.Errorf("%s: %q in %s", l, english, &out)
		}
	}
}
