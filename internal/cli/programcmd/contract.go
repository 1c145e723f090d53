package programcmd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/play"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// NewContractCommand makes the command "contract".
func NewContractCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "contract", Short: "Contracts: check, register, create, act, show, explain, simulate",
		Long: `A contract is data: parties, money held, integer state, and named actions with guards,
payouts and updates as expressions. docs/contracts.md says how to write one.
DEFINITION is a file in YAML or JSON, the name of a template (` + strings.Join(contract.TemplateNames, ", ") + `),
or the name or id of a definition that is registered.`,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newContractCheck(), newContractExplain(), newContractTemplate(), newContractRegister(),
		newContractCreate(), newContractAct(), newContractShow(), newContractList(), newContractSimulate(),
		newContractMembers())
	return command
}

// checked is what check prints.
type checked struct {
	ID      token.Hash        `json:"id"`
	Name    string            `json:"name"`
	Bytes   int               `json:"bytes"`
	Actions map[string]uint64 `json:"actions"` // their estimated costs
	Max     uint64            `json:"cost_most"`
	Never   contract.Problems `json:"never"` // what can never be computed in it
}

// newContractCheck makes "contract check". It needs no ledger: what it says of a definition follows from its text and
// the newest rules alone. Costs are in the units that MaxActionCost bounds.
func newContractCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check DEFINITION", Short: "Check a definition as the ledger will, and say what to write instead",
		Example: "  aqsha contract check escrow\n  aqsha contract check mine.yaml --json", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			p, err := play.ReadDefinition(args[0])
			if err != nil {
				return err
			}
			result := checked{p.ID(), p.Definition.Name, len(p.Definition.Encode()), map[string]uint64{},
				contract.MaxActionCost, p.Never()}
			// An empty list, not null: programs count the warnings.
			if result.Never == nil {
				result.Never = contract.Problems{}
			}
			for i, a := range p.Definition.Actions {
				result.Actions[a.Name] = p.Cost(i)
			}
			return cli.Show(command, result, func(w io.Writer) {
				l := cli.LanguageFor(command)
				head := []any{"name", terminal.Plain(result.Name), "bytes", result.Bytes, "id", result.ID}
				// What can never come about is a warning and no refusal: the ledger registers it all the same, and this
				// says what the ledger will do.
				if len(result.Never) > 0 {
					fmt.Fprintln(w, l.Text("program.will-not-work", head...))
				} else {
					fmt.Fprintln(w, l.Text("program.sound", head...))
				}
				for _, never := range result.Never {
					fmt.Fprintln(w, " ", l.Text("program.warning",
						"text", terminal.Plain(never.In(contract.Language(l)))))
				}
				for _, a := range p.Definition.Actions {
					fmt.Fprintln(w, " ", l.Text("program.cost", "action", a.Name, "cost", result.Actions[a.Name],
						"most",
						result.Max))
				}
			})
		},
	}
}

func newContractExplain() *cobra.Command {
	command := &cobra.Command{
		Use:     "explain DEFINITION",
		Short:   "Say a definition in plain words: who may do what and when, and where the money goes",
		Example: "  aqsha contract explain vat-split\n  aqsha contract explain escrow --lang kk",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			p, err := play.ReadDefinition(args[0])
			if err != nil {
				return err
			}
			l, err := cli.LanguageOf(command)
			if err != nil {
				return err
			}
			lines := p.ExplainIn(contract.Language(l))
			return cli.Show(command, lines, func(w io.Writer) {
				for _, line := range lines {
					fmt.Fprintln(w, terminal.Plain(line))
				}
			})
		},
	}
	command.Flags().String("lang", "", "en, kk or ru (default: the system's)")
	return command
}

func newContractTemplate() *cobra.Command {
	return &cobra.Command{
		Use: "template NAME", Short: "Print a template, to begin one's own with",
		Example: "  aqsha contract template escrow > mine.yaml", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			data, ok := contract.Template(args[0])
			if !ok {
				return cli.Usage(fmt.Errorf("no template %q: there are %s", args[0],
					strings.Join(contract.TemplateNames, ", ")))
			}
			_, err := command.OutOrStdout().Write(data)
			return err
		},
	}
}

