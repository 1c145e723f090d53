package play

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
)

// MaxRules bounds a file of rules, or a play, that is read.
const MaxRules = 64 << 10

// ReadDefinition reads a definition's file, or a template.
func ReadDefinition(name string) (*contract.Program, error) {
	data, ok := contract.Template(name)
	if !ok {
		var err error
		if data, err = cli.ReadLimited(name, MaxRules); err != nil {
			if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(name, "./") {
				return nil, cli.Usage(fmt.Errorf("%q is neither a file nor a template (%s)", name,
					strings.Join(contract.TemplateNames, ", ")))
			}
			return nil, err
		}
	}
	source, problems := contract.Parse(data)
	if len(problems) == 0 {
		var program *contract.Program
		if program, problems = source.Check(); len(problems) == 0 {
			return program, nil
		}
	}
	return nil, ProblemsIn(name, problems)
}

// ReadPurpose reads a purpose's file and checks its rules.
func ReadPurpose(path string) (*contract.PurposeSource, error) {
	data, err := cli.ReadLimited(path, MaxRules)
	if err != nil {
		return nil, err
	}
	source, problems := contract.ParsePurpose(data)
	if len(problems) == 0 {
		_, problems = source.Check()
	}
	if len(problems) > 0 {
		return nil, ProblemsIn(path, problems)
	}
	return source, nil
}

// ProblemsIn says all that is wrong with a file, each with its line.
func ProblemsIn(path string, problems contract.Problems) error {
	return unsound{problems, path}
}

// unsound is a file whose definition or rules have problems.
type unsound struct {
	contract.Problems
	path string
}

func (u unsound) Error() string { return u.ErrorIn(string(contract.English)) }

// ErrorIn says all the problems in a language, a line each.
func (u unsound) ErrorIn(l string) string {
	lines := make([]string, len(u.Problems))
	for i, p := range u.Problems {
		lines[i] = fmt.Sprintf("%s:%d: %s", u.path, p.Line, p.In(contract.Language(l)))
	}
	return strings.Join(lines, "\n")
}
