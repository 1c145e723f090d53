package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// The door of those who hold a wallet's key: the key opens what is read of the wallet, and nobody else's access is
// needed. A challenge and a session are authenticated by a secret of this run, and nothing of them is kept before a
// signature holds: who asks for many costs nothing but the asking.

// RoleHolder reads the wallet whose key it signed with.
const RoleHolder AccessRole = "holder"

// How long a challenge may be answered, and a session lasts.
const (
	challengeLasts = time.Minute
	sessionLasts   = 15 * time.Minute
)

// codeSignIn is the code of a session that is not opened; which of the reasons it was is not told.
const codeSignIn = "sign-in-refused"

// Challenge is what a wallet's key is to sign.
type Challenge struct {
	Challenge string `json:"challenge" doc:"48 bytes, hexadecimal: sign SHA-256(\"aqsha session v1\" ‖ 0 ‖ network ‖ wallet ‖ SHA-256(origin) ‖ challenge), the origin being the scheme, host and port that you dialled"`
	Expires   uint64 `json:"expires_millis" doc:"Unix milliseconds; it can be used once"`
	// The network goes with it, so that nobody has to ask for that first.
	Network token.NetworkID `json:"network" doc:"part of what is signed"`
}

// Session opens the reads of one wallet.
type Session struct {
	Token   string         `json:"token" doc:"pass it as Authorization: Bearer"`
	Wallet  token.WalletID `json:"wallet"`
	Expires uint64         `json:"expires_millis" doc:"Unix milliseconds; a new key of the wallet ends it before"`
}

// SignIn asks for a session.
type SignIn struct {
	Wallet    token.WalletID  `json:"wallet"`
	Origin    string          `json:"origin" doc:"scheme, host and port as you dialled them, such as https://tenge.example.kz"`
	Challenge string          `json:"challenge"`
	Signature token.Signature `json:"signature"`
}

// sessions makes and knows challenges and sessions. Neither is kept: each carries a MAC under a secret of this run, so
// that a restart ends them all, and strangers who ask for challenges cost no memory. Only a challenge that was used is,
// until it would have ended anyway. used is as small as what was signed in within a minute.
type sessions struct {
	secret [32]byte // of this run; read without a lock

	mu      sync.Mutex             // over the maps
	origins map[string]bool        // at which clients dial, as the configuration says
	local   map[string]bool        // the names of a loopback address
	used    map[[16]byte]time.Time // challenges that opened a session, until they end by themselves
}

func newSessions() *sessions {
	s := &sessions{origins: map[string]bool{}, local: map[string]bool{}, used: map[[16]byte]time.Time{}}
	_, _ = rand.Read(s.secret[:])
	return s
}

// Origin is the origin of a URL in the form that is signed: scheme, host in lower case, and the port unless it is the
// scheme's own.
func Origin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("%q is not an origin such as https://tenge.example.kz", text)
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && !(u.Scheme == "http" && port == "80") &&
		!(u.Scheme == "https" && port == "443") {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

// add adds an origin of the listener's. What is no origin is left out: it was not dialled either.
func (s *sessions) add(text string) {
	if origin, err := Origin(text); err == nil {
		s.mu.Lock()
		s.local[origin] = true
		s.mu.Unlock()
	}
}

// listens adds the names of a loopback address: whoever dials it stands on this machine.
func (s *sessions) listens(address net.Addr) {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
			s.add(fmt.Sprintf("http://%s:%d", host, tcp.Port))
		}
	}
}

