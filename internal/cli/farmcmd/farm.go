package farmcmd

import (
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/controlcmd"
)

// NewFarmCommand is the noun "farm".
func NewFarmCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "farm",
		Short: "See every machine of a mining farm, know what is lost and why, decide when to run and how to grow",
		Long: `Finds and polls mining machines (cgminer, stock Antminers old and new and their kin, Whatsminer API 2
and 3, LuxOS, Braiins, Avalon, Auradine, SealMiner, Proto, AxeOS, VNish, ePIC, MARA, IceRiver), keeps what they say,
raises alarms, and accounts for every terahash from the nameplate to the accepted share. All data of a farm lie in one
folder (--data).`,
	}
	command.PersistentFlags().String("data", "aqsha-farm", "folder of the farm's data")
	cli.Formerly(command.PersistentFlags(), "data", "dir")
	command.AddCommand(newFarmDemoCommand(), newFarmSimulateCommand(), newFarmScanCommand(), newFarmReadCommand(),
		newFarmImportCommand(), newFarmListCommand(), newFarmSetCommand(), newFarmWatchCommand(),
		newFarmAlertsCommand(), newFarmTodayCommand(), newFarmUseCommand(), newFarmCompareCommand(),
		newFarmAnnotationCommand(), newFarmPriceCommand(), newFarmSilenceCommand(), newFarmExportCommand(),
		newFarmAccessCommand(), newFarmSitesCommand())
	// What changes machines.
	command.AddCommand(controlcmd.NewFarmControlCommand(), controlcmd.NewFarmOrdersCommand(),
		controlcmd.NewFarmTuneCommand(), controlcmd.NewFarmTicketsCommand(), controlcmd.NewFarmTicketCommand())
	return command
}
