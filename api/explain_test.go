package api_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// What a refusal, a purpose and a definition mean is said in each language as the command line says it, and again the same; of what
// is not there, and of two questions at once, the refusal names the field.
func TestMeaningsAreAnswered(t *testing.T) {
	t.Parallel()
	w := newTown(t, api.Options{})
	w.escrow(t)
	agency := w.world.Sign(&token.SetAgency{Sequence: 2, Name: "ministry", Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{w.world.Key("ministry").Public()}}}, soon(),
		w.world.By(token.RolePolicy, 2), sim.One(token.RolePossession, 0, w.world.Key("ministry")))
	w.submit(t, agency)
	meals := sim.Meals(w.bank, uint64(time.Now().UnixMilli()))
	w.submit(t, w.world.Sign(&token.RegisterPurpose{Agency: token.RegisteredID(agency.ID()), Sequence: 1, Purpose: meals}, soon(), sim.One(token.RoleAgency, 0, w.world.Key("ministry"))))
	rule, problems := contract.CompilePurpose(meals)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	definition, refused := contract.Decode(sim.Template("escrow"))
	if refused != nil {
		t.Fatal(refused)
	}
	program, problems := contract.Compile(definition)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	id := token.Hash(sha256.Sum256(sim.Template("escrow")))
	for _, l := range contract.Languages {
		expired, _ := words.Language(l).Explain("expired")
		for range 2 { // computed, and kept
			for _, c := range []struct {
				question api.Question
				want     []string
			}{
				{api.Question{Lang: string(l), Code: "expired"}, []string{expired.Title + ".", expired.Means, expired.Money, expired.Do}},
				{api.Question{Lang: string(l), Purpose: 1}, rule.Explain(l, w.bank.String(), nil)},
				{api.Question{Lang: string(l), Definition: &id}, program.ExplainIn(l)},
			} {
				got, err := w.client.Explain(t.Context(), c.question)
				if err != nil || got.Lang != string(l) || !slices.Equal(got.Lines, c.want) {
					t.Errorf("%+v: %q, %v; want %q", c.question, got, err, c.want)
				}
			}
		}
	}
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"code":"nosuch"}`: {404, "not-found"},
		`{"purpose":9}`:     {404, "not-found"},
		`{"definition":"` + strings.Repeat("7", 64) + `"}`: {404, "not-found"},
		`{}`:                             {422, "invalid-request"},
		`{"code":"expired","purpose":1}`: {422, "invalid-request"},
		`{"code":"expired","lang":"de"}`: {422, "invalid-request"},
		`{"code":"` + strings.Repeat("x", 65) + `"}`: {422, "invalid-request"},
		`{"code":"expired","unknown":1}`:             {422, "invalid-request"},
	} {
		w.problem(t, "POST", "/v1/explain", "application/json", "", []byte(body), want.status, want.code)
	}
}
