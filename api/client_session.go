package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aqsha/aqsha/token"
)

// Keyring holds wallets' keys, by which a client opens sessions where it has no access.
type Keyring interface {
	// Wallets are those of which a key may be here.
	Wallets() []token.WalletID
	// KeysOf are the keys that may be a wallet's, the likeliest first. Opening one may ask its owner for a passphrase.
	KeysOf(id token.WalletID) []func() (token.Signer, error)
	// Kept are sessions that were opened before and have not ended, by node; Keep keeps one until it ends. A failure to
	// keep one costs only another sign-in.
	Kept() map[string][]Session
	Keep(base string, s Session)
}

// door is a client's sessions.
type door struct {
	network token.NetworkID // zero where it is not known yet: the challenge says it
	keys    Keyring

	mu   sync.Mutex // over what follows; a sign-in is asked for without it
	open map[where]Session
	kept map[where]bool            // those of open that an earlier run left: the node may have forgotten them
	last map[string]token.WalletID // by node
}

// where is a wallet at a node: a session is of one run of one node.
type where struct {
	base   string
	wallet token.WalletID
}

// UseKeys has the client open a session with a wallet's own key when the node asks for access to what is read of it.
func (c *Client) UseKeys(network token.NetworkID, keys Keyring) {
	d := &door{network: network, keys: keys, open: map[where]Session{}, kept: map[where]bool{},
		last: map[string]token.WalletID{}}
	for base, sessions := range keys.Kept() {
		for _, s := range sessions {
			at := where{base, s.Wallet}
			d.open[at], d.kept[at], d.last[base] = s, true, s.Wallet
		}
	}
	c.door = d
}

// UseAccess has the client show an access token where it has none; an empty one changes nothing. Not while a request
// is under way.
func (c *Client) UseAccess(access string) {
	if c.access == "" {
		c.access = access
	}
}

// maxTried bounds the wallets and keys with which a client tries to be let in for one request.
const maxTried = 8

// bearer is the access for a path: the client's token, or the session of the wallet that the path names.
func (c *Client) bearer(base, path string) string {
	if c.access != "" || c.door == nil {
		return c.access
	}
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	id, named := walletOf(path)
	if !named {
		id = c.door.last[base]
	}
	return c.door.open[where{base, id}].Token
}

// walletOf is the wallet that a path names.
func walletOf(path string) (id token.WalletID, named bool) {
	rest, ok := strings.CutPrefix(path, "/v1/wallets/")
	if !ok {
		rest, ok = strings.CutPrefix(path, draftsOf)
	}
	if !ok || len(rest) < 2*len(id) {
		return id, false
	}
	return id, id.UnmarshalText([]byte(rest[:2*len(id)])) == nil
}

// knock opens a session for a path that the node would not answer; false when none can be opened, or none is to be.
// Where the path names no wallet, one whose session was refused is passed over, unless an earlier run left it: then
// the node may have been started again since. The lock is not held while keys are opened, which may ask a person, nor
// while the node is asked.
func (c *Client) knock(ctx context.Context, base, path, refused string) bool {
	if c.access != "" || c.door == nil || strings.HasPrefix(path, "/v1/sessions") {
		return false
	}
	id, named := walletOf(path)
	wallets := []token.WalletID{id}
	if !named {
		wallets = c.door.keys.Wallets()
	}
	for _, id := range wallets[:min(len(wallets), maxTried)] {
		c.door.mu.Lock()
		at := where{base, id}
		tried := refused != "" && c.door.open[at].Token == refused
		if tried {
			delete(c.door.open, at) // it ended
			tried = !c.door.kept[at]
			delete(c.door.kept, at)
		}
		c.door.mu.Unlock()
		if tried && !named {
			continue
		}
		for i, open := range c.door.keys.KeysOf(id) {
			if i == maxTried {
				break
			}
			key, err := open()
			if err != nil {
				continue
			}
			if session, err := c.openSession(ctx, base, c.door.network, id, key); err == nil {
				c.door.mu.Lock()
				c.door.open[at], c.door.last[base] = session, id
				c.door.mu.Unlock()
				c.door.keys.Keep(base, session)
				return true
			}
		}
	}
	return false
}

// openSession signs in at a node for a wallet with its key. The origin that is signed is the one that was dialled: a
// node in between could otherwise pass the challenge of another on, and be signed in there.
func (c *Client) openSession(ctx context.Context, base string, network token.NetworkID, wallet token.WalletID,
	key token.Signer) (session Session, err error) {
	origin, err := Origin(base)
	if err != nil {
		return session, err
	}
	var challenge Challenge
	if err := c.postTo(ctx, base, "/v1/sessions/challenges", map[string]any{"wallet": wallet}, &challenge); err != nil {
		return session, err
	}
	raw, err := hex.DecodeString(challenge.Challenge)
	if err != nil || len(raw) != token.SessionChallengeBytes {
		return session, fmt.Errorf("the node's challenge is not one: %q", challenge.Challenge)
	}
	if network == (token.NetworkID{}) {
		network = challenge.Network
	}
	signature, err := key.Sign(token.SessionDigest(network, wallet, origin, [token.SessionChallengeBytes]byte(raw)))
	if err != nil {
		return session, err
	}
	return session, c.postTo(ctx, base, "/v1/sessions", SignIn{wallet, origin, challenge.Challenge, signature},
		&session)
}

// postTo posts a value to one node, without access, and reads the answer. It does not go on to another node: a
// challenge can be answered only where it was made.
func (c *Client) postTo(ctx context.Context, base, path string, in, out any) error {
	content, err := json.Marshal(in)
	if err != nil {
		return err
	}
	response, err := c.sendAs(ctx, "", base, http.MethodPost, path, "application/json", content)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if content, err = readAnswer(response, "POST "+path); err != nil {
		return err
	}
	return json.Unmarshal(content, out)
}

// refusedAccess says whether an answer asks for access that a session may give.
func refusedAccess(response *http.Response) bool {
	return response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden
}
