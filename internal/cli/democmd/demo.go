package democmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/clustercmd"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/scenario"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// NewDemoCommand makes the command "demo".
func NewDemoCommand() *cobra.Command {
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
	datadir.AddLedgerFlags(command)
	command.Flags().Bool("once", false, "play and exit")
	command.Flags().Bool("reset", false, "delete the data directory's development network first")
	cli.ListenFlag(command.Flags(), "listen", "",
		"address of the API (default 127.0.0.1:8420; with --once any free port)")
	return command
}

// runDemo serves a development network in the directory and plays its story from where it was left. The directory's
// lock is taken before anything is asked of it, and held until the end. With --once it ends after the last step; else
// it serves on and, as long as nobody runs the console, gives a link for the first administrator.
func runDemo(command *cobra.Command, _ []string) error {
	dir := cli.Flag(command, "data")
	once, _ := command.Flags().GetBool("once")
	if reset, _ := command.Flags().GetBool("reset"); reset {
		if err := resetDemo(command, dir); err != nil {
			return err
		}
	}
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	keyring.EncryptNew(nil) // a development network, which has no configuration yet
	c, err := demoConfig(command, dir, keyring)
	if err != nil {
		return err
	}
	_, lock, err := datadir.TakeLedger(command.Context(), dir, datadir.AnyLedger)
	if err != nil {
		return err
	}
	defer lock.Close()
	c.Listen = demoAddress(c.Listen, cli.Flag(command, "listen"), once)
	c.CashLogs, c.Demo = scenario.CashLogs(dir), demoOf(dir, c, keyring)
	record, err := scenario.OpenRecord(dir)
	if err != nil {
		return err
	}
	steps := scenario.Steps()
	story := func() []api.StoryStep { return storySteps(steps, dir) }
	return nodecmd.Serve(command.Context(), dir, c, keyring, story, func(ctx context.Context, server *api.Server,
		url string) error {
		client, err := wallet.NewClient(ctx, api.NewClient(url, ""), keyring)
		if err != nil {
			return err
		}
		l := cli.LanguageFor(command)
		stage := &scenario.Stage{DataDir: dir, Out: command.OutOrStdout(), Client: client, Language: l,
			Validators: paySalaries}
		played, err := scenario.Play(ctx, stage, steps, record)
		if err != nil {
			return err
		}
		if played == 0 {
			fmt.Fprintln(stage.Out, l.Text("demo.before"))
		}
		if once {
			return nodecmd.ErrDone
		}
		page, err := nodecmd.PageOrigin(c, dir, "")
		if err != nil {
			return err
		}
		fmt.Fprintf(stage.Out, "\n%s\n", l.Text("demo.look", "page", page, "dir", dir))
		if !server.WantsAdministrator() {
			return nil
		}
		link, _, err := nodecmd.MakeConsoleLink(dir, page, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintln(stage.Out, l.Text("demo.administrator", "minutes", int(staff.MachineLinkLasts.Minutes()), "link",
			link))
		return nil
	})
}

// paySalaries is the story's step about validators.
func paySalaries(ctx context.Context, say func(key string, pairs ...any)) (scenario.Unplugged, error) {
	s, err := clustercmd.PaySalaries(ctx, say)
	return scenario.Unplugged{Validator: s.Unplugged, Paid: s.Paid, PauseSeconds: s.PauseSeconds,
		CatchUpSeconds: s.CatchUpSeconds, Entries: s.Entries, Root: s.Root}, err
}

// demoConfig reads the network's configuration, initialising a development network if there is none.
func demoConfig(command *cobra.Command, dir string, keyring *wallet.Keyring) (datadir.Config, error) {
	if _, err := os.Stat(filepath.Join(dir, datadir.ConfigFile)); err == nil {
		return datadir.ReadConfig(dir)
	}
	day := 24 * time.Hour
	g, err := nodecmd.InitNetwork(command.Context(), dir, keyring, true, wallet.NewNetwork{
		Name: "tenge.localhost", TimeMillis: wallet.SystemNow(), Day: params.DateOf(time.Now()), SharedKeys: true,
		DailyCap: 100_000_000_000 * money.Tenge, DelayMillis: uint64(day.Milliseconds()),
		RekeyDelayMillis: uint64(day.Milliseconds()),
	})
	if err != nil {
		return datadir.Config{}, err
	}
	fmt.Fprintln(command.OutOrStdout(), cli.LanguageFor(command).Text("demo.founded", "network", g.Network(), "dir",
		dir))
	return datadir.ReadConfig(dir)
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
	c, err := datadir.ReadConfig(dir)
	var nothing cli.UsageError
	if errors.As(err, &nothing) {
		return nil
	}
	if err != nil {
		return err
	}
	if !c.Development {
		return cli.Usage(fmt.Errorf("%s holds a network that is not for development: delete it by hand if you mean it",
			dir))
	}
	lock, err := datadir.TakeDirectory(command.Context(), dir)
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
		links := []api.StoryLink{}
		if err == nil {
			for _, l := range record.Links[step.Name] {
				links = append(links, api.StoryLink(l))
			}
		}
		titles := map[string]string{}
		for _, l := range words.Languages {
			titles[string(l)] = step.TitleIn(l)
		}
		list = append(list, api.StoryStep{Name: step.Name, Title: step.Title, Titles: titles, State: state,
			Links: links})
	}
	return list
}

// demoOf are the story's people who have a wallet already, with the keys that lie here unencrypted, and its staff; nil
// where the ledger is somebody else's: a closed network's, or a copy of a leader's or a backup's.
func demoOf(dir string, c datadir.Config, keyring *wallet.Keyring) *api.Demo {
	if !c.Development || c.Leader != "" || len(c.Peers) > 0 {
		return nil
	}
	return &api.Demo{
		Staff: func() []api.DemoStaff { return demoStaff(dir, keyring) },
		Roles: func() []api.DemoRole {
			roles := []api.DemoRole{}
			for _, p := range scenario.Persons() {
				if !keyring.Has(p.Name) {
					continue
				}
				if id, err := keyring.Resolve(p.Name); err == nil {
					roles = append(roles, api.DemoRole{Name: p.Name, Kind: p.Kind, Wallet: id})
				}
			}
			return roles
		},
		Seed: func(public token.PublicKey) (seed [32]byte, known bool) {
			signer, known, err := keyring.Find(public)
			key, plain := signer.(token.PrivateKey)
			if err != nil || !known || !plain {
				return seed, false
			}
			return key.Seed(), true
		},
	}
}

// demoStaff are the story's, once it was played here that banks are admitted: the record of it and the banks' names are
// in the story's own directory, and in no copy of its ledger.
func demoStaff(dir string, keyring *wallet.Keyring) []api.DemoStaff {
	record, err := scenario.OpenRecord(dir)
	if err != nil || !record.Done[scenario.BanksStep] || !keyring.Has(scenario.ClerkOf) {
		return []api.DemoStaff{}
	}
	bank, err := keyring.Resolve(scenario.ClerkOf)
	if err != nil {
		return []api.DemoStaff{}
	}
	return []api.DemoStaff{
		{Name: scenario.CentralBank, Roles: []staff.Role{staff.Administrator, staff.Authority}},
		{Name: scenario.ClerkOf, Roles: []staff.Role{staff.Intermediary}, Bank: bank},
		{Name: scenario.Auditor, Roles: []staff.Role{staff.Auditor}},
	}
}
