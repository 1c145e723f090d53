package bench

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// UnitCost is what a function of expressions takes, at worst, for each unit that it was estimated at.
type UnitCost struct {
	Expression   string  `json:"expression"`
	Units        float64 `json:"units"` // of one, with its arguments
	Nanos        float64 `json:"nanos"`
	NanosPerUnit float64 `json:"nanos_per_unit"`
}

// unitExpressions has every function and operator of expressions, on the values on which it takes longest for what it
// was estimated at: the longest there can be, equal to their ends, without what is looked for. Letters of more than one
// byte are slower to count. Each holds, so that several of them joined by && are all evaluated.
var unitExpressions = []string{
	`args.n + args.k > 0`, `args.n - args.k > 0`, `args.n * args.k > 0`, `args.n / args.k > 0`, `args.n % args.k >= 0`,
	`-args.n < 0`,
	`args.n == args.k + 2`, `args.n != args.k`, `args.n >= args.k`, `args.n > args.k`, `args.k <= args.n`,
	`args.k < args.n`, `!(args.n < args.k)`, `(args.n < args.k || args.n > args.k)`,
	`(args.n > args.k ? args.n : args.k) > 0`, `min(args.n, args.k) > 0`, `max(args.n, args.k) > 0`,
	`part(args.n, args.k, args.k) > 0`,
	`now > created`, `held.tenge >= left.tenge`, `state.v < args.n`, `alice.tier < args.n`, `today < args.n`,
	`args.s == args.t`, `args.s == terms.s`, `alice.role == bob.role`, `purpose.tenge != "plain"`, `args.b == args.c`,
	`args.b == terms.b`, `alice.key == bob.key`, `alice.id == bob.id`, `args.l == args.m`, `args.s != args.o`,
	`args.b != args.x`, `args.l != args.i`,
	`size(args.s) > 0`, `size(args.b) > 0`, `size(args.l) > 0`, `size(alice.role) > 0`,
	`args.s.startsWith(args.t)`, `args.s.endsWith(args.t)`, `bytes(args.s) == args.b`,
	`bytes(alice.role) == bytes(bob.role)`,
	`args.b + args.c == args.c + args.b`, `alice.id + alice.id == bob.id + bob.id`,
	`alice.id + uint64(args.n) == bob.id + uint64(args.n)`,
	`args.l[63] > 0`, `!(args.n in args.l)`, `!(args.n in [1, 2, 3, 4, 5, 6, 7, 8])`,
	`!(args.s in [args.o, terms.o, args.o, terms.o])`, `!(args.b in [args.x, terms.x, args.x])`,
	`!(alice.id in [bob.key, bob.key, bob.key])`, `!([args.n] in [[1], [2], [3], [4]])`,
	`!(args.l in [args.i, args.i])`,
	`!("` + lastVouched + `" in caller.vouched)`,
	`!(args.n in [minute, hour, day])`, `!(args.s in ["a", "b", "c", "d", "e", "f", "g", "h"])`,
	`!(alice.role in ["farmer", "grower"])`, `args.n + day > 0`, `alice.role != "farmer"`,
	`[args.s, args.t] == [args.t, args.s]`, `size([args.n + args.k, 1]) > 0`,
	`!(args.n in [now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now])`,
	`[now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now, now].all(x, x > 0)`,
	`[args.n, args.k][1] > 0`, `[args.n, args.k] == [args.n, args.k]`, `size([args.s, args.t]) > 0`,
	`args.l.all(x, x > 0)`, `!args.l.exists(x, x == 0)`, `[1, 2, 3, 4].all(x, x > 0)`, `caller.vouched.all(v, v != "` +
		lastVouched + `")`, `next_due(now, 31) > now`, `next_due(now, -3) > now`, `next_due(now, args.n) > now`,
	`args.l.all(x, x != args.n && x != args.k)`,
	`size(sha256(args.b)) == 32`, `sha256(alice.id) == sha256(bob.id)`, `size(uint64(args.n)) == 8`,
	`verify(terms.key, terms.b, terms.sig)`,
	`size(chain(sha256(alice.id), 4096, 4096)) == 32`, `size(chain(sha256(alice.id), 64, 64)) == 32`,
	`included(terms.root, args.b, 5, 1048576, args.p)`,
	`replaced(terms.root, args.b, args.x, 5, 1048576, args.p) != terms.root`,
	`included(terms.root, args.b, args.n, 1048576, args.p) || included(terms.root, args.b, 5, 1048576, args.p)`,
	`size(empty(1048575)) == 32`,
}

