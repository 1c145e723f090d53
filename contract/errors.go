package contract

import (
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/token"
)

// Codes of what an action or a definition can violate.
const (
	BadDefinition token.Code = "bad-definition" // the definition fails its static checks
	// terms, parties or assets are not those the definition asks for
	BadTerms            token.Code = "bad-terms"
	UnknownAction       token.Code = "unknown-action"    // the definition has no such action
	BadArguments        token.Code = "bad-arguments"     // arguments are not those the action takes
	WrongCaller         token.Code = "wrong-caller"      // the action is not this wallet's to call
	TooEarly            token.Code = "too-early"         // before the action's time
	TooLate             token.Code = "too-late"          // after the action's time, or after the contract's end
	GuardNotMet         token.Code = "guard-not-met"     // the action's condition does not hold
	WrongDocument       token.Code = "wrong-document"    // the document's hash is missing, or not the one demanded
	WrongPayment        token.Code = "wrong-payment"     // what is paid in is not what the action takes
	NotCovered          token.Code = "not-covered"       // a payout of more than is held, or of less than nothing
	CannotEvaluate      token.Code = "cannot-evaluate"   // an overflow, a division by zero, an index outside a list
	PurposeForbids      token.Code = "purpose-forbids"   // the purpose does not permit this payment
	PurposeNotBegun     token.Code = "purpose-not-begun" // before the purpose's first moment
	PurposeExpired      token.Code = "purpose-expired"   // after its last
	EarmarkingForbidden token.Code = "marking-forbidden" // the purpose does not let this wallet mark money
)

// Problem is what is wrong with a definition: where, what, and what to write instead.
type Problem struct {
	Where string `json:"where"` // such as actions.release.pay[1].amount
	Line  int    `json:"line,omitempty"`
	What  string `json:"what"`
	Write string `json:"write,omitempty"` // a suggestion
}

// String is the problem in one line: where, what, and what to write instead.
func (p Problem) String() string {
	text := p.Where + ": " + p.What
	if p.Write != "" {
		text += "; " + p.Write
	}
	return text
}

// Problems are all that is wrong with a definition.
type Problems []Problem

// Error says all of them, a line each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// ErrorCode is bad-definition for all of them; ErrorField is where the first one stands.
func (p Problems) ErrorCode() string { return string(BadDefinition) }

func (p Problems) ErrorField() string {
	if len(p) == 0 {
		return ""
	}
	return p[0].Where
}

// Refusal is the rule error of a definition with problems.
func (p Problems) Refusal() *token.Error {
	detail := p[0].What
	if p[0].Write != "" {
		detail += "; " + p[0].Write
	}
	if len(p) > 1 {
		detail += fmt.Sprintf(" (and %d more)", len(p)-1)
	}
	return token.Errorf(BadDefinition, p[0].Where, "%s", detail)
}

func (p *Problems) add(where, write, format string, args ...any) {
	*p = append(*p, Problem{Where: where, What: fmt.Sprintf(format, args...), Write: write})
}

func refuse(code token.Code, field, format string, args ...any) *token.Error {
	return token.Errorf(code, field, format, args...)
}
