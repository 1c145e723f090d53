package errtext_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/errtext"
)

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"mail a@b.kz":                    "mail a@b.kz",
		"http://a:8420":                  "http://a:8420",
		"http://a:8420/x@y":              "http://a:8420/x@y",
		"http://u@h":                     "http://u@h",
		"http://u:p@h:1/x":               "http://u:xxxxx@h:1/x",
		"http://:p@h":                    "http://:xxxxx@h",
		"http://u:p@ss@h":                "http://u:xxxxx@h",
		"http://u:p/s@h":                 "http://u:xxxxx@h",
		"http://u:p#s?@h":                "http://u:xxxxx@h",
		"http://u:@h":                    "http://u:xxxxx@h",
		"http://u:p@a,http://v:q@b":      "http://u:xxxxx@a,http://v:xxxxx@b",
		`{"a":"http://u:p@h","b":"c@d"}`: `{"a":"http://u:xxxxx@h","b":"c@d"}`,
		"stratum+tcp://w:p@h:3333 is it": "stratum+tcp://w:xxxxx@h:3333 is it",
	} {
		if got := errtext.Redact(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := errtext.Plain(text); got != want {
			t.Errorf("an error with %q: %q", text, got)
		}
	}
}

// Whatever a password is, no text with a URL that holds it shows it, and the rest of the URL stays.
func TestNoPasswordIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := "Secret" + rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "password") + "Word"
		u := url.URL{Scheme: "https", User: url.UserPassword(rapid.StringMatching(`[a-z]{0,5}`).Draw(t, "user"), password), Host: "node.kz:8420", Path: "/x"}
		got := errtext.Redact(fmt.Sprintf("the leader %s, %q: refused", u.String(), u.String()))
		if strings.Contains(got, "Secret") || strings.Contains(got, "Word") || strings.Count(got, "@node.kz:8420/x") != 2 {
			t.Fatalf("%q is shown as %q", u.String(), got)
		}
	})
}
