package farm

import "fmt"

// Error is a refusal with a stable code; the command line prints its field and exits with 3.
type Error struct {
	Code   string // stable, snake_case
	Field  string // what was wrong
	Detail string // the rule and the value
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

// ErrorCode is the stable code.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorField is the field at fault.
func (e *Error) ErrorField() string { return e.Field }

// Refuse makes a refusal.
func Refuse(code, field, format string, args ...any) error {
	return &Error{code, field, fmt.Sprintf(format, args...)}
}
