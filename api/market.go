package api

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/market/query"
)

// marketQuery is the parameters of a question.
type marketQuery struct{ query url.Values }

// Resolve keeps the query as it came: each question knows its own parameters.
func (q *marketQuery) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	q.query = u.Query()
	return nil
}

// numbers and truths are the parameters of questions that are no text.
var (
	marketNumbers = map[string]bool{"periods-per-year": true, "forecast": true, "p": true, "usd-per-kwh": true,
		"regimes": true, "level": true, "lags": true, "ahead": true}
	marketTruths = map[string]bool{"free": true, "backtest": true}
)

// registerMarket answers questions about markets from the folder of data that the node was given: one operation a
// question, since each has its own parameters and answer.
func (s *Server) registerMarket() {
	huma.Register(s.api, operation("list-market-questions", "/v1/market", "Which questions about markets are answered",
		byAnybody),
		func(context.Context, *struct{}) (*answer[[]string], error) { return ok(query.Questions(), nil) })
	for _, question := range query.Catalogue() {
		get := operation("ask-"+question.Name, "/v1/market/"+question.Name, question.About, byAuditors,
			http.StatusNotFound, http.StatusUnprocessableEntity)
		for _, name := range question.Parameters {
			schema := &huma.Schema{Type: huma.TypeString}
			switch {
			case marketNumbers[name]:
				schema.Type = huma.TypeNumber
			case marketTruths[name]:
				schema.Type = huma.TypeBoolean
			}
			get.Parameters = append(get.Parameters, &huma.Param{Name: name, In: "query",
				Required: name == "file" || name == "files", Schema: schema})
		}
		get.Responses = map[string]*huma.Response{"200": {Description: "The answer",
			Content: map[string]*huma.MediaType{
				"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(question.Answer),
					true, question.Name)},
			}}}
		huma.Register(s.api, get, func(ctx context.Context, in *marketQuery) (*rawAnswer, error) {
			return s.queryMarket(ctx, question.Name, in.query)
		})
	}
}

// queryMarket answers one of the questions of market/query from the node's folder of market data.
func (s *Server) queryMarket(ctx context.Context, question string, values url.Values) (*rawAnswer, error) {
	if err := mayReadAll(ctx); err != nil { // answers can cost seconds of computing
		return nil, problemOf(err)
	}
	_, err := os.Stat(s.options.MarketDir)
	if s.options.MarketDir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, newProblem(http.StatusNotFound, "no-market-data", "",
			"this node was given no folder of market data, or it is not there any more (aqsha up --market DIR)")
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	value, err := query.Folder(s.options.MarketDir).Answer(ctx, question, values)
	if err != nil {
		return nil, marketProblem(err)
	}
	return asJSON(filled(value))
}

// marketProblem states an error of the market packages: one with a code is the asker's.
func marketProblem(err error) *Problem {
	coded, ok := fault.Of(err)
	if !ok {
		return problemOf(err)
	}
	status := http.StatusUnprocessableEntity
	if coded.ErrorCode() == "market-not-found" {
		status = http.StatusNotFound
	}
	return newProblem(status, coded.ErrorCode(), coded.ErrorField(), err.Error())
}
