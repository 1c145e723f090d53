package api

import (
	"fmt"
	"net/http"
)

// ElsewhereError means that the node which was expected is not at its address: nobody answers there, or another.
// Nothing was done by it.
type ElsewhereError struct{ Cause error }

func (e *ElsewhereError) Error() string { return e.Cause.Error() }
func (e *ElsewhereError) Unwrap() error { return e.Cause }

// Expect has the first answer be of a run of a server (Options.Instance). It saves the request that asks which one is
// there; until it is known, only what harms nobody may be sent: questions, and tokens set aside.
func (c *Client) Expect(instance string) { c.expect.Store(&instance) }

// met looks at the first answer of who was expected. An address may be another program's by now: what it answers is
// thrown away before anything of it is believed.
func (c *Client) met(response *http.Response, err error) (*http.Response, error) {
	expected := c.expect.Load()
	if expected == nil {
		return response, err
	}
	if err != nil {
		return nil, &ElsewhereError{err}
	}
	if got := response.Header.Get(InstanceHeader); *expected == "" || got != *expected {
		_ = response.Body.Close()
		return nil, &ElsewhereError{fmt.Errorf("%s is another node's by now", response.Request.URL.Host)}
	}
	c.expect.Store(nil)
	return response, nil
}
