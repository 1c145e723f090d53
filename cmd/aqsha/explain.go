package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/words"
)

// newExplainCommand says a refusal's code in words. It needs neither a directory nor a network: the words are in the
// program, for a refusal is asked about where something has just failed.
func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain [CODE]", Short: "Say what a refusal's code means, whether money moved, and what can be done",
		Long: `Every refusal has a code that never changes its meaning. This says it in words: what it means,
whether money has moved, and what can be done. Without a code it lists all of them. The words are those
of --lang (en, kk or ru), else of the system (LC_ALL, LC_MESSAGES, LANG). No network is needed.`,
		Example: `  aqsha explain limit-day
  aqsha explain limit-day --lang kk
  aqsha explain --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			l, err := cli.LanguageOf(command)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return explainAll(command, l)
			}
			e, known := l.Explain(words.CodeOf(args[0]))
			if !known {
				// Usage, with what is near: a code is copied by hand from a screen or a letter, and refusing it without
				// a word sends people to the whole list.
				near := ""
				if codes := words.NearCodes(args[0]); len(codes) > 0 {
					near = fmt.Sprintf(" (did you mean %s?)", strings.Join(codes, " or "))
				}
				return cli.Usage(fmt.Errorf("no refusal has the code %q%s: \"aqsha explain\" lists all", args[0], near))
			}
			return cli.Show(command, e, func(w io.Writer) {
				fmt.Fprintf(w, "%s\n%s\n", e.Title, l.Text("explain.code", "code", e.Code))
				fmt.Fprintf(w, "\n%s\n%s\n%s\n", e.Means, e.Money, l.Text("explain.do", "text", e.Do))
			})
		},
	}
}

// explainAll lists every code with its title, and how many there are.
func explainAll(command *cobra.Command, l words.Language) error {
	all := l.ExplainAll()
	return cli.Show(command, all, func(w io.Writer) {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, e := range all {
			fmt.Fprintf(table, "%s\t%s\n", e.Code, e.Title)
		}
		table.Flush()
		fmt.Fprintf(w, "\n%s\n", l.Count("explain.count", len(all)))
	})
}
