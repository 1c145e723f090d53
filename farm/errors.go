package farm

import (
	"fmt"

	"github.com/aqsha/aqsha/internal/fault"
)

// Error is a refusal with a stable code.
type Error = fault.Refusal

// Refuse makes a refusal.
func Refuse(code, field, format string, args ...any) error {
	return &Error{Code: code, Field: field, Detail: fmt.Sprintf(format, args...), Family: "farm-*"}
}
