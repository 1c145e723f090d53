package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/internal/fault"
)

func Example() {
	err := fmt.Errorf("farm.toml: %w", fault.Refuse("bad-zone", "zone", "%q is no time zone", "Mars"))
	fmt.Println(err)
	if refusal, ok := fault.Of(err); ok {
		fmt.Println(refusal.ErrorCode(), refusal.ErrorField())
	}
	// Output:
	// farm.toml: zone: "Mars" is no time zone
	// bad-zone zone
}

// codeOnly is an error that speaks of no field.
type codeOnly struct{}

func (codeOnly) Error() string     { return "x" }
func (codeOnly) ErrorCode() string { return "of-no-field" }

func TestCodeOfAChain(t *testing.T) {
	inner := fault.Refuse("inner", "", "no %d", 1)
	for _, c := range []struct {
		err    error
		code   string
		fields bool
	}{
		{nil, "", false},
		{errors.New("plain"), "", false},
		{inner, "inner", true},
		{fmt.Errorf("a: %w", fmt.Errorf("b: %w", inner)), "inner", true},
		{fmt.Errorf("%w, %w", codeOnly{}, inner), "of-no-field", true},
		{codeOnly{}, "of-no-field", false},
	} {
		if got := fault.Code(c.err); got != c.code {
			t.Errorf("%v: code %q, want %q", c.err, got, c.code)
		}
		if _, ok := fault.Of(c.err); ok != c.fields {
			t.Errorf("%v: found %v, want %v", c.err, ok, c.fields)
		}
	}
	if inner.Error() != "no 1" {
		t.Error(inner)
	}
}
