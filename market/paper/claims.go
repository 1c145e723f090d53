package paper

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

//go:embed claims.json
var claimsFile []byte

// Claim is one number of the paper.
type Claim struct {
	ID        string  `json:"id"`
	Place     string  `json:"place"`
	Quote     string  `json:"quote"`
	Claim     string  `json:"claim"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Expect    string  `json:"expect,omitempty"`    // expression for what the value should be
	Tolerance float64 `json:"tolerance,omitempty"` // relative
	Soft      bool    `json:"soft,omitempty"`      // a bound of plausibility: beyond it is implausible, not impossible
	Holds     string  `json:"holds,omitempty"`     // finding when it does hold
	Fails     string  `json:"fails,omitempty"`     // finding when it does not
	Verdict   string  `json:"verdict,omitempty"`   // only where nothing can be computed
	Identity  string  `json:"identity,omitempty"`  // of what is tested, where the names in the expression do not say it
	// Data is an expression that is used instead, when what it names is there.
	Data          string  `json:"data,omitempty"`
	DataTolerance float64 `json:"data_tolerance,omitempty"`
	DataSource    string  `json:"data_source,omitempty"`
	Source        string  `json:"source"`
	Date          string  `json:"date"`
	Note          string  `json:"note,omitempty"`
}

// Fact is a dated value from outside the paper.
type Fact struct {
	ID     string  `json:"id"`
	Value  float64 `json:"value"`
	Source string  `json:"source"`
	Date   string  `json:"date"`
}

// File is the claims file.
type File struct {
	Paper     string `json:"paper"`
	NotClaims []struct {
		Kind string `json:"kind"`
		What string `json:"what"`
	} `json:"not_claims"`
	Facts  []Fact  `json:"facts"`
	Claims []Claim `json:"claims"`
}

// Load returns the embedded claims file.
func Load() (File, error) {
	var f File
	if err := json.Unmarshal(claimsFile, &f); err != nil {
		return File{}, fmt.Errorf("claims.json: %w", err)
	}
	return f, nil
}

// Result is a claim with its verdict, one of Verdicts.
type Result struct {
	Claim
	Verdict   string   `json:"verdict"`
	Finding   string   `json:"finding,omitempty"` // what else is wrong or right about it, such as "column misnamed"
	Holds     bool     `json:"holds"`
	Identity  string   `json:"identity,omitempty"`
	Expected  *float64 `json:"expected"`  // what the check gives; null when it cannot be computed
	Deviation *float64 `json:"deviation"` // value/expected − 1; null when undefined
	Missing   string   `json:"missing,omitempty"`
}

// check computes the verdict of one claim in an environment of names.
func (e environment) check(c Claim) (Result, error) {
	r := Result{Claim: c, Verdict: NotCheckable}
	r.Claim.Holds, r.Claim.Fails, r.Claim.Verdict, r.Claim.Identity = "", "", "", ""
	if c.Expect == "" {
		if c.Verdict != NotCheckable {
			return r, fmt.Errorf("claim %s has neither a check nor the verdict %q", c.ID, NotCheckable)
		}
		return r, nil
	}
	expression, tolerance := c.Expect, c.Tolerance
	// By data where the folder has it, else by the paper's own other figures.
	if c.Data != "" {
		if _, err := e.evaluate(c.Data); err == nil {
			expression, tolerance, r.Source = c.Data, c.DataTolerance, c.DataSource
		}
	}
	basis, err := e.basisOf(expression)
	if err != nil {
		return r, fmt.Errorf("claim %s: %w", c.ID, err)
	}
	r.Identity = basis.identity(c)
	expected, err := e.evaluate(expression)
	var missing missingName
	if errors.As(err, &missing) && e.couldBeData(string(missing)) {
		r.Missing = string(missing)
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("claim %s: %w", c.ID, err)
	}
	r.Expected = &expected
	if expected != 0 {
		deviation := c.Value/expected - 1
		r.Deviation = &deviation
	}
	// Within how far it is printed: the larger of the two is what the tolerance is of, so that neither side is
	// favoured.
	r.Holds = math.Abs(c.Value-expected) <= tolerance*max(math.Abs(c.Value), math.Abs(expected))
	r.Verdict = basis.word(r.Holds, c.Soft)
	switch {
	case r.Holds:
		r.Finding = c.Holds
	case c.Fails != "":
		r.Finding = c.Fails
	case c.Soft:
		r.Finding = "implausible"
	}
	return r, nil
}
