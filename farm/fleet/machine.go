package fleet

import (
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/params"
)

// Place is where a machine stands.
type Place struct {
	Site      string `json:"site,omitempty"`
	Container string `json:"container,omitempty"`
	Rack      string `json:"rack,omitempty"`
	Shelf     string `json:"shelf,omitempty"`
}

// String is the place as a path: "ekibastuz/c1/r3/s2".
func (p Place) String() string {
	return strings.TrimRight(strings.Join([]string{p.Site, p.Container, p.Rack, p.Shelf}, "/"), "/")
}

// RackPath is the path down to the rack.
func (p Place) RackPath() string { p.Shelf = ""; return p.String() }

// ParsePlace reads a path.
func ParsePlace(path string) (Place, error) {
	parts := strings.Split(path, "/")
	if len(parts) > 4 {
		return Place{}, farm.Refuse("bad-place", "place", "%q has more parts than site/container/rack/shelf", path)
	}
	for _, part := range parts {
		if len(part) > 40 || strings.ContainsAny(part, ",\"") || strings.ContainsFunc(part, unicode.IsControl) {
			return Place{}, farm.Refuse("bad-place", "place",
				"%q: want parts of at most 40 characters without commas and quotes", path)
		}
		if part == "*" { // an order to this place would go to the whole farm
			return Place{}, farm.Refuse("bad-place", "place", "%q: * means every machine, and is no place's name", path)
		}
	}
	parts = append(parts, "", "", "")
	return Place{parts[0], parts[1], parts[2], parts[3]}, nil
}

// within completes a place that names no site by where it lies: what it names itself stays.
func (p Place) within(given Place) Place {
	if p.Site != "" {
		return p
	}
	p.Site = given.Site
	for to, from := range map[*string]string{&p.Container: given.Container, &p.Rack: given.Rack,
		&p.Shelf: given.Shelf} {
		*to = first(*to, from)
	}
	return p
}

// Machine is one of the fleet.
type Machine struct {
	ID       string            `json:"id"` // serial number or hardware address
	Serial   string            `json:"serial,omitempty"`
	MAC      string            `json:"mac,omitempty"`
	Model    string            `json:"model,omitempty"`
	Protocol protocol.Protocol `json:"protocol"`
	Address  string            `json:"address"` // host:port where it answered last
	HTTPPort int               `json:"http_port,omitempty"`
	// TLS says that its web server speaks HTTPS, and Certificate (SHA-256, hexadecimal) with which certificate it did
	// at first.
	TLS         bool   `json:"tls,omitempty"`
	Certificate string `json:"certificate,omitempty"`
	Worker      string `json:"worker,omitempty"` // its name at the pool
	Place       Place  `json:"place"`
	Since       int64  `json:"since,omitempty"` // Unix seconds: from when it is accounted for
	Simulated   bool   `json:"simulated,omitempty"`

	// What it should do, by its own word, by somebody's, or as it was found; the catalogue fills what is 0.
	IdealMHs     int64 `json:"ideal_mhs,omitempty"`
	NominalWatts int64 `json:"nominal_watts,omitempty"`
	Boards       int   `json:"boards,omitempty"`
	Fans         int   `json:"fans,omitempty"` // most that ever turned: a connector that never did is no fan

	Given Given `json:"given,omitzero"` // by the farm's people, before all of these

	ModelSeen bool `json:"model_seen,omitempty"` // the machine has told its model; otherwise an inventory has
	// ProtocolSeen: the machine has answered in its protocol; one of which ModelSeen holds has too.
	ProtocolSeen bool `json:"protocol_seen,omitempty"`

	Single  bool   `json:"single,omitempty"`   // its firmware refuses joined commands
	MinerID string `json:"miner_id,omitempty"` // of its control board; tells it from others
	// Pools counts what each pool had accepted at the last poll; owned by Observe.
	Pools *PoolCounts `json:"-"`
	// Mode is what the machine's power mode leaves, where the firmware names it without watts; owned by Observe.
	Mode *ModeCap `json:"-"`
}

