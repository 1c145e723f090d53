package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/benchcmd"
	"github.com/aqsha/aqsha/internal/cli/cashcmd"
	"github.com/aqsha/aqsha/internal/cli/chaincmd"
	"github.com/aqsha/aqsha/internal/cli/channelcmd"
	"github.com/aqsha/aqsha/internal/cli/clustercmd"
	"github.com/aqsha/aqsha/internal/cli/configcmd"
	"github.com/aqsha/aqsha/internal/cli/consolebench"
	"github.com/aqsha/aqsha/internal/cli/copycmd"
	"github.com/aqsha/aqsha/internal/cli/democmd"
	"github.com/aqsha/aqsha/internal/cli/farmcmd"
	"github.com/aqsha/aqsha/internal/cli/marketcmd"
	"github.com/aqsha/aqsha/internal/cli/minebench"
	"github.com/aqsha/aqsha/internal/cli/miningcmd"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/plancmd"
	"github.com/aqsha/aqsha/internal/cli/programcmd"
	"github.com/aqsha/aqsha/internal/cli/pursecmd"
	"github.com/aqsha/aqsha/internal/cli/sealcmd"
	"github.com/aqsha/aqsha/internal/cli/statuscmd"
	"github.com/aqsha/aqsha/internal/cli/verifycmd"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
)

// commandGroup is a part of "aqsha --help".
type commandGroup struct {
	id, title string
	commands  []func() *cobra.Command
}

// commandGroups are all commands, by who comes for them.
var commandGroups = []commandGroup{
	{"ledger", "Ledger:", []func() *cobra.Command{
		nodecmd.NewInitCommand, authoritycmd.NewBankCommand, walletcmd.NewWalletCommand, walletcmd.NewIssueCommand,
		walletcmd.NewRedeemCommand, walletcmd.NewPayCommand, walletcmd.NewBalanceCommand, walletcmd.NewHistoryCommand,
		walletcmd.NewSupplyCommand, walletcmd.NewTokenCommand, walletcmd.NewProofCommand, walletcmd.NewTxCommand,
		authoritycmd.NewPolicyCommand,
		with(verifycmd.NewVerifyCommand, sealcmd.NewVerifyReportCommand, farmcmd.NewVerifyFarmCommand),
	}},
	{"programs", "Programmable money:", []func() *cobra.Command{
		programcmd.NewPurposeCommand, programcmd.NewAgencyCommand, programcmd.NewContractCommand,
		channelcmd.NewChannelCommand, channelcmd.NewPayPerUseCommand, channelcmd.NewDeviceCommand,
		programcmd.NewGrantCommand,
		programcmd.NewOrderCommand, programcmd.NewTraceCommand,
	}},
	{"cash", "Banknotes and offline purses:", []func() *cobra.Command{cashcmd.NewCashCommand,
		pursecmd.NewPurseCommand}},
	{"operations", "Operations:", []func() *cobra.Command{
		nodecmd.NewUpCommand, statuscmd.NewStatusCommand, nodecmd.NewFollowCommand, copycmd.NewSwitchoverCommand,
		copycmd.NewPromoteCommand, clustercmd.NewClusterCommand, copycmd.NewBackupCommand, copycmd.NewRestoreCommand,
		copycmd.NewDrillCommand,
		walletcmd.NewKeyCommand, nodecmd.NewAccessCommand, nodecmd.NewConsoleCommand, nodecmd.NewTLSCommand,
		configcmd.NewConfigCommand,
	}},
	{"mining", "Mining:", []func() *cobra.Command{chaincmd.NewChainCommand, miningcmd.NewPoolCommand,
		miningcmd.NewMineCommand}},
	{"farm", "Farm:", []func() *cobra.Command{with(farmcmd.NewFarmCommand, plancmd.NewFarmPowerCommand,
		plancmd.NewFarmPlanCommand)}},
	{"market", "Market:", []func() *cobra.Command{marketcmd.NewMarketCommand, marketcmd.NewStudyCommand}},
	{"this", "This program:", []func() *cobra.Command{democmd.NewDemoCommand,
		with(benchcmd.NewBenchCommand, consolebench.NewBenchConsoleCommand, minebench.NewBenchPoolCommand,
			minebench.NewBenchSHA256dCommand, minebench.NewBenchFarmCommand, minebench.NewBenchPlanCommand,
			marketcmd.NewBenchMarketCommand),
		newExplainCommand, newManualCommand, newVersionCommand}},
}

// with gives a noun verbs of other lines.
func with(noun func() *cobra.Command, verbs ...func() *cobra.Command) func() *cobra.Command {
	return func() *cobra.Command {
		command := noun()
		for _, verb := range verbs {
			command.AddCommand(verb())
		}
		return command
	}
}

// newRootCommand joins the commands of every line. Each noun lives in a file of its own.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "aqsha",
		Short: "A digital currency, Bitcoin mining and market measurement that anybody can check",
		Long: `Aqsha runs a retail central-bank digital currency (the digital tenge), mines Bitcoin
and runs mining farms, and measures markets, networks and machines. Whatever it
states can be re-derived from signed, append-only records with "aqsha verify".`,
		Version:       cli.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().Bool("json", false, "print results and errors as JSON")
	root.PersistentFlags().String("lang", "",
		"language of results and refusals: en, kk or ru (default: the system's, LC_ALL, LC_MESSAGES or LANG)")
	root.PersistentFlags().String("ca", "",
		"PEM file of an authority that nodes' certificates may be of, besides the system's (or AQSHA_CA)")
	// Before every command, whichever of its clients it makes: one that was made without --ca would refuse a node that
	// the others reach.
	root.PersistentPreRunE = func(command *cobra.Command, _ []string) error { return nodecmd.TrustCAs(command) }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.Usage(err) })
	for _, g := range commandGroups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, newCommand := range g.commands {
			command := newCommand()
			command.GroupID = g.id
			root.AddCommand(command)
		}
	}
	root.SetHelpCommandGroupID("this")
	root.SetCompletionCommandGroupID("this")
	helpOfKnown(root)
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		for _, shell := range completion.Commands() {
			shell.Example = "  aqsha completion " + shell.Name() + " > aqsha." + shell.Name()
		}
	}
	// Last, when all verbs are there: each is made to refuse what it does not know, at any depth.
	return cli.StrictTree(root)
}

// helpOfKnown has "help" refuse what is no command, as the command itself does.
func helpOfKnown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil || help.Run == nil {
		return
	}
	show := help.Run
	help.Example = "  aqsha help pay"
	help.Run, help.RunE = nil, func(command *cobra.Command, args []string) error {
		if of, rest, err := root.Find(args); err != nil || len(rest) > 0 && of.HasSubCommands() {
			return cli.Usage(fmt.Errorf("unknown command %q for %q", strings.Join(args, " "), root.Name()))
		}
		show(command, args)
		return nil
	}
}

// newVersionCommand makes the command "version" of the program that has the console's pages in it.
func newVersionCommand() *cobra.Command { return cli.NewVersionCommand(console.Digest) }
