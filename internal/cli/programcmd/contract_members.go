package programcmd

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/play"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/money"
)

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
		Long: `A contract for more members than it can name keeps the root of their register, a Merkle tree. FILE has
a member a line: NAME,AMOUNT in tenge, where NAME is a wallet's name or id. A leaf is the wallet's 16 bytes and the
amount in tiyn as 8 bytes, as definitions write it: caller.id + uint64(args.sum). An empty line, or "-", is an empty
place. --prove NAME prints what that member claims with. "contract create" and "act" take it so: --term "members=root
of FILE", --arg "proof=proof of NAME in FILE". Whoever has claimed has emptied its place: name them by --without, in
any order, so that the proof is one under the root that "contract show" prints.`,
		Example: "  aqsha contract members farmers.csv\n  aqsha contract members farmers.csv --prove aigerim " +
			"--without arman --json\n" +
			"  aqsha contract act drought claim --by aigerim --arg sum=40000KZT --arg place=0 --arg \"proof=proof of " +
			"aigerim in farmers.csv\"", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(_ context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			without, err := command.Flags().GetStringSlice("without")
			if err != nil {
				return err
			}
			// Whoever has claimed has emptied its place, and the root on the ledger is that of the emptied register: a
			// proof from the whole one would be refused.
			m, err := play.ReadMembers(args[0], s.WalletOf, without)
			if err != nil {
				return err
			}
			if name := cli.Flag(command, "prove"); name != "" {
				return prove(m, command, name)
			}
			root := memberRoot{contract.MembersRoot(m.Leaves).String(), len(m.Leaves), m.Total}
			return cli.Show(command, root, func(w io.Writer) {
				l, table := cli.LanguageFor(command), tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintf(table, "%s\t%s\n%s\t%d\n%s\t%s\n", l.Text("program.root"), root.Root,
					l.Text("program.size"),
					root.Size, l.Text("program.total"), root.Total.Format())
				table.Flush()
			})
		}),
	}
	command.Flags().String("prove", "", "print the proof of this member")
	command.Flags().StringSlice("without", nil, "members whose places are empty by now")
	return command
}

func prove(m *play.Members, command *cobra.Command, name string) error {
	place, proof, err := m.ProofOf(name)
	if err != nil {
		return err
	}
	p := memberProof{name, place, m.List[place].Amount, m.Leaves[place].String(), hex.EncodeToString(proof),
		contract.MembersRoot(m.Leaves).String()}
	return cli.Show(command, p, func(w io.Writer) {
		l, table := cli.LanguageFor(command), tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "%s\t%d\n%s\t%s\n%s\t%s\n%s\t%s\n", l.Text("program.place"), p.Place,
			l.Text("program.amount"), p.Amount.Format(), l.Text("program.proof"), p.Proof, l.Text("program.root"),
			p.Root)
		table.Flush()
	})
}
