package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// Question asks what something means: a refusal's code, a purpose or a definition, one of them.
type Question struct {
	Lang       string      `json:"lang,omitempty" enum:"en,kk,ru" default:"en" doc:"language of the words"`
	Code       string      `json:"code,omitempty" maxLength:"64" doc:"of a refusal"`
	Purpose    uint32      `json:"purpose,omitempty" minimum:"1" doc:"number of a purpose of marked money"`
	Definition *token.Hash `json:"definition,omitempty" doc:"id of a registered definition of contracts"`
}

// Words are what something means, a sentence a line.
type Words struct {
	Lang  string   `json:"lang"`
	Lines []string `json:"lines"`
}

// explained is what was asked for: a key of what was answered last. Purposes and definitions never change.
type explained struct {
	language   contract.Language
	purpose    uint32
	definition token.Hash
}

// keptWords is how many answers are kept: to make one its rules are compiled, and strangers may ask again and again.
const keptWords = 1024

// registerExplain serves explanations in words.
func (s *Server) registerExplain() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "explain", Method: http.MethodPost, Path: "/v1/explain",
		Summary: "What a refusal, a purpose or a definition of contracts means, in words",
		Description: "Exactly one of code, purpose and definition is given. All of them are public; what a contract " +
			"holds or a wallet may do is not said here."},
		byAnybody, http.StatusNotFound),
		func(ctx context.Context, in *struct{ Body Question }) (*answer[Words], error) {
			lines, err := s.explain(ctx, in.Body)
			return ok(Words{in.Body.Lang, lines}, err)
		})
}

// explain says in a language what a code, a purpose or a definition means. Compiling is what costs: words of purposes
// and definitions are kept (shown.words), as neither ever changes under its number or id.
func (s *Server) explain(ctx context.Context, q Question) ([]string, error) {
	given := 0
	for _, is := range []bool{q.Code != "", q.Purpose != 0, q.Definition != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, newProblem(http.StatusUnprocessableEntity, codeInvalid, "code",
			"give one of code, purpose and definition")
	}
	if q.Code != "" {
		e, known := words.Language(q.Lang).Explain(q.Code)
		if !known {
			return nil, newProblem(http.StatusNotFound, string(node.NotFound), "code",
				"no such code of a refusal: /v1/errors lists them")
		}
		return []string{e.Title + ".", e.Means, e.Money, e.Do}, nil
	}
	key := explained{language: contract.Language(q.Lang), purpose: q.Purpose}
	if q.Definition != nil {
		key.definition = *q.Definition
	}
	s.shown.mu.Lock()
	lines, known := s.shown.words.Get(key)
	// Not held while compiling: two who ask at once compile twice, and nobody waits for a definition that he did not
	// ask for.
	s.shown.mu.Unlock()
	if known {
		return lines, nil
	}
	lines, err := s.explainRules(ctx, key)
	if err == nil {
		s.shown.mu.Lock()
		s.shown.words.Put(key, lines)
		s.shown.mu.Unlock()
	}
	return lines, err
}

// explainRules compiles what is registered and says it. It compiles after the view of the state was left: nothing
// waits for it.
func (s *Server) explainRules(ctx context.Context, key explained) ([]string, error) {
	var purpose *ledger.Purpose
	var encoded []byte
	err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		if key.purpose != 0 {
			purpose = state.Purpose(key.purpose)
		} else {
			encoded, _ = state.Definition(key.definition)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case purpose == nil && encoded == nil:
		return nil, newProblem(http.StatusNotFound, string(node.NotFound),
			map[bool]string{true: "purpose", false: "definition"}[key.purpose != 0], "nothing is registered under it")
	case purpose != nil:
		rule, problems := contract.CompilePurpose(purpose.Purpose)
		if len(problems) > 0 {
			return nil, problems
		}
		return rule.Explain(key.language, purpose.Returns.String(), nil), nil
	}
	definition, refused := contract.Decode(encoded)
	if refused != nil {
		return nil, refused
	}
	// As registered, under the newest rules: a definition that would be refused today still stands, and has to be
	// explained.
	program, problems := contract.CompileRegistered(contract.NewestRules, definition)
	if len(problems) > 0 {
		return nil, problems
	}
	return program.ExplainIn(key.language), nil
}

// Explain asks what a refusal, a purpose or a definition means.
func (c *Client) Explain(ctx context.Context, q Question) (Words, error) {
	return post[Words](ctx, c, "/v1/explain", q)
}
