package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aqsha/aqsha/token"
)

// maxSource bounds what Parse reads. A definition has at most MaxDefinition bytes encoded; the rest is for comments and
// indentation. It also bounds what the YAML library sees.
const maxSource = 64 << 10

// Source is a definition as it was written, with the lines on which its parts stand. lines is keyed as Problem.Where is
// written, such as actions.release.pay[1].
type Source struct {
	Definition Definition
	lines      map[string]int
}

// Parse reads a definition in YAML or JSON. Problems of form stop it; Check says whether what was
// read is a contract.
func Parse(data []byte) (*Source, Problems) {
	var problems Problems
	if len(data) > maxSource {
		problems.add("definition", "", "%d bytes, at most %d", len(data), maxSource)
		return nil, problems
	}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil {
		problems.add("definition", "", "neither YAML nor JSON: %v", err)
		return nil, problems
	}
	if more(decoder) {
		problems.add("definition", "put it into a file of its own", "a second document after the first")
		return nil, problems
	}
	if len(document.Content) != 1 {
		problems.add("definition", "begin with `contract: NAME`", "nothing in it")
		return nil, problems
	}
	r := &reader{lines: map[string]int{}}
	r.definition(document.Content[0])
	if len(r.problems) > 0 {
		return nil, r.source.Lines(r.problems)
	}
	r.source.lines = r.lines
	return &r.source, nil
}

// more says whether another document follows, which nobody would read.
func more(decoder *yaml.Decoder) bool {
	var next yaml.Node
	return !errors.Is(decoder.Decode(&next), io.EOF)
}

// Lines fills in on which lines problems stand. Where a part has no line of its own, the nearest above it in the tree
// is named. It changes the list that it returns.
func (s *Source) Lines(problems Problems) Problems {
	for i := range problems {
		where := problems[i].Where
		for problems[i].Line == 0 && where != "" {
			problems[i].Line = s.lines[where]
			if cut := strings.LastIndexAny(where, ".["); cut >= 0 {
				where = where[:cut]
			} else {
				where = ""
			}
		}
	}
	return problems
}

// Check says all that is wrong with what was read, or returns it compiled.
func (s *Source) Check() (*Program, Problems) {
	program, problems := Compile(&s.Definition)
	return program, s.Lines(problems)
}

// reader walks a YAML tree. It reads on after a problem, so that all are told at once; what was read then is not used.
type reader struct {
	source   Source
	lines    map[string]int
	problems Problems
}

func (r *reader) problem(n *yaml.Node, where, write, format string, args ...any) {
	r.problems = append(r.problems, Problem{Where: where, Line: n.Line, What: fmt.Sprintf(format, args...),
		Write: write})
}

// pairs visits a mapping's members in order. A key that is not allowed is a problem; allowed nil means that the keys
// are names of the writer's own. It goes on after a problem, so that one reading tells of all of them, and notes the
// line of each member for what later checks find.
func (r *reader) pairs(n *yaml.Node, where string, allowed []string, visit func(key string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.problem(n, where, "write `name: value` lines", "want a mapping")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := where + "." + key.Value
		if where == "" {
			at = key.Value
		}
		if key.Kind != yaml.ScalarNode || seen[key.Value] {
			r.problem(key, at, "", "the name stands twice, or is none")
			continue
		}
		seen[key.Value] = true
		r.lines[at] = key.Line
		if _, ok := find(allowed, key.Value); allowed != nil && !ok {
			r.problem(key, at, "write one of "+strings.Join(allowed, ", "), "no such key")
			continue
		}
		visit(key.Value, value)
	}
}

