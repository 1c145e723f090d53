package query

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/synthetic"
)

// Every question is answered from the synthetic folder with valid JSON.
func TestEveryQuestion(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{
		"summary": "file=cm_btc_daily.csv", "volatility": "file=bitstamp_btcusd_d.csv&from=2021-01-01&to=2021-12-31", "garch": "file=cm_btc_daily.csv&from=2023-01-01&law=t&forecast=3",
		"risk": "file=cm_btc_daily.csv&p=0.05&from=2024-01-01", "report": "file=cm_btc_daily.csv&asset=BTC&from=2025-06-01&benchmark=sp500_close.csv",
		"concentration": "file=pools_monthly.csv", "use": "country=Steppeland&from=2018-01-01&to=2018-12-31", "functions": "from=2017-01-01&to=2018-12-31",
		"breaks": "file=cm_btc_daily.csv&from=2024-06-01&regimes=2", "liquidity": "file=bitstamp_btcusd_d.csv&from=2021-01-01", "intraday": "file=bitstamp_btcusd_1h.csv&from=2021-06-01&level=0.01",
		"spillover": "files=cm_btc_daily.csv,gold_close.csv&from=2021-01-01&lags=1",
	}
	for _, question := range Questions() {
		q, _ := url.ParseQuery(queries[question])
		answer, err := Folder(dir).Answer(context.Background(), question, q)
		if err != nil {
			t.Errorf("%s: %v", question, err)
			continue
		}
		if data, err := json.Marshal(answer); err != nil || len(data) < 40 {
			t.Errorf("%s: %d bytes, %v", question, len(data), err)
		}
	}
}

func TestAskersMistakes(t *testing.T) {
	dir := Folder(t.TempDir())
	for _, c := range []struct{ question, query, code string }{
		{"weather", "", "not-found"}, {"summary", "file=../secret.csv", "file-name"}, {"summary", "file=.hidden", "file-name"}, {"summary", "", "file-name"}, {"summary", "file=none.csv", "not-found"},
		{"use", "usd-per-kwh=cheap", "not-a-number"},
		{"spillover", "files=a.csv", "file-name"}, {"spillover", "files=a.csv,../b.csv", "not-found"}, {"spillover", "files=a,b&lags=1.5", "choice"}, {"spillover", "files=a,b&ahead=1000", "choice"},
	} {
		q, _ := url.ParseQuery(c.query)
		_, err := dir.Answer(context.Background(), c.question, q)
		var refused *market.Error
		if !errors.As(err, &refused) || refused.Code != "market-"+c.code {
			t.Errorf("%s?%s: %v", c.question, c.query, err)
		}
	}
}

func TestWhatAQuestionDoesNotKnowIsRefused(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(outside, []byte("date,close\n2020-01-01,1\n2020-01-02,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.csv")); err != nil {
		t.Fatal(err)
	}
	for question, codes := range map[string]string{
		"volatility?file=link.csv":              "market-file-name",
		"volatility?file=a.csv&nosuch=1":        "market-parameter-unknown",
		"volatility?file=a.csv&file=b.csv":      "market-parameter-twice",
		"garch?file=link.csv&days=5":            "market-parameter-unknown",
		"summary?file=a.csv&periods-per-year=3": "market-parameter-unknown",
		"volatility?file=a&periods-per-year=-5": "market-periods-per-year",
	} {
		name, text, _ := strings.Cut(question, "?")
		q, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		var refused *market.Error
		if _, err := Folder(dir).Answer(t.Context(), name, q); !errors.As(err, &refused) || refused.ErrorCode() != codes {
			t.Errorf("%s: %v, want %s", question, err, codes)
		}
	}
}

// What a question is described to answer is what it answers.
func TestQuestionsAnswerWhatIsDescribed(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{
		"summary": "file=cm_btc_daily.csv", "volatility": "file=bitstamp_btcusd_d.csv&from=2021-01-01&to=2021-03-31", "garch": "file=cm_btc_daily.csv&from=2024-06-01",
		"risk": "file=cm_btc_daily.csv&from=2024-06-01", "report": "file=cm_btc_daily.csv&asset=BTC&from=2025-06-01&benchmark=sp500_close.csv",
		"concentration": "file=pools_monthly.csv", "use": "from=2018-01-01&to=2018-03-31", "functions": "from=2017-01-01&to=2017-12-31",
		"breaks": "file=cm_btc_daily.csv&from=2024-06-01", "liquidity": "file=bitstamp_btcusd_d.csv&from=2021-01-01", "intraday": "file=bitstamp_btcusd_1h.csv&from=2021-06-01",
		"spillover": "files=cm_btc_daily.csv,gold_close.csv&from=2021-01-01",
	}
	for _, question := range Catalogue() {
		q, _ := url.ParseQuery(queries[question.Name])
		answer, err := Folder(dir).Answer(context.Background(), question.Name, q)
		if err != nil || reflect.TypeOf(answer) != reflect.TypeOf(question.Answer) {
			t.Errorf("%s answers %T (%v), described %T", question.Name, answer, err, question.Answer)
		}
		if question.About == "" {
			t.Errorf("%s is not described", question.Name)
		}
	}
}
