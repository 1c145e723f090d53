package main

import (
	"github.com/spf13/cobra"
)

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
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newVersionCommand(), newConfigCommand(), newManualCommand(),
		newMarketCommand(),
		newInitCommand(),
		newUpCommand(),
		newDemoCommand(),
		newBankCommand(),
		newWalletCommand(),
		newIssueCommand(),
		newRedeemCommand(),
		newPayCommand(),
		newBalanceCommand(),
		newHistoryCommand(),
		newTokenCommand(),
		newProofCommand(),
		newSupplyCommand(),
		newPolicyCommand(),
		newAgencyCommand(),
		newPurposeCommand(),
		newContractCommand(), newChannelCommand(), newDeviceCommand(), newPayPerUseCommand(), newGrantCommand(), newOrderCommand(), newTraceCommand(),
		newTxCommand(),
		newKeyCommand(),
		newAccessCommand(),
		newVerifyCommand(),
		newFollowCommand(),
		newPromoteCommand(), newSwitchoverCommand(),
		newStatusCommand(),
		newBackupCommand(),
		newRestoreCommand(),
		newDrillCommand(),
		newChainCommand(),
		newMineCommand(),
		newPoolCommand(),
		newFarmCommand(),
		newBenchCommand(),
	)
	return root
}
