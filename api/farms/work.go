package farms

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/orders"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/repair"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// IDPath is the number of a ticket or an order in a path.
type IDPath struct {
	ID int64 `path:"id" minimum:"1"`
}

// after reads what a page before named as next: a number.
func (p *Page) after() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.After, 10, 64)
	if err != nil || n < 0 {
		return 0, farm.Refuse("not-a-number", "after", "%q: want what the page before named as next", p.After)
	}
	return n, nil
}

// Alerts is a page of alerts that hold: the most urgent kind first, then the longest standing.
type Alerts struct {
	Alerts []records.Held `json:"alerts"`
	Next   string         `json:"next,omitempty"`
}

// Acknowledgement says that somebody sees to alerts.
type Acknowledgement struct {
	Selector string   `json:"selector" minLength:"1" maxLength:"200"`
	Kinds    []string `json:"kinds,omitempty" maxItems:"20" doc:"of alerts; absent for all"`
	Note     string   `json:"note,omitempty" maxLength:"500"`
}

// Acknowledgements are what was added.
type Acknowledgements struct {
	Acknowledged []notify.Acknowledgement `json:"acknowledged"`
}

type acknowledgedBody struct{ Body Acknowledgements }

// registerAlerts serves alerts and who sees to them.
func (s *Server) registerAlerts() {
	register(s, Viewer, get("list-alerts", "/v1/alerts", "Alerts that hold, and who sees to them",
		http.StatusUnprocessableEntity), s.listAlerts)
	register(s, Technician, post("acknowledge-alerts", "/v1/alerts/acknowledgements", "Say that you see to alerts",
		http.StatusNotFound, http.StatusConflict),
		func(_ context.Context, a *Access, in *struct{ Body Acknowledgement }) (*acknowledgedBody, error) {
			views, err := s.selected(a, in.Body.Selector)
			if err != nil {
				return nil, err
			}
			acks, err := s.folder(views).Acknowledge(notify.Acknowledgement{At: time.Now(), Who: a.Name,
				Note: in.Body.Note}, "*", in.Body.Kinds)
			if err != nil {
				return nil, err
			}
			return &acknowledgedBody{Acknowledgements{acks}}, nil
		})
}

// listAlerts is a page by place in the order: alerts that begin or end in between move the others.
func (s *Server) listAlerts(_ context.Context, a *Access, in *struct{ Page }) (*struct{ Body Alerts }, error) {
	from, err := in.after()
	if err != nil {
		return nil, err
	}
	var standing []alert.Standing
	for _, v := range s.reaches(a) {
		standing = append(standing, v.Alerts...)
	}
	alert.Sort(standing)
	acks, err := notify.ReadAcknowledgements(vfs.OS, s.farm.Dir())
	if err != nil {
		return nil, err
	}
	from = min(from, int64(len(standing)))
	to := min(from+int64(in.Limit), int64(len(standing)))
	out := Alerts{Alerts: records.WithAcknowledgements(standing[from:to], acks)}
	if to < int64(len(standing)) {
		out.Next = strconv.FormatInt(to, 10)
	}
	return &struct{ Body Alerts }{out}, nil
}

// Tickets is a page of repairs, in the order of their numbers.
type Tickets struct {
	Tickets []repair.Ticket `json:"tickets"`
	Next    string          `json:"next,omitempty"`
}

// TicketStep is what is said of a repair.
type TicketStep struct {
	Board string     `json:"board,omitempty" maxLength:"80" doc:"the hash board's serial number"`
	Part  string     `json:"part,omitempty" maxLength:"80"`
	Cost  money.Tiyn `json:"cost_tiyn,omitempty"`
	Text  string     `json:"text,omitempty" maxLength:"1000"`
}

// entry is the step as the book of repairs keeps it.
func (t *TicketStep) entry(step repair.Step, who string) repair.Entry {
	return repair.Entry{At: time.Now().UTC(), Who: who, Step: step, Board: t.Board, Part: t.Part, Cost: t.Cost,
		Text: t.Text}
}

