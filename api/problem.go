package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/drafts"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Problem is an error as the API states it (RFC 9457).
type Problem struct {
	Type   string `json:"type" doc:"urn:aqsha:problem: and the code"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code" doc:"stable; programs may depend on it"`
	Field  string `json:"field,omitempty" doc:"what the rule speaks of"`
}

func (p *Problem) Error() string {
	if p.Field != "" {
		return fmt.Sprintf("%s (%s): %s", p.Code, p.Field, p.Detail)
	}
	return fmt.Sprintf("%s: %s", p.Code, p.Detail)
}

func (p *Problem) GetStatus() int            { return p.Status }
func (p *Problem) ContentType(string) string { return "application/problem+json" }
func (p *Problem) ErrorCode() string         { return p.Code }
func (p *Problem) ErrorField() string        { return p.Field }

// Codes that belong to HTTP alone.
const (
	codeInvalid      = "invalid-request"
	codeUnauthorised = "unauthorised" // no access token, or an unknown one
	codeForbidden    = "forbidden"    // the token's role may not see this
	codeInternal     = "internal"
	codeNoRoute      = "no-route" // nothing is served under this path, or not by this method
	codeNotYet       = "not-yet"  // the log did not reach the size that was asked for in time
	codeTimeout      = "timeout"  // not answered in time; a transaction may still be executed
	// a proof would show a holder what others wrote to each other
	codeMemosOfOthers = "memos-of-others"
)

func newProblem(status int, code, field, detail string) *Problem {
	return &Problem{"urn:aqsha:problem:" + code, http.StatusText(status), status, errtext.Plain(detail), code, field}
}

// statusOf maps codes that mean more than "refused by a rule" (422) to HTTP.
var statusOf = map[token.Code]int{
	node.NotFound:           http.StatusNotFound,
	node.Overloaded:         http.StatusTooManyRequests,
	node.SourceBarred:       http.StatusTooManyRequests,
	node.ClockDoubted:       http.StatusServiceUnavailable,
	node.Stopped:            http.StatusServiceUnavailable,
	node.DiskFull:           http.StatusServiceUnavailable,
	node.WriteFailed:        http.StatusServiceUnavailable,
	node.LookupFailed:       http.StatusServiceUnavailable,
	node.Following:          http.StatusMisdirectedRequest,
	node.CodeHandedOver:     http.StatusMisdirectedRequest,
	node.Unacknowledged:     http.StatusServiceUnavailable,
	node.Undecided:          http.StatusServiceUnavailable,
	node.NotYet:             http.StatusServiceUnavailable,
	node.NotShown:           http.StatusServiceUnavailable,
	node.NotJoined:          http.StatusServiceUnavailable,
	node.NoLogKey:           http.StatusServiceUnavailable,
	node.Fenced:             http.StatusServiceUnavailable,
	node.FenceConflict:      http.StatusServiceUnavailable,
	node.Promised:           http.StatusConflict,
	node.NotCosigner:        http.StatusForbidden,
	node.TokensBusy:         http.StatusConflict,
	ledger.TokenNotLive:     http.StatusConflict,
	ledger.StaleVersion:     http.StatusConflict,
	ledger.Duplicate:        http.StatusConflict,
	drafts.SignedAlready:    http.StatusConflict,
	drafts.DraftEnded:       http.StatusConflict,
	staff.LinkRefused:       http.StatusForbidden,
	staff.PasskeyRefused:    http.StatusUnauthorized,
	staff.ConfirmFirst:      http.StatusForbidden,
	staff.LastAdministrator: http.StatusConflict,
	staff.LastPasskey:       http.StatusConflict,
	staff.DemoRole:          http.StatusForbidden,
	staff.NoAccount:         http.StatusNotFound,
	staff.NoInvitation:      http.StatusNotFound,
	staff.StoreClosed:       http.StatusServiceUnavailable,
	staff.TooOften:          http.StatusTooManyRequests,
	ledger.BadSignature:     http.StatusForbidden,
	ledger.NotAuthorised:    http.StatusForbidden,
	node.NotAccepted:        http.StatusForbidden,
	token.TooLarge:          http.StatusRequestEntityTooLarge,
	token.NotCanonical:      http.StatusBadRequest,
	token.WrongType:         http.StatusBadRequest,
	doubledField:            http.StatusBadRequest,
	token.UnknownKind:       http.StatusBadRequest,
}

// problemOf states any error as a problem; what is not for the outside becomes "internal".
func problemOf(err error) *Problem {
	var problem *Problem
	var rule *token.Error
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &rule):
		status, ok := statusOf[rule.Code]
		if !ok {
			status = http.StatusUnprocessableEntity
		}
		return newProblem(status, string(rule.Code), rule.Field, rule.Detail)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return newProblem(http.StatusGatewayTimeout, codeTimeout, "",
			"not answered in time; a transaction may still be executed: ask for its id")
	}
	return newProblem(http.StatusInternalServerError, codeInternal, "", "the node could not answer; its log says why")
}

// huma's own refusals (a parameter that does not parse) get the same form.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		for _, err := range errs {
			var large *http.MaxBytesError
			switch {
			case errors.Is(err, httplimit.ErrBodies):
				return newProblem(http.StatusTooManyRequests, string(node.Overloaded), "body", err.Error())
			case errors.As(err, &large):
				return newProblem(http.StatusRequestEntityTooLarge, string(token.TooLarge), "body",
					fmt.Sprintf("at most %d bytes", large.Limit))
			}
			var detail *huma.ErrorDetail
			if errors.As(err, &detail) {
				// The framework hands on an error's words alone, and the body that it was about.
				if body, raw := detail.Value.(string); raw {
					if doubled := checkDoubled([]byte(body)); doubled != nil {
						return problemOf(doubled)
					}
				}
				return newProblem(status, codeInvalid, detail.Location, detail.Message)
			}
			if err != nil {
				message += ": " + err.Error()
			}
		}
		return newProblem(status, codeInvalid, "", message)
	}
}
