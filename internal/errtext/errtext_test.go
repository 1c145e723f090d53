package errtext_test

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/BurntSushi/toml"
	"github.com/fxamacker/cbor/v2"
	"github.com/tyler-smith/go-bip39"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/errtext"
)

// goWords are what nobody who does not write Go should read.
var goWords = regexp.MustCompile(`json:|unmarshal|Go struct|Go value|strconv|encoding/|dial |tcp |net/http|Get "|Post "|x509|tls:|map\[|EOF|struct \{|\bint64\b|\buint64\b|context |parsing time|<(kind|whole)|%!|yaml:|!!|toml:|TOML|cbor:|mnenomic|mnemonic|reverse map|Checksum|Syntax error|<EOF>|<input>|expecting|token recognition|viable`)

// provoked are errors of the libraries themselves, as this Go words them: one that words them anew fails here.
func provoked(t *testing.T) map[string]error {
	t.Helper()
	var into struct {
		Amount uint64            `json:"amount"`
		Names  []string          `json:"names"`
		Open   bool              `json:"open"`
		Notes  map[string]string `json:"notes"`
		Inner  struct {
			When time.Time `json:"when"`
		} `json:"inner"`
	}
	found := map[string]error{}
	for _, text := range []string{`{"amount":"x"}`, `{"amount":-1}`, `{"amount":1e99}`, `{"names":{}}`, `{"open":"yes"}`, `{"notes":[]}`, `[]`, `"x"`, `{`, `{x`, `{"a":`, `nul`, ``, `{} {`, "{\"a\":\"\x01\"}", `{"inner":{"when":"x"}}`, `{"a"'`} {
		found["json "+text] = json.Unmarshal([]byte(text), &into)
	}
	strict := json.NewDecoder(strings.NewReader(`{"unknown":1}`))
	strict.DisallowUnknownFields()
	found["json unknown"] = strict.Decode(&into)
	_, found["int"] = strconv.ParseInt("x1", 10, 64)
	_, found["uint"] = strconv.ParseUint("-1", 10, 64)
	_, found["atoi"] = strconv.Atoi("")
	_, found["large"] = strconv.ParseUint("99999999999999999999", 10, 64)
	_, found["float"] = strconv.ParseFloat("1,5", 64)
	_, found["bool"] = strconv.ParseBool("perhaps")
	_, found["hex"] = hex.DecodeString("0g")
	_, found["odd"] = hex.DecodeString("0")
	_, found["base64"] = base64.StdEncoding.DecodeString("a!")
	_, found["time"] = time.Parse(time.RFC3339, "yesterday")
	_, found["month"] = time.Parse(time.DateOnly, "2026-13-01")
	_, found["span"] = time.ParseDuration("3 weeks")
	_, found["unit"] = time.ParseDuration("3w")
	_, found["bare span"] = time.ParseDuration("3")
	_, found["columns"] = csv.NewReader(strings.NewReader("a,b\nc\n")).ReadAll()
	_, found["quote"] = csv.NewReader(strings.NewReader("a\"b,c\n")).ReadAll()
	_, found["open quote"] = csv.NewReader(strings.NewReader("a,\"b\nc,d\n")).ReadAll()
	_, found["host"] = net.ResolveTCPAddr("tcp", "127.0.0.1")
	formats(found)
	found["ends"] = io.ErrUnexpectedEOF
	found["end"] = io.EOF
	network(t, found)
	return found
}

// formats provokes what the libraries of other formats say.
func formats(found map[string]error) {
	type plan struct {
		Amount uint64            `yaml:"amount" toml:"amount" cbor:"amount"`
		Names  []string          `yaml:"names" toml:"names" cbor:"names"`
		Open   bool              `yaml:"open" toml:"open" cbor:"open"`
		Notes  map[string]string `yaml:"notes" toml:"notes" cbor:"notes"`
	}
	var into plan
	for _, text := range []string{"amount: x", "names: 3", "open: perhaps", "notes: [1]", "- 1", "a: b: c", "\tx: 1", "a: [", "a: \"", "{a", "*a", "a: 1\na: 2", "other: 1", "%"} {
		decoder := yaml.NewDecoder(strings.NewReader(text))
		decoder.KnownFields(true)
		found["yaml "+text] = decoder.Decode(&into)
	}
	for _, text := range []string{"amount = \"x\"", "names = 3", "open = 1", "amount =", "= 3", "[a", "a = 1\na = 2", "amount = 99999999999999999999", "x"} {
		_, found["toml "+text] = toml.Decode(text, &into)
	}
	for _, code := range []string{"a166616d6f756e746178", "a166616d6f756e7420", "a1656e616d657303", "a1646f70656e01", "a1656e6f74657380", "80", "00", "a1", "ff", "a16161", "6178", "0000", "5f", "1c"} {
		data, _ := hex.DecodeString(code)
		found["cbor "+code] = cbor.Unmarshal(data, &into)
	}
	for _, words := range []string{"", "one two three", strings.Repeat("abandon ", 11) + "nothere", strings.TrimSpace(strings.Repeat("abandon ", 12))} {
		_, found["words "+words] = bip39.NewSeedWithErrorChecking(words, "")
	}
	env, err := cel.NewEnv()
	if err != nil {
		found["cel"] = nil
		return
	}
	for _, text := range []string{"", "1 +", "1 1", "a..b", "(1", "1)", "\"x", "#", "[1,", "a ? b", "=", "1 = 2", "x.map(", "in", "{1}"} {
		_, issues := env.Parse(text)
		found["expression "+text] = issues.Err()
	}
}

