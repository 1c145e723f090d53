package contract

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/aqsha/aqsha/token"
)

// Program is a definition that passed its checks, compiled. It is used by one goroutine. Definition, id and what is
// compiled never change; scope and outcome are those of the last call.
type Program struct {
	Definition *Definition
	id         token.Hash
	starts     []*expression // of the state
	registers  []int         // of each variable its place in Instance.Registers, or −1 where it is an integer
	endsAt     *expression
	fixed      map[string]getter
	create     action
	actions    []action
	scope      scope
	outcome    Outcome
	later      Problems // what a later version of the rules says of it
}

// action is a compiled Action. An expression that is nil was left out; take is by asset, also for those of which
// nothing comes in. getters are the values that its expressions may name, and cost is what it takes to evaluate all of
// them at most, which is bounded when it is compiled.
type action struct {
	name        string
	by          []int // parties; empty for anyone
	args        []Field
	from, until *expression
	when        *expression
	document    *expression
	anyDocument bool
	takes       []take // by asset
	pay         []payout
	set         []update
	ends        bool
	extends     *expression // when the contract ends afterwards, or nil
	getters     map[string]getter
	cost        total
}

// take says what of an asset comes in: nothing, an amount, or whatever the caller gives.
type take struct {
	amount *expression
	any    bool
}

// payout is a payment of an action, with its names resolved to places.
type payout struct {
	to     int // party, or callerIndex
	asset  int
	as     int         // the asset it becomes, or the same
	amount *expression // nil for the rest
}

type update struct {
	variable int
	value    *expression
}

// callerIndex stands for the caller among parties.
const callerIndex = -1

// Compile checks a definition under the newest rules and prepares it. All that is wrong is returned at once. It takes
// milliseconds, as long as hundreds of payments, and is the same everywhere: it depends on the definition and the
// version alone. The result shares the definition.
func Compile(d *Definition) (*Program, Problems) { return compile(NewestRules, d, false) }

// CompileUnder is Compile under a version of the ledger's rules.
func CompileUnder(rules uint32, d *Definition) (*Program, Problems) { return compile(rules, d, false) }

// CompileRegistered prepares a definition that is registered already. A later version may check more than the one under
// which it was: it stays a contract nevertheless.
func CompileRegistered(rules uint32, d *Definition) (*Program, Problems) {
	k := newChecker(rules, d)
	k.registered = true
	return k.compile()
}

func compile(rules uint32, d *Definition, tracking bool) (*Program, Problems) {
	k := newChecker(rules, d)
	k.tracking = tracking
	return k.compile()
}

func newChecker(rules uint32, d *Definition) *checker {
	return &checker{rules: rules, environment: environmentOf(rules), definition: d, program: &Program{Definition: d}}
}

// compile checks form first, for names are needed by all that follows; then what is fixed at creation, the actions, the
// end; last what is said of the contract as a whole, which needs all of it compiled. What is registered skips that last
// part: it was asked then.
func (k *checker) compile() (*Program, Problems) {
	d := k.definition
	k.form()
	if len(k.problems) > 0 {
		return nil, k.problems // names are needed to go on
	}
	k.fixed()
	if len(k.problems) > 0 && k.rules >= 3 {
		return nil, k.problems // of what type the variables are is needed to go on
	}
	k.action(&d.Create, &k.program.create, "create")
	k.program.actions = make([]action, len(d.Actions))
	for i := range d.Actions {
		k.action(&d.Actions[i], &k.program.actions[i], "actions."+d.Actions[i].Name)
	}
	if len(k.problems) == 0 {
		k.atEnd()
	}
	if len(k.problems) == 0 && !k.registered {
		k.flows()
		k.reachable()
	}
	if size := len(d.Encode()); size > MaxDefinition {
		k.problems.add("definition", "make it shorter", "%d bytes, at most %d", size, MaxDefinition)
	}
	if len(k.problems) > 0 {
		return nil, k.problems
	}
	k.program.id = d.ID()
	return k.program, nil
}

// ID is the definition's.
func (p *Program) ID() token.Hash { return p.id }

// Cost is the estimated worst-case cost of an action.
func (p *Program) Cost(action int) uint64 { return p.actions[action].cost.units }

// Later says what rules version 5 refuses in a definition that an earlier version takes.
func (p *Program) Later() Problems { return p.later }

// checker collects what is wrong while it compiles. Used by one goroutine, once.
type checker struct {
	environment *environment
	definition  *Definition
	program     *Program
	problems    Problems
	compilers   []*compiler // of each action, for the checks that follow
	tracking    bool
	rules       uint32
	registered  bool // checked when it was registered: only what is executed is prepared
}