// mac is HMAC-SHA-256 under the run's secret. The first part says what for, so that no challenge passes for a session.
func (s *sessions) mac(parts ...[]byte) []byte {
	m := hmac.New(sha256.New, s.secret[:])
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// challenge is random bytes, their end, and a code over both and the wallet.
func (s *sessions) challenge(wallet token.WalletID,
	now time.Time) (c [token.SessionChallengeBytes]byte, ends time.Time) {
	ends = now.Add(challengeLasts)
	_, _ = rand.Read(c[:16])
	binary.BigEndian.PutUint64(c[16:], uint64(ends.UnixMilli()))
	copy(c[24:], s.mac([]byte("challenge"), c[:24], wallet[:]))
	return c, ends
}

// stands says whether a challenge was made here for the wallet, and can still be answered.
func (s *sessions) stands(c [token.SessionChallengeBytes]byte, wallet token.WalletID, now time.Time) bool {
	return hmac.Equal(c[24:], s.mac([]byte("challenge"), c[:24], wallet[:])[:24]) &&
		uint64(now.UnixMilli()) < binary.BigEndian.Uint64(c[16:])
}

// ours says whether clients of this node dial an origin.
func (s *sessions) ours(origin string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.origins[origin] || s.local[origin]
}

// use uses a challenge up; false when it was used before, or somebody is faster. There is no other look at it. It is
// asked last, after the signature: a stranger cannot use up somebody's challenge.
func (s *sessions) use(c [token.SessionChallengeBytes]byte, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for nonce, ends := range s.used {
		if now.After(ends) {
			delete(s.used, nonce)
		}
	}
	if _, used := s.used[[16]byte(c[:16])]; used {
		return false
	}
	s.used[[16]byte(c[:16])] = now.Add(challengeLasts)
	return true
}

// sessionPrefix tells a session from an access token.
const sessionPrefix = "aqs1."

// keyMark stands for a key in a session.
func keyMark(key token.PublicKey) [8]byte {
	sum := sha256.Sum256(key[:])
	return [8]byte(sum[:])
}

// open makes a session's token: wallet (16 bytes), mark of the key (8), end (8, big-endian milliseconds) and the MAC
// over them, 64 bytes in base64. Nothing of it is kept.
func (s *sessions) open(wallet token.WalletID, key token.PublicKey, ends time.Time) string {
	mark := keyMark(key)
	body := append(append([]byte(nil), wallet[:]...), mark[:]...)
	body = binary.BigEndian.AppendUint64(body, uint64(ends.UnixMilli()))
	return sessionPrefix + base64.RawURLEncoding.EncodeToString(append(body, s.mac([]byte("session"), body)...))
}

// read is the access that a session's token gives; nil if it gives none. Whether the key is the wallet's still, whoever
// reads the wallet asks (Access.holds).
func (s *sessions) read(text string, now time.Time) *Access {
	encoded, ok := strings.CutPrefix(text, sessionPrefix)
	if !ok || len(encoded) > 128 {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(raw) != 32+sha256.Size || !hmac.Equal(raw[32:], s.mac([]byte("session"), raw[:32])) ||
		uint64(now.UnixMilli()) >= binary.BigEndian.Uint64(raw[24:]) {
		return nil
	}
	return &Access{Name: "holder", Role: RoleHolder, wallet: token.WalletID(raw[:16]), key: [8]byte(raw[16:24]),
		ends: time.UnixMilli(int64(binary.BigEndian.Uint64(raw[24:])))}
}

// registerSessions serves challenges and sessions.
func (s *Server) registerSessions() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "make-challenge", Method: http.MethodPost,
		Path:    "/v1/sessions/challenges",
		Summary: "A challenge that a wallet's key signs to open a session"}, byAnybody),
		func(_ context.Context, in *struct {
			Body struct {
				Wallet token.WalletID `json:"wallet"`
			}
		}) (*answer[Challenge], error) {
			c, ends := s.sessions.challenge(in.Body.Wallet, time.Now())
			return ok(Challenge{hex.EncodeToString(c[:]), uint64(ends.UnixMilli()), s.node.Network()}, nil)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "open-session", Method: http.MethodPost,
		Path:    "/v1/sessions",
		Summary: "Open a session in which a wallet is read by who holds its key",
		Description: "The session reads the wallet, its tokens, history, contracts and transactions, and sets its " +
			"tokens aside for payments. It lasts fifteen minutes, and ends when the wallet gets another key. The " +
			"wallet's recovery key opens one too."}, bySignature, http.StatusUnauthorized),
		func(ctx context.Context, in *struct{ Body SignIn }) (*answer[Session], error) {
			return ok(s.signIn(ctx, in.Body))
		})
}

func signInRefused() *Problem {
	return newProblem(http.StatusUnauthorized, codeSignIn, "signature",
		"the challenge is not answered: it is of another wallet, origin or node, used or older than a minute, or the "+
			"signature is not by the wallet's key or its recovery key")
}

// signIn opens a session. All refusals are one: nobody learns so which wallets there are.
func (s *Server) signIn(ctx context.Context, in SignIn) (Session, error) {
	refused := signInRefused()
	now := time.Now()
	raw, err := hex.DecodeString(in.Challenge)
	if err != nil || len(raw) != token.SessionChallengeBytes {
		return Session{}, refused
	}
	challenge := [token.SessionChallengeBytes]byte(raw)
	w, signed, err := s.signedBy(ctx, in, challenge, token.SessionDigest(s.node.Network(), in.Wallet, in.Origin,
		challenge), now, true)
	if err != nil {
		return Session{}, err
	}
	if !signed {
		return Session{}, refused
	}
	ends := now.Add(sessionLasts)
	return Session{s.sessions.open(in.Wallet, w.Key, ends), in.Wallet, uint64(ends.UnixMilli())}, nil
}

// signedBy says whether the wallet's present key, or its recovery key where that may, has signed a digest over a
// challenge of this node, at one of its origins, and uses the challenge up.
func (s *Server) signedBy(ctx context.Context, in SignIn, challenge [token.SessionChallengeBytes]byte, digest [32]byte,
	now time.Time, mayRecover bool) (w ledger.Wallet, signed bool, err error) {
	if !s.sessions.ours(in.Origin) || !s.sessions.stands(challenge, in.Wallet, now) {
		return w, false, nil
	}
	found := false
	var recovery token.PublicKey
	if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		w, found = state.Wallet(in.Wallet)
		recovery = state.Detail(in.Wallet).Recovery
	}); err != nil {
		return w, false, err
	}
	// Who can take the wallet at once with the recovery key may read it: the new key is signed for its present version.
	bySelf := found && w.Key.Usable() && token.Verify(w.Key, digest, &in.Signature)
	byRecovery := found && mayRecover && recovery.Usable() && token.Verify(recovery, digest, &in.Signature)
	if !bySelf && !byRecovery {
		return w, false, nil
	}
	return w, s.sessions.use(challenge, now), nil
}

// holds says whether an access is the session of a wallet's present key.
func (a *Access) holds(id token.WalletID, w ledger.Wallet) bool {
	mark := keyMark(w.Key)
	return a.ofWallet() && a.wallet == id && bytes.Equal(a.key[:], mark[:]) && time.Now().Before(a.ends)
}
