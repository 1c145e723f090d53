package farmcmd

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/replay"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
)

// maxFirst keeps the numbers of simulated machines within the digits of their serial numbers.
const maxFirst = 9_000_000

func newFarmSimulateCommand() *cobra.Command {
	var machines, first, httpPort int
	var seed uint64
	var only, at, recorded string
	var faults []string
	var add bool
	command := &cobra.Command{
		Use:   "simulate",
		Short: "Let simulated machines answer on loopback addresses, as firmwares do",
		Long: `A test peer: machines that do not exist answer at 127.10.0.1, 127.10.0.2 and so on (4028, and 4433 for
Whatsminer API 3), with realistic noise, in each protocol in turn. They call themselves simulated.
--fault KIND:MACHINES[@AFTER[+FOR]] breaks some: offline, silent, hung, garbage, slow, board, hot, fan,
lowhash, rejects, wrongpool, theft, nopool, reboot, counters. Runs until interrupted.`,
		Example: `  aqsha farm simulate --machines 100 --add
  aqsha farm simulate --machines 100 --first 100 --at 127.20.0.1 --add    # a hundred others
  aqsha farm simulate --recorded recordings --at 127.20.0.1
  aqsha farm simulate --machines 10000 --fault silent:3000 --fault board:5@10m+1h`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if machines < 1 || machines > 60_000 {
				return cli.Usage(errors.New("--machines: want 1 to 60000"))
			}
			if httpPort < 0 || httpPort > 65_535 {
				return cli.Usage(errors.New("--antminer-port: want 0 to 65535"))
			}
			if first < 0 || first > maxFirst {
				return cli.Usage(fmt.Errorf("--first: want 0 to %d", maxFirst))
			}
			orders, err := parseOrders(faults)
			if err != nil {
				return farmdir.Mistyped(err)
			}
			if only != "" {
				if _, err := protocol.ParseProtocol(only); err != nil {
					return farmdir.Mistyped(err)
				}
			}
			// Loopback is checked where they listen: simulated machines are nobody's to find by a scan.
			from, err := netip.ParseAddr(at)
			if err != nil {
				return cli.Usage(fmt.Errorf("--at: %w", err))
			}
			if recorded != "" {
				return serveRecorded(command, recorded, &replay.Server{First: from, Port: protocol.Port,
					PortV3: protocol.PortV3, WebPort: httpPort})
			}
			server := &simulate.Server{Units: simulate.UnitsFrom(first, machines, seed, protocol.Protocol(only),
				usage.At(time.Now()), orders), HTTPPort: httpPort}
			return serveSimulated(command, server, from, add)
		},
	}
	flags := command.Flags()
	flags.IntVar(&machines, "machines", 100, "how many")
	flags.IntVar(&first, "first", 0, "number of the first, which its serial number and MAC are made of")
	flags.IntVar(&httpPort, "antminer-port", 8080, "of simulated Antminers' web pages; 0: none")
	flags.StringVar(&at, "at", "127.10.0.1", "address of the first; the others follow it")
	flags.Uint64Var(&seed, "seed", 1, "of their lives")
	flags.StringVar(&only, "protocol", "", "one for all, instead of seven in turn")
	cli.Formerly(flags, "protocol", "dialect")
	flags.StringArrayVar(&faults, "fault", nil, "break some machines")
	flags.StringVar(&recorded, "recorded", "",
		"serve the recorded machines of this folder instead (rpc/COMMAND.txt, http/PATH.txt)")
	flags.BoolVar(&add, "add", false, "add them to the fleet of --data")
	return command
}

// serveSimulated lets the machines answer from the first address on. They listen before they are added to a fleet and
// told of: whoever reads of one can ask it.
func serveSimulated(command *cobra.Command, server *simulate.Server, first netip.Addr, add bool) error {
	if err := simulate.Settle(server.Units, first); err != nil {
		return err
	}
	if err := server.Listen(); err != nil {
		return err
	}
	if add {
		if err := addUnits(command, server.Units); err != nil {
			return err
		}
	}
	machines := len(server.Units)
	from, to := server.Units[0].Machine.Address, server.Units[machines-1].Machine.Address
	if err := cli.Show(command, map[string]any{"machines": machines, "first": from, "last": to}, func(w io.Writer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Count("farm.simulated", machines, "from", from, "to", to))
	}); err != nil {
		return err
	}
	return server.Serve(command.Context())
}

// parseOrders reads what is to break.
func parseOrders(faults []string) (orders []simulate.Order, err error) {
	for _, text := range faults {
		order, err := simulate.ParseOrder(text)
		if err != nil {
			return nil, err
		}
		orders = append(orders, order)
	}
	return orders, nil
}

// serveRecorded lets recorded machines answer.
func serveRecorded(command *cobra.Command, dir string, server *replay.Server) error {
	cases, err := replay.LoadAll(dir)
	if err != nil {
		return err
	}
	server.Cases = cases
	return server.Serve(command.Context(), func() {
		_ = cli.Show(command, map[string]any{"machines": len(cases), "first": server.First}, func(w io.Writer) {
			fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.recorded", "count", len(cases), "from", server.First))
		})
	})
}

// addUnits puts simulated machines into the fleet, without the scan.
func addUnits(command *cobra.Command, units []*simulate.Unit) error {
	dir, err := farmdir.Of(command, true)
	if err != nil {
		return err
	}
	machines := make([]fleet.Machine, len(units))
	for i, u := range units {
		machines[i] = u.Machine
	}
	inventory, err := fleet.OpenInventory(dir)
	if err != nil {
		return err
	}
	there := map[string]string{}
	for i := range inventory.Machines {
		there[inventory.Machines[i].ID] = inventory.Machines[i].Address
	}
	for i := range machines {
		// Of a run at other addresses, which may be going on: its machines would become these.
		if at, ok := there[machines[i].ID]; ok && at != machines[i].Address {
			return cli.Usage(fmt.Errorf("%s is in the fleet at %s: begin at another number with --first",
				machines[i].ID, at))
		}
	}
	_, _, err = mergeInto(dir, machines)
	return err
}
