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
