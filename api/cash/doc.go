// Package cash is the HTTP face of a cash office: the Cashu protocol under /cash/v1/ (NUT-01 to 09, 17, 19, 20, 29),
// the public log under /cash/log/, the client that wallets use, and the office's payments on the ledger through its
// API.
//
// It imports cash and its parts, api and wallet.
package cash
