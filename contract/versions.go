package contract

import (
	"fmt"

	"cel.dev/cel-go/cel"
)

// NewestRules is the version of the ledger's rules whose expressions Compile and CompilePurpose take.
const NewestRules = 5

// environment is what expressions may use under some versions of the ledger's rules. It is made once: that takes as
// long as compiling several expressions.
type environment struct {
	rules    uint32 // the first version that has it
	base     *cel.Env
	payments *compiler // shared by all purposes: their expressions have the same variables
}

// environments are all that there are, by the first version that has each. A later one has everything that the one
// before has, with the same meaning, so that what was registered once compiles for ever. What it costs may differ, for
// the cost of what is registered is not asked again.
var environments = []*environment{newEnvironmentSince(1), newEnvironmentSince(3), newEnvironmentSince(4),
	newEnvironmentSince(5)}

// newEnvironmentSince is what expressions may use under a version of the rules.
func newEnvironmentSince(rules uint32) *environment {
	base, err := newEnvironment(rules)
	if err != nil {
		panic(fmt.Sprintf("the environment of expressions: %v", err))
	}
	variables := paymentVariables()
	if rules >= 3 {
		variables = append(variables, intVariable("today", func(s *scope) int64 { return int64(s.today) }))
	}
	if rules >= 4 {
		variables = append(variables,
			vouchedVariable("payer", func(s *scope) *Party { return s.payer }),
			vouchedVariable("payee", func(s *scope) *Party { return s.payee }))
	}
	e := &environment{rules: rules, base: base}
	if e.payments, err = newCompiler(e, variables); err != nil {
		panic(fmt.Sprintf("the environment of purposes: %v", err))
	}
	return e
}

// environmentOf is the environment of expressions under a version of the rules.
func environmentOf(rules uint32) *environment {
	last := environments[0]
	for _, e := range environments {
		if e.rules <= rules {
			last = e
		}
	}
	return last
}
