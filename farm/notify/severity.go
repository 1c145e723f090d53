package notify

import (
	"slices"

	"github.com/aqsha/aqsha/farm/alert"
)

// Severity is how bad an alert is.
type Severity string

// The severities, mildest first.
const (
	Notice   Severity = "notice"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

var severities = []Severity{Notice, Warning, Critical}

// SeverityOf is critical where a machine may be lost or works for somebody else, a notice where it works a little less.
// Of a group it is a step worse: what befalls half a rack at once is seldom the machines'.
func SeverityOf(kind alert.Kind, group bool) Severity {
	at := 1
	switch kind {
	case alert.Hot, alert.Fan, alert.Pool, alert.Delivery:
		at = 2
	case alert.LowHash, alert.Rejects:
		at = 0
	}
	if group {
		at = min(at+1, len(severities)-1)
	}
	return severities[at]
}

// AtLeast says whether a severity is another or worse; every one is at least "".
func (s Severity) AtLeast(other Severity) bool {
	return slices.Index(severities, s) >= slices.Index(severities, other)
}