// Validate says what is wrong with a machine.
func (m *Machine) Validate() error {
	// An identity stands in file names, selectors and CSV: what would end a field or a path there is none of it.
	if m.ID == "" || len(m.ID) > 80 || strings.ContainsAny(m.ID, " ,\"\r\n*/") {
		return farm.Refuse("bad-identity", "id",
			"%q: want a serial number or a MAC address, 1 to 80 characters; an IP address is none", m.ID)
	}
	if net.ParseIP(m.ID) != nil {
		return farm.Refuse("bad-identity", "id",
			"%s is an IP address, which changes; give the serial number or the MAC", m.ID)
	}
	if _, err := protocol.ParseProtocol(string(m.Protocol)); err != nil {
		return err
	}
	if _, err := ParseAddress(m.Address, m.Protocol); err != nil {
		return err
	}
	if err := m.Given.validate(); err != nil {
		return err
	}
	if m.Certificate != "" && (len(m.Certificate) != 64 || strings.Trim(m.Certificate, "0123456789abcdef") != "") {
		return farm.Refuse("farm-out-of-range", "certificate", "%s: want a SHA-256 in hexadecimal", m.ID)
	}
	if len(m.MinerID) > 80 || m.Fans < 0 || m.Fans > 16 {
		return farm.Refuse("farm-out-of-range", "machine",
			"%s: want a miner id of at most 80 characters and at most 16 fans", m.ID)
	}
	if m.IdealMHs < 0 || m.IdealMHs > 1e10 || m.NominalWatts < 0 || m.NominalWatts > 1e6 || m.Boards < 0 ||
		m.Boards > 16 {
		return farm.Refuse("farm-out-of-range", "machine", "%s: want at most 10 PH/s, 1 MW and 16 boards", m.ID)
	}
	return nil
}

// ParseAddress completes an address with the protocol's port.
func ParseAddress(address string, d protocol.Protocol) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = address, strconv.Itoa(d.DefaultPort())
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || net.ParseIP(host) == nil {
		return "", farm.Refuse("farm-bad-address", "address", "%q: want an IP address, with a port or without", address)
	}
	return net.JoinHostPort(host, port), nil
}

// Matches says whether a selector means the machine: "*", its identity, or the beginning of its place.
func (m *Machine) Matches(selector string) bool {
	place := m.Place.String() + "/"
	return selector == "*" || selector == m.ID ||
		(selector != "" && strings.HasPrefix(place, strings.TrimSuffix(selector, "/")+"/"))
}

// Catalogue is the machine's model in the catalogue; the zero value when it is not there.
func (m *Machine) Catalogue() params.MiningMachine {
	fact, _ := params.FindMiningMachine(m.Model)
	return fact.Value
}

// Nameplate is what the machine should do: as it is given, then by its own word, then by the catalogue.
func (m *Machine) Nameplate() (rateMHs, watts int64, boards int) {
	c := m.Catalogue()
	rateMHs, watts, boards = m.IdealMHs, m.NominalWatts, m.Boards
	// By its own word, unless it says so little that boards must be missing: versions of one model differ
	// by less than a sixth. The word of a machine of three boards that has lost one is a third less.
	if catalogue := c.RateGHs * 1000; rateMHs == 0 || (c.Boards > 1 && m.Boards > 0 && m.Boards < c.Boards &&
		rateMHs < catalogue*5/6) {
		rateMHs = catalogue
	}
	if watts == 0 && c.RateGHs > 0 {
		watts = c.Watts * rateMHs / 1000 / c.RateGHs // a stronger version of the model draws more
	}
	if m.Given.RateMHs > 0 {
		rateMHs = m.Given.RateMHs
	}
	if m.Given.Watts > 0 {
		watts = m.Given.Watts
	}
	boards = max(boards, c.Boards) // a board that was dead from the beginning is due all the same
	return rateMHs, watts, boards
}

// HeatLimit is the temperature in °C at which its chips are too hot: as it is given, or the catalogue's; 0 is not
// known.
func (m *Machine) HeatLimit() int64 {
	if m.Given.HeatLimit > 0 {
		return m.Given.HeatLimit
	}
	return m.Catalogue().HeatLimit
}

// unknownWatts is taken for the load of a machine of which nothing is known: more than most draw.
const unknownWatts = 6000

// LoadWatts is what the machine may draw, to stagger loads: its nameplate, that of the nearest model, or
// more than most machines draw.
func (m *Machine) LoadWatts() int64 {
	if _, watts, _ := m.Nameplate(); watts > 0 {
		return watts
	}
	if near, ok := params.NearestMiningMachine(m.Model); ok {
		return near.Value.Watts
	}
	return unknownWatts
}
