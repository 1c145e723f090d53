package farms

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
)

// Poll is what a machine said at an instant; -1 is what it did not say.
type Poll struct {
	At             time.Time `json:"at"`
	RateMHs        int64     `json:"rate_mhs"`
	NameplateMHs   int64     `json:"nameplate_mhs"`
	AcceptedMH     int64     `json:"accepted_mh" doc:"since the mining program started, 10^6 hashes"`
	RejectedMH     int64     `json:"rejected_mh"`
	Elapsed        int64     `json:"elapsed_seconds" doc:"since the mining program started"`
	HardwareErrors int64     `json:"hardware_errors"`
	ChipCelsius    int64     `json:"chip_celsius"`
	SlowestFan     int64     `json:"slowest_fan_rpm"`
	Watts          int64     `json:"watts"`
	WattsBy        string    `json:"watts_by" enum:"none,machine,nameplate"`
	Boards         int64     `json:"boards" doc:"that live"`
	BoardsDue      int64     `json:"boards_due"`
	PoolAlive      bool      `json:"pool_alive"`
	PoolWrong      bool      `json:"pool_wrong" doc:"a pool that is not allowed is used"`
	Throttled      bool      `json:"throttled"`
	Sleeping       bool      `json:"sleeping"`
}

// pollOf is a poll as it is shown.
func pollOf(p usage.Poll) Poll {
	by := map[usage.PowerSource]string{usage.NoPower: "none", usage.ByMachine: "machine",
		usage.ByNameplate: "nameplate"}
	return Poll{p.At.Time(), p.RateMHs, p.NameplateMHs, p.AcceptedMH, p.RejectedMH, p.Elapsed, p.HardwareErrors,
		p.ChipTemp, p.SlowestFan, p.Watts, by[p.Source], p.Boards, p.BoardsDue, p.PoolAlive, p.PoolWrong, p.Throttled,
		p.Sleeping}
}

// Machine is one of the fleet, as it is now.
type Machine struct {
	ID           string       `json:"id"`
	Serial       string       `json:"serial,omitempty"`
	MAC          string       `json:"mac,omitempty"`
	Model        string       `json:"model,omitempty"`
	Protocol     string       `json:"protocol"`
	Place        string       `json:"place" doc:"site/container/rack/shelf"`
	Since        *time.Time   `json:"since,omitempty" doc:"from when it is accounted for"`
	Simulated    bool         `json:"simulated,omitempty"`
	NameplateMHs int64        `json:"nameplate_mhs"`
	NominalWatts int64        `json:"nominal_watts"`
	Address      string       `json:"address,omitempty" doc:"to technicians and above"`
	Worker       string       `json:"worker,omitempty" doc:"likewise"`
	Answered     bool         `json:"answered" doc:"the last poll was"`
	Last         *Poll        `json:"last,omitempty" doc:"the last poll that was answered"`
	Alerts       []alert.Kind `json:"alerts"`
}

// MachineOf is a machine as a role sees it: addresses and workers' names are for technicians and above, who go there.
func MachineOf(v *records.View, role Role) Machine {
	m := &v.Machine
	out := Machine{ID: m.ID, Serial: m.Serial, MAC: m.MAC, Model: m.Model, Protocol: string(m.Protocol),
		Place: m.Place.String(), Simulated: m.Simulated, Answered: v.Answered, Alerts: []alert.Kind{}}
	out.NameplateMHs, out.NominalWatts, _ = m.Nameplate()
	if m.Since > 0 {
		since := time.Unix(m.Since, 0).UTC()
		out.Since = &since
	}
	if role.Reaches(Technician) {
		out.Address, out.Worker = m.Address, m.Worker
	}
	if v.Poll.At > 0 {
		p := pollOf(v.Poll)
		out.Last = &p
	}
	for _, a := range v.Alerts {
		out.Alerts = append(out.Alerts, a.Kind)
	}
	return out
}

// reaches are the machines that an access reaches.
func (s *Server) reaches(a *Access) []records.View {
	return slices.DeleteFunc(s.farm.Views(), func(v records.View) bool { return !v.Machine.Matches(a.Selector) })
}

// selected are those of them that a selector means; one that means none is refused, whatever else the farm has.
func (s *Server) selected(a *Access, selector string) ([]records.View, error) {
	views := slices.DeleteFunc(s.reaches(a), func(v records.View) bool { return !v.Machine.Matches(selector) })
	if len(views) == 0 && selector == "*" {
		return nil, farm.Refuse("no-machine", "selector", "there is no machine yet that this access reaches")
	}
	if len(views) == 0 {
		return nil, farm.Refuse("no-machine", "selector",
			"%q means no machine: want *, an identity or the beginning of a place (site/container/rack/shelf)",
			selector)
	}
	return views, nil
}

// folder is the farm's folder with the machines that an access reaches, for rooms that read the rest from files.
func (s *Server) folder(views []records.View) *records.Records {
	b := &records.Records{Dir: s.farm.Dir(), Config: s.farm.Config(), Fleet: &fleet.Inventory{}}
	for i := range views {
		b.Fleet.Machines = append(b.Fleet.Machines, views[i].Machine)
	}
	return b
}

