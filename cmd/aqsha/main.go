// Command aqsha runs a digital currency, mines Bitcoin, and measures both.
// This package holds commands only; what they do lives in the packages they call.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/aqsha/aqsha/internal/cli"
)

func main() {
	os.Exit(run())
}

// run is main without os.Exit, so that test scripts can call it in-process.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root, results := newRootCommand(), cli.Stdout()
	root.SetContext(ctx)
	root.SetOut(results)
	command, err := root.ExecuteContextC(ctx)
	err = results.Unprinted(err)
	if err == nil {
		return cli.ExitOK
	}
	if !cli.Started(err) { // cobra refused the command line before any command began
		cli.HearJSON(command, os.Args[1:])
		err = cli.Usage(err)
	}
	return cli.Report(command, err)
}
