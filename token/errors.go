package token

import "fmt"

// Code is a stable name of a rule, for programs. It never changes its meaning.
type Code string

// Codes of form: what a transaction's bytes can violate, whatever the state of the ledger.
// The codes of the ledger's rules stand in package ledger.
const (
	NotCanonical   Code = "not-canonical"   // not the one deterministic encoding, or bytes missing or left over
	WrongType      Code = "wrong-type"      // an item of another CBOR type than the field has
	UnknownKind    Code = "unknown-kind"    // a kind, role, algorithm or scheme that does not exist
	OutOfRange     Code = "out-of-range"    // a number or length outside what the field allows
	TooMany        Code = "too-many"        // more items than the limit
	TooFew         Code = "too-few"         // fewer items than needed
	Repeated       Code = "repeated"        // an item that may stand once stands twice, or out of order
	Unused         Code = "unused"          // a party that neither pays nor is paid
	AmountZero     Code = "amount-zero"     // an amount of zero
	AmountNegative Code = "amount-negative" // an amount below zero
	AmountOverflow Code = "amount-overflow" // amounts whose sum exceeds 64 bits
	WeakKey        Code = "weak-key"        // a public key that proves nothing: off the curve, or of small order
	TooLarge       Code = "too-large"       // more bytes than a transaction may have
)

// Error is a violated rule: which one, of which field, in words.
type Error struct {
	Code   Code   `json:"code"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail"`
}

// Errorf makes an Error; the detail is formatted.
func Errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Detail: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s: %s", e.Code, e.Detail)
	}
	return fmt.Sprintf("%s (%s): %s", e.Code, e.Field, e.Detail)
}

// ErrorCode and ErrorField let outer layers treat rule errors of every line alike.
func (e *Error) ErrorCode() string  { return string(e.Code) }
func (e *Error) ErrorField() string { return e.Field }
