package farms

import (
	"context"
	"net/http"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/records"
)

// AccessLine is an access as its owner sees it, without its hash.
type AccessLine struct {
	Name     string     `json:"name"`
	Role     Role       `json:"role" enum:"viewer,technician,operator,owner"`
	Selector string     `json:"selector"`
	Expires  *time.Time `json:"expires,omitempty"`
	Expired  bool       `json:"expired"`
}

// Line is the access as it is shown.
func (a *Access) Line(now time.Time) AccessLine {
	l := AccessLine{Name: a.Name, Role: a.Role, Selector: a.Selector, Expired: a.Expired(now)}
	if !a.Expires.IsZero() {
		l.Expires = &a.Expires
	}
	return l
}

type accesses struct {
	Accesses []AccessLine `json:"accesses"`
}

// NewAccess is an access to be made.
type NewAccess struct {
	Name     string     `json:"name" minLength:"1" maxLength:"64"`
	Role     Role       `json:"role" enum:"viewer,technician,operator,owner"`
	Selector string     `json:"selector,omitempty" maxLength:"200" doc:"of the machines that it reaches"`
	Expires  *time.Time `json:"expires,omitempty"`
}

type madeAccess struct {
	Token string `json:"token" doc:"shown this once"`
}

// registerAccounts serves months and accesses.
func (s *Server) registerAccounts() {
	register(s, Viewer, get("get-month", "/v1/months/{month}", "What a month came to: work, losses, money, energy",
		http.StatusNotFound, http.StatusUnprocessableEntity), s.month)
	register(s, Owner, get("list-accesses", "/v1/accesses", "Who has access"),
		func(_ context.Context, _ *Access, _ *struct{}) (*struct{ Body accesses }, error) {
			list, err := ReadAccesses(s.farm.Dir())
			if err != nil {
				return nil, err
			}
			out := accesses{[]AccessLine{}}
			for i := range list {
				out.Accesses = append(out.Accesses, list[i].Line(time.Now()))
			}
			return &struct{ Body accesses }{out}, nil
		})
	register(s, Owner, post("new-access", "/v1/accesses", "Give an access, and be shown its token",
		http.StatusConflict),
		func(_ context.Context, _ *Access, in *struct{ Body NewAccess }) (*struct{ Body madeAccess }, error) {
			a := Access{Name: in.Body.Name, Role: in.Body.Role, Selector: in.Body.Selector}
			if a.Selector == "" {
				a.Selector = "*"
			}
			if in.Body.Expires != nil {
				a.Expires = in.Body.Expires.UTC()
			}
			// Shown once: only its hash is kept.
			token, err := AddAccess(s.farm.Dir(), a)
			if err != nil {
				return nil, err
			}
			return &struct{ Body madeAccess }{madeAccess{token}}, nil
		})
	revoke := operation(http.MethodDelete, "revoke-access", "/v1/accesses/{name}", "Take an access back",
		http.StatusNotFound)
	revoke.DefaultStatus = http.StatusNoContent
	register(s, Owner, revoke, func(_ context.Context, _ *Access, in *struct {
		Name string `path:"name" maxLength:"64"`
	}) (*struct{}, error) {
		return nil, RevokeAccess(s.farm.Dir(), in.Name)
	})
}

// monthFresh is how long a month that was accounted for is shown again: a large farm's takes a core for seconds.
const monthFresh = time.Minute

// month accounts for a month of the machines that the access reaches. One at a time: those who ask for the same get
// the same. A selector that means others as well is refused, and no sum over the part is given in its place: it would
// pass for the whole.
func (s *Server) month(ctx context.Context, a *Access, in *struct {
	Month    string `path:"month" pattern:"^[0-9]{4}-[0-9]{2}$" patternDescription:"a month such as 2026-10"`
	Selector string `query:"selector" maxLength:"200" default:"*"`
	By       string `query:"by" enum:"site,container,rack,machine,model,cause" default:"site"`
}) (*struct{ Body daily.Month }, error) {
	selector := in.Selector
	if a.Selector != "*" && selector == "*" {
		selector = a.Selector
	}
	if _, err := s.selected(a, selector); err != nil {
		return nil, err
	}
	for _, v := range s.farm.Views() {
		if v.Machine.Matches(selector) && !v.Machine.Matches(a.Selector) {
			return nil, farm.Refuse("no-machine", "selector", "%q means others than the access reaches", selector)
		}
	}
	s.months.mu.Lock()
	defer s.months.mu.Unlock()
	key := in.Month + "\x00" + selector + "\x00" + in.By
	if s.months.last != nil && s.months.key == key && time.Since(s.months.at) < monthFresh {
		return &struct{ Body daily.Month }{*s.months.last}, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err // waited too long for others
	}
	b, err := records.OpenReader(s.farm.Dir())
	if err != nil {
		return nil, err
	}
	defer b.Close()
	m, err := daily.BuildMonth(ctx, b, in.Month, selector, in.By, nil)
	if err != nil {
		return nil, err
	}
	s.months.key, s.months.at, s.months.last = key, time.Now(), m
	return &struct{ Body daily.Month }{*m}, nil
}
