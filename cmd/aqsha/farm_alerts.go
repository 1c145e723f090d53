package main

import (
	"fmt"
	"io"
	"time"

	"github.com/aqsha/aqsha/farm/book"
	"github.com/aqsha/aqsha/farm/watch"
	"github.com/spf13/cobra"
)

func newFarmAlertsCommand() *cobra.Command {
	var since string
	command := &cobra.Command{
		Use:   "alerts",
		Short: "List the alerts that hold, or with --since everything that was told",
		Example: "  aqsha farm alerts\n" +
			"  aqsha farm alerts --since 2026-11-03T20:00 --json",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := farmDir(command, false)
			if err != nil {
				return err
			}
			config, err := book.ReadConfig(dir)
			if err != nil {
				return err
			}
			if since != "" {
				from, err := parseTime("since", since, &config)
				if err != nil {
					return err
				}
				notices, err := watch.ReadNotices(dir, from)
				if err != nil {
					return err
				}
				if wantsJSON(command) {
					return showJSON(command, notices)
				}
				printNotices(command, config.Location(), notices)
				return nil
			}
			notices, err := watch.ReadNotices(dir, time.Time{})
			if err != nil {
				return err
			}
			standing := watch.Stand(notices)
			return show(command, standing, func(w io.Writer) {
				if len(standing) == 0 {
					fmt.Fprintln(w, "No alert holds.")
				}
				tabbed(w, func(tab io.Writer) {
					for _, s := range standing {
						fmt.Fprintf(tab, "%s\t%s\tsince %s\t%s\n", s.Kind, plain(s.Machine), s.Since.In(config.Location()).Format(time.DateTime), plain(s.Detail))
					}
				})
			})
		},
	}
	command.Flags().StringVar(&since, "since", "", "list every notice from this time on")
	return command
}