// vouchedAs begins what agencies vouch for, as long as it can be; lastVouched differs from each only in its last
// letter.
var (
	vouchedAs   = strings.Repeat("a", token.MaxName) + "/" + strings.Repeat("b", token.MaxRole-1)
	lastVouched = vouchedAs + "a"
)

// unitDefinition has one action, whose guard is to be measured.
func unitDefinition(when string) *contract.Definition {
	field := func(name string, t token.ValueType) contract.Field { return contract.Field{Name: name, Type: t} }
	return &contract.Definition{
		Name: "units", Parties: []string{"alice", "bob"}, Assets: []string{"tenge"},
		State: []contract.Var{{Name: "v", Start: "0"}},
		Terms: []contract.Field{field("s", token.TextValue), field("o", token.TextValue), field("b", token.BytesValue),
			field("x", token.BytesValue), field("root", token.BytesValue), field("key", token.BytesValue),
			field("sig", token.BytesValue)},
		Create: contract.Action{Takes: []contract.Take{{Asset: "tenge", Amount: contract.Any}}},
		Actions: []contract.Action{{Name: "act", When: when,
			Args: []contract.Field{field("n", token.IntValue), field("k", token.IntValue), field("s", token.TextValue),
				field("t", token.TextValue),
				field("o", token.TextValue), field("l", token.IntsValue), field("m", token.IntsValue),
				field("i", token.IntsValue)}},
			{Name: "raw", When: when, Args: []contract.Field{field("n", token.IntValue), field("k", token.IntValue),
				field("s", token.TextValue), field("b", token.BytesValue), field("c", token.BytesValue),
				field("x", token.BytesValue), field("p", token.BytesValue)}}},
		End: contract.End{At: "created + day", Pay: []contract.Share{{To: "alice", Share: 1}}},
	}
}

// unitValues are the arguments of the two actions, and the terms.
func unitValues(key token.Signer) (act, raw, terms []token.Value, err error) {
	const most = token.MaxValueBytes
	text := strings.Repeat("ә", most/2)
	other := text[:most-2] + "ғ"
	octets, odd := bytes.Repeat([]byte{7}, most), bytes.Repeat([]byte{7}, most)
	odd[most-1] = 8
	items, unlike := make([]int64, token.MaxValueInts), make([]int64, token.MaxValueInts)
	for i := range items {
		items[i], unlike[i] = int64(i)+1000, int64(i)+1000
	}
	unlike[len(unlike)-1] = 5
	path := bytes.Repeat([]byte{1}, 20*sha256.Size)
	root := contract.MemberLeaf(octets)
	for i := range 20 { // place 5 lies right, left, right, and then left of its neighbours
		both := append(append([]byte{1}, root[:]...), path[:sha256.Size]...)
		if 5>>i&1 == 1 {
			both = append(append([]byte{1}, path[:sha256.Size]...), root[:]...)
		}
		root = sha256.Sum256(both)
	}
	signature, err := key.Sign(contract.MessageDigest(octets))
	public := key.Public()
	act = []token.Value{token.Int(2_000_000_009), token.Int(2_000_000_007), token.Text(text),
		token.Text(strings.Clone(text)), token.Text(other), token.Ints(items), token.Ints(slices.Clone(items)),
		token.Ints(unlike)}
	raw = []token.Value{token.Int(2_000_000_009), token.Int(2_000_000_007), token.Text(string(octets)),
		token.Bytes(octets), token.Bytes(bytes.Clone(octets)), token.Bytes(odd), token.Bytes(path)}
	terms = []token.Value{token.Text(strings.Clone(text)), token.Text(strings.Clone(other)),
		token.Bytes(bytes.Clone(octets)), token.Bytes(bytes.Clone(odd)), token.Bytes(root[:]), token.Bytes(public[:]),
		token.Bytes(signature[:])}
	return act, raw, terms, err
}

// UnitCosts measures every function of expressions: how long a guard of copies of it takes, less one that is always
// true, for each unit of its estimate. The least of many short runs counts: other work on the machine only adds.
func UnitCosts(runs int, notify func(phase string, done, of int)) ([]UnitCost, error) {
	key, err := token.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{3}, 64)))
	if err != nil {
		return nil, err
	}
	var costs []UnitCost
	for i, text := range unitExpressions {
		c, err := unitCost(key, text, runs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		costs = append(costs, c)
		notify("units of cost", i+1, len(unitExpressions))
	}
	slices.SortStableFunc(costs, func(a, b UnitCost) int { return int(b.NanosPerUnit*1e3) - int(a.NanosPerUnit*1e3) })
	return costs, nil
}

