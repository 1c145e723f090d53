package market

import (
	"fmt"
	"strings"
)

// Error is a violated rule: a stable code, the field (file, column, flag) it
// speaks of, and what was wanted. The command line exits with "refused" on it.
type Error struct{ Code, Field, Detail string }

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

// ErrorCode is stable across releases.
func (e *Error) ErrorCode() string { return "market-" + strings.ReplaceAll(e.Code, "_", "-") }

// ErrorField names the offending input.
func (e *Error) ErrorField() string { return e.Field }

// Refuse builds an Error with a formatted detail.
func Refuse(code, field, format string, args ...any) error {
	return &Error{code, field, fmt.Sprintf(format, args...)}
}
