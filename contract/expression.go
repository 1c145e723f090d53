package contract

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"

	"github.com/aqsha/aqsha/token"
)

// expression is a compiled expression. A constant and a lone variable need no program. Where constant or get is set it
// answers, and program would say the same.
type expression struct {
	text     string
	constant ref.Val
	get      getter
	program  cel.Program
	tree     ast.Expr
	info     *ast.SourceInfo // what was written as a macro, from rules version 3 on
	cost     uint64          // estimated, at worst
	names    []string        // variables it reads, in order of appearance
}

// compiler compiles expressions over one set of variables.
type compiler struct {
	env       *cel.Env
	variables []variable
	getters   map[string]getter
	estimator estimator
}

// newCompiler declares variables over a version's environment. An error means a name that the checks of form should
// have refused.
func newCompiler(e *environment, variables []variable) (*compiler, error) {
	env, err := extend(e.base, variables)
	if err != nil {
		return nil, err
	}
	c := &compiler{env: env, variables: variables, getters: make(map[string]getter, len(variables))}
	c.estimator.rules = e.rules
	c.estimator.sizes = make(map[string]uint64, len(variables))
	c.estimator.items = map[string]uint64{}
	for _, v := range variables {
		c.getters[v.name] = v.get
		c.estimator.sizes[v.name] = v.size
		if v.kind.IsExactType(cel.ListType(cel.StringType)) {
			c.estimator.items[v.name] = token.MaxName + 1 + token.MaxRole // AGENCY/WHAT
		}
	}
	return c, nil
}

// compile checks an expression and prepares it. A problem says what to write instead. The order is from cheap to dear:
// length, grammar, types, the rules' own bounds, cost; only then a program is made of it. Cost is estimated at worst,
// over all values that the variables may have.
func (c *compiler) compile(where, text string, want *cel.Type) (*expression, *Problem) {
	fail := func(write, format string, args ...any) (*expression, *Problem) {
		return nil, &Problem{Where: where, What: fmt.Sprintf(format, args...), Write: write}
	}
	if limit := maxExpression(c.estimator.rules); len(text) > limit {
		return fail("split it", "%d characters, at most %d", len(text), limit)
	}
	parsed, issues := c.env.Parse(text)
	if issues.Err() != nil {
		return fail("", "in `%s`: not an expression: %s", text, firstLine(issues))
	}
	checked, issues := c.env.Check(parsed)
	if issues.Err() != nil {
		return fail(c.advice(issues), "in `%s`: %s", text, firstLine(issues))
	}
	tree := checked.NativeRep()
	// CEL's checker allows more than the rules: doubles, maps, dynamic types. They are refused here, whatever the
	// library comes to know.
	if problem := c.walk(tree); problem != "" {
		return fail("use int, bool, string, bytes and lists", "in `%s`: %s", text, problem)
	}
	if !want.IsExactType(checked.OutputType()) {
		return fail(fmt.Sprintf("write an expression of type %s", typeName(want)), "`%s` is of type %s, want %s", text,
			typeName(checked.OutputType()), typeName(want))
	}
	estimated := tree
	// Before version 5 what a list costs to make was not counted.
	if c.estimator.rules >= 5 {
		estimated = listsAsCalls(tree)
	}
	estimate, err := cost.Cost(estimated, c.estimator)
	if err != nil {
		return fail("", "in `%s`: its cost cannot be estimated: %v", text, err)
	}
	x := &expression{text: text, tree: tree.Expr(), info: tree.SourceInfo(), cost: estimate.Max, names: c.reads(tree)}
	// Most expressions of terms are a constant or one name: they are answered without the evaluator, at the cost of
	// one step.
	switch {
	case x.tree.Kind() == ast.LiteralKind:
		x.constant, x.cost = x.tree.AsLiteral(), 0
	case x.tree.Kind() == ast.IdentKind && c.getters[x.tree.AsIdent()] != nil:
		x.get, x.cost = c.getters[x.tree.AsIdent()], 1
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if c.estimator.tracking {
		options = []cel.ProgramOption{cel.CostTracking(tracker{c.estimator.rules})}
	}
	if x.program, err = c.env.Program(checked, options...); err != nil {
		return fail("", "in `%s`: %v", text, err)
	}
	return x, nil
}

// walk refuses what the environment has no name for but the grammar has: doubles, unsigned
// numbers, null, maps, objects, mixed and very long lists.
func (c *compiler) walk(tree *ast.AST) (problem string) {
	nodes := 0
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		nodes++
		switch e.Kind() {
		case ast.MapKind, ast.StructKind:
			problem = "maps and objects are not allowed"
		case ast.LiteralKind:
			switch e.AsLiteral().(type) {
			case types.Int, types.Bool, types.String, types.Bytes:
			default:
				problem = "only whole numbers, true, false, texts and bytes are allowed"
			}
		case ast.ListKind:
			if e.AsList().Size() > maxListItems {
				problem = fmt.Sprintf("a list of %d items, at most %d", e.AsList().Size(), maxListItems)
			}
		}
		if t := tree.GetType(e.ID()); problem == "" && !allowedType(t) {
			problem = fmt.Sprintf("type %s is not allowed", typeName(t))
		}
	}))
	if nodes > maxNodes && problem == "" {
		problem = fmt.Sprintf("%d parts, at most %d", nodes, maxNodes)
	}
	return problem
}

