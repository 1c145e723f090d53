package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// maxMembersFile bounds a file of members: a million lines of a name and a sum.
const maxMembersFile = 64 << 20

// member is a line of a file of members.
type member struct {
	name   string
	amount money.Tiyn
}

// members is a register as a file has it.
type members struct {
	list   []member
	leaves []token.Hash
	total  money.Tiyn
}

// memberRoot is what `contract members` says of a whole register.
type memberRoot struct {
	Root  string     `json:"root"`
	Size  int        `json:"size"`
	Total money.Tiyn `json:"total"`
}

// memberProof is what it says of one member.
type memberProof struct {
	Member string     `json:"member"`
	Place  int        `json:"place"`
	Amount money.Tiyn `json:"amount"`
	Leaf   string     `json:"leaf"`
	Proof  string     `json:"proof"`
	Root   string     `json:"root"`
}

func newContractMembers() *cobra.Command {
	command := &cobra.Command{
		Use: "members FILE", Short: "A register of members: its root, and each member's proof",
		Long: `A contract for more members than it can name keeps the root of their register, a Merkle tree. FILE has a member a line:
NAME,AMOUNT in tenge, where NAME is a wallet's name or id. A leaf is the wallet's 16 bytes and the amount in tiyn as 8 bytes, as
definitions write it: caller.id + uint64(args.sum). An empty line, or "-", is an empty place. --prove NAME prints what
that member claims with. "contract create" and "act" take it so: --term "members=root of FILE", --arg "proof=proof of NAME in FILE". Whoever has claimed has emptied its place: name them by --without, in any order, so that
the proof is one under the root that "contract show" prints.`,
		Example: "  aqsha contract members farmers.csv\n  aqsha contract members farmers.csv --prove aigerim --without arman --json\n" +
			"  aqsha contract act drought claim --by aigerim --arg sum=40000KZT --arg place=0 --arg \"proof=proof of aigerim in farmers.csv\"", Args: cobra.ExactArgs(1),
		RunE: readingLedger(func(_ context.Context, command *cobra.Command, s *session, args []string) error {
			without, err := command.Flags().GetStringSlice("without")
			if err != nil {
				return err
			}
			m, err := readMembers(args[0], s.walletOf, without)
			if err != nil {
				return err
			}
			if name := flag(command, "prove"); name != "" {
				return m.prove(command, name)
			}
			root := memberRoot{contract.MembersRoot(m.leaves).String(), len(m.leaves), m.total}
			return show(command, root, func(w io.Writer) {
				fmt.Fprintf(w, "root   %s\nsize   %d\ntotal  %s\n", root.Root, root.Size, root.Total.Format())
			})
		}),
	}
	command.Flags().String("prove", "", "print the proof of this member")
	command.Flags().StringSlice("without", nil, "members whose places are empty by now")
	return command
}

func (m *members) prove(command *cobra.Command, name string) error {
	place, proof, err := m.proofOf(name)
	if err != nil {
		return err
	}
	p := memberProof{name, place, m.list[place].amount, m.leaves[place].String(), hex.EncodeToString(proof), contract.MembersRoot(m.leaves).String()}
	return show(command, p, func(w io.Writer) {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "place\t%d\namount\t%s\nproof\t%s\nroot\t%s\n", p.Place, p.Amount.Format(), p.Proof, p.Root)
		table.Flush()
	})
}

// proofOf finds a member's place and its path.
func (m *members) proofOf(name string) (place int, proof []byte, err error) {
	for i := range m.list {
		if m.list[i].name == name {
			return i, contract.MemberProof(m.leaves, i), nil
		}
	}
	return 0, nil, usageError{fmt.Errorf("no member %q, or its place is empty", name)}
}

// readMembers reads a file of members. Those who have claimed leave an empty place.
func readMembers(path string, resolve func(string) (token.WalletID, error), without []string) (*members, error) {
	data, err := readLimited(path, maxMembersFile)
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, name := range without {
		gone[strings.TrimSpace(name)] = true
	}
	m, seen := &members{}, map[string]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "-" {
			m.list, m.leaves = append(m.list, member{}), append(m.leaves, contract.MemberLeaf(nil))
			continue
		}
		name, text, ok := strings.Cut(line, ",")
		amount, err := money.ParseTenge(strings.TrimSpace(text))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil || amount <= 0 {
			return nil, usageError{fmt.Errorf("%s:%d: %q: want NAME,AMOUNT in tenge", path, i+1, line)}
		}
		if seen[name] {
			return nil, usageError{fmt.Errorf("%s:%d: %q stands twice", path, i+1, name)}
		}
		seen[name] = true
		if m.total, err = money.Add(m.total, amount); err != nil {
			return nil, usageError{fmt.Errorf("%s:%d: the sums exceed 63 bits", path, i+1)}
		}
		if gone[name] {
			m.list, m.leaves = append(m.list, member{}), append(m.leaves, contract.MemberLeaf(nil))
			continue
		}
		id, err := resolve(name)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		m.list, m.leaves = append(m.list, member{name, amount}), append(m.leaves, contract.MemberLeaf(contract.MemberOf(id, uint64(amount))))
	}
	if len(m.leaves) > contract.MaxMembers {
		return nil, usageError{fmt.Errorf("%s: %d members, at most %d", path, len(m.leaves), contract.MaxMembers)}
	}
	for name := range gone {
		if !seen[name] {
			return nil, usageError{fmt.Errorf("--without %s: %s has no such member", strconv.Quote(name), path)}
		}
	}
	return m, nil
}

// walletOf is a wallet by its name or id.
func (s *session) walletOf(name string) (token.WalletID, error) {
	ids, err := s.resolve(name)
	if err != nil {
		return token.WalletID{}, err
	}
	return ids[0], nil
}

// ofMembers is memberValue among the people of a play.
func (s *stage) ofMembers(text string) (value token.Value, ok bool, err error) {
	return memberValue(text, func(name string) (token.WalletID, error) {
		id, known := s.people[name]
		if !known {
			return id, usageError{fmt.Errorf("nobody is called %q", name)}
		}
		return id, nil
	})
}

// memberValue reads a term or argument that speaks of a register: root of FILE, or proof of NAME in FILE, without A, B.
func memberValue(text string, resolve func(string) (token.WalletID, error)) (value token.Value, ok bool, err error) {
	text, claimed, _ := strings.Cut(text, " without ")
	var without []string
	if claimed != "" {
		without = strings.Split(claimed, ",")
	}
	if file, of := strings.CutPrefix(text, "root of "); of {
		m, err := readMembers(file, resolve, without)
		if err != nil {
			return value, true, err
		}
		root := contract.MembersRoot(m.leaves)
		return token.Bytes(root[:]), true, nil
	}
	who, of := strings.CutPrefix(text, "proof of ")
	name, file, in := strings.Cut(who, " in ")
	if !of || !in {
		return value, false, nil
	}
	m, err := readMembers(file, resolve, without)
	if err != nil {
		return value, true, err
	}
	_, proof, err := m.proofOf(name)
	return token.Bytes(proof), true, err
}
