package scenario

import (
	"context"

	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
)

// checkToken fetches a token's proof and checks it as a stranger would.
func (w *Stage) checkToken(ctx context.Context, id token.ID) (*proof.Result, error) {
	file, err := w.Client.API.Proof(ctx, id)
	if err != nil {
		return nil, err
	}
	return proof.Check(file, w.Client.Network)
}
