package curve

import "fmt"

// Code is a stable name of what is wrong with a point, a scalar or a list, for programs.
type Code string

// Codes of what outside bytes, and lists of points, can violate.
const (
	BadLength  Code = "bad-length"   // not 33 bytes for a point, not 32 for a scalar
	BadPrefix  Code = "bad-prefix"   // a point that does not begin with 02 or 03: uncompressed, or infinity
	OutOfRange Code = "out-of-range" // a coordinate of p and above; a scalar of zero, or of n and above
	OffCurve   Code = "off-curve"    // no point of the curve has this x
	Infinity   Code = "infinity"     // the zero Point where a point of the curve is wanted
	Unequal    Code = "unequal"      // two lists of a proof that do not match, point by point
	Empty      Code = "empty"        // a proof over no points
	TooMany    Code = "too-many"     // more points than MaxBlock
	Repeated   Code = "repeated"     // a point that stands twice in a list
	NotSigned  Code = "not-signed"   // a pair of a block that the key did not make
)

// Error is a violated rule: which one, and in words.
type Error struct {
	Code   Code
	Detail string
}

func (e *Error) Error() string { return "curve: " + e.Detail }

// ErrorCode lets outer layers treat rule errors of every room alike.
func (e *Error) ErrorCode() string { return string(e.Code) }

// Is makes errors.Is compare codes, not details.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}