func newContractRegister() *cobra.Command {
	command := &cobra.Command{
		Use: "register DEFINITION", Short: "Register a definition; a bank signs, or the policy set",
		Example: "  aqsha contract register escrow --bank Halyk", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			p, err := definitionFor(ctx, s, args[0])
			if err != nil {
				return err
			}
			registrar := token.Authority
			if bank := cli.Flag(command, "bank"); bank != "" {
				ids, err := s.Resolve(bank)
				if err != nil {
					return err
				}
				registrar = ids[0]
			}
			receipt, err := s.Define(ctx, registrar, p.Definition)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.definition", "name", p.Definition.Name, "id", p.ID()))
		}),
	}
	command.Flags().String("bank", "", "the bank that registers it (default: the authority)")
	session.AddDraftFlag(command)
	return command
}

// definitionFor is a file's definition, or a template as the network's rules take it.
func definitionFor(ctx context.Context, s *session.Session, name string) (*contract.Program, error) {
	if _, ok := contract.Template(name); ok {
		if p, err := s.Template(ctx, name); err == nil {
			return p, nil
		} else if refused := (*token.Error)(nil); !errors.As(err, &refused) || refused.Code != wallet.NeedsRules {
			return nil, err
		} // the ledger says what such a network has no name for
	}
	return play.ReadDefinition(name)
}

// findDefinition finds a definition: a file or template by what it says, or a registered one by name or id.
func findDefinition(ctx context.Context, s *session.Session, name string) (token.Hash, *contract.Definition, error) {
	if _, ok := contract.Template(name); ok || strings.ContainsAny(name, "./") {
		p, err := definitionFor(ctx, s, name)
		if err != nil {
			return token.Hash{}, nil, err
		}
		return p.ID(), p.Definition, nil
	}
	found, err := s.Client.Definition(ctx, name)
	return found.ID, found.Definition, err
}

// newContractCreate makes "contract create". The name must be free before anything is sent; a name that cannot be kept
// afterwards is an error beside the receipt, since the contract is there.
func newContractCreate() *cobra.Command {
	command := &cobra.Command{
		Use: "create DEFINITION NAME", Short: "Create a contract and put money into it; NAME is what it is called here",
		Long: `Terms are given as name=value: whole numbers, amounts in tenge with KZT after them, times,
texts, bytes in hexadecimal, or @FILE for the SHA-256 of a file. Amounts paid in are tenge: 1500, or asset=1500.`,
		Example: "  aqsha contract create escrow house --by aigerim --party buyer=aigerim --party seller=marat " +
			"--party arbiter=notary --term price=1500KZT --term days=30 --pay 1500",
		Args: cobra.ExactArgs(2),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			t, err := creationOf(ctx, command, s, args[0])
			if err != nil {
				return err
			}
			if err := s.Keyring.Free(args[1]); err != nil {
				return cli.Usage(err)
			}
			receipt, err := s.CreateContract(ctx, t)
			// Also of a draft: its id is known before the others sign, and they have to call it something.
			if err == nil || errors.Is(err, wallet.ErrDrafted) {
				err = errors.Join(err, s.Keyring.Put(wallet.Name{Name: args[1], ID: token.RegisteredID(receipt.ID)}))
			}
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.contract", "name", args[1], "id", token.RegisteredID(receipt.ID)))
		}),
	}
	command.Flags().String("by", "", "the wallet that creates it and pays in")
	_ = command.MarkFlagRequired("by")
	command.Flags().StringArray("party", nil, "PARTY=WALLET, for each party")
	command.Flags().StringArray("term", nil, "TERM=VALUE, for each term")
	command.Flags().StringArray("asset", nil, "ASSET=PURPOSE, for each asset that is not plain tenge")
	addCallFlags(command)
	session.AddDraftFlag(command)
	return command
}

// addCallFlags are those of what pays into a contract.
func addCallFlags(command *cobra.Command) {
	command.Flags().StringArray("pay", nil, "AMOUNT, or ASSET=AMOUNT: tenge to pay in")
	command.Flags().String("document", "", "file whose SHA-256 is attached, or the 64 digits of the hash")
}

// pairsOf reads NAME=VALUE flags, each name once.
func pairsOf(command *cobra.Command, name string) (map[string]string, error) {
	list, err := command.Flags().GetStringArray(name)
	pairs := map[string]string{}
	for _, item := range list {
		key, value, ok := strings.Cut(item, "=")
		if !ok {
			return nil, cli.Usage(fmt.Errorf("--%s %q: want NAME=VALUE", name, item))
		}
		if _, twice := pairs[key]; twice { // of two amounts neither is meant for sure
			return nil, cli.Usage(fmt.Errorf("--%s %s: it is given twice", name, key))
		}
		pairs[key] = value
	}
	return pairs, err
}

