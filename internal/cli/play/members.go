package play

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// maxMembersFile bounds a file of members: a million lines of a name and a sum.
const maxMembersFile = 64 << 20

// Member is a line of a file of members.
type Member struct {
	Name   string
	Amount money.Tiyn
}

// Members is a register as a file has it.
type Members struct {
	List   []Member
	Leaves []token.Hash
	Total  money.Tiyn
}

// ProofOf finds a member's place and its path.
func (m *Members) ProofOf(name string) (place int, proof []byte, err error) {
	for i := range m.List {
		if m.List[i].Name == name {
			return i, contract.MemberProof(m.Leaves, i), nil
		}
	}
	return 0, nil, cli.Usage(fmt.Errorf("no member %q, or its place is empty", name))
}

// ReadMembers reads a file of members. Those who have claimed leave an empty place.
func ReadMembers(path string, resolve func(string) (token.WalletID, error), without []string) (*Members, error) {
	data, err := cli.ReadLimited(path, maxMembersFile)
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, name := range without {
		gone[strings.TrimSpace(name)] = true
	}
	m, seen := &Members{}, map[string]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "-" {
			m.List, m.Leaves = append(m.List, Member{}), append(m.Leaves, contract.MemberLeaf(nil))
			continue
		}
		name, text, ok := strings.Cut(line, ",")
		amount, err := money.ParseTenge(strings.TrimSpace(text))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil || amount <= 0 {
			return nil, cli.Usage(fmt.Errorf("%s:%d: %q: want NAME,AMOUNT in tenge", path, i+1, line))
		}
		if seen[name] {
			return nil, cli.Usage(fmt.Errorf("%s:%d: %q stands twice", path, i+1, name))
		}
		seen[name] = true
		if m.Total, err = money.Add(m.Total, amount); err != nil {
			return nil, cli.Usage(fmt.Errorf("%s:%d: the sums exceed 63 bits", path, i+1))
		}
		// An empty place and not a shorter list: proofs of the others are of their places.
		if gone[name] {
			m.List, m.Leaves = append(m.List, Member{}), append(m.Leaves, contract.MemberLeaf(nil))
			continue
		}
		id, err := resolve(name)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		m.List, m.Leaves = append(m.List, Member{name, amount}),
			append(m.Leaves, contract.MemberLeaf(contract.MemberOf(id, uint64(amount))))
	}
	if len(m.Leaves) > contract.MaxMembers {
		return nil, cli.Usage(fmt.Errorf("%s: %d members, at most %d", path, len(m.Leaves), contract.MaxMembers))
	}
	for name := range gone {
		if !seen[name] {
			return nil, cli.Usage(fmt.Errorf("--without %s: %s has no such member", strconv.Quote(name), path))
		}
	}
	return m, nil
}

// ofMembers is MemberValue among the people of a play.
func (s *Stage) ofMembers(text string) (value token.Value, ok bool, err error) {
	return MemberValue(text, func(name string) (token.WalletID, error) {
		id, known := s.people[name]
		if !known {
			return id, cli.Usage(fmt.Errorf("nobody is called %q", name))
		}
		return id, nil
	})
}

// MemberValue reads a term or argument that speaks of a register: root of FILE, or proof of NAME in FILE, without A,
// B. ok is false of a text that speaks of none, which is then read as any value is.
func MemberValue(text string, resolve func(string) (token.WalletID, error)) (value token.Value, ok bool, err error) {
	text, claimed, _ := strings.Cut(text, " without ")
	var without []string
	if claimed != "" {
		without = strings.Split(claimed, ",")
	}
	if file, of := strings.CutPrefix(text, "root of "); of {
		m, err := ReadMembers(file, resolve, without)
		if err != nil {
			return value, true, err
		}
		root := contract.MembersRoot(m.Leaves)
		return token.Bytes(root[:]), true, nil
	}
	who, of := strings.CutPrefix(text, "proof of ")
	name, file, in := strings.Cut(who, " in ")
	if !of || !in {
		return value, false, nil
	}
	m, err := ReadMembers(file, resolve, without)
	if err != nil {
		return value, true, err
	}
	_, proof, err := m.ProofOf(name)
	return token.Bytes(proof), true, err
}
