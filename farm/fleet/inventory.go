package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/oldnames"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// MaxMachines of a fleet.
const MaxMachines = 100_000

// Inventory is the fleet as a file: machines in the order of their identities.
type Inventory struct {
	files    vfs.FS
	path     string
	Machines []Machine `json:"machines"`
}

// maxInventory bounds fleet.json, in bytes.
const maxInventory = 256 << 20

// OpenInventory reads the fleet of a folder; a new one is empty.
func OpenInventory(dir string) (*Inventory, error) { return openInventory(vfs.OS, dir) }

// openInventory reads the fleet's file; one that is not there is an empty fleet.
func openInventory(files vfs.FS, dir string) (*Inventory, error) {
	inv := &Inventory{files: files, path: filepath.Join(dir, "fleet.json")}
	content, err := durable.Read(files, inv.path, maxInventory)
	if errors.Is(err, fs.ErrNotExist) {
		return inv, nil
	}
	if errors.Is(err, durable.ErrTooLarge) {
		return nil, farm.Refuse("farm-too-large", "fleet.json", "more than 256 MiB")
	}
	if err != nil {
		return nil, err
	}
	return inv, inv.read(content)
}

// read takes a file's content. One machine that is wrong makes all of it unreadable.
func (inv *Inventory) read(content []byte) error {
	if err := json.Unmarshal(oldnames.Read(content), inv); err != nil {
		return fmt.Errorf("%s: %w", inv.path, err)
	}
	for i := range inv.Machines {
		if err := inv.Machines[i].Validate(); err != nil {
			return fmt.Errorf("%s: %w", inv.path, err)
		}
	}
	slices.SortFunc(inv.Machines, byID)
	return nil
}

// Update gives the fleet of a folder, which is there, what change makes of it as it is at that moment. Whoever changes
// it meanwhile, a watch that has learned something or another command, waits: the file is written whole, and who wrote
// what he had read before would take back what the other did. When change fails nothing is written.
func Update(dir string, change func(*Inventory) error) error { return updateOn(vfs.OS, dir, change) }

// updateOn changes the fleet's file, one process at a time, whole or not at all.
func updateOn(files vfs.FS, dir string, change func(*Inventory) error) error {
	path := filepath.Join(dir, "fleet.json")
	err := durable.Update(files, path, maxInventory, func(content []byte) ([]byte, error) {
		inv := &Inventory{files: files, path: path}
		if content != nil {
			if err := inv.read(content); err != nil {
				return nil, err
			}
		}
		if err := change(inv); err != nil {
			return nil, err
		}
		return inv.encode()
	})
	if errors.Is(err, durable.ErrTooLarge) {
		return farm.Refuse("farm-too-large", "fleet.json", "more than 256 MiB")
	}
	return err
}

func (inv *Inventory) encode() ([]byte, error) {
	content, err := json.MarshalIndent(inv, "", " ")
	return append(content, '\n'), err
}

func byID(a, b Machine) int { return strings.Compare(a.ID, b.ID) }

// Save writes the fleet, whole or not at all, over what is there: for a folder that nobody else has. See Update.
func (inv *Inventory) Save() error {
	content, err := inv.encode()
	if err != nil {
		return err
	}
	if err := inv.files.MkdirAll(filepath.Dir(inv.path)); err != nil {
		return err
	}
	return durable.Replace(inv.files, inv.path, content)
}

// Find is a machine by identity, serial number or hardware address.
func (inv *Inventory) Find(identity string) *Machine {
	if i, ok := slices.BinarySearchFunc(inv.Machines, Machine{ID: identity}, byID); ok {
		return &inv.Machines[i]
	}
	for i := range inv.Machines {
		if m := &inv.Machines[i]; identity != "" && (m.Serial == identity || m.MAC == identity) {
			return m
		}
	}
	return nil
}