// form checks names and numbers of things.
func (k *checker) form() {
	d := k.definition
	if !wellNamed(d.Name) {
		k.problems.add("contract", "write `contract: escrow`", "%q: a name has 1 to 24 of a–z, 0–9, _", d.Name)
	}
	k.count("parties", len(d.Parties), 1, MaxParties)
	k.count("assets", len(d.Assets), 1, MaxAssets)
	k.count("terms", len(d.Terms), 0, MaxTerms)
	k.count("state", len(d.State), 0, MaxState)
	k.count("actions", len(d.Actions), 1, MaxActions)
	k.names("parties", d.Parties)
	for _, name := range d.Parties {
		_, taken := find(reserved, name)
		_, later := find(reservedLater, name)
		if taken || later && k.rules >= 3 && !k.registered {
			k.problems.add("parties."+name, "choose another name", "the name means something else in expressions")
		}
	}
	// Names of parties, terms and state become variables of expressions: one that is reserved, or stands twice, would
	// let a sentence mean two things.
	k.names("assets", d.Assets)
	k.fields("terms", d.Terms)
	var states, actions []string
	for _, v := range d.State {
		states = append(states, v.Name)
	}
	for i := range d.Actions {
		a := &d.Actions[i]
		actions = append(actions, a.Name)
		where := "actions." + a.Name
		k.fields(where+".args", a.Args)
		k.count(where+".args", len(a.Args), 0, MaxArgs)
		k.count(where+".pay", len(a.Pay), 0, MaxPayouts)
	}
	k.names("state", states)
	k.names("actions", actions)
	// At creation there is nothing to pay out of and no state to change: the end and the state's beginnings are
	// computed of the terms alone.
	if c := &d.Create; len(c.Pay) != 0 || len(c.Set) != 0 || len(c.Args) != 0 || c.Ends || c.From != "" ||
		c.Until != "" || c.Extends != "" {
		k.problems.add("create", "move it to an action", "creating only takes: it has by, when, document and takes")
	}
	k.end()
}

func (k *checker) count(where string, n, least, most int) {
	if n < least || n > most {
		k.problems.add(where, "", "%d of them, want %d to %d", n, least, most)
	}
}

// names refuses names that cannot be used, or that stand twice.
func (k *checker) names(where string, names []string) {
	for i, name := range names {
		if problem := nameProblem(name); problem != "" {
			k.problems.add(where+"."+name, "choose another name", "%s", problem)
		}
		if first, _ := find(names, name); first != i {
			k.problems.add(where+"."+name, "choose another name", "the name stands twice")
		}
	}
}

// fields checks names and types.
func (k *checker) fields(where string, fields []Field) {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
		if f.Type < token.IntValue || f.Type > token.IntsValue {
			k.problems.add(where+"."+f.Name, "write int, bool, text, bytes or ints", "no type")
		}
	}
	k.names(where, names)
}

// end checks that the end cannot fail: a time fixed at creation, whole shares, fixed parties. It is what makes it safe
// to put money into a contract whose other parties never act again.
func (k *checker) end() {
	e := &k.definition.End
	if e.At == "" {
		k.problems.add("end.at", "write `end: {at: created + 30 * day, pay: {PARTY: 1}}`",
			"a contract has an end, when what is left is paid without anybody's doing")
	}
	if len(e.Pay) == 0 {
		k.problems.add("end.pay", "write `pay: {PARTY: 1}`", "the end pays nobody, so money could stay for ever")
	}
	var names []string
	for _, s := range e.Pay {
		names = append(names, s.To)
		if _, ok := k.definition.party(s.To); !ok {
			k.problems.add("end.pay."+s.To, "write one of the parties", "%q is no party; the end pays fixed parties",
				s.To)
		}
		if s.Of == "" && (s.Share == 0 || s.Share > maxShare) {
			k.problems.add("end.pay."+s.To, "write a whole number of shares", "%d shares, want 1 to %d", s.Share,
				maxShare)
		}
	}
	for i, name := range names {
		if first, _ := find(names, name); first != i {
			k.problems.add("end.pay."+name, "add the shares together", "the party stands twice")
		}
	}
}

// compiler makes one over variables.
func (k *checker) compiler(variables []variable) *compiler {
	c, err := newCompiler(k.environment, variables)
	if err != nil {
		panic(fmt.Sprintf("declaring checked names: %v", err))
	}
	c.estimator.tracking = k.tracking
	return c
}

// expression compiles a text; nil, with a problem, where it is none of the type that is wanted.
func (k *checker) expression(c *compiler, where, text string, want *cel.Type) *expression {
	x, problem := c.compile(where, text, want)
	if problem != nil {
		k.problems = append(k.problems, *problem)
	}
	return x
}

// fixed compiles what is computed at creation: where the state starts, and when the end is.
func (k *checker) fixed() {
	d, p := k.definition, k.program
	c := k.compiler(fixedVariables(d))
	p.fixed = c.getters
	registers, cost := 0, total{}
	for _, v := range d.State {
		x, problem := c.compile("state."+v.Name, v.Start, cel.IntType)
		place := -1
		// A variable is a word of 32 bytes where its beginning is bytes (registers, version 3); if it is neither, the
		// first problem is told, for integers are what most mean.
		if problem != nil && k.rules >= 3 {
			if word, none := c.compile("state."+v.Name, v.Start, cel.BytesType); none == nil {
				x, problem, place = word, nil, registers
				registers++
			}
		}
		if problem != nil {
			k.problems = append(k.problems, *problem)
		}
		if x != nil {
			cost.addExpression(x)
		}
		p.starts, p.registers = append(p.starts, x), append(p.registers, place)
	}
	if k.rules >= 3 {
		k.bound("state", "make where the variables start simpler", cost)
	}
	x, problem := c.compile("end.at", d.End.At, cel.IntType)
	if problem != nil {
		problem.Write = "the end is fixed when the contract is created: write it with created and terms, such as " +
			"created + 30 * day"
		k.problems = append(k.problems, *problem)
	} else if x.cost > MaxActionCost && !k.registered {
		k.problems.add("end.at", "make it simpler", "estimated cost %d, at most %d", x.cost, MaxActionCost)
	}
	p.endsAt = x
}

// literal is the value of an expression that is a number written out.
func (x *expression) literal() (int64, bool) {
	if x == nil { // it did not compile
		return 0, false
	}
	n, ok := x.constant.(types.Int)
	return int64(n), ok
}