type openTicket struct {
	Selector string `json:"selector" minLength:"1" maxLength:"200"`
	Kind     string `json:"kind,omitempty" maxLength:"20" doc:"of this kind of alert only"`
	TicketStep
}

type closeTicket struct {
	Outcome string `json:"outcome" enum:"repaired,replaced,scrapped,nothing-found"`
	TicketStep
}

type ticketsBody struct{ Body Tickets }
type ticketBody struct{ Body repair.Ticket }

// registerTickets serves repairs.
func (s *Server) registerTickets() {
	register(s, Technician, get("list-tickets", "/v1/tickets", "Repairs", http.StatusUnprocessableEntity),
		s.listTickets)
	register(s, Technician, post("open-tickets", "/v1/tickets", "Open a repair for each alert that holds and has none",
		http.StatusNotFound, http.StatusConflict),
		func(_ context.Context, a *Access, in *struct{ Body openTicket }) (*ticketsBody, error) {
			views, err := s.selected(a, in.Body.Selector)
			if err != nil {
				return nil, err
			}
			if k := alert.Kind(in.Body.Kind); k != "" && !slices.Contains(alert.Kinds, k) {
				return nil, farm.Refuse("farm-unknown-kind", "kind", "%q is not one of %v", k, alert.Kinds)
			}
			// The caller's machines are the whole folder here: a selector that reached beyond them would find
			// nothing.
			opened, err := repair.Open(s.folder(views), "*", alert.Kind(in.Body.Kind),
				in.Body.entry(repair.Opened, a.Name))
			if err != nil {
				return nil, err
			}
			return &ticketsBody{Tickets{Tickets: opened}}, nil
		})
	register(s, Technician, post("note-ticket", "/v1/tickets/{id}/notes", "Note what is done, which part, what it cost",
		http.StatusNotFound, http.StatusConflict),
		func(_ context.Context, a *Access, in *struct {
			IDPath
			Body TicketStep
		}) (*ticketBody, error) {
			return s.takeStep(a, in.ID, in.Body.entry(repair.Noted, a.Name))
		})
	register(s, Technician, post("close-ticket", "/v1/tickets/{id}/close", "Close a repair",
		http.StatusNotFound, http.StatusConflict),
		func(_ context.Context, a *Access, in *struct {
			IDPath
			Body closeTicket
		}) (*ticketBody, error) {
			e := in.Body.entry(repair.Closed, a.Name)
			e.Outcome = repair.Outcome(in.Body.Outcome)
			return s.takeStep(a, in.ID, e)
		})
}

// ids are the identities of the machines that an access reaches.
func (s *Server) ids(a *Access) map[string]bool {
	ids := map[string]bool{}
	for _, v := range s.reaches(a) {
		ids[v.Machine.ID] = true
	}
	return ids
}

// takeStep adds a step to a ticket of a machine that the access reaches; of others there is none. Whether it reaches
// it is asked under the lock under which the step is added.
func (s *Server) takeStep(a *Access, id int64, e repair.Entry) (*ticketBody, error) {
	e.Ticket = id
	book, err := repair.Add(vfs.OS, s.farm.Dir(), func(b *repair.Book) ([]repair.Entry, error) {
		t, err := b.Find(id)
		if err == nil && a.Selector != "*" && !s.ids(a)[t.Machine] {
			err = farm.Refuse("no-ticket", "ticket", "there is no ticket %d", id)
		}
		return []repair.Entry{e}, err
	})
	if err != nil {
		return nil, err
	}
	t, err := book.Find(id)
	if err != nil {
		return nil, err
	}
	return &ticketBody{*t}, nil
}