// creationOf builds a contract's creation from flags, in the definition's order of parties, assets and terms.
// Everything that is named must be known: a slip would be another contract than its parties agreed on.
func creationOf(ctx context.Context, command *cobra.Command, s *session.Session, name string) (*token.Create, error) {
	id, d, err := findDefinition(ctx, s, name)
	if err != nil {
		return nil, err
	}
	ids, err := s.Resolve(cli.Flag(command, "by"))
	if err != nil {
		return nil, err
	}
	t := &token.Create{Creator: ids[0], Definition: id}
	parties, err := pairsOf(command, "party")
	if err != nil {
		return nil, err
	}
	for _, party := range d.Parties {
		if parties[party] == "" {
			return nil, cli.Usage(fmt.Errorf("--party %s=WALLET is missing", party))
		}
		who, err := s.Resolve(parties[party])
		if err != nil {
			return nil, err
		}
		t.Parties = append(t.Parties, who[0])
		delete(parties, party)
	}
	for unknown := range parties {
		return nil, cli.Usage(fmt.Errorf("--party %s: the contract's parties are %s", terminal.Plain(unknown),
			strings.Join(d.Parties, ", ")))
	}
	assets, err := pairsOf(command, "asset")
	if err != nil {
		return nil, err
	}
	// An asset that is not said is plain tenge.
	for _, asset := range d.Assets {
		number := uint32(0)
		if purpose := assets[asset]; purpose != "" {
			p, err := s.Purpose(ctx, purpose)
			if err != nil {
				return nil, err
			}
			number = p.Number
		}
		t.Assets = append(t.Assets, number)
		delete(assets, asset)
	}
	// A slip in a name would have it hold plain tenge, which its purpose binds no more.
	for unknown := range assets {
		return nil, cli.Usage(fmt.Errorf("--asset %s: the contract's assets are %s", terminal.Plain(unknown),
			strings.Join(d.Assets, ", ")))
	}
	if t.Terms, err = valuesOf(command, s, "term", d, d.Terms); err != nil {
		return nil, err
	}
	if t.Paid, err = paidOf(command, d.Assets); err != nil {
		return nil, err
	}
	t.Document, err = session.DocumentOf(command)
	return t, err
}

// valuesOf reads terms or arguments in the order of the definition.
func valuesOf(command *cobra.Command, s *session.Session, name string, d *contract.Definition,
	fields []contract.Field) ([]token.Value, error) {
	given, err := pairsOf(command, name)
	if err != nil {
		return nil, err
	}
	values := []token.Value{}
	for _, f := range fields {
		text, ok := given[f.Name]
		if !ok {
			return nil, cli.Usage(fmt.Errorf("--%s %s=VALUE (%s) is missing", name, f.Name, f.Type))
		}
		// What is left over names no field, and is a slip that could have cost money.
		delete(given, f.Name)
		if file, isFile := strings.CutPrefix(text, "@"); isFile && f.Type == token.BytesValue {
			h, err := session.HashOfFile(file)
			if err != nil {
				return nil, err
			}
			text = hex.EncodeToString(h[:])
		}
		if value, ok, err := play.MemberValue(text, s.WalletOf); ok && f.Type == token.BytesValue {
			if err != nil {
				return nil, err
			}
			values = append(values, value)
			continue
		}
		v, err := d.ParseField(f, text, int64(s.Now()))
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("--%s %s: %w", name, f.Name, err))
		}
		values = append(values, v)
	}
	for unknown := range given {
		return nil, cli.Usage(fmt.Errorf("--%s %s: there is no such %s", name, unknown, name))
	}
	return values, nil
}

