package api

import (
	"context"

	"github.com/aqsha/aqsha/token"
)

// PutDraft puts up a transaction that others must sign too, with the signatures that it has.
func (c *Client) PutDraft(ctx context.Context, network token.NetworkID, tx *token.Transaction) (DraftView, error) {
	return change[DraftView](ctx, c, "/v1/drafts", DraftRequest{Network: network, Transaction: tx})
}

// draftsOf begins the path of a wallet's drafts.
const draftsOf = "/v1/drafts?wallet="

// Drafts lists those that concern the client's access or session; of a wallet, unless it is zero, those that it signs.
func (c *Client) Drafts(ctx context.Context, wallet token.WalletID) ([]DraftView, error) {
	path := "/v1/drafts"
	if wallet != (token.WalletID{}) {
		path = draftsOf + wallet.String()
	}
	list, err := get[Drafts](ctx, c, path)
	return list.Drafts, err
}

// Draft reads a draft by its id.
func (c *Client) Draft(ctx context.Context, id token.TransactionID) (DraftView, error) {
	return get[DraftView](ctx, c, "/v1/drafts/"+id.String())
}

// RefuseDraft says that a signer does not sign.
func (c *Client) RefuseDraft(ctx context.Context, id token.TransactionID, word DraftWord) (DraftView, error) {
	return change[DraftView](ctx, c, "/v1/drafts/"+id.String()+"/refusals", word)
}
