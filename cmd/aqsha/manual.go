package main

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/aqsha/aqsha/internal/cli"
)

// newManualCommand prints the manual page that packages ship. A command that is not found is refused as a wrong use,
// with the words that cobra has for it, and not answered by the page of the nearest one.
func newManualCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "manual [COMMAND...]",
		Short: "Print the manual page of a command",
		Long: `Prints a manual page in man's own form, from the same texts as --help. Its date is that of the
commit, so that one version has one manual. With --list the names of all pages, a line each.`,
		Example: "  aqsha manual pay\n  aqsha manual pool up > aqsha-pool-up.1\n  aqsha manual --list",
		Args:    cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			root := command.Root()
			if asked, _ := command.Flags().GetBool("list"); asked {
				names := pageNames(root)
				return cli.Show(command, names, func(w io.Writer) { io.WriteString(w, strings.Join(names, "\n")+"\n") })
			}
			found, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return cli.Usage(cobra.NoArgs(root, append(rest, args...)))
			}
			page, err := manualOf(found)
			if err != nil {
				return err
			}
			_, err = command.OutOrStdout().Write(page)
			return err
		},
	}
	command.Flags().Bool("list", false, "list the pages")
	return command
}

// pageNames are the commands that have a page, as they are typed without "aqsha": the root's is empty, and stands
// first.
func pageNames(c *cobra.Command) []string {
	names := []string{strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), c.Root().Name()), " ")}
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() && !child.IsAdditionalHelpTopicCommand() {
			names = append(names, pageNames(child)...)
		}
	}
	return names
}

// manualOf is a command's page in roff.
func manualOf(c *cobra.Command) ([]byte, error) {
	c.Root().DisableAutoGenTag = true
	b := cli.ThisBuild()
	date, err := time.Parse(time.RFC3339, b.CommitTime)
	if err != nil {
		date = time.Unix(0, 0).UTC() // built without its repository
	}
	var page bytes.Buffer
	err = doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "Aqsha " + b.Version, Manual: "Aqsha", Date: &date},
		&page)
	return page.Bytes(), err
}
