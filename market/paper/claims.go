package paper

import (
	_ "embed"
	"encoding/json"
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
	Holds     string  `json:"holds,omitempty"`     // verdict when it does; "confirmed" when empty
	Fails     string  `json:"fails,omitempty"`     // verdict when it does not; "wrong" when empty
	Verdict   string  `json:"verdict,omitempty"`   // only where nothing can be computed
	Source    string  `json:"source"`
	Date      string  `json:"date"`
	Note      string  `json:"note,omitempty"`
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
	} `json:"notClaims"`
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

// Result is a claim with its verdict.
type Result struct {
	Claim
	Verdict   string   `json:"verdict"`
	Holds     bool     `json:"holds"`
	Expected  *float64 `json:"expected"`  // what the check gives; null when it cannot be computed
	Deviation *float64 `json:"deviation"` // value/expected − 1; null when undefined
	Missing   string   `json:"missing,omitempty"`
}

const (
	needsData    = "needs data"
	notCheckable = "not checkable"
)

// check computes the verdict of one claim in an environment of names.
func (e environment) check(c Claim) (Result, error) {
	r := Result{Claim: c, Verdict: c.Verdict}
	r.Claim.Holds, r.Claim.Fails, r.Claim.Verdict = "", "", ""
	if c.Expect == "" {
		if c.Verdict == "" {
			return r, fmt.Errorf("claim %s has neither a check nor a verdict", c.ID)
		}
		return r, nil
	}
	expected, err := e.evaluate(c.Expect)
	if missing, ok := err.(missingName); ok {
		if e.couldBeData(string(missing)) {
			r.Verdict, r.Missing = needsData, string(missing)
			return r, nil
		}
	}
	if err != nil {
		return r, fmt.Errorf("claim %s: %w", c.ID, err)
	}
	r.Expected = &expected
	if expected != 0 {
		deviation := c.Value/expected - 1
		r.Deviation = &deviation
	}
	r.Holds = math.Abs(c.Value-expected) <= c.Tolerance*max(math.Abs(c.Value), math.Abs(expected))
	switch {
	case r.Holds && c.Holds != "":
		r.Verdict = c.Holds
	case r.Holds:
		r.Verdict = "confirmed"
	case c.Fails != "":
		r.Verdict = c.Fails
	default:
		r.Verdict = "wrong"
	}
	return r, nil
}