// Merge adds machines and updates those that are known by serial number or hardware address: what is
// found goes before what was known, but a known place stays unless another is given. Two serial numbers
// are two machines, whatever their MACs. It changes nothing when one of them is wrong.
func (inv *Inventory) Merge(found []Machine) (added, updated int, err error) {
	all := slices.Clone(inv.Machines)
	known := indexed(all)
	for _, m := range found {
		if err := m.Validate(); err != nil {
			return 0, 0, err
		}
		// By what stays with the machine, never by its address: addresses are leased, and two machines would become
		// one.
		at, err := known.find(&m)
		if err != nil {
			return 0, 0, err
		}
		if at < 0 {
			at = len(all)
			all = append(all, m)
			known.machines = all
			added++
		} else if merged := merge(all[at], m); merged != all[at] {
			all[at] = merged
			updated++
		}
		// Later rows find what earlier ones have added: an export may name a machine twice.
		known.add(at)
	}
	if len(all) > MaxMachines {
		return 0, 0, farm.Refuse("farm-too-many", "machines", "more than %d", MaxMachines)
	}
	slices.SortFunc(all, byID)
	inv.Machines = all
	return added, updated, nil
}

// merge is what is known of a machine after it was found again: what it says itself goes before what a list says, and
// what is not said now stays.
func merge(known, found Machine) Machine {
	out := found
	out.ID = known.ID
	if known.ModelSeen && !found.ModelSeen {
		out.Model = known.Model // the machine's own word, before an inventory's
	}
	if known.answered() && !found.answered() {
		keepAnswered(&out, &known)
	}
	out.ModelSeen = known.ModelSeen || found.ModelSeen
	out.ProtocolSeen = known.ProtocolSeen || found.ProtocolSeen
	keep := func(to *string, from string) {
		if *to == "" {
			*to = from
		}
	}
	keep(&out.Serial, known.Serial)
	keep(&out.MAC, known.MAC)
	keep(&out.Model, known.Model)
	keep(&out.Worker, known.Worker)
	if out.Place == (Place{}) {
		out.Place = known.Place
	}
	if known.Since != 0 {
		out.Since = known.Since
	}
	out.IdealMHs, out.NominalWatts = max(out.IdealMHs, known.IdealMHs), max(out.NominalWatts, known.NominalWatts)
	out.Boards, out.Fans = max(out.Boards, known.Boards), max(out.Fans, known.Fans)
	keep(&out.MinerID, known.MinerID)
	out.Given = known.Given.with(out.Given)
	out.Single, out.Pools, out.Mode = out.Single || known.Single, known.Pools, known.Mode
	if out.HTTPPort == 0 {
		out.HTTPPort = known.HTTPPort
	}
	if known.Certificate != "" && out.TLS {
		out.Certificate = known.Certificate // another one is refused until this is taken back
	}
	out.Simulated = out.Simulated || known.Simulated
	return out
}

// answered says whether a machine has spoken its protocol; otherwise it is a guess of an inventory.
func (m *Machine) answered() bool { return m.ModelSeen || m.ProtocolSeen }

// keepAnswered keeps how a machine is spoken to, by its own word, before what a row guesses: the row moves it to
// another host.
func keepAnswered(out, known *Machine) {
	if out.Protocol != known.Protocol {
		host, _, err := net.SplitHostPort(out.Address)
		_, port, failed := net.SplitHostPort(known.Address)
		if err == nil && failed == nil {
			out.Address = net.JoinHostPort(host, port) // the row's port goes with the protocol that it guesses
		}
	}
	out.Protocol, out.TLS = known.Protocol, known.TLS
}

// Select are the machines that a selector means; a selector that means none is refused.
func (inv *Inventory) Select(selector string) ([]*Machine, error) {
	var out []*Machine
	for i := range inv.Machines {
		if inv.Machines[i].Matches(selector) {
			out = append(out, &inv.Machines[i])
		}
	}
	if len(inv.Machines) == 0 {
		return nil, farm.Refuse("no-machine", "fleet", "there is no machine in this folder yet")
	}
	if len(out) == 0 {
		return nil, farm.Refuse("no-machine", "selector",
			"%q means no machine: want *, an identity or the beginning of a place (site/container/rack/shelf)",
			selector)
	}
	return out, nil
}
