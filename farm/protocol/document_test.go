package protocol

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A number that is read the short way is the one that the long way reads, to the last bit; what the short way leaves
// is the long way's.
func TestShortDecimals(t *testing.T) {
	same := func(t interface{ Errorf(string, ...any) }, s string) {
		short, ok := shortDecimal(s)
		long, err := strconv.ParseFloat(s, 64)
		if ok && (err != nil || math.Float64bits(short) != math.Float64bits(long)) {
			t.Errorf("%q: %v, want %v, %v", s, short, long, err)
		}
	}
	for _, s := range []string{"0", "7.", ".5", "13958.97", "999999999999999", "0.00000000000001", "99999999999.9999", "000000000000001"} {
		if _, ok := shortDecimal(s); !ok {
			t.Errorf("%q is left", s)
		}
		same(t, s)
	}
	for _, s := range []string{"", ".", "-1", "+1", "1e3", "1_0", "0x1", "1.2.3", "1000000000000000", "0.000000000000001", "nan", "1 ", "１"} {
		if f, ok := shortDecimal(s); ok {
			t.Errorf("%q is %v", s, f)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		same(t, rapid.StringMatching(`[0-9]{0,17}(\.[0-9]{0,17})?`).Draw(t, "digits"))
		same(t, rapid.String().Draw(t, "anything"))
	})
}

// A key is found however much others look like it; of two with one name the last counts.
// The key that is asked for is the one that is found, however much others look like it; of two, the last.
func TestKeysThatAreAlike(t *testing.T) {
	long := strings.Repeat("k", 300)
	v, err := Parse([]byte(`{"chain_rate1":1,"chain_rate2":2,"chain_rat22":3,"":4,"chain_rate1":5,"` + long + `":6,"` + long[:44] + `":7}`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]float64{"chain_rate1": 5, "chain_rate2": 2, "chain_rat22": 3, "": 4, long: 6, long[:44]: 7} {
		if got := v.Get("absent", key).Float(); got != want {
			t.Errorf("%.20q: %v, want %v", key, got, want)
		}
	}
	if v.Get("chain_rate3").OK() || v.Get(long[:43]).OK() {
		t.Error("a key is found that is not there")
	}
}
