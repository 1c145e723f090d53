package farmcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
)

func newFarmScanCommand() *cobra.Command {
	var o fleet.ScanOptions
	var place string
	var dry, toAll, announced bool
	command := &cobra.Command{
		Use:   "scan [ADDRESSES...]",
		Short: "Find machines in a network and add them to the fleet",
		Long: `Asks every address who is there, --parallel at a time, each once: single addresses, ranges and
networks, several at once. --mdns also asks the network who announces itself, as Bitaxes do. An idle /16 takes
about two minutes. Machines are known by serial number or MAC: one that
has moved is found again, not added. Stock Antminers say their MAC only over HTTP, which needs their password: one of
yours is shown to machines of the fleet only, and to everybody who answers with --yes, since it can be found out from
what is shown. A machine that tells neither and is not on the same network segment is listed, and can be added with
'aqsha farm import'.`,
		Example: `  aqsha farm scan 10.1.0.0/22 --place ekibastuz/c1
  aqsha farm scan 10.1.0.17 10.1.2.10-40 10.2.0.0/24
  aqsha farm scan 127.10.0.0/24 --antminer-port 8080 --dry-run`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := judged(&o); err != nil {
				return err
			}
			if o.Parallel < 1 || o.Parallel > maxParallel {
				return cli.Usage(fmt.Errorf("--parallel: want 1 to %d", maxParallel))
			}
			addresses, err := scanTargets(command.Context(), args, announced)
			if err != nil {
				return err
			}
			stand, err := fleet.ParsePlace(place)
			if err != nil {
				return farmdir.Mistyped(err)
			}
			if o.Password, err = cli.Secret(command, farmdir.AntminerPassword, farmdir.AntminerVariable); err != nil {
				return err
			}
			// Whoever answers to a digest challenge learns what can be tried against the password at leisure: only
			// machines of the fleet are shown it unasked.
			if !toAll {
				if o.Trusted, err = ofTheFleet(command); err != nil {
					return err
				}
			}
			o.Progress = cli.ProgressOf(command, "scan")
			found, err := fleet.ScanAddresses(command.Context(), addresses, o)
			if err != nil {
				return err
			}
			return addFound(command, found, stand, dry)
		},
	}
	flags := command.Flags()
	flags.StringVar(&place, "place", "", "where machines found stand: site/container/rack/shelf")
	flags.BoolVar(&dry, "dry-run", false, "show what is found, change nothing")
	flags.BoolVar(&toAll, "yes", false, "show the password of Antminers to whatever answers at these addresses")
	flags.BoolVar(&announced, "mdns", false, "ask the network's multicast DNS too")
	flags.IntVar(&o.Parallel, "parallel", fleet.DefaultParallel, "addresses asked at a time")
	scanPorts(command, &o)
	return command
}

// announcedWait is how long answers to multicast DNS are waited for: responders wait up to half a second themselves.
const announcedWait = 2 * time.Second

// scanTargets are the addresses that were given, and those that announce themselves.
func scanTargets(ctx context.Context, args []string, announced bool) ([]netip.Addr, error) {
	if !announced && len(args) == 0 {
		return nil, cli.Usage(errors.New("want addresses to ask, or --mdns"))
	}
	asked, err := fleet.Targets(args)
	if err != nil && len(args) > 0 {
		return nil, farmdir.Mistyped(err)
	}
	if !announced {
		return asked, nil
	}
	found, err := fleet.Announced(ctx, fleet.MDNSGroup, announcedWait, fleet.MaxAnnounced)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		args = append(args, a.String())
	}
	if len(args) == 0 {
		return nil, nil // nobody announces itself
	}
	return fleet.Targets(args)
}

// ofTheFleet says which addresses machines of the fleet have.
func ofTheFleet(command *cobra.Command) (func(host string) bool, error) {
	dir, err := farmdir.Of(command, false)
	if err != nil {
		return nil, err
	}
	inventory, err := fleet.OpenInventory(dir)
	if err != nil {
		return nil, err
	}
	return addressed(inventory), nil
}

// addressed says which hosts are those of an inventory's machines.
func addressed(inventory *fleet.Inventory) func(host string) bool {
	known := map[string]bool{}
	for i := range inventory.Machines {
		if host, _, err := net.SplitHostPort(inventory.Machines[i].Address); err == nil {
			known[host] = true
		}
	}
	return func(host string) bool { return known[host] }
}

