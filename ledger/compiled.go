package ledger

import (
	"crypto/sha256"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// KeptCompiled bounds how many definitions, and how many purposes, are kept compiled. Compiling one takes as long as
// hundreds of payments; the one whose use is longest ago is forgotten.
const KeptCompiled = 1024

// Compiled is what became of compiling a definition.
type Compiled struct {
	Program  *contract.Program
	Problems contract.Problems // why it is none
	Checked  bool              // all was checked that a new one must hold; not of one that is registered
}

// Compile compiles a definition as registering it, or calling a contract of it, wants it. It reads no state and depends
// on nothing but its arguments, so that anybody may call it outside of the state's lock, and every node comes to the
// same.
func Compile(rules uint32, encoded []byte, registered bool) Compiled {
	d, err := contract.Decode(encoded)
	if err != nil {
		return Compiled{} // the executor says so, which costs it nothing
	}
	var c Compiled
	if registered {
		c.Program, c.Problems = contract.CompileRegistered(rules, d)
	} else {
		c.Program, c.Problems = contract.CompileUnder(rules, d)
		c.Checked = true
	}
	return c
}

// Needs says which definition a transaction wants compiled, and its encoding: that of a new one, or of one that is
// registered. None is wanted of most kinds.
func Needs(state State, body token.Body) (id token.Hash, encoded []byte, registered bool) {
	switch t := body.(type) {
	case *token.Define:
		return sha256.Sum256(t.Definition), t.Definition, false
	case *token.Create:
		encoded, _ = state.Definition(t.Definition)
		return t.Definition, encoded, true
	case *token.Act:
		if c := state.Contract(t.Contract); c != nil {
			encoded, _ = state.Definition(c.Definition)
			return c.Definition, encoded, true
		}
	}
	return id, nil, false
}

// compileNew compiles a definition that is to be registered.
func (x *Executor) compileNew(id token.Hash, d *contract.Definition) (*contract.Program, contract.Problems) {
	if x.Compiled != nil {
		if c, ok := x.Compiled(x.rulesVersion, id); ok && c.Checked {
			return c.Program, c.Problems
		}
	}
	return contract.CompileUnder(x.rulesVersion, d)
}

func (x *Executor) keepProgram(id token.Hash, p *contract.Program) { x.programs.Put(id, p) }

// program is a definition compiled, remembered. What registering let pass compiles for ever under every later version:
// that it does not is a broken invariant.
func (x *Executor) program(id token.Hash) (*contract.Program, *token.Error) {
	if p, ok := x.programs.Get(id); ok {
		return p, nil
	}
	encoded, ok := x.state.Definition(id)
	if !ok {
		return nil, refuse(UnknownDefinition, "definition", "no definition %s", id)
	}
	if x.Compiled != nil {
		if c, ok := x.Compiled(x.rulesVersion, id); ok && c.Program != nil {
			x.keepProgram(id, c.Program)
			return c.Program, nil
		}
	}
	c := Compile(x.rulesVersion, encoded, true)
	if c.Program == nil {
		panic("a registered definition does not compile: " + c.Problems.Error())
	}
	x.keepProgram(id, c.Program)
	return c.Program, nil
}

// rule is a purpose compiled, remembered.
func (x *Executor) rule(number uint32) (*contract.Rule, *token.Error) {
	if r, ok := x.rules.Get(number); ok {
		return r, nil
	}
	p := x.state.Purpose(number)
	if p == nil {
		return nil, refuse(UnknownPurpose, "outputs", "no purpose %d", number)
	}
	r, problems := contract.CompileRegisteredPurpose(x.rulesVersion, p.Purpose)
	if len(problems) > 0 {
		panic("a registered purpose does not compile: " + problems.Error())
	}
	x.rules.Put(number, r)
	return r, nil
}
