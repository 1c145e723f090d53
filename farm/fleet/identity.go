package fleet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/params"
)

// identity is how the machine is known. A serial number that firmwares write where none is, is none.
func (m *Machine) identity() (mac, serial, minerID string) {
	return m.MAC, protocol.ProperSerial(m.Serial), m.MinerID
}

// differ says whether both are known and not equal.
func differ(known, reported string) bool { return known != "" && reported != "" && known != reported }

// Confirm compares who answers with who is meant, in whatever both tell: a serial number, MAC or control board's
// number that differs is another machine's, whatever else is equal, because some makers give one MAC to many machines.
// confirmed says that one of the first two is equal. A model is evidence and no identity: it counts only where the
// machine itself has told another one before and nothing else is told.
func (m *Machine) Confirm(mac, serial, minerID, model string) (confirmed bool, err error) {
	knownMAC, knownSerial, knownID := m.identity()
	serial = protocol.ProperSerial(serial)
	other := &OtherMachine{Wanted: m.ID, MAC: mac, Serial: serial, MinerID: minerID, Address: m.Address}
	switch {
	case differ(knownSerial, serial):
		other.Differs, other.Is, other.Was = "serial", serial, knownSerial
	case differ(knownMAC, mac):
		other.Differs, other.Is, other.Was = "mac", mac, knownMAC
	case differ(knownID, minerID):
		other.Differs, other.Is, other.Was = "board", minerID, knownID
	default:
		confirmed = (mac != "" && mac == knownMAC) || (serial != "" && serial == knownSerial)
		sameBoard := minerID != "" && minerID == knownID
		if confirmed || sameBoard || !m.ModelSeen || !DifferentModels(m.Model, model) {
			return confirmed, nil
		}
		other.Differs, other.Is, other.Was = "model", model, m.Model
	}
	return false, other
}

// DifferentModels says whether two names are those of models that cannot be one machine: both are in the
// catalogue and neither is the poorer name of the other ("S17" for "S17 Pro").
func DifferentModels(a, b string) bool {
	one, ok := params.FindMiningMachine(a)
	other, found := params.FindMiningMachine(b)
	x, y := one.Value.Name, other.Value.Name
	return ok && found && x != y && !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x)
}

// OtherMachine is the error of an address at which another machine answers.
type OtherMachine struct {
	Wanted, MAC, Serial, MinerID, Address string

	Differs string // serial, mac, board, model; Untold: it tells nothing by which it could be known; "" not said
	Is, Was string // what it tells of that, and what the machine that is meant is known by
}

// Untold is OtherMachine.Differs of a machine that tells nothing by which it could be known.
const Untold = "untold"

func (e *OtherMachine) Error() string {
	text := "at " + e.Address + " answers another machine than " + e.Wanted
	switch e.Differs {
	case "serial":
		text += fmt.Sprintf(": its serial number is %s, not %s", e.Is, e.Was)
	case "mac":
		text += fmt.Sprintf(": its MAC is %s, not %s", e.Is, e.Was)
	case "board":
		text += fmt.Sprintf(": its control board is %s, not %s", e.Is, e.Was)
	case "model":
		text += fmt.Sprintf(": it is a %s, not a %s", e.Is, e.Was)
	case Untold:
		text += ": it tells neither the serial number nor the MAC that are known"
	}
	return text
}

// Finding is the error as an alert or an order keeps it.
func (e *OtherMachine) Finding() farm.Finding {
	if e.Differs == "" {
		return farm.Found("other-machine", "address", e.Address, "wanted", e.Wanted)
	}
	return farm.Found("other-"+e.Differs, "address", e.Address, "wanted", e.Wanted, "is", e.Is, "was", e.Was)
}

// SameAs says whether a machine of the fleet is the one that answered elsewhere: by serial numbers where both tell one,
// then by MACs, then by control boards.
func (e *OtherMachine) SameAs(m *Machine) bool {
	mac, serial, minerID := m.identity()
	return sameIdentity([3]string{serial, mac, minerID}, [3]string{e.Serial, e.MAC, e.MinerID})
}

// sameIdentity compares serial numbers, MACs and control boards' numbers; the first that both tell decides.
func sameIdentity(a, b [3]string) bool {
	for i := range a {
		if a[i] != "" && b[i] != "" {
			return a[i] == b[i]
		}
	}
	return false
}

// identities finds machines of a fleet by whatever they are known by.
type identities struct {
	machines []Machine
	by       map[string][]int
}

// indexed is an index of machines by all that they can be known by.
func indexed(machines []Machine) *identities {
	x := &identities{machines, make(map[string][]int, 2*len(machines))}
	for i := range machines {
		x.add(i)
	}
	return x
}

// add enters a machine under each of its names.
func (x *identities) add(at int) {
	m := &x.machines[at]
	mac, serial, _ := m.identity()
	for _, name := range []string{m.ID, serial, mac} {
		if name != "" && !slices.Contains(x.by[name], at) {
			x.by[name] = append(x.by[name], at)
		}
	}
}

// find is the machine of the fleet that another one is; −1: none. Of several with its MAC, where it tells no serial
// number, it is the one at its address, and otherwise nobody can say which.
func (x *identities) find(m *Machine) (int, error) {
	mac, serial, _ := m.identity()
	var candidates []int
	for _, name := range []string{m.ID, serial, mac} {
		if name == "" {
			continue
		}
		for _, i := range x.by[name] {
			knownMAC, knownSerial, _ := x.machines[i].identity()
			named := [3]string{serial, mac, ""}
			if x.machines[i].ID == m.ID && !differ(knownSerial, serial) ||
				sameIdentity([3]string{knownSerial, knownMAC, ""}, named) {
				candidates = append(candidates, i)
			}
		}
		if len(candidates) > 0 {
			break // serial numbers before MACs
		}
	}
	for _, i := range candidates {
		if len(candidates) == 1 || x.machines[i].Address == m.Address {
			return i, nil
		}
	}
	if len(candidates) > 1 {
		return -1, farm.Refuse("bad-identity", "mac",
			"%s at %s: %d machines of the fleet have this MAC and it tells no serial number", m.ID, m.Address,
			len(candidates))
	}
	for _, i := range x.by[m.ID] {
		if known := &x.machines[i]; known.ID == m.ID {
			return -1, farm.Refuse("bad-identity", "id",
				"%s at %s has the serial number %s, the machine of this name in the fleet %s", m.ID, m.Address, serial,
				known.Serial)
		}
	}
	return -1, nil
}

// Sift keeps machines of a scan out of those that can be taken when nobody can say which machine of the fleet they are.
func (inv *Inventory) Sift(found []Found) {
	known := indexed(inv.Machines)
	for i := range found {
		if f := &found[i]; f.Identified {
			if _, err := known.find(&f.Machine); err != nil {
				f.Identified, f.Problem = false, strings.TrimSpace(err.Error()+" "+f.Problem)
			}
		}
	}
}
