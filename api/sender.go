package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/intake"
	"github.com/aqsha/aqsha/token"
)

type addressKey struct{}

// addressOf is by what a caller's address counts. A request within the process has none; one of a proxy's is of whom
// the proxy says, last, that it came from.
func (s *Server) addressOf(r *http.Request) string {
	if r.RemoteAddr == "" {
		return ""
	}
	address := httplimit.AddressOf(r.RemoteAddr)
	if s.options.Proxy == "" || address != s.options.Proxy {
		return address
	}
	list := r.Header.Values("X-Forwarded-For")
	if len(list) == 0 {
		return address
	}
	hops := strings.Split(list[len(list)-1], ",")
	return httplimit.AddressOf(strings.TrimSpace(hops[len(hops)-1]))
}

// senderOf says whose share of the node's queue a request takes, and what may be told of what it did not sign.
// Everybody is a stranger on a node that is open to read: its one access is no sign of anything.
func senderOf(ctx context.Context) node.Sender {
	address, _ := ctx.Value(addressKey{}).(string)
	sender := node.Sender{Source: intake.Source{Class: intake.Stranger, Name: address}}
	access, _ := ctx.Value(accessKey{}).(*Access)
	switch {
	case access == nil:
		return sender
	case access == everything:
	case access.ofWallet():
		sender.Source = intake.Source{Class: intake.Session, Name: access.wallet.String()}
	default:
		sender.Source = intake.Source{Class: intake.Access, Name: access.Name + "\x00" + access.TokenSHA256}
	}
	sender.Reads = func(id token.WalletID, w ledger.Wallet, known bool) bool {
		return (known || mayReadAll(ctx) == nil) && mayReadWallet(ctx, id, w) == nil
	}
	return sender
}
