package programcmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
)

// unit is what a number of a contract counts. A definition says int of all of them; of those that come with the
// program it is known.
type unit uint8

const (
	plainNumber unit = iota
	moment           // Unix milliseconds; 0 for never
	span             // milliseconds
	tiyn
	thousandths
)

// unitsOf are the units of a template's terms and state.
var unitsOf = map[string]map[string]unit{
	"order": {
		"price": tiyn, "first_due": moment, "share": thousandths, "retention": thousandths, "penalty_most": thousandths,
		"inspect": span, "warranty": span, "until": moment, "due": moment, "delivered": moment, "kept": tiyn, "last": moment,
		"term penalty": thousandths, "state penalty": tiyn,
	},
}

// unitOf is the unit of a term or of a variable of the state (where says which), if the definition is a template as
// it came.
func unitOf(d *contract.Definition, where, name string) unit {
	units, known := unitsOf[d.Name]
	if !known {
		return plainNumber
	}
	now, err := contract.TemplateProgram(d.Name)
	before, earlier := contract.EarlierTemplate(d.Name)
	if !(err == nil && now.ID() == d.ID() || earlier && before.ID() == d.ID()) { // somebody else's, by the same name
		return plainNumber
	}
	if u, own := units[where+" "+name]; own {
		return u
	}
	return units[name]
}

// unitText is a number as people read it, in the network's zone where it is a time.
func unitText(u unit, n int64) string {
	switch {
	case u == moment && n > 0:
		return terminal.Moment(uint64(n))
	case u == moment && n == 0:
		return "not yet"
	case u == span:
		return spanText(time.Duration(n) * time.Millisecond)
	case u == tiyn:
		return money.Tiyn(n).Format()
	case u == thousandths:
		return fmt.Sprintf("%s %%", strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%d", n/10, n%10), "0"), "."))
	}
	return strconv.FormatInt(n, 10)
}

// spanText is a span as the command line takes it: in days where it is of whole ones.
func spanText(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}