// Page is how a list is asked for: at most so many, after what the page before named as next.
type Page struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	After string `query:"after" maxLength:"80" doc:"what the page before named as next"`
}

// Machines is a page of them, in the order of their identities.
type Machines struct {
	Machines []Machine `json:"machines"`
	Next     string    `json:"next,omitempty" doc:"to be given as after; absent on the last page"`
}

// Polls is a page of a machine's polls, in their order.
type Polls struct {
	Polls []Poll     `json:"polls"`
	Next  *time.Time `json:"next,omitempty" doc:"to be given as from; absent on the last page"`
}

// maxSpan of polls that one request reads: the store reads whole hours.
const maxSpan = 24 * time.Hour

// registerMachines serves the farm, its machines and their polls.
func (s *Server) registerMachines() {
	register(s, Viewer, get("get-farm", "/v1/farm", "The farm and its sites at a glance"), s.overview)
	register(s, Viewer, get("list-machines", "/v1/machines", "Machines with their last polls", http.StatusNotFound),
		s.listMachines)
	register(s, Viewer, get("get-machine", "/v1/machines/{id}", "A machine with its last poll", http.StatusNotFound),
		func(_ context.Context, a *Access, in *struct {
			ID string `path:"id" maxLength:"80"`
		}) (*struct{ Body Machine }, error) {
			v, err := s.machine(a, in.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Machine }{MachineOf(v, a.Role)}, nil
		})
	register(s, Viewer, get("list-polls", "/v1/machines/{id}/polls", "A machine's polls of at most a day",
		http.StatusNotFound, http.StatusUnprocessableEntity), s.listPolls)
}

type farmBody struct {
	records.Overview
	Joined []JoinedFarm `json:"joined" doc:"farms that are read from here, to accesses to the whole farm"`
}

// overview counts only what the access reaches.
func (s *Server) overview(_ context.Context, a *Access, _ *struct{}) (*struct{ Body farmBody }, error) {
	body := farmBody{records.OverviewOf(s.farm.Config().Name, s.reaches(a), time.Now()), []JoinedFarm{}}
	if a.Selector == "*" && s.joined != nil {
		body.Joined = s.joined.Farms()
	}
	return &struct{ Body farmBody }{body}, nil
}

// listMachines is a page, after an identity. Machines that come in between are on it or not, by their identities; none
// is on two pages.
func (s *Server) listMachines(_ context.Context, a *Access, in *struct {
	Selector string `query:"selector" maxLength:"200" default:"*" doc:"*, an identity or the beginning of a place"`
	Page
}) (*struct{ Body Machines }, error) {
	views, err := s.selected(a, in.Selector)
	if err != nil {
		return nil, err
	}
	out := Machines{Machines: []Machine{}}
	for i := range views {
		if views[i].Machine.ID <= in.After {
			continue
		}
		if len(out.Machines) == in.Limit {
			out.Next = out.Machines[in.Limit-1].ID
			break
		}
		out.Machines = append(out.Machines, MachineOf(&views[i], a.Role))
	}
	return &struct{ Body Machines }{out}, nil
}

// machine is the one of an identity.
func (s *Server) machine(a *Access, id string) (*records.View, error) {
	views := s.reaches(a)
	i := slices.IndexFunc(views, func(v records.View) bool { return v.Machine.ID == id })
	if i < 0 {
		return nil, farm.Refuse("no-machine", "id", "there is no machine %q", id)
	}
	return &views[i], nil
}

// listPolls reads a span of the store.
func (s *Server) listPolls(_ context.Context, a *Access, in *struct {
	ID    string    `path:"id" maxLength:"80"`
	From  time.Time `query:"from" doc:"an hour before to, by default"`
	To    time.Time `query:"to" doc:"now, by default"`
	Limit int       `query:"limit" minimum:"1" maximum:"3000" default:"1000"`
}) (*struct{ Body Polls }, error) {
	// Before anything is read, and with the same answer for a machine that is not the caller's as for one that is not
	// there.
	if _, err := s.machine(a, in.ID); err != nil {
		return nil, err
	}
	if in.To.IsZero() {
		in.To = time.Now()
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-time.Hour)
	}
	if span := in.To.Sub(in.From); span <= 0 || span > maxSpan || in.From.Year() < 1970 || in.To.Year() > 9999 {
		return nil, farm.Refuse("bad-time", "from", "want from before to, by at most a day")
	}
	polls, err := s.farm.Polls(in.ID, usage.At(in.From), usage.At(in.To))
	if err != nil {
		return nil, err
	}
	out := Polls{Polls: []Poll{}}
	for _, p := range polls {
		// The first that is left out is where the next page begins.
		if len(out.Polls) == in.Limit {
			next := p.At.Time()
			out.Next = &next
			break
		}
		out.Polls = append(out.Polls, pollOf(p))
	}
	return &struct{ Body Polls }{out}, nil
}