// addFound merges what a scan found into the fleet.
func addFound(command *cobra.Command, found []fleet.Found, place fleet.Place, dry bool) error {
	dir, err := farmdir.Of(command, !dry)
	if err != nil {
		return err
	}
	inventory, err := fleet.OpenInventory(dir)
	if err != nil {
		return err
	}
	inventory.Sift(found)
	var machines []fleet.Machine
	for i := range found {
		if found[i].Identified {
			found[i].Machine.Place = place // one that is known keeps its own when none is given
			machines = append(machines, found[i].Machine)
		}
	}
	added, updated := 0, 0
	if !dry {
		if added, updated, err = mergeInto(dir, machines); err != nil {
			return err
		}
	}
	result := map[string]any{"found": found, "added": added, "updated": updated}
	return cli.Show(command, result, func(w io.Writer) {
		l := cli.LanguageFor(command)
		cli.Tabbed(w, func(tab io.Writer) {
			for _, f := range found {
				id := f.Machine.ID
				switch {
				case !f.Identified && id == "":
					id = l.Text("farm.no-identity")
				case !f.Identified:
					id = l.Text("farm.not-added", "id", id)
				}
				fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", f.Machine.Address, f.Machine.Protocol,
					terminal.Plain(f.Machine.Model), terminal.Plain(id), terminal.Plain(f.Problem))
			}
		})
		fmt.Fprintln(w, l.Text("farm.scanned", "found", len(found), "added", added, "updated", updated))
	})
}

// mergeInto adds machines to the fleet of a folder, or brings those that it has up to date.
func mergeInto(dir string, machines []fleet.Machine) (added, updated int, err error) {
	err = fleet.Update(dir, func(inventory *fleet.Inventory) (err error) {
		added, updated, err = inventory.Merge(machines)
		return err
	})
	return added, updated, err
}

func newFarmImportCommand() *cobra.Command {
	var site string
	command := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the machines of an inventory (CSV of Foreman, HiveOS, pyasic or our own)",
		Long: `Reads an inventory by the names of its columns, in any order: address, serial number or MAC,
model, firmware, worker, site, container, rack and shelf under the names that these programs
give them. Columns without a meaning here are named and ignored. - reads standard input.`,
		Example: "  aqsha farm import foreman.csv --site ekibastuz\n  aqsha farm list --csv | aqsha farm import - " +
			"--data copy",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in := command.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer file.Close()
				in = file
			}
			machines, ignored, err := fleet.ReadCSV(in, site)
			if err != nil {
				return err
			}
			for i := range machines {
				// From now on: what was not watched before is no loss of the farm's.
				machines[i].Since = time.Now().Unix()
			}
			dir, err := farmdir.Of(command, true)
			if err != nil {
				return err
			}
			added, updated, err := mergeInto(dir, machines)
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"added": added, "updated": updated, "ignored_columns": ignored},
				func(w io.Writer) {
					l := cli.LanguageFor(command)
					fmt.Fprintln(w, l.Text("farm.imported", "added", added, "updated", updated))
					if len(ignored) > 0 {
						fmt.Fprintln(w, l.Text("farm.ignored", "columns", terminal.Plain(strings.Join(ignored, ", "))))
					}
				})
		},
	}
	command.Flags().StringVar(&site, "site", "",
		"where machines stand whose row names no site: a site, or site/container/rack")
	return command
}

func newFarmListCommand() *cobra.Command {
	var csv bool
	command := &cobra.Command{
		Use:     "list [SELECTOR]",
		Short:   "List the machines of the fleet",
		Example: "  aqsha farm list\n  aqsha farm list ekibastuz/c1 --json\n  aqsha farm list --csv",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			inventory, err := fleet.OpenInventory(dir)
			if err != nil {
				return err
			}
			selector := "*"
			if len(args) == 1 {
				selector = args[0]
			}
			machines, err := inventory.Select(selector)
			if err != nil {
				return err
			}
			if csv {
				// What is listed, as on the screen: a selector is of one site's people, who are not given the others.
				listed := &fleet.Inventory{}
				for _, m := range machines {
					listed.Machines = append(listed.Machines, *m)
				}
				return listed.WriteCSV(command.OutOrStdout())
			}
			return cli.Show(command, machines, func(w io.Writer) {
				cli.Tabbed(w, func(tab io.Writer) {
					fmt.Fprintln(tab, cli.LanguageFor(command).Text("farm.list-columns"))
					for _, m := range machines {
						rate, watts, _ := m.Nameplate()
						fmt.Fprintf(tab, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", m.ID, terminal.Plain(m.Place.String()),
							terminal.Plain(m.Model), rate/1_000_000, watts, m.Address, m.Protocol)
					}
				})
			})
		},
	}
	command.Flags().BoolVar(&csv, "csv", false, "write them as CSV, which 'aqsha farm import' reads")
	return command
}