// scalar reads a single value as it is written, without blanks around it.
func (r *reader) scalar(n *yaml.Node, where string) string {
	if n.Kind != yaml.ScalarNode {
		r.problem(n, where, "write one value", "want a single value")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// items visits the items of a list; a single item may stand without a list.
func (r *reader) items(n *yaml.Node, where string, visit func(at string, item *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		visit(where, n)
		return
	}
	for i, item := range n.Content {
		at := where + "[" + strconv.Itoa(i) + "]"
		r.lines[at] = item.Line
		visit(at, item)
	}
}

func (r *reader) names(n *yaml.Node, where string) (names []string) {
	r.items(n, where, func(at string, item *yaml.Node) { names = append(names, r.scalar(item, at)) })
	return names
}

// fields reads names with their types, in the order of the file.
func (r *reader) fields(n *yaml.Node, where string) (fields []Field) {
	r.pairs(n, where, nil, func(key string, value *yaml.Node) {
		f := Field{Name: key}
		name := r.scalar(value, where+"."+key)
		for t := token.IntValue; t <= token.IntsValue; t++ {
			if t.String() == name {
				f.Type = t
			}
		}
		if f.Type == 0 {
			r.problem(value, where+"."+key, "write int, bool, text, bytes or ints", "%q is no type", name)
		}
		fields = append(fields, f)
	})
	return fields
}

// definition reads a whole definition. What only the text has (distinct, the kind of an asset) becomes part of the
// guard of creating, so that it is hashed, shown and enforced with that; an asset that is not named is the first.
func (r *reader) definition(n *yaml.Node) {
	d := &r.source.Definition
	allowed := []string{"contract", "about", "parties", "distinct", "assets", "terms", "state", "create", "actions",
		"end"}
	var demands []string // of creating, beside its guard
	r.pairs(n, "", allowed, func(key string, value *yaml.Node) {
		switch key {
		case "contract":
			d.Name = r.scalar(value, key)
		case "about":
			d.About = r.scalar(value, key)
		case "parties":
			d.Parties = r.names(value, key)
		case "assets":
			if value.Kind != yaml.MappingNode {
				d.Assets = r.names(value, key)
				return
			}
			r.pairs(value, key, nil, func(name string, is *yaml.Node) {
				d.Assets = append(d.Assets, name)
				demands = append(demands, r.asset(name, is)...)
			})
		case "distinct":
			demands = append(demands, r.distinct(value)...)
		case "terms":
			d.Terms = r.fields(value, key)
		case "state":
			r.pairs(value, key, nil, func(name string, start *yaml.Node) {
				d.State = append(d.State, Var{name, r.scalar(start, "state."+name)})
			})
		case "create":
			d.Create = r.action(value, "create", "")
		case "actions":
			r.pairs(value, key, nil, func(name string, body *yaml.Node) {
				d.Actions = append(d.Actions, r.action(body, "actions."+name, name))
			})
		case "end":
			r.end(value)
		}
	})
	if d.Create.When != "" && len(demands) > 0 {
		demands = append([]string{"(" + d.Create.When + ")"}, demands...)
	}
	if len(demands) > 0 {
		d.Create.When = strings.Join(demands, " && ")
	}
	if len(d.Assets) == 0 {
		d.Assets = []string{"tenge"}
	}
	for i := range d.Actions {
		for j := range d.Actions[i].Pay {
			if d.Actions[i].Pay[j].Asset == "" {
				d.Actions[i].Pay[j].Asset = d.Assets[0]
			}
		}
	}
}

// asset reads what an asset must be: any, plain, or AGENCY/PURPOSE.
func (r *reader) asset(name string, is *yaml.Node) []string {
	want := r.scalar(is, "assets."+name)
	if want == Any || !wellNamed(name) {
		return nil
	}
	if agency, purpose, ok := strings.Cut(want, "/"); want != Plain && (!ok || NameProblem(agency) != "" ||
		NameProblem(purpose) != "") {
		r.problem(is, "assets."+name, "write plain, any, or AGENCY/PURPOSE", "%q is no asset", want)
	}
	return []string{"purpose." + name + " == " + strconv.Quote(want)}
}

// distinct reads parties of whom no two may be one wallet.
func (r *reader) distinct(n *yaml.Node) (demands []string) {
	names := r.names(n, "distinct")
	for i, name := range names {
		if !wellNamed(name) {
			r.problem(n, "distinct", "write names of parties", "%q is no party", name)
			return nil
		}
		for _, other := range names[:i] {
			demands = append(demands, other+".id != "+name+".id")
		}
	}
	return demands
}

// action reads an action from YAML. Keys that are not known are problems, with their line: a misspelt condition must
// not become no condition.
func (r *reader) action(n *yaml.Node, where, name string) Action {
	a := Action{Name: name}
	allowed := []string{"by", "args", "from", "until", "when", "document", "takes", "pay", "set", "ends", "extends"}
	r.pairs(n, where, allowed, func(key string, value *yaml.Node) {
		at := where + "." + key
		switch key {
		case "by":
			a.By = r.names(value, at)
			// The word is for people; in what is hashed anyone is an empty list.
			if len(a.By) == 1 && a.By[0] == "anyone" {
				a.By = nil
			}
		case "args":
			a.Args = r.fields(value, at)
		case "from":
			a.From = r.scalar(value, at)
		case "until":
			a.Until = r.scalar(value, at)
		case "when":
			a.When = r.scalar(value, at)
		case "document":
			a.Document = r.scalar(value, at)
		case "takes":
			r.pairs(value, at, nil, func(asset string, amount *yaml.Node) {
				a.Takes = append(a.Takes, Take{asset, r.scalar(amount, at+"."+asset)})
			})
		case "pay":
			r.items(value, at, func(at string, item *yaml.Node) { a.Pay = append(a.Pay, r.payout(item, at)) })
		case "set":
			r.pairs(value, at, nil, func(name string, to *yaml.Node) {
				a.Set = append(a.Set, Assign{name, r.scalar(to, at+"."+name)})
			})
		case "ends":
			a.Ends = r.truth(value, at)
		case "extends":
			a.Extends = r.scalar(value, at)
		}
	})
	return a
}

// truth reads true or false; YAML's other words for them are refused.
func (r *reader) truth(n *yaml.Node, where string) bool {
	switch r.scalar(n, where) {
	case "true":
		return true
	case "false":
		return false
	}
	r.problem(n, where, "write true or false", "%q is neither", n.Value)
	return false
}

// payout reads whom an action pays, how much of what, and as what.
func (r *reader) payout(n *yaml.Node, where string) (p Payout) {
	r.pairs(n, where, []string{"to", "asset", "amount", "as"}, func(key string, value *yaml.Node) {
		text := r.scalar(value, where+"."+key)
		switch key {
		case "to":
			p.To = text
		case "asset":
			p.Asset = text
		case "amount":
			p.Amount = text
		case "as":
			p.As = text
		}
	})
	return p
}

// end reads what is paid when nobody does anything: shares, or variables whose values are shares. It computes nothing,
// since it must not be able to fail: money in a contract whose end fails would stay there for ever.
func (r *reader) end(n *yaml.Node) {
	e := &r.source.Definition.End
	r.pairs(n, "end", []string{"at", "do", "pay"}, func(key string, value *yaml.Node) {
		switch key {
		case "at":
			e.At = r.scalar(value, "end.at")
			return
		case "do":
			e.Do = r.names(value, "end.do")
			return
		}
		r.pairs(value, "end.pay", nil, func(party string, share *yaml.Node) {
			text := r.scalar(share, "end.pay."+party)
			if variable, ok := strings.CutPrefix(text, "state."); ok && wellNamed(variable) {
				e.Pay = append(e.Pay, Share{To: party, Of: variable})
				return
			}
			parts, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				r.problem(share, "end.pay."+party, "write a whole number of shares, such as 1, or a variable, such "+
					"as state.paid; the end computes nothing", "%q is no number of shares", share.Value)
			}
			e.Pay = append(e.Pay, Share{To: party, Share: parts})
		})
	})
}