// listTickets is a page of the tickets of machines that the access reaches, in the order in which they were opened.
func (s *Server) listTickets(_ context.Context, a *Access, in *struct {
	All bool `query:"all" doc:"closed ones too"`
	Page
}) (*ticketsBody, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	book, err := repair.Read(vfs.OS, s.farm.Dir())
	if err != nil {
		return nil, err
	}
	ids, out := s.ids(a), Tickets{Tickets: []repair.Ticket{}}
	for _, t := range book.Tickets {
		if t.ID <= after || !in.All && !t.Open() || a.Selector != "*" && !ids[t.Machine] {
			continue
		}
		if len(out.Tickets) == in.Limit {
			out.Next = strconv.FormatInt(out.Tickets[in.Limit-1].ID, 10)
			break
		}
		out.Tickets = append(out.Tickets, t)
	}
	return &ticketsBody{out}, nil
}

// Order is an order that was written down, with where it is.
type Order struct {
	orders.Order
	State orders.State `json:"state"`
}

// Orders is a page of them, in the order of their numbers.
type Orders struct {
	Orders []Order `json:"orders"`
	Next   string  `json:"next,omitempty"`
}

// NewOrder is an order to be written down.
type NewOrder struct {
	Selector string     `json:"selector" minLength:"1" maxLength:"200"`
	Action   string     `json:"action" enum:"reboot,pool,sleep,wake,power,profile,fan,led"`
	PoolURL  string     `json:"pool_url,omitempty" maxLength:"300"`
	PoolUser string     `json:"pool_user,omitempty" maxLength:"300"`
	Watts    int64      `json:"watts,omitempty"`
	Profile  string     `json:"profile,omitempty" maxLength:"64"`
	Fan      int        `json:"fan_percent,omitempty" doc:"10 to 100, or -1 for automatic"`
	On       bool       `json:"on,omitempty" doc:"of led"`
	From     *time.Time `json:"from,omitempty" doc:"when it may begin; at once, by default"`
	Until    *time.Time `json:"until,omitempty" doc:"when it is missed; ten minutes after from, by default"`
}

type ordersBody struct{ Body Orders }
type orderBody struct{ Body Order }

// registerOrders serves orders, of which none is carried out here.
func (s *Server) registerOrders() {
	register(s, Technician, get("list-orders", "/v1/orders", "Orders that were written down, of your machines alone",
		http.StatusUnprocessableEntity), s.listOrders)
	register(s, Operator, post("give-order", "/v1/orders", "Write an order down", http.StatusNotFound), s.giveOrder)
	for _, step := range []struct {
		id, path, summary string
		step              orders.Step
	}{
		{"confirm-order", "/v1/orders/{id}/confirm", "Confirm, as the second person, an order that another gave",
			orders.Confirmed},
		{"withdraw-order", "/v1/orders/{id}/withdraw", "Withdraw an order that has not begun", orders.Withdrawn},
	} {
		register(s, Operator, post(step.id, step.path, step.summary, http.StatusNotFound, http.StatusConflict),
			func(_ context.Context, a *Access, in *IDPath) (*orderBody, error) {
				return s.orderStep(a, in.ID, step.step)
			})
	}
}

// orderOf is an order with where it is at a time.
func orderOf(o *orders.Order, now time.Time) Order { return Order{*o, o.State(now)} }

// over says whether an order has ended, in whatever way.
func (o *Order) over() bool {
	return slices.Contains([]orders.State{orders.Finished, orders.Dropped, orders.Passed}, o.State)
}

// Waiting are the orders of a book that have not ended.
func Waiting(book *orders.Book, now time.Time) []Order {
	var out []Order
	for i := range book.Orders {
		if o := orderOf(&book.Orders[i], now); !o.over() {
			out = append(out, o)
		}
	}
	return out
}

// mine says whether an access reaches all machines of an order.
func mine(a *Access, ids map[string]bool, o *orders.Order) bool {
	return a.Selector == "*" || !slices.ContainsFunc(o.First().Machines, func(id string) bool { return !ids[id] })
}

