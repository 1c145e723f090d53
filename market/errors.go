package market

import (
	"fmt"

	"github.com/aqsha/aqsha/internal/fault"
)

// Error is a violated rule: a stable code, the field (file, column, flag) it
// speaks of, and what was wanted.
type Error = fault.Refusal

// Refuse makes an Error. Codes of this room begin with "market-", so that none
// is taken for one of a ledger's.
func Refuse(code, field, format string, args ...any) error {
	return &Error{Code: "market-" + code, Field: field, Detail: fmt.Sprintf(format, args...), Family: "market-*"}
}
