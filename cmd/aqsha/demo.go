package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/scenario"
)

func newDemoCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "demo",
		Short: "Play the story on a development network, then serve it until interrupted",
		Long: `Play the story, a month of one mining farm, on a development network in the data directory,
saying at each step what it proves; then serve the network with a page to look at. What was
played before is not played again.`,
		Example: `  aqsha demo
  aqsha demo --once
  aqsha demo --reset --data ./my-demo`,
		Args: cobra.NoArgs,
		RunE: runDemo,
	}
	addLedgerFlags(command)
	command.Flags().Bool("once", false, "play and exit")
	command.Flags().Bool("reset", false, "delete the data directory's development network first")
	command.Flags().String("listen", "", "address of the API (default 127.0.0.1:8420; with --once any free port)")
	return command
}

func runDemo(command *cobra.Command, _ []string) error {
	dir := flag(command, "data")
	once, _ := command.Flags().GetBool("once")
	if reset, _ := command.Flags().GetBool("reset"); reset {
		if err := resetDemo(command, dir); err != nil {
			return err
		}
	}
	book, err := openBook(command)
	if err != nil {
		return err
	}
	book.EncryptNew(nil) // a development network, which has no configuration yet
	c, err := demoConfig(command, dir, book)
	if err != nil {
		return err
	}
	_, lock, err := takeLedger(command.Context(), dir, anyLedger)
	if err != nil {
		return err
	}
	defer lock.Close()
	c.Listen = demoAddress(c.Listen, flag(command, "listen"), once)
	record, err := scenario.OpenRecord(dir)
	if err != nil {
		return err
	}
	steps := scenario.Steps()
	story := func() []api.StoryStep { return storySteps(steps, dir) }
	return serve(command.Context(), dir, c, book, story, func(ctx context.Context, _ *api.Server, url string) error {
		desk, err := wallet.NewDesk(ctx, api.NewClient(url, ""), book)
		if err != nil {
			return err
		}
		world := &scenario.World{DataDir: dir, Out: command.OutOrStdout(), Desk: desk}
		played, err := scenario.Play(ctx, world, steps, record)
		if err != nil {
			return err
		}
		if played == 0 {
			fmt.Fprintln(world.Out, "The story was played before (aqsha demo --reset starts over).")
		}
		if once {
			return errDone
		}
		fmt.Fprintf(world.Out, "\nLook at %s, or in another terminal: aqsha wallet list --data %s\n", url, dir)
		return nil
	})
}

// demoConfig reads the network's configuration, founding a development network if there is none.
func demoConfig(command *cobra.Command, dir string, book *wallet.Book) (config, error) {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return readConfig(dir)
	}
	day := 24 * time.Hour
	g, err := foundNetwork(command.Context(), dir, book, true, wallet.NewNetwork{
		Name: "tenge.localhost", TimeMillis: wallet.SystemNow(), Day: params.DateOf(time.Now()), SharedKeys: true,
		DailyCap: 100_000_000_000 * money.Tenge, DelayMillis: uint64(day.Milliseconds()), RekeyDelayMillis: uint64(day.Milliseconds()),
	})
	if err != nil {
		return config{}, err
	}
	fmt.Fprintf(command.OutOrStdout(), "Founded network %s in %s. The four roles of the authority share three keys here.\n", g.Network(), dir)
	return readConfig(dir)
}

func demoAddress(configured, asked string, once bool) string {
	switch {
	case asked != "":
		return asked
	case once:
		return "127.0.0.1:0"
	}
	return configured
}

// resetDemo deletes a development network, and nothing else.
func resetDemo(command *cobra.Command, dir string) error {
	c, err := readConfig(dir)
	var nothing usageError
	if errors.As(err, &nothing) {
		return nil
	}
	if err != nil {
		return err
	}
	if !c.Development {
		return usageError{fmt.Errorf("%s holds a network that is not for development: delete it by hand if you mean it", dir)}
	}
	lock, err := takeDirectory(command.Context(), dir)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir), lock.Close())
}

// storySteps says how far the story is, for the page.
func storySteps(steps []scenario.Step, dir string) []api.StoryStep {
	record, err := scenario.OpenRecord(dir)
	list := make([]api.StoryStep, 0, len(steps))
	for _, step := range steps {
		state := "waiting"
		switch {
		case step.Play == nil:
			state = "not-built"
		case err == nil && record.Done[step.Name]:
			state = "played"
		}
		list = append(list, api.StoryStep{Name: step.Name, Title: step.Title, State: state})
	}
	return list
}
