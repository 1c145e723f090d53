package fleet_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm/fleet"
)

// A pool is allowed by its whole host, and by its port when one is named; users are beginnings, and patterns without a
// host mean what they always did.
func TestPoolsAreComparedByTheirHost(t *testing.T) {
	for _, c := range []struct {
		pattern string
		fits    []string
		not     []string
	}{
		{"stratum+tcp://pool.example.com", []string{"stratum+tcp://pool.example.com",
			"stratum+tcp://pool.example.com:3333",
			"stratum+tcp://POOL.example.com:443", "STRATUM+TCP://pool.example.com:25/x",
			"stratum+tcp://pool.example.com.:1",
			"stratum+tcp://pool.example.com:3333#xnsub"},
			[]string{"stratum+tcp://pool.example.com.evil.io", "stratum+tcp://pool.example.com.evil.io:3333",
				"stratum+tcp://pool.example.com-evil.io:3333", "stratum+tcp://pool.example.comevil.io",
				"stratum+tcp://pool.example.com@evil.io:3333", "stratum+tcp://pool.example.com:3333@evil.io:3333",
				"stratum+tcp://pool.example.com#.evil.io:3333", "stratum+tcp://pool.example.com?.evil.io",
				"stratum+tcp://evil@pool.example.com:3333", "stratum+ssl://pool.example.com", "pool.example.com",
				"stratum+tcp://pool.example.co", "stratum+tcp://", ""}},
		{"stratum+tcp://pool.example.com:3333", []string{"stratum+tcp://pool.example.com:3333",
			"stratum+tcp://pool.example.com:3333#xnsub", "stratum+tcp://pool.example.com:3333/"},
			[]string{"stratum+tcp://pool.example.com:33333", "stratum+tcp://pool.example.com:333",
				"stratum+tcp://pool.example.com", "stratum+tcp://pool.example.com:3333.evil.io",
				"stratum+tcp://pool.example.com:3333@evil.io"}},
		{"stratum+tcp://pool.example.com:3333/farm", []string{"stratum+tcp://pool.example.com:3333/farm"},
			[]string{"stratum+tcp://pool.example.com:3333/other", "stratum+tcp://pool.example.com:3333"}},
		{"stratum+tcp://", []string{"stratum+tcp://a:1", "stratum+tcp://b"}, []string{"stratum+ssl://a:1", "a:1"}},
		{"stratum", []string{"stratum+tcp://a:1", "stratum+ssl://b"}, []string{"http://a", "a:1"}},
		{"", []string{"stratum+tcp://a:1", "a:1", ""}, nil},
		{"pool.example.com:3333", []string{"pool.example.com:3333"},
			[]string{"pool.example.com:33330", "stratum+tcp://pool.example.com:3333", "pool.example.com:3333.evil.io"}},
		{"stratum+tcp://[2001:db8::1]:3333", []string{"stratum+tcp://[2001:db8::1]:3333"},
			[]string{"stratum+tcp://[2001:db8::1]:3334", "stratum+tcp://[2001:db8::11]:3333"}},
		{"stratum+tcp://[2001:db8::1]", []string{"stratum+tcp://[2001:db8::1]:3333"},
			[]string{"stratum+tcp://[2001:db8::1:1]"}},
	} {
		for _, url := range c.fits {
			if !fleet.PoolIsAllowed(url, "farm.1", []string{c.pattern + " farm."}) {
				t.Errorf("%q does not fit %q", url, c.pattern)
			}
			if fleet.PoolIsAllowed(url, "thief.1", []string{c.pattern + " farm."}) {
				t.Errorf("%q as another user fits %q", url, c.pattern)
			}
		}
		for _, url := range c.not {
			if fleet.PoolIsAllowed(url, "farm.1", []string{c.pattern}) {
				t.Errorf("%q fits %q", url, c.pattern)
			}
		}
	}
	if !fleet.PoolIsAllowed("anything", "anybody", nil) {
		t.Error("a farm that names no pools allows any")
	}
}

// Whatever stands behind a host that is named, but for a port and a path, makes another host of it.
func TestNothingHidesBehindAHost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		more := rapid.StringMatching(`[a-z.@#?:_\-]{1,12}`).Draw(t, "more")
		url := "stratum+tcp://pool.example.com" + more + "evil.io" +
			rapid.SampledFrom([]string{"", ":3333", "/x"}).Draw(t, "end")
		pattern := "stratum+tcp://pool.example.com" + rapid.SampledFrom([]string{"", ":3333"}).Draw(t, "port")
		if fleet.PoolIsAllowed(url, "farm.1", []string{pattern}) {
			t.Fatalf("%q fits %q", url, pattern)
		}
		if own := "stratum+tcp://pool.example.com:3333/" + strings.Trim(more,
			"/"); !fleet.PoolIsAllowed(own, "", []string{pattern}) {
			t.Fatalf("%q does not fit %q", own, pattern)
		}
	})
}
