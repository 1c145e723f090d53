package main

import (
	"github.com/spf13/cobra"
)

// commandGroup is a part of "aqsha --help".
type commandGroup struct {
	id, title string
	commands  []func() *cobra.Command
}

// commandGroups are all commands, by who comes for them.
var commandGroups = []commandGroup{
	{"ledger", "Ledger:", []func() *cobra.Command{
		newInitCommand, newBankCommand, newWalletCommand, newIssueCommand, newRedeemCommand, newPayCommand, newBalanceCommand, newHistoryCommand,
		newSupplyCommand, newTokenCommand, newProofCommand, newTxCommand, newPolicyCommand, newVerifyCommand,
	}},
	{"programs", "Programmable money:", []func() *cobra.Command{
		newPurposeCommand, newAgencyCommand, newContractCommand, newChannelCommand, newPayPerUseCommand, newDeviceCommand, newGrantCommand,
		newOrderCommand, newTraceCommand,
	}},
	{"operations", "Operations:", []func() *cobra.Command{
		newUpCommand, newStatusCommand, newFollowCommand, newSwitchoverCommand, newPromoteCommand, newBackupCommand, newRestoreCommand, newDrillCommand,
		newKeyCommand, newAccessCommand, newTLSCommand, newConfigCommand,
	}},
	{"mining", "Mining:", []func() *cobra.Command{newChainCommand, newPoolCommand, newMineCommand}},
	{"farm", "Farm:", []func() *cobra.Command{newFarmCommand}},
	{"market", "Market:", []func() *cobra.Command{newMarketCommand}},
	{"this", "This program:", []func() *cobra.Command{newDemoCommand, newBenchCommand, newExplainCommand, newManualCommand, newVersionCommand}},
}

// newRootCommand joins the commands of every line. Each noun lives in a file of its own.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "aqsha",
		Short: "A digital currency, Bitcoin mining and market measurement that anybody can check",
		Long: `Aqsha runs a retail central-bank digital currency (the digital tenge), mines Bitcoin
and runs mining farms, and measures markets, networks and machines. Whatever it
states can be re-derived from signed, append-only records with "aqsha verify".`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().Bool("json", false, "print results and errors as JSON")
	root.PersistentFlags().String("lang", "", "language in which refusals are explained: en, kk or ru (default: the system's, LC_ALL, LC_MESSAGES or LANG)")
	root.PersistentFlags().String("ca", "", "PEM file of an authority that nodes' certificates may be of, besides the system's (or AQSHA_CA)")
	root.PersistentPreRunE = func(command *cobra.Command, _ []string) error { return trustCAs(command) }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
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
	return strictTree(root)
}