// unitAction is the action that has an expression's arguments: one has the lists, the other the bytes.
func unitAction(text string) int {
	for _, name := range []string{"args.b", "args.c", "args.x", "args.p"} {
		if strings.Contains(text, name) {
			return 1
		}
	}
	return 0
}

// unitCost measures what an expression takes, as the difference between an action with as many copies of it as fit and
// one with an empty condition. A single copy is lost in what an action costs anyway.
func unitCost(key token.Signer, text string, runs int) (UnitCost, error) {
	copies, which := 1, unitAction(text)
	compile := func(when string) (*contract.Program, error) {
		d := unitDefinition(when)
		d.Actions = d.Actions[which : which+1]
		p, problems := contract.Compile(d)
		if len(problems) > 0 {
			return nil, problems
		}
		return p, nil
	}
	program, err := compile(text)
	if err != nil {
		return UnitCost{}, err
	}
	for copies < 8 { // as many as an expression takes
		more, err := compile(strings.Join(slices.Repeat([]string{text}, copies+1), " && "))
		if err != nil {
			break
		}
		program, copies = more, copies+1
	}
	empty, err := compile("now >= 0")
	if err != nil {
		return UnitCost{}, err
	}
	nanos, err := unitNanos(key, [2]*contract.Program{program, empty}, which, runs)
	if err != nil {
		return UnitCost{}, err
	}
	// The comparison that the short one has is what the two differ by beside the copies.
	units := float64(program.Cost(0)) / float64(copies)
	nanos /= float64(copies)
	return UnitCost{text, units, nanos, nanos / units}, nil
}

// WorstUnits are the dearest and the cheapest unit.
func WorstUnits(costs []UnitCost) (most, least UnitCost) {
	for _, c := range costs {
		if most.Expression == "" || c.NanosPerUnit > most.NanosPerUnit {
			most = c
		}
		if least.Expression == "" || c.NanosPerUnit < least.NanosPerUnit {
			least = c
		}
	}
	return most, least
}

// unitNanos is by how much an action of one program takes longer than the other's. Their runs alternate, so that other
// work on the machine adds to both.
func unitNanos(key token.Signer, programs [2]*contract.Program, which, runs int) (float64, error) {
	instance, call, err := unitCall(key, which)
	if err != nil {
		return 0, err
	}
	run := func(p *contract.Program, n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if _, refused := p.Act(instance, call); refused != nil {
				return 0, refused
			}
		}
		return time.Since(start), nil
	}
	var times [2]int
	for i, p := range programs {
		for n := 1; times[i] == 0; n *= 2 { // half a millisecond a run
			took, err := run(p, n)
			if err != nil {
				return 0, err
			}
			if took >= 500*time.Microsecond {
				times[i] = n
			}
		}
	}
	least := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for range runs {
		for i, p := range programs {
			took, err := run(p, times[i])
			if err != nil {
				return 0, err
			}
			least[i] = min(least[i], took)
		}
	}
	return float64(least[0])/float64(times[0]) - float64(least[1])/float64(times[1]), nil
}

// unitCall is a call of the action.
func unitCall(key token.Signer, which int) (*contract.Instance, *contract.Call, error) {
	act, raw, terms, err := unitValues(key)
	if err != nil {
		return nil, nil, err
	}
	// What agencies vouch for is as long as it can be, and differs in its last letter.
	vouched := make([]string, 8)
	for i := range vouched {
		vouched[i] = vouchedAs + string(rune('c'+i))
	}
	people := []contract.Party{{ID: token.WalletID{1}, Key: key.Public(),
		Attributes: token.Attributes{Role: strings.Repeat("r", token.MaxRole)}, Vouched: vouched}}
	people = append(people, people[0])
	people[1].Attributes.Role = strings.Clone(people[0].Attributes.Role)
	const day = 86_400_000
	instance := &contract.Instance{ID: token.WalletID{9}, Parties: []token.WalletID{{1}, {2}}, Assets: []uint32{0},
		Terms: terms, State: []int64{0}, CreatedMillis: day, EndsMillis: 2 * day, Version: 1}
	agency := strings.Repeat("a", token.MaxName)
	call := &contract.Call{Caller: &people[0], Party: func(i int) *contract.Party {
		return &people[i]
	}, Now: day + 5, Today: 20_000, Purpose: func(int) string {
		return agency + "/" + agency
	}, Args: act, Held: []money.Tiyn{700}, Paid: []money.Tiyn{0}}
	if which == 1 {
		call.Args = raw
	}
	return instance, call, nil
}