// allowedType says whether values of a type may occur.
func allowedType(t *types.Type) bool {
	switch t.Kind() {
	case types.IntKind, types.BoolKind, types.StringKind, types.BytesKind:
		return true
	case types.ListKind:
		return allowedType(t.Parameters()[0])
	}
	return false
}

func typeName(t *types.Type) string { return t.String() }

// reads lists the variables in order of appearance.
func (c *compiler) reads(tree *ast.AST) (names []string) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind {
			return
		}
		name := e.AsIdent()
		if _, known := c.getters[name]; !known {
			return
		}
		if _, seen := find(names, name); !seen {
			names = append(names, name)
		}
	}))
	return names
}

// firstLine is the first thing that is wrong, without the library's own advice.
func firstLine(issues *cel.Issues) string {
	errors := issues.Errors()
	if len(errors) == 0 {
		return issues.Err().Error()
	}
	line, _, _ := strings.Cut(errors[0].Message, "\n")
	line, _, _ = strings.Cut(line, " (in container")
	line, _, _ = strings.Cut(line, " (did you mean") // advice knows better
	return line
}

// advice names what might have been meant by an unknown name or a missing overload.
func (c *compiler) advice(issues *cel.Issues) string {
	message := firstLine(issues)
	if name, ok := between(message, "undeclared reference to '", "'"); ok {
		var members []string
		for _, v := range c.variables {
			if rest, ok := strings.CutPrefix(v.name, name+"."); ok {
				members = append(members, name+"."+rest)
			}
		}
		if len(members) > 0 {
			return "write one of " + strings.Join(members, ", ")
		}
		// By the library's words, for it gives no codes. If these change, only the advice is lost: what is refused
		// stays refused.
		if near := c.nearest(name); near != "" {
			return "write " + near
		}
		switch name {
		case "double", "float", "timestamp", "duration", "dyn", "matches":
			return "times are int in milliseconds (now, created, day); there are no doubles, dynamic types or " +
				"regular expressions"
		}
		return "known names: " + strings.Join(c.known(), ", ")
	}
	if strings.Contains(message, "double") {
		return "amounts are whole tiyn; write a fraction as part(amount, 16, 100)"
	}
	if strings.Contains(message, "no matching overload for '_==_'") ||
		strings.Contains(message, "no matching overload for '_!=_'") {
		return "compare values of the same type"
	}
	return ""
}

// known are the names that an expression may use.
func (c *compiler) known() []string {
	var names []string
	for _, v := range c.variables {
		names = append(names, v.name)
	}
	return names
}

// nearest is the known name that differs least, if it differs little.
func (c *compiler) nearest(name string) string {
	best, least := "", 3
	for _, v := range c.variables {
		_, member, _ := strings.Cut(v.name, ".")
		for _, candidate := range []string{v.name, member} {
			if d := distance(name, candidate); candidate != "" && d < least {
				best, least = v.name, d
			}
		}
	}
	return best
}

// distance counts the letters to change between two short words. It is Levenshtein's, in one row: O(|a|·|b|) steps of
// at most 64 letters each.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, cost)
		}
	}
	return row[len(b)]
}

// between is what stands between two texts.
func between(s, before, after string) (string, bool) {
	_, rest, ok := strings.Cut(s, before)
	if !ok {
		return "", false
	}
	inside, _, ok := strings.Cut(rest, after)
	return inside, ok
}

// textOf writes a part of the expression in one way, so that two that say the same text are equal; "" if it cannot.
func (x *expression) textOf(e ast.Expr) string {
	text, err := parser.Unparse(e, x.info)
	if err != nil {
		return ""
	}
	return text
}

// value evaluates an expression. An error is cannot-evaluate: a division by nothing, a sum beyond 64 bits, an index
// beyond a list.
func (x *expression) value(s *scope) (ref.Val, *token.Error) {
	if x.constant != nil {
		return x.constant, nil
	}
	if x.get != nil {
		return x.get(s), nil
	}
	out, _, err := x.program.Eval(s)
	if err != nil {
		// The library's words are for people; nothing of them enters the state.
		return nil, refuse(CannotEvaluate, x.text, "%v", err)
	}
	return out, nil
}

// int is the value of an expression that was compiled to be a whole number.
func (x *expression) int(s *scope) (int64, *token.Error) {
	v, err := x.value(s)
	if err != nil {
		return 0, err
	}
	return int64(v.(types.Int)), nil
}

// bool is the value of an expression that was compiled to be a truth.
func (x *expression) bool(s *scope) (bool, *token.Error) {
	v, err := x.value(s)
	if err != nil {
		return false, err
	}
	return bool(v.(types.Bool)), nil
}

// bytes is the value of an expression that was compiled to be bytes.
func (x *expression) bytes(s *scope) ([]byte, *token.Error) {
	v, err := x.value(s)
	if err != nil {
		return nil, err
	}
	return []byte(v.(types.Bytes)), nil
}