// network provokes what the network's libraries say.
func network(t *testing.T, found map[string]error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, found["in use"] = net.Listen("tcp", l.Addr().String())
	nobody := l.Addr().String()
	_ = l.Close()
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hangs.Close)
	breaks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(breaks.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	client := &http.Client{Timeout: 300 * time.Millisecond}
	short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	ended, end := context.WithCancel(t.Context())
	end()
	for name, ask := range map[string]struct {
		ctx context.Context
		url string
	}{
		"refused": {t.Context(), "http://" + nobody}, "hangs": {t.Context(), hangs.URL}, "deadline": {short, hangs.URL}, "canceled": {ended, hangs.URL}, "breaks": {t.Context(), breaks.URL},
		"authority": {t.Context(), secure.URL}, "plain": {t.Context(), strings.Replace(breaks.URL, "http:", "https:", 1)}, "scheme": {t.Context(), "gopher://x"}, "name": {t.Context(), "http://nobody.invalid:1"},
	} {
		r, err := http.NewRequestWithContext(ask.ctx, http.MethodGet, ask.url, nil)
		if err == nil {
			var response *http.Response
			if response, err = client.Do(r); err == nil {
				_ = response.Body.Close()
			}
		}
		found["http "+name] = err
	}
	_, found["url"] = http.NewRequest(http.MethodGet, "http://[::1", nil)
	_, found["udp"] = net.DialTimeout("tcp", nobody, time.Second)
}

// Whatever a library says, alone or after words of ours, is said without its own.
func TestErrorsOfLibrariesInWords(t *testing.T) {
	for name, err := range provoked(t) {
		if err == nil {
			t.Errorf("%s: nothing went wrong", name)
			continue
		}
		for _, text := range []string{err.Error(), fmt.Errorf("reading the plan: %w", err).Error()} {
			got := errtext.Plain(text)
			if found := goWords.FindString(got); found != "" || strings.TrimSpace(got) == "" || strings.HasSuffix(got, ": ") {
				t.Errorf("%s: %q is said as %q, which speaks of %q", name, text, got, found)
			}
			if again := errtext.Plain(got); again != got {
				t.Errorf("%s: %q is said anew as %q", name, got, again)
			}
		}
	}
}

// What is ours is left as it is, and what was wrong is still named.
func TestWhatIsKept(t *testing.T) {
	for text, want := range map[string]string{
		"limit-day (amount): at most 1000.00 a day":                                          "limit-day (amount): at most 1000.00 a day",
		"x: yaml: line 3: did not find expected key":                                         "x: line 3: did not find expected key",
		"open farm/plan.toml: no such file or directory":                                     "open farm/plan.toml: no such file or directory",
		`x.json: json: cannot unmarshal string into Go struct field T.amount of type uint64`: "x.json: amount: has a text where there must be a whole number",
		`--to: strconv.ParseUint: parsing "ten": invalid syntax`:                             `--to: "ten" is no whole number`,
		`Get "http://10.0.0.1:1/v1": dial tcp 10.0.0.1:1: connect: connection refused`:       "http://10.0.0.1:1/v1: 10.0.0.1:1 does not answer: connection refused",
		"listen tcp 127.0.0.1:8420: bind: address already in use":                            "127.0.0.1:8420 is in use by another program",
		"json: cannot unmarshal number 1e999 into Go value of type float64":                  "the number 1e999 is out of range",
		"json: cannot unmarshal number -1e999 into Go struct field T.low of type float64":    "low: the number -1e999 is out of range",
		"the EOF of a song": "the EOF of a song",
	} {
		if got := errtext.Plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A form is tried where it may match: without it, nothing is said otherwise.
func TestNoFormIsLeftOut(t *testing.T) {
	var texts []string
	for _, err := range provoked(t) {
		texts = append(texts, err.Error())
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(texts), 1, 3).Draw(t, "texts"), ": ")
		from := rapid.IntRange(0, len(text)/2).Draw(t, "from")
		text = text[from : len(text)-rapid.IntRange(0, len(text)/2).Draw(t, "cut")]
		if got, want := errtext.Plain(text), errtext.PlainByAllForms(text); got != want {
			t.Fatalf("%q is said as %q, and by all forms as %q", text, got, want)
		}
	})
}

// BenchmarkPlain says words of ours, of which nothing is anybody else's, with and without looking first whether a form may match.
func BenchmarkPlain(b *testing.B) {
	const ours = "it is not signed as the ledger wants it: a wallet that must sign is not there, has another key, or has not signed"
	for name, plain := range map[string]func(string) string{"looked first": errtext.Plain, "all forms": errtext.PlainByAllForms} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				plain(ours)
			}
		})
	}
}
