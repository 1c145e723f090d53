package api

import (
	"context"
	"encoding/json"
)

// Applications lists what is asked of the bank of the client's access.
func (c *Client) Applications(ctx context.Context) ([]ApplicationView, error) {
	list, err := get[Applications](ctx, c, "/v1/applications")
	return list.Applications, err
}

// Application fetches one by its id.
func (c *Client) Application(ctx context.Context, id string) (ApplicationView, error) {
	return get[ApplicationView](ctx, c, "/v1/applications/"+id)
}

// AcceptApplication answers one with a draft that the bank has signed.
func (c *Client) AcceptApplication(ctx context.Context, id string, draft json.RawMessage) (ApplicationView, error) {
	return change[ApplicationView](ctx, c, "/v1/applications/"+id+"/acceptance", map[string]any{"draft": draft})
}

// RefuseApplication refuses one, and says why.
func (c *Client) RefuseApplication(ctx context.Context, id, reason string) (ApplicationView, error) {
	return change[ApplicationView](ctx, c, "/v1/applications/"+id+"/refusal", map[string]any{"reason": reason})
}

// Apply asks a bank for a wallet of a key.
func (c *Client) Apply(ctx context.Context, in ApplicationRequest) (ApplicationView, error) {
	return change[ApplicationView](ctx, c, "/v1/applications", in)
}
