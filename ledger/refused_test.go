package ledger_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// refusedVectors are transactions that a log refuses, by the code of each rule.
type refusedVectors struct {
	Comment string        `json:"comment"`
	Kind    string        `json:"kind"`
	Blocks  [][]string    `json:"blocks"` // of all logs, each once
	Cases   []refusedCase `json:"cases"`
}

type refusedCase struct {
	Rule        token.Code `json:"rule"`        // that the case is about
	Log         []int      `json:"log"`         // the blocks before it
	Time        uint64     `json:"time"`        // of the block it would be in
	Transaction string     `json:"transaction"` // its bytes
	Code        token.Code `json:"code"`        // empty: it is executed
}

// recorder notes what chains refuse.
type recorder struct {
	vectors refusedVectors
	known   map[string]int // blocks
	rule    token.Code
}

// recording, if set, watches every town. Only one test sets it, and it runs alone.
var recording *recorder

func (r *recorder) watch(c *sim.Chain) {
	c.Tried = func(before int, tx *token.Transaction, refused *token.Error) {
		code := token.Code("")
		if refused != nil {
			code = refused.Code
		}
		// Most of what is executed stands in the logs of what comes after it: of programmable money it is a case too,
		// as what may be done tells as much of its rules as what may not. Some tests set up by hand what no log leads
		// to.
		if code == "" && tx.Body.Kind() < token.KindEarmarkedTransfer || fromLog(c, before, tx) != code {
			return
		}
		one := refusedCase{Rule: r.rule, Time: c.Now, Transaction: hex.EncodeToString(tx.Encode()), Code: code}
		for _, block := range c.Blocks[:before] {
			one.Log = append(one.Log, r.block(block))
		}
		r.vectors.Cases = append(r.vectors.Cases, one)
	}
}

// fromLog is how a transaction fares when the state is derived from the blocks before.
func fromLog(c *sim.Chain, before int, tx *token.Transaction) token.Code {
	state := ledger.NewModel()
	replay := ledger.NewReplay(state, true)
	for i, block := range c.Blocks[:before] {
		if _, err := replay.Block(block, token.Hash(c.Roots[i])); err != nil {
			return codeOf(err)
		}
	}
	executor := replay.Executor()
	executor.Begin(uint64(before), c.Now)
	if err := executor.Apply(tx, nil); err != nil {
		return err.Code
	}
	return ""
}

func (r *recorder) block(entries [][]byte) int {
	key := string(bytes.Join(entries, nil))
	number, ok := r.known[key]
	if !ok {
		var texts []string
		for _, e := range entries {
			texts = append(texts, hex.EncodeToString(e))
		}
		number = len(r.vectors.Blocks)
		r.known[key] = number
		r.vectors.Blocks = append(r.vectors.Blocks, texts)
	}
	return number
}

// Every rule of the ledger has a transaction in the vectors that it refuses, with the log before it.
func TestRefusedVectors(t *testing.T) {
	r := &recorder{known: map[string]int{}, vectors: refusedVectors{
		Comment: "transactions that are refused: the blocks of the log before, the time of the block, the bytes, the code; bytes in hexadecimal", Kind: "refused",
	}}
	recording = r
	defer func() { recording = nil }()
	all := maps.Clone(provocations)
	maps.Copy(all, programProvocations)
	maps.Copy(all, cashProvocations)
	maps.Copy(all, purseProvocations)
	for _, code := range slices.Sorted(maps.Keys(all)) {
		r.rule = code
		all[code](newTown(t), code)
	}
	for _, code := range slices.Sorted(maps.Keys(openersProvocations)) {
		r.rule = code
		openersProvocations[code](newTown(t), code)
	}
	for _, code := range slices.Sorted(maps.Keys(validatorsProvocations)) {
		r.rule = code
		validatorsProvocations[code](newTown(t), code)
	}
	r.rule = ledger.Duplicate // of wallets and agencies nobody can make one: their ids are hashes
	w := newTown(t)
	definition := func() *token.Define {
		return &token.Define{Registrar: w.bank, Sequence: w.model.Intermediaries[w.bank].Sequence,
			Definition: w.Template("escrow")}
	}
	w.Must(definition())
	w.expect(ledger.Duplicate, definition())
	newFair(t).vouchesTooFar()
	vouchesTooEarly(t)
	r.rule = token.TooMany
	newFair(t).fillsAnAgencysShare()
	newFair(t).fillsARegistrarsShare()
	namesSharesTooEarly(t)
	r.rule = ledger.OfReserve
	newTown(t).reserveIsTheOffices()
	r.rule = ledger.LaterRules
	cashTooEarly(t)
	r.rule = contract.PurposeForbids
	newFair(t).asksItsAgency()
	seen := map[token.Code]bool{
		"unknown-rules": true, // stops a program before the block, whatever is in it
		// such money returns before any transaction of the block, but where more falls due than fits one
		"purpose-expired": true,
		"unknown-asset":   true, // of the assets of the encoding only plain and marked tenge can come to be
	}
	for _, c := range r.vectors.Cases {
		seen[c.Code] = true
	}
	for code := range all { // any order
		if !seen[code] {
			t.Errorf("no transaction is refused for %s", code)
		}
	}
	got, err := json.MarshalIndent(r.vectors, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const path = "../testdata/vectors/refused.json"
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(got, '\n'), want) {
		t.Error("refused.json is not what the rules refuse now: go test ./ledger -run RefusedVectors -update")
	}
}
