package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/market/ask"
)

// marketQuestion is any question with the parameters it takes.
type marketQuestion struct {
	Question string `path:"question" doc:"see /v1/market"`
	query    url.Values
}

// Resolve keeps the query as it came: each question knows its own parameters.
func (q *marketQuestion) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	q.query = u.Query()
	return nil
}

// registerMarket answers questions about markets from the folder of data that the node was given.
func (s *Server) registerMarket() {
	huma.Register(s.api, operation("list-market-questions", "/v1/market", "Which questions about markets are answered"),
		func(context.Context, *struct{}) (*answer[[]string], error) { return ok(ask.Questions(), nil) })
	get := operation("ask-market", "/v1/market/{question}", "Answer a question about markets from the node's folder of data")
	get.Responses = map[string]*huma.Response{"200": {Description: "The answer", Content: map[string]*huma.MediaType{"application/json": {}}}}
	huma.Register(s.api, get, func(ctx context.Context, in *marketQuestion) (*rawAnswer, error) {
		if err := mayReadAll(ctx); err != nil { // answers can cost seconds of computing
			return nil, problemOf(err)
		}
		if s.options.MarketDir == "" {
			return nil, newProblem(http.StatusNotFound, "no-market-data", "", "this node was given no folder of market data (aqsha up --market DIR)")
		}
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		value, err := ask.Folder(s.options.MarketDir).Answer(ctx, in.Question, in.query)
		if err != nil {
			return nil, marketProblem(err)
		}
		return asJSON(value)
	})
}

// marketProblem states an error of the market packages: one with a code is the asker's.
func marketProblem(err error) *Problem {
	var coded interface {
		error
		ErrorCode() string
		ErrorField() string
	}
	if !errors.As(err, &coded) {
		return problemOf(err)
	}
	status := http.StatusUnprocessableEntity
	if coded.ErrorCode() == "market-not-found" {
		status = http.StatusNotFound
	}
	return newProblem(status, coded.ErrorCode(), coded.ErrorField(), err.Error())
}
