package contract

import (
	"crypto/sha256"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Whatever terms a template's creation takes, no sum of them overflows later: what an action computes, it can compute
// until the end, so that nobody writes terms under which the other side is never paid.
func TestNoTermsThatATemplateTakesOverflowLater(t *testing.T) {
	lock := sha256.Sum256(make([]byte, 32))
	numbers := []int64{0, 1, 2, 16, 100, 1000, 86_400_000, start - 1, start, start + 100_000, start + 40*86_400_000, start + 3000*86_400_000,
		1_000_000_000_000_000, 1_000_000_000_000_001, math.MaxInt64 / 4096, math.MaxInt64 / 100, math.MaxInt64/2 - 1, math.MaxInt64 - 1, math.MaxInt64}
	admitted := map[string]int{}
	for _, name := range TemplateNames {
		program, err := TemplateProgram(name)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) { playTerms(t, program, name, lock, numbers, admitted) })
	}
	t.Log(admitted)
}

// playTerms creates a contract under terms drawn at random, if the template takes them, and acts in it.
func playTerms(t *rapid.T, program *Program, name string, lock [32]byte, numbers []int64, admitted map[string]int) {
	number := func(what string) int64 {
		switch pool := numbers; what {
		case "until", "timeout":
			return rapid.SampledFrom([]int64{start + 40*86_400_000, start + 3000*86_400_000}).Draw(t, what)
		case "window", "days", "period":
			pool = append([]int64{1, 30, 1000, 3_600_000, 86_400_000}, pool...)
			return rapid.SampledFrom(pool[:8]).Draw(t, what)
		default:
			return rapid.SampledFrom(pool).Draw(t, what)
		}
	}
	value := func(f Field) token.Value {
		switch f.Type {
		case token.IntValue:
			return token.Int(number(f.Name))
		case token.TextValue:
			return token.Text(Plain)
		case token.BytesValue:
			if f.Name == "key" {
				return token.Bytes(make([]byte, 33))
			}
			return token.Bytes(lock[:])
		}
		n := 3
		if f.Name == "steps" {
			n = 4
		}
		list := make([]int64, n)
		for i := range list {
			list[i] = number(f.Name)
		}
		return token.Ints(list)
	}
	var terms []token.Value
	for _, f := range program.Definition.Terms {
		terms = append(terms, value(f))
	}
	// What is taken is what the creation demands: an expression of the terms, or any amount.
	paid := make([]money.Tiyn, len(program.Definition.Assets))
	for i, take := range program.create.takes {
		paid[i] = 1 << 50
		if take.amount != nil {
			s := &scope{getters: program.fixed, instance: &Instance{Terms: terms, CreatedMillis: start}}
			n, refused := take.amount.int(s)
			if refused != nil || n < 0 {
				t.Skip("terms were drawn for which the sum to pay in is no number: there is no such creation")
			}
			paid[i] = money.Tiyn(n)
		} else if !take.any {
			paid[i] = 0
		}
	}
	p, refused := tryBegin(t, program, paid, terms...)
	if refused != nil {
		return
	}
	admitted[name]++
	p.document = lock[:]
	for range 12 {
		p.now += uint64(rapid.SampledFrom([]int64{0, 1000, 86_400_000, 400 * 86_400_000}).Draw(t, "later"))
		if p.now >= p.instance.EndsMillis {
			p.now = p.instance.EndsMillis - 1
		}
		a := rapid.SampledFrom(program.Definition.Actions).Draw(t, "action")
		by := program.Definition.Parties[0]
		if len(a.By) > 0 {
			by = rapid.SampledFrom(a.By).Draw(t, "by")
		}
		var args []token.Value
		for _, f := range a.Args {
			switch {
			case f.Type == token.IntValue:
				args = append(args, token.Int(rapid.SampledFrom([]int64{0, 1, 4096}).Draw(t, f.Name)))
			case f.Name == "secret", f.Name == "word":
				args = append(args, token.Bytes(make([]byte, 32)))
			default:
				args = append(args, token.Bytes(lock[:]))
			}
		}
		if refused := p.act(by, a.Name, nil, args...); code(refused) == CannotEvaluate {
			t.Fatalf("%s, terms %v: %s: %v", name, terms, a.Name, refused)
		} else if refused == nil && a.Ends {
			return
		}
	}
}
