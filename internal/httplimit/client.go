package httplimit

import "net/http"

// NoRedirect is for http.Client.CheckRedirect. What a machine, a pool or a node names as another address is not asked:
// it would have this host ask whatever the one who answers cannot reach himself, or carry a password or a notice to
// somebody else. The answer that redirects is the answer.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
