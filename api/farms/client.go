package farms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/repair"
	"github.com/aqsha/aqsha/internal/httplimit"
)

// Client reads the face of a farm that is watched elsewhere. Refusals come back as *api.Problem. Its methods may be
// called from several goroutines.
type Client struct {
	base, token string
	http        *http.Client
}

const (
	// Of a farm's answer: it is another's machine, and may send anything.
	maxAnswer     = 16 << 20
	answerTimeout = 20 * time.Second
	maxToken      = 1 << 10
)

// NewClient makes a client of a farm that farm.toml joins. Its token is read from its file now: one that was replaced
// is taken at the next look. With a CA file no other authority is believed.
func NewClient(j records.JoinedFarm) (*Client, error) {
	file, err := os.Open(j.TokenFile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	token, err := io.ReadAll(io.LimitReader(file, maxToken))
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(token))
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, farm.Refuse("bad-setting", "joined", "%s holds no access token", j.TokenFile)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if j.CAFile != "" {
		pem, err := os.ReadFile(j.CAFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, farm.Refuse("bad-setting", "joined", "%s has no certificate in PEM", j.CAFile)
		}
	}
	return &Client{base: strings.TrimSuffix(j.URL, "/"), token: text,
		http: &http.Client{Transport: transport, Timeout: answerTimeout, CheckRedirect: httplimit.NoRedirect}}, nil
}

// Close lets go of the client's connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get reads what a path answers with a query, such as "/v1/machines". An error of *url.Error is of a farm that was not
// reached.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case len(content) > maxAnswer:
		return fmt.Errorf("%s answers with more than %d bytes", path, maxAnswer)
	case response.StatusCode != http.StatusOK:
		if p := api.ProblemIn(content); p != nil {
			return p
		}
		return fmt.Errorf("%s answers with status %d", path, response.StatusCode)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// maxPages of a list that are read: what goes on and on is no farm.
const maxPages = 1000

// pages reads all pages of a list.
func pages(query url.Values, read func() (next string, err error)) error {
	query.Set("limit", "1000")
	for range maxPages {
		next, err := read()
		if err != nil || next == "" {
			return err
		}
		query.Set("after", next)
	}
	return errors.New("a list does not end")
}

// Overview is the farm at a glance.
func (c *Client) Overview(ctx context.Context) (o records.Overview, err error) {
	return o, c.Get(ctx, "/v1/farm", nil, &o)
}

// Machines are the farm's machines.
func (c *Client) Machines(ctx context.Context) (list []Machine, err error) {
	query := url.Values{}
	return list, pages(query, func() (string, error) {
		var page Machines
		err := c.Get(ctx, "/v1/machines", query, &page)
		list = append(list, page.Machines...)
		return page.Next, err
	})
}

// Alerts are those that hold.
func (c *Client) Alerts(ctx context.Context) (list []records.Held, err error) {
	query := url.Values{}
	return list, pages(query, func() (string, error) {
		var page Alerts
		err := c.Get(ctx, "/v1/alerts", query, &page)
		list = append(list, page.Alerts...)
		return page.Next, err
	})
}

// Tickets are the repairs that are open.
func (c *Client) Tickets(ctx context.Context) (list []repair.Ticket, err error) {
	query := url.Values{}
	return list, pages(query, func() (string, error) {
		var page Tickets
		err := c.Get(ctx, "/v1/tickets", query, &page)
		list = append(list, page.Tickets...)
		return page.Next, err
	})
}

// Orders are those that wait.
func (c *Client) Orders(ctx context.Context) (list []Order, err error) {
	query := url.Values{}
	return list, pages(query, func() (string, error) {
		var page Orders
		err := c.Get(ctx, "/v1/orders", query, &page)
		list = append(list, page.Orders...)
		return page.Next, err
	})
}

// JoinedFarm is a farm that is read from another one's watch.
type JoinedFarm struct {
	Name     string            `json:"name" doc:"as farm.toml of the reader names it"`
	Reached  bool              `json:"reached" doc:"when it was asked last"`
	Problem  string            `json:"problem,omitempty"`
	Overview *records.Overview `json:"overview,omitempty" doc:"the last that it answered"`
}

// Joined reads other farms every minute while a watch runs.
type Joined struct {
	settings []records.JoinedFarm
	log      *slog.Logger

	mu    sync.Mutex // over what follows
	farms []JoinedFarm
}

// NewJoined prepares to read the farms of farm.toml.
func NewJoined(settings []records.JoinedFarm, log *slog.Logger) *Joined {
	j := &Joined{settings: settings, log: log, farms: make([]JoinedFarm, len(settings))}
	for i := range settings {
		j.farms[i] = JoinedFarm{Name: settings[i].Name, Problem: "not asked yet"}
	}
	return j
}

// Farms are they as they were when they answered last.
func (j *Joined) Farms() []JoinedFarm {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]JoinedFarm{}, j.farms...)
}

// Read asks each of them once, all at a time. One that does not answer keeps the last that it answered. It may be
// called while the farms are read.
func (j *Joined) Read(ctx context.Context) {
	var asked sync.WaitGroup
	for i := range j.settings {
		asked.Go(func() {
			var overview records.Overview
			client, err := NewClient(j.settings[i])
			if err == nil {
				overview, err = client.Overview(ctx)
				client.Close()
			}
			j.mu.Lock()
			defer j.mu.Unlock()
			f := &j.farms[i]
			f.Reached, f.Problem = err == nil, ""
			if err != nil {
				f.Problem = err.Error()
				j.log.Warn("a joined farm does not answer", "farm", f.Name, "error", err)
				return
			}
			f.Overview = &overview
		})
	}
	asked.Wait()
}

// readEvery is how often joined farms are read.
const readEvery = time.Minute

// Run reads them until ctx ends.
func (j *Joined) Run(ctx context.Context) {
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		j.Read(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
