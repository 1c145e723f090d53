package cash

import "fmt"

// Code is a refusal's number. Those of five digits are the standard's (error_codes.md of the NUTs).
type Code int

// Codes of the standard, and one of our own for what is no request at all.
const (
	Malformed       Code = 10000 // a field that cannot be read: ours, the standard has none
	BadProof        Code = 10001
	Spent           Code = 11001
	Pending         Code = 11002
	OutputSigned    Code = 11003
	OutputPending   Code = 11004
	Unbalanced      Code = 11005
	AmountLimits    Code = 11006
	DuplicateInput  Code = 11007
	DuplicateOutput Code = 11008
	SeveralUnits    Code = 11009
	OtherUnit       Code = 11010
	UnknownUnit     Code = 11013
	TooManyInputs   Code = 11014
	TooManyOutputs  Code = 11015
	DuplicateQuote  Code = 11016
	TooManyQuotes   Code = 11017
	UnknownKeyset   Code = 12001
	InactiveKeyset  Code = 12002
	ExpiredKeyset   Code = 12003
	QuoteUnpaid     Code = 20001
	QuoteIssued     Code = 20002
	MintingDisabled Code = 20003
	PaymentFailed   Code = 20004
	QuotePending    Code = 20005
	QuotePaid       Code = 20006
	QuoteExpired    Code = 20007
	BadSignature    Code = 20008
	KeyRequired     Code = 20009
)

// Refusal is a request that the rules do not allow. It changed nothing.
type Refusal struct {
	Code  Code
	Field string // of the request
	Rule  string // that it breaks
}

// Error names code, field and rule.
func (r *Refusal) Error() string { return fmt.Sprintf("%s (%s): %s", r.ErrorCode(), r.Field, r.Rule) }

// Detail is field and rule, as the protocol tells them beside the code.
func (r *Refusal) Detail() string { return r.Field + ": " + r.Rule }

// ErrorField names the field.
func (r *Refusal) ErrorField() string { return r.Field }

// refuse makes a refusal.
func refuse(code Code, field, format string, args ...any) *Refusal {
	return &Refusal{code, field, fmt.Sprintf(format, args...)}
}

// at puts a refusal's field under another, such as a request's list.
func (r *Refusal) at(list string, i int) *Refusal {
	return &Refusal{r.Code, fmt.Sprintf("%s[%d].%s", list, i, r.Field), r.Rule}
}

// ErrorCode is the refusal's code as commands tell it.
func (r *Refusal) ErrorCode() string { return fmt.Sprintf("cash-%d", int(r.Code)) }
