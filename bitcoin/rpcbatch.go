package bitcoin

import (
	"context"
	"encoding/json"
	"fmt"
)

// Query is one call of a batch. Err is set by Batch for this call alone.
type Query struct {
	Method string
	Params []any
	Result any // pointer to decode into
	Err    error
}

// maxBatch bounds one HTTP body; longer batches go out in several. The whole answer is held in memory, with
// maxAnswerBytes as its bound.
const maxBatch = 500

// Batch sends all queries in as few requests as possible. The error it returns is
// about the transport; what the node thinks of a query is in that query's Err.
func (c *Client) Batch(ctx context.Context, queries []Query) error {
	for len(queries) > 0 {
		part := queries[:min(len(queries), maxBatch)]
		if err := c.batch(ctx, part); err != nil {
			return err
		}
		queries = queries[len(part):]
	}
	return nil
}

func (c *Client) batch(ctx context.Context, queries []Query) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	calls := make([]request, len(queries))
	at := map[uint64]int{}
	again := true
	for i, q := range queries {
		params := q.Params
		if params == nil {
			params = []any{}
		}
		calls[i] = request{"1.0", c.lastID.Add(1), q.Method, params}
		at[calls[i].ID] = i
		again = again && !spends(q.Method)
		queries[i].Err = fmt.Errorf("node left out the answer to %s", q.Method)
	}
	raw, err := c.post(ctx, c.http, calls, again)
	if err != nil {
		return fmt.Errorf("calling a batch of %d: %w", len(queries), err)
	}
	var answers []response
	if err := json.Unmarshal(raw, &answers); err != nil {
		return fmt.Errorf("answer to a batch is not JSON-RPC: %w", err)
	}
	// Answers come in any order; those without a known id are dropped.
	for _, answer := range answers {
		if answer.ID == nil {
			continue
		}
		if i, ok := at[*answer.ID]; ok {
			queries[i].Err = answer.into(queries[i].Result, queries[i].Method)
		}
	}
	return nil
}
