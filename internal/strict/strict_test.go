package strict_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/strict"
)

type form struct {
	Name string `toml:"name"`
	Site struct {
		PUE strict.Decimal `toml:"pue"`
	} `toml:"site"`
	Offer []struct {
		Model string         `toml:"model"`
		Price strict.Decimal `toml:"price"`
		Parts []struct {
			N int `toml:"n"`
		} `toml:"part"`
	} `toml:"offer"`
}

const text = `name = "x"

[site]
pue = 1.05

[[offer]]
model = "a"
price = "2_000.50"
[[offer]] # the second
model = "b"
[[offer.part]]
n = 1
[[offer.part]]
n = 2
`

func Example() {
	var f form
	file, _ := strict.Decode("plan.toml", text, &f)
	fmt.Println(file.Refuse("negative", "offer[1].part[1].n", "want at least 3, got %d", f.Offer[1].Parts[1].N))
	fmt.Println(file.Refuse("missing", "offer[1].price", "want a price"))
	// Output:
	// plan.toml:14: offer[1].part[1].n: want at least 3, got 2
	// plan.toml:9: offer[1].price: want a price
}

func TestProblemsNameKeyAndLine(t *testing.T) {
	for _, tc := range []struct {
		text, code, key string
		line            int
	}{
		{"name = 'x'\n\nsize = 3\n", "unknown-key", "size", 3},
		{"[site]\npeu = 1.0\n", "unknown-key", "site.peu", 2},
		{"name = \n", "syntax", "name", 1},
		{"name = 'a'\nname = 'b'\n", "value", "name", 2},
		{"[site]\npue = 'one'\n", "value", "site.pue", 2},
		{"[site]\n\npue = true\n", "value", "site.pue", 3},
		{"name = 7\n", "value", "name", 1},
	} {
		var f form
		_, err := strict.Decode("f", tc.text, &f)
		var p *strict.Problem
		if !errors.As(err, &p) {
			t.Errorf("%q: %v", tc.text, err)
			continue
		}
		if p.Line != tc.line || p.Key != tc.key {
			t.Errorf("%q: %s, key %q at line %d (%v)", tc.text, p.Code, p.Key, p.Line, p)
		}
	}
}

func TestDecimalReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := strict.Decimal{Nano: rapid.Int64().Draw(t, "nano"), Set: true}
		back, err := strict.ParseDecimal(d.String())
		if err != nil || back != d {
			t.Fatalf("%d prints %s, reads %v, %v", d.Nano, d, back, err)
		}
	})
	for text, want := range map[string]int64{"4.5%": 45_000_000, "1_000": 1_000_000_000_000, "0.000000001": 1, "-2": -2_000_000_000} {
		if d, err := strict.ParseDecimal(text); err != nil || d.Nano != want {
			t.Errorf("%s: %v, %v", text, d.Nano, err)
		}
	}
	for _, bad := range []string{"", "%", "1/3", "1e3", "0.0000000001", "99999999999999", "NaN",
		"inf", "0x10", "1__0", "_1", "1_", "1_.5", "+1", "1 2"} {
		if d, err := strict.ParseDecimal(bad); err == nil {
			t.Errorf("%q reads as %v", bad, d)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(text)
	f.Add("[[a]]\n[[a.b]]\n[a.b.c]\nx=1")
	f.Add("[site]\npue = \"1.0")
	f.Fuzz(func(t *testing.T, text string) {
		var v form
		file, err := strict.Decode("f", text, &v)
		if err != nil {
			var p *strict.Problem
			if !errors.As(err, &p) || p.Code == "" {
				t.Fatalf("%v is not a problem with a code", err)
			}
			return
		}
		_ = file.Refuse("x", "offer[0].model", "").Error()
	})
}
