package fault

import (
	"errors"
	"fmt"
)

// Coded is an error with a stable code and, where there is one, the field it speaks of.
type Coded interface {
	error
	ErrorCode() string
	ErrorField() string
}

// Refusal is a violated rule. The command line exits with "refused" on it.
type Refusal struct {
	Code   string // stable, kebab-case
	Field  string // what was wrong: a field, a file, a column, a flag; may be empty
	Detail string // the rule and the value
	Family string // under which a line's codes are explained together, as "farm-*"; empty: each by itself
}

// Refuse makes a refusal without a family; the detail is formatted.
func Refuse(code, field, format string, args ...any) error {
	return &Refusal{Code: code, Field: field, Detail: fmt.Sprintf(format, args...)}
}

func (r *Refusal) Error() string {
	if r.Field == "" {
		return r.Detail
	}
	return r.Field + ": " + r.Detail
}

// ErrorCode is stable across versions.
func (r *Refusal) ErrorCode() string { return r.Code }

// CodeFamily is Family.
func (r *Refusal) CodeFamily() string { return r.Family }

// ErrorField names what was at fault.
func (r *Refusal) ErrorField() string { return r.Field }

// Code is the code of the first refusal in an error's chain; empty when there is none.
func Code(err error) string {
	var coded interface{ ErrorCode() string } // some errors with a code speak of no field
	if !errors.As(err, &coded) {
		return ""
	}
	return coded.ErrorCode()
}

// Of finds the first refusal of an error's chain that has a field as well as a code. A nil error has none.
func Of(err error) (Coded, bool) {
	var coded Coded
	ok := errors.As(err, &coded)
	return coded, ok
}