// paidOf reads --pay: what is paid in of each asset.
func paidOf(command *cobra.Command, assets []string) ([]money.Tiyn, error) {
	list, err := command.Flags().GetStringArray("pay")
	if err != nil {
		return nil, err
	}
	paid, given := make([]money.Tiyn, len(assets)), make([]bool, len(assets))
	for _, item := range list {
		asset, text, ok := strings.Cut(item, "=")
		// Without a name it is the first asset, as most contracts have one.
		if !ok && len(assets) > 0 {
			asset, text = assets[0], item
		}
		at := -1
		for i := range assets {
			if assets[i] == asset {
				at = i
			}
		}
		if at < 0 {
			return nil, cli.Usage(fmt.Errorf("--pay %s: the contract's assets are %s", item,
				strings.Join(assets, ", ")))
		}
		// Neither the last nor the sum is what was surely meant, and it is money.
		if given[at] {
			return nil, cli.Usage(fmt.Errorf("--pay %s: %s is paid twice; give the sum", item, asset))
		}
		given[at] = true
		if paid[at], err = money.ParseTenge(text); err != nil {
			return nil, cli.Usage(fmt.Errorf("--pay: %w", err))
		}
	}
	return paid, nil
}

// contractOf is a live contract and its definition.
func contractOf(ctx context.Context, s *session.Session,
	id token.WalletID) (c api.ContractView, d *contract.Definition, err error) {
	if c, err = s.API.Contract(ctx, id, 0); err == nil {
		_, d, err = findDefinition(ctx, s, c.Definition.String())
	}
	return c, d, err
}

// newContractAct makes "contract act".
func newContractAct() *cobra.Command {
	command := &cobra.Command{
		Use: "act CONTRACT ACTION", Short: "Call an action of a contract",
		Example: "  aqsha contract act house release --by aigerim\n  aqsha contract act house divide --by notary " +
			"--arg to_seller=500KZT", Args: cobra.ExactArgs(2),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0], cli.Flag(command, "by"))
			if err != nil {
				return err
			}
			c, d, err := contractOf(ctx, s, ids[0])
			if err != nil {
				return err
			}
			// The version that was read: if somebody acts in between, this is refused instead of meaning something
			// else.
			t := &token.Act{Contract: ids[0], Version: c.Version, Action: args[1], Caller: ids[1]}
			at, known := d.Action(args[1])
			if !known {
				return token.Errorf(contract.UnknownAction, "action", "%s has no action %q", terminal.Plain(d.Name),
					args[1])
			}
			if t.Args, err = valuesOf(command, s, "arg", d, d.Actions[at].Args); err != nil {
				return err
			}
			if t.Paid, err = paidOf(command, d.Assets); err != nil {
				return err
			}
			if t.Document, err = session.DocumentOf(command); err != nil {
				return err
			}
			receipt, err := s.Act(ctx, t, c.Assets)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.acted", "name", args[0], "action", args[1], "by",
					cli.Flag(command, "by")))
		}),
	}
	command.Flags().String("by", "", "the wallet that calls it")
	_ = command.MarkFlagRequired("by")
	command.Flags().StringArray("arg", nil, "ARGUMENT=VALUE, for each argument")
	addCallFlags(command)
	session.AddDraftFlag(command)
	return command
}

func newContractShow() *cobra.Command {
	return &cobra.Command{
		Use: "show CONTRACT", Short: "Show a live contract: parties, terms, state and money",
		Example: "  aqsha contract show house --json", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			c, d, err := contractOf(ctx, s, ids[0])
			if err != nil {
				return err
			}
			assets, err := assetsOf(ctx, s, c)
			if err != nil {
				return err
			}
			return cli.Show(command, shownContract{c, assets}, func(w io.Writer) {
				describeContract(w, cli.LanguageFor(command), s.Keyring.NameOf, c, d, assets)
			})
		}),
	}
}

// assetView is what an asset of a contract is: plain tenge, or money for a purpose that ends.
type assetView struct {
	Purpose     string `json:"purpose"` // plain, or AGENCY/NAME
	Number      uint32 `json:"number,omitempty"`
	UntilMillis uint64 `json:"until_millis,omitempty"`
}

// shownContract is what show prints.
type shownContract struct {
	api.ContractView
	Money []assetView `json:"money"` // what each asset is
}

// assetsOf names the assets of a contract, in its definition's order.
func assetsOf(ctx context.Context, s *session.Session, c api.ContractView) ([]assetView, error) {
	views := make([]assetView, len(c.Assets))
	for i, number := range c.Assets {
		views[i].Purpose = contract.Plain
		if number == 0 {
			continue
		}
		p, err := s.Purpose(ctx, strconv.FormatUint(uint64(number), 10))
		if err != nil {
			return nil, err
		}
		name, err := s.PurposeName(ctx, p)
		if err != nil {
			return nil, err
		}
		views[i] = assetView{name, number, p.UntilMillis}
	}
	return views, nil
}

