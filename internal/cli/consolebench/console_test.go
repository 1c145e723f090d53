package consolebench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/console/bench"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/words"
)

// hearHere is where a test's own process hears events.
const hearHere = "AQSHA_TEST_HEAR"

// TestMain is the subscribers' process when a test has started it as that.
func TestMain(m *testing.M) {
	url := os.Getenv(hearHere)
	if url == "" {
		os.Exit(m.Run())
	}
	n, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if err == nil {
		err = hear(context.Background(), url, n, os.Stdin, os.Stdout)
	}
	if err != nil {
		os.Exit(1)
	}
}

func thisTest(ctx context.Context, url string, n int) (*exec.Cmd, error) {
	self, err := os.Executable()
	c := exec.CommandContext(ctx, self, strconv.Itoa(n))
	c.Env = append(os.Environ(), hearHere+"="+url)
	return c, err
}

// A process that hears reads events wherever the reads fall, and says which stream was refused.
func TestHearing(t *testing.T) {
	refuse := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse {
			http.Error(w, "no", http.StatusTooManyRequests)
			return
		}
		for _, part := range []string{": aqsha\n", "\nid: 1\nev", "ent: block\ndata: {}\n\nid: 2\nevent: entry\ndata: {}\n",
			"\nid: 3\nevent: block", "\ndata: {}\n\n"} {
			_, _ = w.Write([]byte(part))
			_ = http.NewResponseController(w).Flush()
		}
	}))
	t.Cleanup(server.Close)
	ask, questions := io.Pipe()
	answers, say := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- hear(t.Context(), server.URL, 3, ask, say) }()
	read := json.NewDecoder(answers)
	var h hearing
	if err := read.Decode(&h); err != nil || h.Opened != 3 {
		t.Fatal(h, err)
	}
	for h.Heard < 6 {
		if _, err := io.WriteString(questions, "\n"); err != nil {
			t.Fatal(err)
		}
		if err := read.Decode(&h); err != nil || h.Heard > 6 {
			t.Fatalf("%+v, %v: want two blocks of each of three", h, err)
		}
	}
	if err := errors.Join(questions.Close(), <-done); err != nil {
		t.Error(err)
	}
	refuse = true
	var out strings.Builder
	if err := hear(t.Context(), server.URL, 2, strings.NewReader(""), &out); err == nil ||
		!strings.Contains(out.String(), "429") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// Payments are made in turns with and without subscribers, all of whom hear of every block; a program whose measurement
// of pages was left out says so.
func TestPaymentsBesideSubscribers(t *testing.T) {
	result := consoleBench{Rounds: 2, Subscribers: 20, NoBrowser: "left out"}
	if err := benchServed(t.Context(), result.Subscribers, func(n *pagesNode) error {
		n.hearer = thisTest
		return n.payments(t.Context(), 100, &result)
	}); err != nil {
		t.Fatal(err)
	}
	if result.Heard != 1 || result.WithEvents <= 0 || result.WithoutThem <= 0 ||
		result.EventsRatio != result.WithEvents/result.WithoutThem || result.WorkRatio <= 0 || result.HearingCPU <= 0 {
		t.Errorf("%+v", result)
	}
	var text strings.Builder
	describeConsole(&text, words.English, result)
	if !strings.Contains(text.String(), "20 subscribers") || strings.Contains(text.String(), "largest paint") {
		t.Errorf("%s", text.String())
	}
}

// A person's wallet is made, pays and is measured; each payment is in the ledger.
func TestTheWalletInUseIsMeasured(t *testing.T) {
	if !console.Built() {
		t.Skip("the pages are not built here: make build builds them where Node is")
	}
	browser, err := bench.Start(t.Context())
	if errors.Is(err, bench.ErrNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := browser.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := benchServed(t.Context(), 1, func(n *pagesNode) error {
		u, err := n.used(t.Context(), browser, 1)
		if err != nil {
			return err
		}
		if u.TapMillis <= 0 || u.SignInMillis <= 0 {
			t.Errorf("%+v", u)
		}
		var paid money.Tiyn
		err = n.node.View(t.Context(), func(state *livestate.State, _ node.Head) {
			w, _ := state.Wallet(n.payee)
			paid = w.Balance
		})
		if want := money.Tiyn(500 + 501 + 502); paid != want {
			t.Errorf("the shop has %v, want %v", paid, want)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// What was measured of the pages is printed under its name, and no figure that is none.
func TestWhatThePagesBenchPrints(t *testing.T) {
	var out bytes.Buffer
	result := consoleBench{Subscribers: 5, EventsRatio: 0.9,
		Pages: []pageTimes{{Visit: "second visit, slow 4G", OverviewMilli: 368}}}
	for l, want := range map[words.Language]string{words.Kazakh: "жазылушылар 5", words.Russian: "подписчиков 5"} { // any order
		out.Reset()
		if describeConsole(&out, l, result); !strings.Contains(out.String(), want) || strings.Contains(out.String(), "slow 4G") {
			t.Errorf("%s: %s", l, out.String())
		}
	}
	out.Reset()
	describeConsole(&out, words.English, result)
	for _, want := range []string{"5 subscribers", "0.90"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
	for _, none := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(out.String(), none) {
			t.Errorf("%s in\n%s", none, out.String())
		}
	}
}
