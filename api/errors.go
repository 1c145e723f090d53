package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/words"
)

// registerErrors serves what every code of an error means, for whoever gets it.
func (s *Server) registerErrors() {
	op := operation("list-errors", "/v1/errors", "What the codes of errors mean, in words: whether money moved, and "+
		"what can be done", byAnybody)
	huma.Register(s.api, op, func(_ context.Context, in *struct {
		Lang string `query:"lang" enum:"en,kk,ru" default:"en" doc:"language of the words"`
	}) (*answer[[]words.Explanation], error) {
		return ok(words.Language(in.Lang).ExplainAll(), nil)
	})
}

// Errors fetches what the codes of errors mean.
func (c *Client) Errors(ctx context.Context, l words.Language) ([]words.Explanation, error) {
	return get[[]words.Explanation](ctx, c, "/v1/errors?lang="+string(l))
}