// describeContract shows a live contract in a language; nameOf is what the reader calls a wallet.
func describeContract(w io.Writer, l words.Language, nameOf func(token.WalletID) string, c api.ContractView,
	d *contract.Definition, assets []assetView) {
	renewed := ""
	if c.Renewals > 0 {
		renewed = ", " + l.Text("result.contract-renewed", "count", c.Renewals, "most", contract.MaxRenewals)
	}
	fmt.Fprintln(w, l.Text("result.contract-head", "definition", terminal.Plain(d.Name), "id", c.ID, "version",
		c.Version,
		"at", terminal.Moment(c.EndsMillis))+renewed)
	row := func(label, name, value string) {
		fmt.Fprintf(w, "  %-*s %-12s %s\n", labelWidth(l), label, name, value)
	}
	for i, name := range d.Parties {
		row(l.Text("result.contract-party"), name, terminal.Plain(nameOf(c.Parties[i])))
	}
	for i, f := range d.Terms {
		row(l.Text("result.contract-term"), f.Name, terminal.Plain(termText(d, f.Name, c.Terms[i])))
	}
	for i, v := range variablesOf(d, c.State, c.Registers) {
		// The ledger keeps numbers; what they are of stands in the definition, and 50000 of tiyn read as days would be
		// believed.
		if u := unitOf(d, "state", v.name); u != plainNumber {
			v.value = unitText(u, c.State[i])
		}
		row(l.Text("result.contract-state"), v.name, v.value)
	}
	for i, name := range d.Assets {
		text := ""
		if a := assets[i]; a.Number != 0 {
			text = " " + l.Text("result.contract-purpose", "name", terminal.Plain(a.Purpose), "number", a.Number, "at",
				terminal.Moment(a.UntilMillis))
		}
		row(l.Text("result.contract-holds"), name, c.Held[i].Format()+text)
	}
}

// labelWidth is how wide the labels of a contract's rows are in a language, in letters.
func labelWidth(l words.Language) (widest int) {
	for _, label := range []string{l.Text("result.contract-party"), l.Text("result.contract-term"),
		l.Text("result.contract-state"), l.Text("result.contract-holds")} {
		widest = max(widest, utf8.RuneCountInString(label))
	}
	return widest + 1
}

// variablesOf lists the variables of a contract's state as they are shown: numbers, and registers in hexadecimal.
func variablesOf(d *contract.Definition, numbers []int64, registers []token.Hash) (all []struct{ name, value string }) {
	program, problems := contract.CompileRegistered(contract.NewestRules, d)
	for i, v := range d.State {
		value := strconv.FormatInt(numbers[i], 10)
		if len(problems) == 0 && program.Register(i) >= 0 {
			value = registers[program.Register(i)].String()
		}
		all = append(all, struct{ name, value string }{v.Name, value})
	}
	return all
}

// termText is a term as it is written: one by which something is due again and again as a day of the calendar or a
// span.
func termText(d *contract.Definition, name string, v token.Value) string {
	if p := contract.Recurrence(v.Int); v.Type == token.IntValue && p.Known() && d.Recurs(name) {
		return fmt.Sprintf("%s (%d)", p, v.Int)
	}
	if u := unitOf(d, "term", name); u != plainNumber && v.Type == token.IntValue {
		return unitText(u, v.Int)
	}
	return valueText(v)
}

// valueText is a value as a person reads it: bytes in hexadecimal, all else as it is written in flags.
func valueText(v token.Value) string {
	switch v.Type {
	case token.BytesValue:
		return hex.EncodeToString([]byte(v.Text))
	case token.TextValue:
		return v.Text
	case token.BoolValue:
		return fmt.Sprint(v.Truth())
	case token.IntsValue:
		return fmt.Sprint(v.Ints)
	}
	return fmt.Sprint(v.Int)
}

func newContractList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List live contracts", Example: "  aqsha contract list --json", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			list, err := s.API.Contracts(ctx, token.WalletID{})
			if err != nil {
				return err
			}
			return cli.Show(command, list, func(w io.Writer) {
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, cli.LanguageFor(command).Text("program.contracts"))
				for _, c := range list {
					var held money.Tiyn
					for _, amount := range c.Held {
						held += amount
					}
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", terminal.Plain(s.Keyring.NameOf(c.ID)),
						terminal.Plain(c.Name), held.Format(), terminal.Moment(c.EndsMillis))
				}
				table.Flush()
			})
		}),
	}
}
