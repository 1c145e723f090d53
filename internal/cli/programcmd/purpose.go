package programcmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/play"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// NewPurposeCommand makes the command "purpose".
func NewPurposeCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "purpose", Short: "Purposes of marked tenge: register, list, show, explain",
		Long: `A purpose marks tenge with a rule: who may be paid, for how much, until when, and what the
money becomes. Pay with it by "aqsha pay --purpose NAME", mark by "aqsha pay --mark NAME".`,
	}
	datadir.AddLedgerFlags(command)
	register := &cobra.Command{
		Use: "register FILE --agency NAME", Short: "Register a purpose; its agency signs",
		Example: "  aqsha purpose register meals.yaml --agency ministry", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			return registerPurpose(ctx, command, s, args[0])
		}),
	}
	register.Flags().String("agency", "", "the agency that registers it")
	_ = register.MarkFlagRequired("agency")
	session.AddDraftFlag(register)
	explain := &cobra.Command{
		Use: "explain PURPOSE|FILE", Short: "Say a purpose in plain words, in English, Kazakh and Russian",
		Example: "  aqsha purpose explain meals --lang kk\n  aqsha purpose explain meals.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			languages, err := languagesOf(command)
			if err != nil {
				return err
			}
			if isFile(args[0]) {
				source, err := play.ReadPurpose(args[0])
				if err != nil {
					return err
				}
				p := source.Purpose
				p.Contracts = make([]token.Hash, len(source.Contracts)) // how many is all that is said of them
				return explainPurpose(command, p, source.Returns, source.Becomes, languages)
			}
			return session.WithSession(command, true, func(ctx context.Context, s *session.Session) error {
				p, err := s.Purpose(ctx, args[0])
				if err != nil {
					return err
				}
				return explainPurpose(command, p.Purpose.Purpose, s.Keyring.NameOf(p.Returns), nil, languages)
			})
		},
	}
	explain.Flags().String("lang", "", "en, kk or ru (default: all three)")
	command.AddCommand(register, newPurposeList(), newPurposeShow(), explain)
	return command
}

func newPurposeList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List all purposes, and how much carries them", Example: "  aqsha purpose list --json",
		Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			list, err := s.API.Purposes(ctx)
			if err != nil {
				return err
			}
			return cli.Show(command, list, func(w io.Writer) {
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, cli.LanguageFor(command).Text("purpose.columns"))
				for _, p := range list {
					fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", p.Number, terminal.Plain(p.Name),
						s.Keyring.NameOf(p.Agency), p.Live.Format(), terminal.Moment(p.UntilMillis))
				}
				table.Flush()
			})
		}),
	}
}

func newPurposeShow() *cobra.Command {
	return &cobra.Command{
		Use: "show PURPOSE", Short: "Show a purpose's rule and what became of its money",
		Example: "  aqsha purpose show meals", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			p, err := s.Purpose(ctx, args[0])
			if err != nil {
				return err
			}
			return cli.Show(command, p, func(w io.Writer) {
				describePurpose(w, cli.LanguageFor(command), s, p)
			})
		}),
	}
}

