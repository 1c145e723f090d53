package main

import "github.com/spf13/cobra"

// progressOf turns the bar into the callback that long work in packages takes.
func progressOf(command *cobra.Command, what string) func(done, all int) {
	bar := progress(command, -1, what)
	return func(done, all int) {
		bar.ChangeMax(all)
		_ = bar.Set(done)
		if done == all {
			_ = bar.Finish()
		}
	}
}
