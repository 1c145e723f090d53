package ledger_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// blockCase is a block that could, or could not, stand in the place of one of a log.
type blockCase struct {
	About string     `json:"about"`
	Rule  string     `json:"rule"`  // the paragraph of docs/RULES.md that it is about
	At    int        `json:"at"`    // after so many of the log's blocks
	Block []string   `json:"block"` // entries, the leaf first
	Code  token.Code `json:"code"`  // empty: it is taken
}

// blockVectors are the cases of one log.
type blockVectors struct {
	Base  string      `json:"base"` // the file that holds the log
	Cases []blockCase `json:"cases"`
}

// blocksOf makes cases of a story's log.
type blocksOf struct {
	t     *testing.T
	chain *sim.Chain
	cases []blockCase
}

// with finds a block with an entry of a kind after the first few, and where it stands in it.
func (b *blocksOf) with(wanted func(ledger.Entry) bool) (number, at int) {
	b.t.Helper()
	for number, block := range b.chain.Blocks {
		for at, data := range block {
			if e := b.entry(data); number > 1 && wanted(e) {
				return number, at
			}
		}
	}
	b.t.Fatal("no such block")
	return 0, 0
}

func (b *blocksOf) entry(data []byte) ledger.Entry {
	b.t.Helper()
	e, err := ledger.DecodeEntry(data)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// try has a block judged after those before it, and keeps what is said of it.
func (b *blocksOf) try(rule, about string, number int, block [][]byte) {
	b.t.Helper()
	replay := ledger.NewReplay(ledger.NewModel(), false)
	for i, before := range b.chain.Blocks[:number] {
		if _, err := replay.Block(before, token.Hash(b.chain.Roots[i])); err != nil {
			b.t.Fatal(err)
		}
	}
	c := blockCase{About: about, Rule: rule, At: number}
	if _, err := replay.Block(block, token.Hash(b.chain.Roots[number])); err != nil {
		if c.Code = codeOf(err); c.Code == "" {
			b.t.Errorf("%s: a refusal without a code: %v", about, err)
		}
	}
	for _, e := range block {
		c.Block = append(c.Block, hex.EncodeToString(e))
	}
	b.cases = append(b.cases, c)
}

// leafOf is a block with another leaf.
func (b *blocksOf) leafOf(number int, change func(*ledger.Leaf)) [][]byte {
	block := slices.Clone(b.chain.Blocks[number])
	leaf := *b.entry(block[0]).Leaf
	change(&leaf)
	block[0] = leaf.Encode()
	return block
}

// counted gives a block's leaf the count of what follows it.
func (b *blocksOf) counted(block [][]byte) [][]byte {
	leaf := *b.entry(block[0]).Leaf
	leaf.Count = uint32(len(block) - 1)
	block[0] = leaf.Encode()
	return block
}

func (b *blocksOf) leaves() {
	number, _ := b.with(func(e ledger.Entry) bool {
		return e.Transaction != nil && e.Transaction.Body.Kind() == token.KindTransfer
	})
	before := b.entry(b.chain.Blocks[number-1][0]).Leaf
	for _, c := range []struct {
		about  string
		change func(*ledger.Leaf)
	}{
		{"the block as it was", func(*ledger.Leaf) {}},
		{"a height too high", func(l *ledger.Leaf) { l.Height++ }},
		{"the height of the block before", func(l *ledger.Leaf) { l.Height-- }},
		{"the time of the block before", func(l *ledger.Leaf) { l.TimeMillis = before.TimeMillis }},
		{"a time before the last block's", func(l *ledger.Leaf) { l.TimeMillis = before.TimeMillis - 1 }},
		{"a count too high", func(l *ledger.Leaf) { l.Count++ }},
		{"a count of none", func(l *ledger.Leaf) { l.Count = 0 }},
		{"another root before it", func(l *ledger.Leaf) { l.Previous[0] ^= 1 }},
		{"a tiyn issued more", func(l *ledger.Leaf) { l.Issued++ }},
		{"a tiyn redeemed more", func(l *ledger.Leaf) { l.Redeemed++ }},
		{"a tiyn circulating less", func(l *ledger.Leaf) { l.Circulating-- }},
		{"a genesis in a later block", func(l *ledger.Leaf) { l.Genesis = b.entry(b.chain.Blocks[0][0]).Leaf.Genesis }},
	} {
		b.try("R-LEAF", c.about, number, b.leafOf(number, c.change))
	}
	b.try("R-LEAF", "no leaf", number, b.chain.Blocks[number][1:])
	b.try("R-LEAF", "two leaves", number, b.counted(slices.Insert(slices.Clone(b.chain.Blocks[number]), 1,
		b.chain.Blocks[number][0])))
	b.try("R-LEAF", "a block of nothing but its leaf", number, b.leafOf(number, func(l *ledger.Leaf) {
		l.Count, l.Issued, l.Redeemed, l.Circulating = 0, before.Issued, before.Redeemed, before.Circulating
	})[:1])
	b.try("R-RULES", "an earlier version of the rules", number, b.leafOf(number, func(l *ledger.Leaf) { l.Rules-- }))
	b.try("R-RULES", "a version of the rules that nobody knows", number, b.leafOf(number, func(l *ledger.Leaf) {
		l.Rules = 4_000_000_000
	}))
	b.try("R-PAY", "a payment twice in one block", number,
		b.counted(append(slices.Clone(b.chain.Blocks[number]), b.chain.Blocks[number][len(b.chain.Blocks[number])-1])))
}

func (b *blocksOf) due() {
	for _, kind := range []ledger.SystemKind{ledger.SystemRekey, ledger.SystemProposal, ledger.SystemEnd,
		ledger.SystemExpiry, ledger.SystemClose} {
		number, at := b.with(func(e ledger.Entry) bool { return e.System != nil && e.System.Kind == kind })
		block := b.chain.Blocks[number]
		name := kind.String()
		b.try("R-DUE", name+", left out", number, b.counted(slices.Delete(slices.Clone(block), at, at+1)))
		b.try("R-DUE", name+", twice", number, b.counted(slices.Insert(slices.Clone(block), at, block[at])))
		b.try("R-DUE", name+", a block too early", number-1, b.early(number-1, block[at]))
		if last := len(block) - 1; b.entry(block[last]).Transaction != nil {
			late := slices.Delete(slices.Clone(block), at, at+1)
			b.try("R-DUE", name+", after a transaction", number, append(late, block[at]))
		}
		other := *b.entry(block[at]).System
		other.Wallet[0] ^= 1
		other.Proposal[0] ^= 1
		b.try("R-DUE", name+", of another", number, b.instead(number, at, other.Encode()))
		b.salts(name, number, at)
	}
	number, at := b.with(func(e ledger.Entry) bool { return e.System != nil })
	for ; at+1 < len(b.chain.Blocks[number]) && b.entry(b.chain.Blocks[number][at+1]).System != nil; at++ {
		swapped := slices.Clone(b.chain.Blocks[number])
		swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
		b.try("R-DUE", "two that fall due, in the other order", number, swapped)
	}
}

func (b *blocksOf) instead(number, at int, entry []byte) [][]byte {
	block := slices.Clone(b.chain.Blocks[number])
	block[at] = entry
	return block
}

// early is a block with a system entry that is not due in it.
func (b *blocksOf) early(number int, entry []byte) [][]byte {
	return b.counted(slices.Insert(slices.Clone(b.chain.Blocks[number]), 1, entry))
}

// salts are the same entry with another salt, without one, and with one where none may be.
func (b *blocksOf) salts(name string, number, at int) {
	s := *b.entry(b.chain.Blocks[number][at]).System
	if s.Salt == nil {
		s.Salt = &ledger.Salt{1, 2, 3}
		b.try("R-DUE-SALT", name+", with a salt before version 4", number, b.instead(number, at, s.Encode()))
		return
	}
	salt := *s.Salt
	salt[0] ^= 1
	s.Salt = &salt
	b.try("R-DUE-SALT", name+", with another salt", number, b.instead(number, at, s.Encode()))
	s.Salt = nil
	b.try("R-DUE-SALT", name+", without a salt", number, b.instead(number, at, s.Encode()))
}

func (b *blocksOf) effects() {
	for _, kind := range []token.Kind{token.KindCreate, token.KindAct} {
		number, at := b.with(func(e ledger.Entry) bool {
			return e.Transaction != nil && e.Transaction.Body.Kind() == kind
		})
		tx := b.entry(b.chain.Blocks[number][at]).Transaction.Encode()
		for about, change := range map[string]func(e *ledger.Effects){ // any order: sorted at the end
			"a tiyn more is made":            func(e *ledger.Effects) { e.Made[0].Amount++ },
			"a token is made for another":    func(e *ledger.Effects) { e.Made[0].Wallet[0] ^= 1 },
			"what is made is marked":         func(e *ledger.Effects) { e.Made[0].Purpose = 1 },
			"a token more is made":           func(e *ledger.Effects) { e.Made = append(e.Made, e.Made[0]) },
			"nothing is made":                func(e *ledger.Effects) { e.Made = nil },
			"a token more is spent":          func(e *ledger.Effects) { e.Spent = append(e.Spent, token.ID{1}) },
			"effects as the rules have them": func(*ledger.Effects) {},
		} {
			e := b.entry(b.chain.Blocks[number][at]).Effects
			e.Made, e.Spent = slices.Clone(e.Made), slices.Clone(e.Spent)
			change(&e)
			b.try("R-EFFECTS", kind.String()+": "+about, number, b.instead(number, at, ledger.AppendEntry(nil, tx, &e)))
		}
	}
}

// validators puts the next change of validators into the block of the first.
func (b *blocksOf) validators() {
	number, at := b.with(func(e ledger.Entry) bool {
		return e.Transaction != nil && e.Transaction.Body.Kind() == token.KindSetValidators
	})
	b.try("R-VALIDATORS", "one change of validators", number, b.chain.Blocks[number])
	next := b.chain.Blocks[number+1]
	b.try("R-VALIDATORS", "two changes of validators in one block", number,
		b.counted(append(slices.Clone(b.chain.Blocks[number][:at+1]), next[len(next)-1])))
	if last := b.cases[len(b.cases)-1]; last.Code != ledger.ValidatorsChanged {
		b.t.Errorf("two changes in a block: %q", last.Code)
	}
}

// Blocks that no log may have, and what each is refused for, stand in a file that verify/js reads too.
func TestRefusedBlockVectors(t *testing.T) {
	var all []blockVectors
	codes := map[token.Code]int{}
	for rules, base := range []string{3: "ledger-3.json", 4: "ledger-4.json", 5: "ledger-5.json"} {
		if base == "" {
			continue
		}
		b := &blocksOf{t: t}
		b.chain, _ = sim.NewWorldUnder(uint32(rules), 2026).Story(ledger.NewModel())
		if rules == ledger.LatestRules {
			b.validators()
		} else {
			b.leaves()
			b.due()
			b.effects()
		}
		slices.SortStableFunc(b.cases, func(x, y blockCase) int {
			return bytes.Compare([]byte(x.Rule+x.About), []byte(y.Rule+y.About))
		})
		all = append(all, blockVectors{base, b.cases})
		for _, c := range b.cases {
			codes[c.Code]++
		}
	}
	if codes["not-derived"] < 60 || codes["unknown-rules"] < 2 || codes[""] < 8 {
		t.Errorf("%v", codes)
	}
	got, err := json.MarshalIndent(map[string]any{"comment": "blocks that may not, or may, follow a log's first blocks, and the code of the refusal; bytes in hexadecimal", "kind": "blocks", "logs": all}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "../testdata/vectors/refused-blocks.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf(
			"refused-blocks.json is not what the rules refuse now: go test ./ledger -run RefusedBlock -update (%v)",
			err)
	}
}
