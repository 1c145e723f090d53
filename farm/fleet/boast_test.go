package fleet

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/farm/protocol"
)

// A machine that boasts is found and told, and not taken into the fleet; that of another beside it is another's find.
func TestAMachineThatBoastsIsToldNotTaken(t *testing.T) {
	machine := Machine{Serial: "EVIL2", Protocol: protocol.Cgminer, Address: "192.0.2.7:4028"}
	for rate, taken := range map[int64]bool{1e10: true, 1.1e10: false} {
		f := complain(machine, &protocol.Reading{RateMHs: rate}, "")
		if f.Identified != taken || strings.Contains(f.Problem, "10 PH/s") == taken {
			t.Errorf("%d MH/s: identified %v, problem %q", rate, f.Identified, f.Problem)
		}
	}
}
