package farmcmd

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/txlog/vfs"
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
		newFarmAlertsCommand(), newFarmTicketsCommand(), newFarmTicketCommand(), newFarmTodayCommand(),
		newFarmUseCommand(), newFarmCompareCommand(), newFarmAnnotationCommand(), newFarmPriceCommand(),
		newFarmSilenceCommand(), newFarmExportCommand(), newFarmControlCommand(), newFarmOrdersCommand(),
		newFarmAccessCommand(), newFarmSitesCommand(), newFarmTuneCommand())
	return command
}

// farmDir is the folder of the farm; with create it is made.
func farmDir(command *cobra.Command, create bool) (string, error) {
	dir, err := command.Flags().GetString("data")
	if err == nil && create {
		err = vfs.OS.MkdirAll(dir)
	}
	return dir, err
}

// readFarm opens the farm to read.
func readFarm(command *cobra.Command) (*records.Records, error) {
	dir, err := farmDir(command, false)
	if err != nil {
		return nil, err
	}
	b, err := records.OpenReader(dir)
	if err != nil {
		return nil, fmt.Errorf("--data %s: %w (begin with 'aqsha farm scan', 'aqsha farm import' or 'aqsha farm "+
			"demo', then 'aqsha farm watch')", dir, err)
	}
	return b, nil
}

// span is a time span given by flags.
type span struct{ from, to string }

func (s *span) register(command *cobra.Command) {
	command.Flags().StringVar(&s.from, "from", "",
		"begin, such as 2026-10-03T08:00 in the farm's zone, or with an offset")
	command.Flags().StringVar(&s.to, "to", "", "end, likewise")
}

// moment is a time on the farm's clock, with its offset from UTC: people at the machines and those who read from
// elsewhere mean the same one.
func moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02 15:04:05 -07:00")
}

// parseTime reads a time in the farm's zone, or with an offset of its own.
func parseTime(flag, text string, c *records.Config) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, c.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, farm.Refuse("bad-time", flag,
		"%q: want 2026-10-03, 2026-10-03T08:00 or 2026-10-03T08:00:00+05:00", text)
}