// describePurpose prints a purpose's rule as it was registered, and its account: entered less left is live.
func describePurpose(w io.Writer, l words.Language, s *session.Session, p api.PurposeView) {
	fmt.Fprintln(w, l.Text("purpose.head", "number", p.Number, "name", terminal.Plain(p.Name), "agency",
		s.Keyring.NameOf(p.Agency)))
	if p.About != "" {
		fmt.Fprintf(w, "%s\n", terminal.Plain(p.About))
	}
	cli.Tabbed(w, func(table io.Writer) {
		row := func(label string, value any) { fmt.Fprintf(table, "%s\t%v\n", label, value) }
		row(l.Text("purpose.mark"), p.Earmark)
		for _, permit := range p.Permits {
			becomes := l.Text("purpose.becomes", "number", permit.Becomes)
			switch permit.Becomes {
			case 0:
				becomes = l.Text("purpose.becomes-plain")
			case token.BecomesSame:
				becomes = l.Text("purpose.becomes-same")
			}
			row(l.Text("purpose.permit"), permit.When+" → "+becomes)
		}
		row(l.Text("purpose.from"), terminal.Moment(p.FromMillis))
		row(l.Text("purpose.until"), terminal.Moment(p.UntilMillis))
		row(l.Text("purpose.returns"), s.Keyring.NameOf(p.Returns))
		for _, h := range p.Contracts {
			row(l.Text("purpose.contracts"), h)
		}
		if p.NoticeMillis != 0 {
			row(l.Text("purpose.notice"), l.Text("purpose.notice-text", "span",
				time.Duration(p.NoticeMillis)*time.Millisecond))
		}
		if p.Amends != 0 {
			row(l.Text("purpose.amends"), l.Text("purpose.amends-text", "number", p.Amends, "at",
				terminal.Moment(p.FromMillis)))
		}
		// Money keeps the rule under which it was marked: without this line one would read the newer rule into it.
		if p.AmendedBy != 0 {
			row(l.Text("purpose.amended"), l.Text("purpose.amended-text", "number", p.AmendedBy))
		}
	})
	fmt.Fprintln(w, l.Text("purpose.account", "entered", p.Entered.Format(), "left", p.Left.Format(), "live",
		p.Live.Format(), "tokens", p.Tokens))
}

// isFile says whether a word is a file of rules, and not AGENCY/PURPOSE.
func isFile(word string) bool {
	if strings.Contains(word, ".") {
		return true
	}
	_, err := os.Stat(word)
	return strings.Contains(word, "/") && err == nil
}

// languagesOf reads --lang.
func languagesOf(command *cobra.Command) ([]contract.Language, error) {
	code := cli.Flag(command, "lang")
	if code == "" {
		return contract.Languages, nil
	}
	language, ok := contract.ParseLanguage(code)
	if !ok {
		return nil, cli.Usage(fmt.Errorf("--lang %q: want en, kk or ru", code))
	}
	return []contract.Language{language}, nil
}

// explainPurpose says a purpose in words, in each language, and warns of attributes for which nobody vouches: a rule
// that rests on them believes the bank's word.
func explainPurpose(command *cobra.Command, p token.Purpose, returns string, others []string,
	languages []contract.Language) error {
	rule, problems := contract.CompilePurpose(p)
	if len(problems) > 0 {
		return problems
	}
	said := map[contract.Language][]string{}
	for _, language := range languages {
		said[language] = rule.Explain(language, returns, others)
	}
	return cli.Show(command, said, func(w io.Writer) {
		for i, language := range languages {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintln(w, terminal.Plain(said[language][0]))
			for _, line := range said[language][1:] {
				fmt.Fprintf(w, "  %s\n", terminal.Plain(line))
			}
		}
		for _, u := range rule.Unvouched() {
			fmt.Fprintln(w, cli.LanguageFor(command).Text("purpose.unvouched", "where", u.Where, "attributes",
				terminal.Plain(strings.Join(u.Attributes, ", "))))
		}
	})
}

// registerPurpose registers a file's purpose, its names resolved to what they mean now.
func registerPurpose(ctx context.Context, command *cobra.Command, s *session.Session, path string) error {
	source, err := play.ReadPurpose(path)
	if err != nil {
		return err
	}
	ids, err := s.Resolve(cli.Flag(command, "agency"), source.Returns)
	if err != nil {
		return err
	}
	p := source.Purpose
	p.Returns = ids[1]
	// A file names purposes and definitions as people do; the ledger has numbers and hashes. They are looked up now,
	// since a name could later be another's.
	for i, becomes := range source.Becomes {
		if becomes == "plain" || becomes == "same" {
			continue
		}
		other, err := s.Purpose(ctx, becomes)
		if err != nil {
			return err
		}
		p.Permits[i].Becomes = other.Number
	}
	for _, name := range source.Contracts {
		id, _, err := findDefinition(ctx, s, name)
		if err != nil {
			return err
		}
		p.Contracts = append(p.Contracts, id)
	}
	if source.Amends != "" {
		if err := s.Amends(ctx, ids[0], source.Amends, &p); err != nil {
			return err
		}
	}
	receipt, err := s.RegisterPurpose(ctx, ids[0], p)
	return session.ShowDone(command, receipt, err,
		cli.LanguageFor(command).Text("result.purpose", "name", p.Name))
}
