package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// The words of errors are there for everybody, in each language, and the API's description says so.
func TestErrorsAreServedInWords(t *testing.T) {
	server := newTown(t, api.Options{}).client
	for _, l := range words.Languages {
		all, err := server.Errors(t.Context(), l)
		if err != nil || len(all) != len(words.Codes()) {
			t.Fatalf("%s: %d explanations, %v", l, len(all), err)
		}
		i := slices.IndexFunc(all, func(e words.Explanation) bool { return e.Code == "unauthorised" })
		want, _ := l.Explain("unauthorised")
		if i < 0 || all[i] != want {
			t.Errorf("%s: %v, want %v", l, all, want)
		}
	}
	if _, err := server.Errors(t.Context(), "de"); err == nil {
		t.Error("a language that is not there was served")
	}
}

// A question that is cut off is no change that is; who had sent a change before cannot say that nothing was done.
func TestAQuestionWithoutAnAnswer(t *testing.T) {
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/supply" { // an answer that begins
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}
		panic(http.ErrAbortHandler)
	}))
	defer cut.Close()
	c := api.NewClient(cut.URL, "")
	_, network := c.Network(t.Context())
	_, supply := c.Supply(t.Context())
	_, chosen := c.Select(t.Context(), token.WalletID{}, 5, 0)
	for name, err := range map[string]error{"network": network, "supply": supply, "selection": chosen} {
		if none, changed := api.NoAnswer(err); !none || changed || errors.As(err, new(*api.UnansweredError)) {
			t.Errorf("%s: no answer %t, changed %t: %v", name, none, changed, err)
		}
	}
	if _, err := c.SubmitEncoded(t.Context(), []byte{1}, 1); !errors.As(err, new(*api.UnansweredError)) {
		t.Errorf("%v is not known as unanswered", err)
	}
	_, err := c.Network(t.Context())
	if none, changed := api.NoAnswer(err); !none || !changed {
		t.Errorf("after a change: no answer %t, changed %t: %v", none, changed, err)
	}
}

// What was sent and not answered is told from what was refused, and from what nobody was sent.
func TestAMissingAnswerIsToldFromARefusal(t *testing.T) {
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = connection.Close()
		}
	}))
	defer cut.Close()
	for base, want := range map[string]string{cut.URL: "unanswered", "http://127.0.0.1:1": "not reached", cut.URL + ",http://127.0.0.1:1": "unanswered"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a client of several nodes tries for half a minute
		_, err := api.NewClient(base, "").SubmitEncoded(ctx, []byte{1}, 1)
		cancel()
		got := "something else"
		if errors.As(err, new(*api.UnansweredError)) {
			got = "unanswered"
		} else if api.NotReached(err) {
			got = "not reached"
		}
		if got != want {
			t.Errorf("%s: %s, want %s: %v", base, got, want, err)
		}
	}
}
