package farmcmd

import (
	"testing"

	"github.com/aqsha/aqsha/farm/fleet"
)

// A scan shows its password to the hosts of the fleet's machines, whatever their ports, and to no others.
func TestAddressed(t *testing.T) {
	known := addressed(&fleet.Inventory{Machines: []fleet.Machine{{Address: "10.1.0.17:4028"},
		{Address: "[fd00::7]:80"}, {Address: "none"}}})
	for host, want := range map[string]bool{"10.1.0.17": true, "fd00::7": true, "10.1.0.18": false,
		"10.1.0.17:4028": false, "none": false} {
		if known(host) != want {
			t.Errorf("%s: shown is %v", host, !want)
		}
	}
}
