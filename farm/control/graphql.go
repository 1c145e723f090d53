package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// Orders of Braiins OS before 25.03: mutations of its GraphQL interface, within a session that a cookie names. After
// asic-rs; not tried on a machine.

const graphPath = "/graphql"

// graphOrders are its mutations. Each asks back the little that makes it a valid one.
var graphOrders = map[Action]manner{
	Reboot: {give: mutate(`mutation{bos{reboot{... on VoidResult{void}}}}`, nil)},
	Sleep:  {give: mutate(`mutation{bosminer{stop{... on VoidResult{void}}}}`, nil)},
	Wake:   {give: mutate(`mutation{bosminer{start{... on VoidResult{void}}}}`, nil)},
	Power: {give: mutate(`mutation($limit:Int!){bosminer{config{`+
		`updateAutotuning(input:{powerTarget:$limit},apply:true){... on AutotuningOut{autotuning{powerTarget,enabled}}}}}}`,
		func(o Order) object { return object{"limit": o.Watts} }), holds: limitHolds},
	LED: {give: mutate(`mutation($enable:Boolean!){bos{setFaultLight(enable:$enable){enabled}}}`,
		func(o Order) object { return object{"enable": o.On} }), holds: graphLamp},
	Pool: {give: giveGraphPool},
}

// mutate is the manner of an order that is one mutation.
func mutate(mutation string, variables func(o Order) object) webGive {
	return func(ctx context.Context, w *web, o Order) error {
		given := object{}
		if variables != nil {
			given = variables(o)
		}
		session, err := w.graphSession(ctx)
		if err == nil {
			_, err = w.graph(ctx, session, mutation, given)
		}
		return err
	}
}

// graphSession logs in and returns the cookie. Every order has its own, and none is closed.
func (w *web) graphSession(ctx context.Context) (*http.Cookie, error) {
	cookies, _, err := w.post(ctx, nil, object{"query": `mutation($username:String!,$password:String!){auth{login(` +
		`username:$username,password:$password){... on VoidResult{void}}}}`,
		"variables": object{"username": w.user, "password": w.password}})
	if err != nil {
		return nil, err
	}
	for _, cookie := range cookies {
		if cookie.Name == "session_id" && cookie.Value != "" {
			return &http.Cookie{Name: cookie.Name, Value: cookie.Value}, nil
		}
	}
	return nil, farm.Refuse("denied", "password", "the machine does not take it")
}

// graph sends a query or a mutation; one that the machine answers with an error or a message is refused. A refusal
// comes as an answer of success with a message at the place of the result.
func (w *web) graph(ctx context.Context, session *http.Cookie, query string, variables object) (protocol.Value, error) {
	_, content, err := w.post(ctx, session, object{"query": query, "variables": variables})
	if err != nil {
		return protocol.Value{}, err
	}
	v, err := protocol.Parse(content)
	if err != nil {
		return protocol.Value{}, err
	}
	message := v.Get("errors").At(0).Get("message").Text()
	for _, part := range v.Get("data").Each { // data { bos { reboot { message } } }, one deeper under config
		for _, answer := range part.Each {
			message += answer.Get("message").Text()
			for _, deeper := range answer.Each {
				message += deeper.Get("message").Text()
			}
		}
	}
	if message != "" {
		return v, farm.Refuse("refused", graphPath, "the machine says: %q", message)
	}
	return v, nil
}

// post sends one request; of an answer no more than a reply's most is read.
func (w *web) post(ctx context.Context, session *http.Cookie, body object) (cookies []*http.Cookie, content []byte,
	err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	if session != nil {
		cookies = append(cookies, session)
	}
	return w.postTo(ctx, graphPath, cookies, string(text))
}

// postTo posts a body, JSON unless it is empty, within a session that cookies name, and returns the answer's cookies.
func (w *web) postTo(ctx context.Context, path string, session []*http.Cookie, body string) (cookies []*http.Cookie,
	content []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+path, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, cookie := range session {
		request.AddCookie(cookie)
	}
	response, err := fleet.Web(w.m, fleet.Digest{}).Client.Do(request)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = failed.Err // without the URL, which may name a password
	}
	if err != nil {
		return nil, nil, err
	}
	content, err = io.ReadAll(io.LimitReader(response.Body, protocol.MaxReply))
	_ = response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = farm.Refuse("http", "reply", "%s", response.Status)
	}
	return response.Cookies(), content, err
}

// graphLamp asks whether the lamp is on, without a session.
func graphLamp(ctx context.Context, w *web, o Order) (bool, remark) {
	v, err := w.graph(ctx, nil, `query lamp{bos{faultLight}}`, object{})
	if err != nil {
		return false, failure(err)
	}
	state := v.Get("data").Get("bos").Get("faultLight").Text()
	return state == onOff(o), saw("lamp", "state", state)
}

// giveGraphPool sets the machine's group of pools, with the ordered one first, and starts its program anew, which reads
// them then. Where there are several groups, one order says nothing of how they share: it is refused.
func giveGraphPool(ctx context.Context, w *web, o Order) error {
	pools, err := w.pools(ctx, o)
	if err != nil {
		return err
	}
	v, err := w.graph(ctx, nil, `query groups{bosminer{info{poolGroups{name}}}}`, object{})
	if err != nil {
		return err
	}
	groups, name := 0, "default"
	for _, group := range v.Get("data").Get("bosminer").Get("info").Get("poolGroups").Each {
		if groups++; groups == 1 && group.Get("name").Text() != "" {
			name = group.Get("name").Text()
		}
	}
	if groups > 1 {
		return farm.WithFinding(farm.Refuse("refused", "pool", "it has %d groups of pools", groups),
			farm.Found("pool-groups", "count", groups))
	}
	list := make([]object, 0, len(pools))
	for _, p := range pools {
		list = append(list, object{"url": p.url, "user": p.user, "password": p.pass})
	}
	// Reading needs no session; writing does, and a login that fails has changed nothing yet.
	session, err := w.graphSession(ctx)
	if err != nil {
		return err
	}
	if _, err := w.graph(ctx, session, `mutation($groups:[Group!]!){bosminer{config{updateGroups(groups:$groups){`+
		`... on GroupList{groups{id}} ... on GroupListError{message}}}}}`,
		object{"groups": []object{{"name": name, "quota": 1, "pools": list}}}); err != nil {
		return err
	}
	_, err = w.graph(ctx, session, `mutation{bosminer{restart{... on BosminerError{message}}}}`, object{})
	return err
}