// listOrders is a page. An order that reaches beyond the access's machines is not there for it: its name and state
// would tell of machines that are not shown. The book is read anew for each question, since commands on the farm's own
// machine write it.
func (s *Server) listOrders(_ context.Context, a *Access, in *struct {
	All bool `query:"all" doc:"those that have ended too"`
	Page
}) (*ordersBody, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	book, err := orders.Read(vfs.OS, s.farm.Dir())
	if err != nil {
		return nil, err
	}
	ids, now, out := s.ids(a), time.Now().UTC(), Orders{Orders: []Order{}}
	for i := range book.Orders {
		o := orderOf(&book.Orders[i], now)
		if o.ID <= after || o.over() && !in.All || !mine(a, ids, &o.Order) {
			continue
		}
		if len(out.Orders) == in.Limit {
			out.Next = strconv.FormatInt(out.Orders[in.Limit-1].ID, 10)
			break
		}
		out.Orders = append(out.Orders, o)
	}
	return &ordersBody{out}, nil
}

// person refuses an access that is of nobody in farm.toml, where an order needs two of these people.
func (s *Server) person(a *Access) error {
	config := s.farm.Config()
	if !slices.ContainsFunc(config.People, func(p records.Person) bool { return p.Name == a.Name }) {
		return farm.Refuse("farm-person", "Authorization",
			"above four_eyes machines, orders are of people of farm.toml: want an access of the name of one of them")
	}
	return nil
}

// orderWithin is how late an order may begin when nothing else is said.
const orderWithin = 10 * time.Minute

// giveOrder writes an order down for the machines that the selector means now.
func (s *Server) giveOrder(_ context.Context, a *Access, in *struct{ Body NewOrder }) (*orderBody, error) {
	b := &in.Body
	views, err := s.selected(a, b.Selector)
	if err != nil {
		return nil, err
	}
	e := orders.Entry{At: time.Now().UTC(), Who: a.Name, What: &control.Order{Action: control.Action(b.Action),
		PoolURL: b.PoolURL, PoolUser: b.PoolUser, Watts: b.Watts, Profile: b.Profile, FanPercent: b.Fan, On: b.On}}
	e.From, e.Until = e.At, e.At.Add(orderWithin)
	if b.From != nil {
		e.From, e.Until = b.From.UTC(), b.From.UTC().Add(orderWithin)
	}
	if b.Until != nil {
		e.Until = b.Until.UTC()
	}
	if !e.Until.After(e.At) {
		return nil, farm.Refuse("farm-bad-order", "until", "its time has passed already")
	}
	config := s.farm.Config()
	if e.What.Action == control.Pool {
		if err := config.CheckPool(b.PoolURL, b.PoolUser); err != nil {
			return nil, err
		}
	}
	// An order above the farm's bound waits for another person: a program's access can neither give nor confirm it.
	if e.Second = config.NeedsSecond(len(views)); e.Second {
		if err := s.person(a); err != nil {
			return nil, err
		}
	}
	machines := make([]*fleet.Machine, len(views))
	for i := range views {
		machines[i] = &views[i].Machine
	}
	// Written down, not carried out: the watch that runs beside lets out what is due, so an order outlives this
	// process.
	given, err := orders.Give(vfs.OS, s.farm.Dir(), e, machines)
	if err != nil {
		return nil, err
	}
	return &orderBody{orderOf(given, e.At)}, nil
}

// orderStep confirms or withdraws an order. Whether the book allows it, such as that two are not one person, is the
// book's to say.
func (s *Server) orderStep(a *Access, id int64, step orders.Step) (*orderBody, error) {
	if step == orders.Confirmed {
		if err := s.person(a); err != nil {
			return nil, err
		}
	}
	now := time.Now().UTC()
	book, err := orders.Add(vfs.OS, s.farm.Dir(), func(b *orders.Book) ([]orders.Entry, error) {
		o, err := b.Find(id)
		if err == nil && !mine(a, s.ids(a), o) {
			err = farm.Refuse("farm-no-order", "order", "there is no order %d", id)
		}
		return []orders.Entry{{Order: id, At: now, Who: a.Name, Step: step}}, err
	})
	if err != nil {
		return nil, err
	}
	o, err := book.Find(id)
	if err != nil {
		return nil, err
	}
	return &orderBody{orderOf(o, now)}, nil
}
