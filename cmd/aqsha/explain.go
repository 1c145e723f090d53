package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/words"
)

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
			l, err := languageOf(command)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return explainAll(command, l)
			}
			e, known := l.Explain(args[0])
			if !known {
				return usageError{fmt.Errorf("no refusal has the code %q: \"aqsha explain\" lists all", args[0])}
			}
			return show(command, e, func(w io.Writer) {
				fmt.Fprintf(w, "%s\n%s\n", e.Title, l.Text("explain.code", "code", e.Code))
				fmt.Fprintf(w, "\n%s\n%s\n%s\n", e.Means, e.Money, l.Text("explain.do", "text", e.Do))
			})
		},
	}
}

func explainAll(command *cobra.Command, l words.Language) error {
	all := l.ExplainAll()
	return show(command, all, func(w io.Writer) {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, e := range all {
			fmt.Fprintf(table, "%s\t%s\n", e.Code, e.Title)
		}
		table.Flush()
		fmt.Fprintf(w, "\n%s\n", l.Count("explain.count", len(all)))
	})
}

// languageOf is the language in which somebody at a command is spoken to: --lang, else the system's.
func languageOf(command *cobra.Command) (words.Language, error) {
	if asked := command.Flags().Lookup("lang"); asked != nil && asked.Changed {
		l, known := words.Parse(asked.Value.String())
		if !known {
			return words.Languages[0], usageError{fmt.Errorf("--lang: %q is not one of en, kk, ru", asked.Value)}
		}
		return l, nil
	}
	return words.FromEnvironment(os.Getenv), nil
}
