package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progressOf reports long work on stderr when that is a terminal.
func progressOf(_ *cobra.Command, what string) func(done, all int) {
	if !isTerminal(os.Stderr) {
		return nil
	}
	return func(done, all int) {
		if done%25 == 0 || done == all {
			fmt.Fprintf(os.Stderr, "\r\033[K%s %d of %d", what, done, all)
		}
		if done == all {
			fmt.Fprint(os.Stderr, "\r\033[K")
		}
	}
}
